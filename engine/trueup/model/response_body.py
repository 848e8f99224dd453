"""The body of a response, read within limits: no body keeps a command waiting for ever."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

LARGEST_BODY = 64 * 1024 * 1024
"""Bytes of one response that are read; a page of 500 wide records has about two million."""


class EndlessBody(Exception):
    """A body is too large or takes too long. The text is the reason."""


def whole_body(chunks: Iterable[bytes], now: Callable[[], datetime], seconds: float) -> bytes:
    """Returns the whole body. Raises `EndlessBody`.

    A client's own timeout is that of one chunk; `seconds` are those of all. `now` is the clock.
    """
    until = now() + timedelta(seconds=seconds)
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > LARGEST_BODY:
            raise EndlessBody(f"a response that does not end: it has over {LARGEST_BODY:,} bytes")
        if now() > until:
            raise EndlessBody(f"a response that does not end: it takes over {seconds:g} seconds")
    return bytes(body)
