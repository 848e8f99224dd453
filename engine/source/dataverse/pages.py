"""The body of one answer to a reading in; its rows, its links, and, where asked for, each row's own text out."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.source.dataverse.client import Garbled
from engine.source.json_rows import BROKEN, DECODER, JsonRows
from engine.source.rows import Raw

NEXT, DELTA = "@odata.nextLink", "@odata.deltaLink"
COUNT = "@odata.count"
VERSION = "@Microsoft.Dynamics.CRM.globalmetadataversion"
TAG = "@odata.etag"
_DELETED = "/$deletedEntity"
_NEXT_LINK = re.compile(rb'"@odata\.nextLink"\s*:\s*("(?:[^"\\]|\\.)*")')


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, keys of rows that are gone, and where to go on. `body` is what came."""

    rows: Sequence[Raw] = ()
    gone: Sequence[str] = ()
    next: str = ""
    delta: str = ""
    version: str = ""  # changes with any change to the environment's definitions
    body: str = ""
    count: int = 0  # of all rows, where it was asked for; 5,000 if there are more

    def texts(self, key: str) -> Mapping[str, str]:
        """Each row as it came, by its column `key`."""
        rows = JsonRows(self.body).rows()
        return {str(row[key]): self.body[at:end] for at, end, row in rows if isinstance(row, dict) and key in row}


def page(body: bytes) -> Page:
    """Raises Garbled for what is no page of rows."""
    try:
        return page_of(body.decode().strip())
    except BROKEN:
        html = body.lstrip().startswith(b"<")
        raise Garbled("the answer is HTML, not JSON" if html else "the answer is not a page of rows") from None


def page_of(text: str) -> Page:
    """The same for a text that was decoded. Raises BROKEN."""
    said, end = DECODER.raw_decode(text)
    found = said.get("value") if isinstance(said, dict) else None
    if end != len(text) or not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise ValueError
    gone = [str(row.get("id", "")) for row in found if _is_gone(row)]
    rows = [row for row in found if not _is_gone(row)] if gone else found
    links = {name: _link(said.get(name)) for name in (NEXT, DELTA)}
    count = said.get(COUNT)
    version = str(said.get(VERSION) or "")
    return Page(rows, gone, links[NEXT], links[DELTA], version, text, count if isinstance(count, int) else 0)


def next_link(body: bytes) -> str:
    """The link to the next page, found without reading the page; empty if there is none.

    A text inside a row cannot look like it: its quotes would be escaped.
    """
    found = _NEXT_LINK.search(body)
    return str(json.loads(found[1])) if found else ""


def _is_gone(row: Raw) -> bool:
    return "@odata.context" in row and str(row["@odata.context"]).endswith(_DELETED)


def _link(said: object) -> str:
    return said if isinstance(said, str) else ""
