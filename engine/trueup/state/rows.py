"""Values of the model as rows and back; the columns are in the order of `queries.sql`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from trueup.model.links import Links
from trueup.model.run import Entry, Link, Pushed, Run, RunStatus, Step, is_entry_data
from trueup.state.values import ForeignValue, decode, encode

Key = tuple[str, str]
Row = tuple[Any, ...]

_LINK = (str, str, str, int, str)
_PUSHED = (str, str, int, str, int, str, str, str, int, int)
_RUN = (str, str, str, str, str, str, str, (str, type(None)), str, (str, type(None)))
_ENTRY = (str, str, str, str, int)
"""Types of the columns."""

_CHUNK = 500
"""Texts that are parsed at once: one call costs less than many, and field names are shared."""


def link_row(link: Link) -> Row:
    """Columns of `put_link`."""
    return link.mapping, link.key, link.entity, link.record, link.how


def links(rows: Iterable[Row]) -> Links:
    """Rows of `read_links`."""
    return Links(Link(*_typed(row, _LINK)) for row in rows)


def applied_row(key: Key, fields: Mapping[str, object]) -> Row:
    """Columns of `put_applied`."""
    return *key, encode(fields)


def applied(rows: Sequence[Row]) -> dict[Key, Mapping[str, object]]:
    """Rows of `read_applied`. Raises `ValueError` for text that `encode` never wrote."""
    applied: dict[Key, Mapping[str, object]] = {}
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        values = decode("[" + ",".join(row[2] for row in chunk) + "]")
        if not all(isinstance(fields, Mapping) for fields in values):
            raise ForeignValue("applied values")
        applied.update(zip((row[:2] for row in chunk), values, strict=True))
    return applied


def pushed_row(pushed: Pushed) -> Row:
    """Columns of `put_pushed`."""
    return (
        pushed.mapping,
        pushed.key,
        pushed.record,
        pushed.day.isoformat(),
        pushed.units,
        pushed.change,
        pushed.run,
        encode(pushed.proof),
        int(pushed.marked),
        int(pushed.undone),
    )


def pushed(rows: Iterable[Row]) -> dict[Key, Pushed]:
    """Rows of `read_pushed`."""
    return {row[:2]: _pushed(row) for row in rows}


def _pushed(row: Row) -> Pushed:
    mapping, key, record, day, units, change, run, proof, marked, undone = _typed(row, _PUSHED)
    rows_of_proof = decode(proof)
    if not isinstance(rows_of_proof, list) or not all(
        isinstance(one, Mapping) for one in rows_of_proof
    ):
        raise ForeignValue("a proof")
    return Pushed(
        mapping,
        key,
        record,
        date.fromisoformat(day),
        units,
        change,
        run,
        tuple(rows_of_proof),
        bool(marked),
        bool(undone),
    )


def row_keys(rows: Iterable[Row]) -> frozenset[Key]:
    """Rows of `read_last_blocked`."""
    return frozenset(_typed(row, (str, str)) for row in rows)


def run_row(run: Run) -> Row:
    """Columns of `add_run` without the anchor."""
    return (
        run.id,
        run.plan_digest,
        run.plan,
        run.who,
        run.host,
        run.started.isoformat(),
        run.status.value,
        run.ended.isoformat() if run.ended else None,
        run.undo_of,
    )


def run(row: Row) -> Run:
    """A row of `read_runs`; the last column, the anchor, is only for verification."""
    id_, plan_digest, plan, who, host, started, status, ended, undo_of, _ = _typed(row, _RUN)
    return Run(
        id_,
        plan_digest,
        plan,
        who,
        host,
        _instant(started),
        RunStatus(status),
        _instant(ended) if ended else None,
        undo_of,
    )


def entry(row: Row) -> Entry:
    """A row of `read_entries`."""
    change, step, at, data, seq = _typed(row, _ENTRY)
    decoded = decode(data)
    if not isinstance(decoded, Mapping) or not is_entry_data(decoded):
        raise ForeignValue("the data of an entry")
    return Entry(change, Step(step), _instant(at), decoded, seq)


def _instant(text: str) -> datetime:
    """An instant as it was written, with its offset. Raises `ValueError` for any other text."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ForeignValue("a time without an offset")
    return instant


def _typed(row: Row, types: Sequence[type | tuple[type, ...]]) -> Row:
    """The row. Raises `ForeignValue` unless each column has its type."""
    if not all(map(isinstance, row, types)):
        raise ForeignValue("a column of another type")
    return row
