"""The body of one answer to a reading in; its rows, each with its own text, and its links out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.source.dataverse.client import Garbled
from engine.source.json_rows import BROKEN, JsonRows

NEXT, DELTA = "@odata.nextLink", "@odata.deltaLink"
VERSION = "@Microsoft.Dynamics.CRM.globalmetadataversion"
TAG = "@odata.etag"
_DELETED = "/$deletedEntity"


@dataclass(frozen=True, slots=True)
class Page:
    """Rows with the text that they had, keys of rows that are gone, and where to go on."""

    rows: Sequence[tuple[Mapping[str, object], str]] = ()
    gone: Sequence[str] = ()
    next: str = ""
    delta: str = ""
    version: str = ""  # changes with any change to the environment's definitions


def page(body: bytes) -> Page:
    """Raises Garbled for what is no page of rows."""
    try:
        walk = JsonRows(body.decode())
        found = list(walk.rows())
    except BROKEN:
        raise _garbled(body) from None
    if not body.lstrip().startswith(b"{"):
        raise _garbled(body)
    rows, gone = [], []
    for start, end, row in found:
        if not isinstance(row, dict):
            raise Garbled("a row of the answer is none")
        if str(row.get("@odata.context", "")).endswith(_DELETED):
            gone.append(str(row.get("id", "")))
        else:
            rows.append((row, walk.text[start:end]))
    links = {name: _link(walk.rest.get(name)) for name in (NEXT, DELTA)}
    return Page(rows, gone, links[NEXT], links[DELTA], str(walk.rest.get(VERSION) or ""))


def _garbled(body: bytes) -> Garbled:
    html = body.lstrip().startswith(b"<")
    return Garbled("the answer is HTML, not JSON" if html else "the answer is not a page of rows")


def _link(said: object) -> str:
    return said if isinstance(said, str) else ""
