"""The server for assistants, and a client of the SDK that it is built with.

To load the SDK takes as long as to load trueup with all other tests, so tests load this module when
they run.
"""

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from trueup.cli.mcp_server import FAILED, answered, server

__all__ = ["FAILED", "Client", "StdioServerParameters", "answered", "server", "stdio_client"]
