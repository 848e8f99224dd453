"""What one client may use of the listener: time to send a request, and memory for its body.

A client that sends slowly holds a thread, and one that sends a large body holds memory. So a
request must be complete in time, and all bodies together are bounded: a body that does not fit yet
waits until others are done.
"""

import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition
from time import monotonic

from trueup.sandbox.http.responses import HttpError

LARGEST_BODY = 32 << 20  # bytes of one body, and of all bodies that are handled at a time
REQUEST_SECONDS = 30.0  # for the head of a request, and again for its body
IDLE_SECONDS = 300.0  # for which a connection may be open without a request
TOO_LARGE = "The request body is too large or its length is unknown."
_NO_ROOM = "Too many large requests at a time."


class RequestStream(io.RawIOBase):
    """Reads requests from a socket, each in limited time however slowly its bytes arrive.

    `TimeoutError` is raised for a request that takes longer.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._until: float | None = None  # None: no byte of the next request has arrived
        self._first = True

    def readable(self) -> bool:
        """Returns that it can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override] # narrower
        """Reads what has arrived, or waits for it."""
        if self._until is None and self._first:
            self._until = monotonic() + REQUEST_SECONDS  # the first request must follow at once
        left = IDLE_SECONDS if self._until is None else self._until - monotonic()
        if left <= 0:
            raise TimeoutError("the request took too long")
        self._connection.settimeout(left)
        size = self._connection.recv_into(buffer)
        if self._until is None:
            self._until = monotonic() + REQUEST_SECONDS
        return size

    def extend(self) -> None:
        """Gives the rest of the present request its full time again."""
        self._until = monotonic() + REQUEST_SECONDS

    def finish_request(self) -> None:
        """Ends the present request: its answer, and the next request, have their own time."""
        self._first, self._until = False, None
        self._connection.settimeout(REQUEST_SECONDS)


class BodyMemory:
    """The bytes of all bodies that are held at a time."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._held = 0
        self._closed = False

    @contextmanager
    def share(self) -> Iterator["BodyShare"]:
        """The bytes of one request, which are free again when the block ends."""
        share = BodyShare(self)
        try:
            yield share
        finally:
            self._add(-share.size)

    def take(self, size: int) -> None:
        """Waits until so many bytes are free, and takes them. Raises `HttpError` (503)."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or self._held + size <= LARGEST_BODY, timeout=REQUEST_SECONDS
            )
            if self._held + size > LARGEST_BODY:
                raise HttpError(_NO_ROOM, status=503, headers={"Retry-After": "5"})
            self._held += size

    def close(self) -> None:
        """Ends all waits: what does not fit now is refused."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _add(self, size: int) -> None:
        with self._changed:
            self._held += size
            self._changed.notify_all()


class BodyShare:
    """The bytes that the body of one request holds."""

    def __init__(self, memory: BodyMemory) -> None:
        self._memory = memory
        self.size = 0

    def take(self, size: int) -> None:
        """Takes more bytes. Raises `HttpError` if the body is too large or there is no room."""
        if not 0 <= size <= LARGEST_BODY - self.size:
            raise HttpError(TOO_LARGE, status=413)
        self._memory.take(size)
        self.size += size
