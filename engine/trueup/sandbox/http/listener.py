"""HTTP/1.1 down to the socket: one thread for each connection, and connections that can be cut."""

import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedReader
from threading import Lock, Thread, current_thread

from trueup.sandbox.http import responses
from trueup.sandbox.http.client_limits import BodyMemory, BodyShare, RequestStream
from trueup.sandbox.http.request import Request
from trueup.sandbox.http.responses import HttpError, Response

_VERBS = ("GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS")
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_CLOSE_WITH_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds

ClientHandler = Callable[[Request, str], Response]
"""Handles a request from a client's address."""


class Listener(ThreadingHTTPServer):
    """Listens at one address. It knows its open connections, so that it can cut them."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128
    timeout = 0.02  # seconds that `handle_request` waits at most

    def __init__(self, address: tuple[str, int], handler: ClientHandler) -> None:
        self.handler = handler
        self.down = False  # no more responses are sent
        self.body_memory = BodyMemory()
        self._connections: dict[Thread, socket.socket] = {}
        self._lock = Lock()
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Connection)

    @property
    def address(self) -> tuple[str, int]:
        """The host and port that the socket is bound to."""
        host, port = self.socket.getsockname()[:2]
        return str(host), int(port)

    def server_bind(self) -> None:
        """Binds without the base class's look-up of the own host name, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)

    def add_connection(self, connection: socket.socket) -> None:
        """Notes the connection of the current thread."""
        with self._lock:
            self._connections[current_thread()] = connection

    def remove_connection(self) -> None:
        """Removes the connection of the current thread."""
        with self._lock:
            self._connections.pop(current_thread(), None)

    def wake(self) -> None:
        """Ends a wait for connections early, before the server stops."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def stop(self) -> list[Thread]:
        """Stops listening and cuts all connections; returns the threads that are still working."""
        self.down = True
        self.body_memory.close()
        self.socket.close()
        with self._lock:
            connections = dict(self._connections)
        for connection in connections.values():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        return list(connections)

    def handle_error(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        """Ignores a client that closed its connection; prints any other error, a defect."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Connection(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    error_content_type = "text/plain"
    error_message_format = "%(code)d %(message)s"
    server: Listener

    def setup(self) -> None:
        super().setup()
        self._stream = RequestStream(self.connection)
        self.rfile.close()
        self.rfile = BufferedReader(self._stream)
        self.server.add_connection(self.connection)

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.server.remove_connection()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base's name
        """Prints nothing: GET /sandbox/requests shows the requests."""

    def handle_any(self) -> None:
        """Handles one request of any verb."""
        with self.server.body_memory.share() as share:
            try:
                body = self._body(share)
            except HttpError as error:
                self.close_connection = True
                refusal = responses.errors(error.texts, status=error.status, headers=error.headers)
                self._send(refusal)
                return
            self._handle(body)

    def _handle(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        host = self.headers.get("Host") or "{}:{}".format(*self.server.address)
        headers = {name.lower(): value for name, value in self.headers.items()}
        # A TLS proxy in front says so, as OData's links must have the scheme that the client uses.
        scheme = "https" if headers.get("x-forwarded-proto") == "https" else "http"
        request = Request(self.command, path, query, headers, body, base=f"{scheme}://{host}")

        response = self.server.handler(request, str(self.client_address[0]))
        self._send(Response(drop_connection=True) if self.server.down else response)

    def _body(self, share: BodyShare) -> bytes:
        """Reads the body. Raises `HttpError`, or an `OSError` if the client stops sending."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks(share)

        header = self.headers.get("Content-Length", "0").strip()
        share.take(int(header) if header.isdecimal() else -1)
        length = share.size
        if not length:
            return b""
        self._stream.extend()  # the time in which others held the memory is not the client's

        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionAbortedError("the client closed the connection within its request")
        return body

    def _chunks(self, share: BodyShare) -> bytes:
        """Reads a chunked body. A chunk is its size in hexadecimal, its bytes, and a line end."""
        body = bytearray()
        while True:
            header = self.rfile.readline(64).split(b";")[0].strip()
            try:
                size = int(header, 16)
            except ValueError:
                raise HttpError("The chunked request body is broken.", status=400) from None
            share.take(size)

            body += self.rfile.read(size)
            self.rfile.readline(1024)
            if size == 0:
                return bytes(body)

    def _send(self, response: Response) -> None:
        """Sends a response in one piece, or drops the connection."""
        self._stream.finish_request()
        if response.drop_connection:
            if response.reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_WITH_RESET)
            self.close_connection = True
            return

        length = response.content_length
        if length is None:
            length = len(response.body)
        elif length != len(response.body):
            self.close_connection = True  # the client waits for bytes that never come

        headers = {
            "Content-Type": response.content_type,
            "Content-Length": str(length),
            **response.headers,
        }
        head = f"HTTP/1.1 {response.status} {_REASONS.get(response.status, '')}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        body = b"" if self.command == "HEAD" else response.body
        self.wfile.write(head.encode("latin-1") + b"\r\n" + body)


for _verb in _VERBS:
    setattr(_Connection, f"do_{_verb}", _Connection.handle_any)
