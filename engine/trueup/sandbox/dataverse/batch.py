"""Performs `$batch`: several requests in one, each on its own or together in a change set.

The body is multipart/mixed. A change set is all or nothing and holds no GET; inside it `$1` stands
for the address of the row that the request with Content-ID 1 wrote. After an error the rest of the
batch is performed only with `Prefer: odata.continue-on-error`. Source:
docs/explanation/work365.md, section 6.5.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from itertools import count

from msgspec import Struct, field
from msgspec.structs import replace

from trueup.sandbox.dataverse.address import API_PATH
from trueup.sandbox.dataverse.query_options import preferences
from trueup.sandbox.dataverse.reader import API
from trueup.sandbox.dataverse.responses import DataverseError, error_response
from trueup.sandbox.dataverse.store import RowStore
from trueup.sandbox.http.request import Request
from trueup.sandbox.http.responses import Response

LARGEST = 1000  # requests in one batch
_BOUNDARY = re.compile(r'boundary="?([^";\s]+)"?', re.IGNORECASE)
_REQUEST_LINE = re.compile(r"([A-Z]+) (\S.*?) HTTP/1\.1")
_CONTENT_REFERENCE = re.compile(r"\$(\w+)(?=[/?)]|$)")
_INHERITED = ("authorization", "odata-version", "odata-maxversion")

Answer = Callable[[Request], Response]
"""Answers one request. Raises `DataverseError`."""


class _Part(Struct, frozen=True):
    """One part of a multipart body."""

    headers: Mapping[str, str]
    content: str


class _ChangeSetRefusedError(Exception):
    """A request of a change set was refused, so that none of it takes effect."""

    def __init__(self, refusal: Response, content_id: str) -> None:
        super().__init__()
        self.refusal = refusal
        self.content_id = content_id


class Batch(Struct):
    """Performs the requests of one batch."""

    store: RowStore
    answer_one: Answer
    request: Request
    _left: Iterator[int] = field(default_factory=lambda: iter(range(LARGEST)))
    _took_effect: bool = False

    def answer(self) -> Response:
        """Performs the batch. Raises `DataverseError` if its body cannot be read."""
        boundary = _boundary_of(self.request.headers.get("content-type", ""))
        parts = _split(self.request.body.decode("utf-8", "replace"), boundary)
        if not parts:
            raise _malformed("The batch has no parts.")
        go_on = preferences(self.request).go_on

        numbers = count(1)
        outer = f"batchresponse_{self.store.facts.version}_{len(parts)}"
        shown = []
        for part in parts:
            text, failed = self._perform(part, f"changesetresponse_{next(numbers)}")
            shown.append(f"--{outer}\r\n{text}\r\n")
            if failed and not go_on:
                break
        body = "".join(shown) + f"--{outer}--\r\n"
        return Response(
            body=body.encode("utf-8", "replace"),
            content_type=f"multipart/mixed; boundary={outer}",
            headers={"OData-Version": "4.0"},
            took_effect=self._took_effect,
        )

    def _perform(self, part: _Part, boundary: str) -> tuple[str, bool]:
        """Performs a part; returns the part of the response, and whether it was refused."""
        if part.headers.get("content-type", "").lower().startswith("multipart/mixed"):
            return self._change_set(part, boundary)
        response = self._one(self._read(part, {}))
        return _as_part(response, part.headers.get("content-id", "")), _refused(response)

    def _change_set(self, part: _Part, boundary: str) -> tuple[str, bool]:
        inner = _split(part.content, _boundary_of(part.headers["content-type"]))
        written: dict[str, str] = {}  # addresses by Content-ID
        shown = []
        try:
            with self.store.writing():
                for number, change in enumerate(inner, 1):
                    content_id = change.headers.get("content-id", str(number))
                    response = self._change(change, content_id, written)
                    shown.append(f"--{boundary}\r\n{_as_part(response, content_id)}\r\n")
        except _ChangeSetRefusedError as error:
            shown = [f"--{boundary}\r\n{_as_part(error.refusal, error.content_id)}\r\n"]
            refused = True
        else:
            refused = False
            self._took_effect = True
        head = f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n"
        return f"{head}{''.join(shown)}--{boundary}--\r\n", refused

    def _change(self, change: _Part, content_id: str, written: dict[str, str]) -> Response:
        request = self._read(change, written)
        if request.verb == "GET":
            raise _malformed("A change set must not contain a GET request.")
        response = self._answered(request)
        if _refused(response):
            raise _ChangeSetRefusedError(response, content_id)
        written[content_id] = response.headers.get("OData-EntityId", "")
        return response

    def _one(self, request: Request) -> Response:
        response = self._answered(request)
        self._took_effect = self._took_effect or response.took_effect
        return response

    def _answered(self, request: Request) -> Response:
        if next(self._left, None) is None:
            raise _malformed(f"The batch exceeds the limit of {LARGEST} operations.")
        if request.path == f"{API}$batch":
            raise _malformed("A batch must not contain a batch.")
        try:
            return self.answer_one(request)
        except DataverseError as error:
            return error_response(error)

    def _read(self, part: _Part, written: Mapping[str, str]) -> Request:
        """Reads the request in a part. Raises `DataverseError` if it is none."""
        head, _, body = part.content.partition("\r\n\r\n")
        line, *rest = head.split("\r\n")
        match = _REQUEST_LINE.fullmatch(line.strip())
        if match is None:
            raise _malformed(f"'{line:.100}' is not a request line.")

        def address(reference: re.Match[str]) -> str:
            return written.get(reference[1], reference[0])

        target = _CONTENT_REFERENCE.sub(address, match[2]) if written else match[2]
        path, _, query = API_PATH.sub("", target, count=1).partition("?")
        own = _headers(rest)
        inherited = {
            name: value for name, value in self.request.headers.items() if name in _INHERITED
        }
        bound = re.sub(
            r'"\$(\w+)"', lambda found: f'"{written.get(found[1], "$" + found[1])}"', body
        )
        return replace(
            self.request,
            verb=match[1],
            path=f"{API}{path}",
            query=query,
            headers={**inherited, **own},
            body=(bound if written else body).strip().encode(),
        )


def _boundary_of(content_type: str) -> str:
    match = _BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/mixed") or match is None:
        raise _malformed("The Content-Type of a batch is multipart/mixed with a boundary.")
    return match[1]


def _split(body: str, boundary: str) -> list[_Part]:
    """Splits a multipart body. Raises `DataverseError` if its end is missing."""
    lines = re.sub(r"\r?\n", "\r\n", body)
    pieces = re.split(rf"(?:^|\r\n)--{re.escape(boundary)}(--)?[ \t]*(?:\r\n|$)", lines)
    # With the end marker as a group, the list is: before, marker, part, marker, part, …, after.
    texts, markers = pieces[2::2], pieces[1::2]
    if "--" not in markers:
        raise _malformed("The end of the batch is missing.")
    whole = [text for text, marker in zip(texts, markers, strict=True) if marker is None]
    return [_part(text) for text in whole]


def _part(text: str) -> _Part:
    head, _, content = text.partition("\r\n\r\n")
    return _Part(_headers(head.split("\r\n")), content.lstrip("\r\n"))


def _headers(lines: list[str]) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _as_part(response: Response, content_id: str) -> str:
    phrase = HTTPStatus(response.status).phrase
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id:
        lines.append(f"Content-ID: {content_id}")
    lines += ["", f"HTTP/1.1 {response.status} {phrase}"]
    if response.body:
        lines.append(f"Content-Type: {response.content_type}")
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    return "\r\n".join([*lines, "", response.body.decode("utf-8", "replace")])


def _refused(response: Response) -> bool:
    return response.status >= HTTPStatus.BAD_REQUEST


def _malformed(message: str) -> DataverseError:
    return DataverseError(400, "0x80048d19", f"Error identified in the batch: {message}")
