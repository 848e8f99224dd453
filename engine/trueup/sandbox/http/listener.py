"""HTTP/1.1 down to the socket: a thread for each connection, answers in one piece, lines that can be cut."""

import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread, current_thread

from engine.sandbox import answers
from engine.sandbox.answers import Answer, Refused
from engine.sandbox.request import Request

LARGEST_BODY = 32 << 20
_VERBS = ("GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS")
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_NO_LINGER = struct.pack("ii", 1, 0)  # close with a reset

Answerer = Callable[[Request, str], Answer]
"""Gives the answer to a request from a client's address."""


class Listener(ThreadingHTTPServer):
    """Listens at one address; knows its connections, to cut them."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128
    timeout = 0.02  # seconds that `handle_request` waits at most

    def __init__(self, address: tuple[str, int], answerer: Answerer) -> None:
        self.answerer = answerer
        self.down = False  # nothing is answered any more
        self._lines: dict[Thread, socket.socket] = {}
        self._lock = Lock()
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Line)

    @property
    def place(self) -> tuple[str, int]:
        """Host and port as they are."""
        host, port = self.socket.getsockname()[:2]
        return str(host), int(port)

    def server_bind(self) -> None:
        """Without the base's look-up of our own name, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)

    def opened(self, line: socket.socket) -> None:
        """A connection has come, in this thread."""
        with self._lock:
            self._lines[current_thread()] = line

    def gone(self) -> None:
        """This thread's connection has gone."""
        with self._lock:
            self._lines.pop(current_thread(), None)

    def wake(self) -> None:
        """Ends a wait for connections before its time, for one that is about to leave."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def leave(self) -> list[Thread]:
        """Stops listening and cuts every connection; the threads that still have work to end."""
        self.down = True
        self.socket.close()
        with self._lock:
            lines = dict(self._lines)
        for line in lines.values():
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        return list(lines)

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """A client that went away is no news; anything else is a fault of ours."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Line(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    error_content_type = "text/plain"
    error_message_format = "%(code)d %(message)s"
    server: Listener

    def setup(self) -> None:
        super().setup()
        self.server.opened(self.connection)

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.server.gone()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base's name
        """Nothing: the request log is at /sandbox/requests."""

    def handle_any(self) -> None:
        """One request, whatever its verb."""
        try:
            body = self._body()
        except Refused as refused:
            self.close_connection = True
            self._send(answers.refusal(refused))
            return
        path, _, query = self.path.partition("?")
        host = self.headers.get("Host") or "{}:{}".format(*self.server.place)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, path, query, headers, body, base=f"http://{host}")
        answer = self.server.answerer(request, str(self.client_address[0]))
        self._send(Answer(cut_line=True) if self.server.down else answer)

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        said = self.headers.get("Content-Length", "0").strip()
        length = int(said) if said.isdecimal() else -1
        if not 0 <= length <= LARGEST_BODY:
            raise Refused("The request body is too large or its length is not known.", status=413)
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionAbortedError("the client went away in the middle of its request")
        return body

    def _chunks(self) -> bytes:
        body = b""
        while True:
            said = self.rfile.readline(64).split(b";")[0].strip()
            try:
                size = int(said, 16)
            except ValueError:
                raise Refused("The chunked request body is broken.", status=400) from None
            if size < 0 or len(body) + size > LARGEST_BODY:
                raise Refused("The request body is too large or its length is not known.", status=413)
            body += self.rfile.read(size)
            self.rfile.readline(1024)
            if size == 0:
                return body

    def _send(self, answer: Answer) -> None:
        """Everything in one piece; or nothing, and the line cut."""
        if answer.cut_line:
            if answer.reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            self.close_connection = True
            return
        length = len(answer.body) if answer.announce is None else answer.announce
        self.close_connection |= length != len(answer.body)
        told = {"Content-Type": answer.content_type, "Content-Length": str(length), **answer.headers}
        head = f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, '')}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in told.items())
        body = b"" if self.command == "HEAD" else answer.body
        self.wfile.write(head.encode("latin-1") + b"\r\n" + body)


for _verb in _VERBS:
    setattr(_Line, f"do_{_verb}", _Line.handle_any)
