"""Runs clients that other people wrote, unmodified, against a Dataverse sandbox on this machine.

`python -m tests.clients.run <folder>` expects the clients in `<folder>/python` (a virtual
environment) and `<folder>/node_modules`, where `make test-clients` installs them. It ends with exit
code 1 if a client passes fewer calls than it needs.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from trueup.config.catalogues import load_tables
from trueup.sandbox.dataverse.server import DataverseSandbox, Environment

from tests.clients.tls_front import tls_front
from tests.support.paths import SCHEMAS

HERE = Path(__file__).parent
SECONDS = 300  # for one client
CLIENTS = (("python_sdk.py", 38), ("dynamics_web_api.cjs", 46), ("dataverse_webapi.cjs", 13))
"""Scripts, each with the number of calls that must pass; a new version of a client may lose two."""


def token_of(sandbox: DataverseSandbox, resource: str) -> str:
    """Logs in at the sandbox; `resource` is the address that clients use."""
    environment = sandbox.environment
    form = {
        "grant_type": "client_credentials",
        "client_id": environment.client_id,
        "client_secret": environment.client_secret,
        "scope": f"{resource}/.default",
    }
    request = Request(  # noqa: S310 -- the sandbox's own address
        f"{sandbox.url}/{environment.tenant}/oauth2/v2.0/token",
        urlencode(form).encode(),
        {"Host": resource.partition("://")[2], "X-Forwarded-Proto": "https"},
    )
    with build_opener(ProxyHandler({})).open(request, timeout=30) as response:
        return str(json.load(response)["access_token"])


def run(script: str, needed: int, folder: Path) -> bool:
    """Runs one client against a sandbox of its own; returns whether enough calls passed."""
    tables = load_tables(SCHEMAS / "work365.yaml")
    with (
        tempfile.TemporaryDirectory() as work,
        DataverseSandbox(tables, {}, Environment()) as sandbox,
        tls_front(sandbox.url, Path(work)) as (url, certificate),
    ):
        programs = folder / "python" / "bin"
        runner = "node" if script.endswith("cjs") else str(programs / "python")
        environment = {
            **os.environ,
            "PATH": f"{os.environ['PATH']}{os.pathsep}{programs}",  # with node where it is lacking
            "REQUESTS_CA_BUNDLE": str(certificate),
            "NODE_EXTRA_CA_CERTS": str(certificate),
            "NODE_PATH": str(folder / "node_modules"),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }
        found = shutil.which(runner, path=environment["PATH"]) or runner
        command = [found, str(HERE / script), url, token_of(sandbox, url), str(needed)]
        done = subprocess.run(command, env=environment, timeout=SECONDS, check=False)
    return done.returncode == 0


def main() -> None:
    folder = Path(sys.argv[1]).absolute()
    results = [run(script, needed, folder) for script, needed in CLIENTS]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
