"""Nouns as rows and back: one pair of functions each, columns in the order of queries.sql."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from engine.model.run import Entry, Link, Pushed, Run, RunStatus, Step
from engine.state.values import decode, encode

Key = tuple[str, str]
Row = tuple[Any, ...]

_PIECE = 500  # texts parsed at once: field names are shared, and one call costs less than many


def link_row(link: Link) -> Row:
    """Columns of `put_link`."""
    return link.mapping, link.key, link.entity, link.record, link.how


def links(rows: Iterable[Row]) -> dict[Key, Link]:
    """Rows of `read_links`."""
    return {row[:2]: Link(*row) for row in rows}


def applied_row(key: Key, fields: Mapping[str, object]) -> Row:
    """Columns of `put_applied`."""
    return *key, encode(fields)


def applied(rows: Sequence[Row]) -> dict[Key, Mapping[str, object]]:
    """Rows of `read_applied`. Raises ValueError for text that is not what was written."""
    found: dict[Key, Mapping[str, object]] = {}
    for start in range(0, len(rows), _PIECE):
        piece = rows[start : start + _PIECE]
        values = decode("[" + ",".join(row[2] for row in piece) + "]")
        found.update(zip((row[:2] for row in piece), values, strict=True))
    return found


def pushed_row(log: Pushed) -> Row:
    """Columns of `put_pushed`."""
    proof, marked = encode(log.proof), int(log.marked)
    return (
        log.mapping,
        log.key,
        log.record,
        log.day.isoformat(),
        log.units,
        log.change,
        log.run,
        proof,
        marked,
        int(log.undone),
    )


def pushed(rows: Iterable[Row]) -> dict[Key, Pushed]:
    """Rows of `read_pushed`."""
    return {row[:2]: _pushed(row) for row in rows}


def _pushed(row: Row) -> Pushed:
    mapping, key, record, day, units, change, run, proof, marked, undone = row
    shown = tuple(decode(proof))
    return Pushed(mapping, key, record, date.fromisoformat(day), units, change, run, shown, bool(marked), bool(undone))


def run_row(run: Run) -> Row:
    """Columns of `add_run`, but for the anchor."""
    ended = run.ended.isoformat() if run.ended else None
    started = run.started.isoformat()
    return (
        *(run.id, run.plan_digest, run.plan, run.who, run.host),
        *(started, run.status.value, ended, run.undo_of),
    )


def run(row: Row) -> Run:
    """A row of `read_runs`; its last column, the anchor, is the journal's business."""
    known, plan_digest, plan, who, host, started, status, ended, undo_of, _ = row
    end = datetime.fromisoformat(ended) if ended else None
    began = datetime.fromisoformat(started)
    return Run(known, plan_digest, plan, who, host, began, RunStatus(status), end, undo_of)


def entry(row: Row) -> Entry:
    """A row of `read_entries`."""
    change, step, at, data, seq = row
    return Entry(change, Step(step), datetime.fromisoformat(at), decode(data), seq)
