"""Parses the body of one page of rows: the rows, the links, and on demand the text of each row.

Facts: docs/explanation/work365.md, sections 6.2 (paging) and 6.3 (change tracking).
"""

import json
import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from trueup.source.column_reader import RawRow
from trueup.source.dataverse.errors import MalformedBody
from trueup.source.json_rows import DECODER, JSON_ERRORS, JsonRows, is_deleted

NEXT_LINK, DELTA_LINK = "@odata.nextLink", "@odata.deltaLink"
COUNT = "@odata.count"
METADATA_VERSION = "@Microsoft.Dynamics.CRM.globalmetadataversion"
ETAG = "@odata.etag"
_NEXT_LINK_IN_BODY = re.compile(rb'"@odata\.nextLink"\s*:\s*("(?:[^"\\]|\\.)*")')


class ODataPage(Struct, frozen=True):
    """One page of rows. `body` is the text that was received."""

    rows: Sequence[RawRow] = ()
    deleted: Sequence[str] = ()  # keys
    next: str = ""
    delta: str = ""
    version: str = ""  # of all definitions of the environment
    body: str = ""
    count: int = 0  # of all rows, if it was requested; Dataverse reports 5,000 at most

    def row_texts(self, key: str) -> Mapping[str, str]:
        """Returns the text of each row by its column `key`."""
        rows = JsonRows(self.body).rows()
        return {
            str(row[key]): self.body[start:end]
            for start, end, row in rows
            if isinstance(row, dict) and key in row
        }


def page_from_body(body: bytes) -> ODataPage:
    """Parses a body. Raises `MalformedBody` if it is not a page of rows."""
    try:
        return page_from_text(body.decode().strip())
    except JSON_ERRORS:
        is_html = body.lstrip().startswith(b"<")
        reason = "HTML, not JSON" if is_html else "not a page of rows"
        raise MalformedBody(f"the answer is {reason}") from None


def page_from_text(text: str) -> ODataPage:
    """Parses a decoded body. Raises one of `JSON_ERRORS` if it is not a page of rows."""
    document, end = DECODER.raw_decode(text)
    entries = document.get("value") if isinstance(document, dict) else None
    if (
        end != len(text)
        or not isinstance(entries, list)
        or not all(isinstance(entry, dict) for entry in entries)
    ):
        raise ValueError("not a page of rows")

    deleted = [str(entry.get("id", "")) for entry in entries if is_deleted(entry)]
    count = document.get(COUNT)
    return ODataPage(
        rows=[entry for entry in entries if not is_deleted(entry)] if deleted else entries,
        deleted=deleted,
        next=_link(document.get(NEXT_LINK)),
        delta=_link(document.get(DELTA_LINK)),
        version=str(document.get(METADATA_VERSION) or ""),
        body=text,
        count=count if isinstance(count, int) else 0,
    )


def next_link_in(body: bytes) -> str:
    """Returns the link to the next page without parsing the page; empty if there is none.

    A text inside a row cannot be mistaken for it, because its quotes would be escaped.
    """
    match = _NEXT_LINK_IN_BODY.search(body)
    return str(json.loads(match[1])) if match else ""


def _link(value: object) -> str:
    return value if isinstance(value, str) else ""
