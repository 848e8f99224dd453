"""The whole state without its lock as JSON, and back.

One document: `format`, lineage, serial, the end of the journal, and a list for each table. Each row
is on a line of its own, so that two exports can be compared with any text tool.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from trueup.errors import StateError
from trueup.state import rows
from trueup.state.access import Transaction
from trueup.state.values import UNREADABLE, canonical
from trueup.state.verify import verify

FORMAT = 1
"""Version of the document."""

_TABLES = {
    "links": ("read_links", "put_link"),
    "applied": ("read_applied", "put_applied"),
    "pushed": ("read_pushed", "put_pushed"),
    "runs": ("read_runs", "add_run"),
    "journal": ("read_lines", "add_line"),
}
_JSON = frozenset({"fields", "proof", "data"})
"""Columns that hold JSON; it is exported as JSON, not as text."""

_STATE = ("lineage", "serial", "lines", "head")
"""Columns of `read_state`."""


def export(transaction: Transaction) -> str:
    """The document. Raises `ValueError` if a column that holds JSON holds other text."""
    [row] = transaction.rows("read_state")
    state = zip(_STATE, row, strict=True)
    parts = [
        f'"format":{FORMAT}',
        *(f"{canonical(name)}:{canonical(value)}" for name, value in state),
    ]
    for table, (read, _) in _TABLES.items():
        lines = ",\n".join(canonical(row) for row in _exported(transaction, read))
        parts.append(f"{canonical(table)}:[\n{lines}\n]" if lines else f"{canonical(table)}:[]")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def restore(transaction: Transaction, text: str, name: str) -> None:
    """Fills an empty state inside a transaction.

    Raises `StateError` if the state is not empty, or the text is no export or was changed.
    """
    [(used,)] = transaction.rows("is_used")
    if used:
        raise StateError(f"{name} is not empty: import into a new one, or move this one away first")
    try:
        _fill(transaction, _document(text))
        _read_all(transaction)
        findings = verify(transaction)
    except UNREADABLE as error:
        raise StateError("this is not an export of a trueup state, or not a whole one") from error
    if findings:
        raise StateError(f"this export was changed after it was written: {findings[0].text}")


def _exported(transaction: Transaction, read: str) -> Iterator[Mapping[str, Any]]:
    names = transaction.columns(read)
    for row in transaction.rows(read):
        yield {
            name: json.loads(value) if name in _JSON else value
            for name, value in zip(names, row, strict=True)
        }


def _document(text: str) -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads(text)
    if document["format"] != FORMAT:
        raise StateError(
            f"this export has format {document['format']}, this trueup reads {FORMAT}: "
            "use a trueup that reads that format"
        )
    return document


def _fill(transaction: Transaction, document: Mapping[str, Any]) -> None:
    for table, (read, put) in _TABLES.items():
        names = transaction.columns(read)
        transaction.restore(
            put,
            (
                [canonical(row[name]) if name in _JSON else row[name] for name in names]
                for row in document[table]
            ),
        )
    transaction.do("restore_state", {name: document[name] for name in _STATE})


def _read_all(transaction: Transaction) -> None:
    """Reads every value, which raises an error of `UNREADABLE` if one is not what it must be."""
    rows.links(transaction.rows("read_links"))
    rows.applied(transaction.rows("read_applied"))
    rows.pushed(transaction.rows("read_pushed"))
    for row in transaction.rows("read_runs"):
        rows.run(row)
    for row in transaction.rows("read_all_entries"):
        rows.entry(row)
