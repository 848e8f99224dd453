"""Responses before they are sent, and errors that become responses."""

import json
from collections.abc import Mapping, Sequence

from msgspec import Struct

JSON_TYPE = "application/json; charset=utf-8"
HTML_TYPE = "text/html"


class HttpError(Exception):
    """A request is refused and has changed nothing; `texts` are the errors to send."""

    def __init__(
        self, *texts: str, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__("; ".join(texts))
        self.texts = texts
        self.status = status
        self.headers = dict(headers or {})


class Response(Struct, frozen=True):
    """One response, ready to send."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = {}
    took_effect: bool = False  # a write was committed
    drop_connection: bool = False  # send nothing and close the connection
    reset: bool = False  # close it with a reset (RST), not in an orderly way (FIN)
    content_length: int | None = None  # a wrong Content-Length to send; None: the real one
    restart: float | None = None  # seconds for which the server is down after this response
    fault: str = ""  # the faults that shaped the response, for the traffic record


def as_json(document: object, *, status: int = 200, took_effect: bool = False) -> Response:
    """Returns a JSON response."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return Response(status=status, body=text.encode("utf-8", "replace"), took_effect=took_effect)


def errors(
    texts: Sequence[str], *, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    """Returns a response with the JSON `{"errors": [text, …]}`."""
    body = as_json({"errors": list(texts)}).body
    return Response(status=status, body=body, headers=headers or {})
