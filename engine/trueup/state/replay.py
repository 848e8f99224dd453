"""Replays the journal from its first line and compares the result with the tables."""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from msgspec import Struct

from trueup.model.run import OPEN
from trueup.state.access import Transaction
from trueup.state.journal import JournalLine, LineKind, digest, lines

_SHOWN = 10
"""Differences of one table that are reported one by one; the others are counted."""

Table = dict[tuple[str, ...], tuple[Any, ...]]
"""Rows by key; applied values and plans as digests."""


class Replay(Struct):
    """The expected content of the tables after the lines so far."""

    lineage: str = ""
    serial: int = 0
    links: Table = {}
    applied: Table = {}
    pushed: Table = {}
    runs: Table = {}
    doubts: Table = {}


def differences(transaction: Transaction) -> Iterator[str]:
    """One text for each row that differs from the journal."""
    replay = Replay()
    with lines(transaction) as every_line:
        for line in every_line:
            if step := _STEPS.get(line.kind):
                step(replay, line, json.loads(line.data))

    [(lineage, serial, _, _)] = transaction.rows("read_state")
    if (lineage, serial) != (replay.lineage, replay.serial):
        yield (
            f"the state has lineage {lineage or 'none'} and serial {serial}; its journal has "
            f"lineage {replay.lineage or 'none'} and serial {replay.serial}"
        )
    for name, expected, actual in (
        ("run", replay.runs, _runs(transaction)),
        ("link", replay.links, _table(transaction, "read_links")),
        ("applied values", replay.applied, _applied(transaction)),
        ("pushed change", replay.pushed, _table(transaction, "read_pushed")),
        ("doubt", replay.doubts, _table(transaction, "read_doubt_rows")),
    ):
        yield from _compared(name, expected, actual)


def _run(replay: Replay, line: JournalLine, data: Mapping[str, Any]) -> None:
    replay.lineage = replay.lineage or data["lineage"]
    replay.runs[line.run,] = (
        *(data["plan_digest"], data["plan"], data["who"], data["host"]),
        *(line.at, data["status"], data["ended"], data["undo_of"], ""),
    )


def _entry(replay: Replay, line: JournalLine, _data: Mapping[str, Any]) -> None:
    if line.step in OPEN:
        replay.doubts[line.run, line.change] = (line.seq,)
    else:
        replay.doubts.pop((line.run, line.change), None)


def _finished(replay: Replay, line: JournalLine, data: Mapping[str, Any]) -> None:
    replay.serial += 1
    begun = replay.runs[line.run,]
    replay.runs[line.run,] = (*begun[:5], data["status"], line.at, begun[7], line.hash)


def _edit(replay: Replay, _line: JournalLine, _data: Mapping[str, Any]) -> None:
    replay.serial += 1


def _effects(replay: Replay, _line: JournalLine, data: Mapping[str, Any]) -> None:
    for mapping, key in data.get("unlink", ()):
        replay.links.pop((mapping, key), None)
        replay.applied.pop((mapping, key), None)
    for mapping, key in data.get("unpush", ()):
        replay.pushed.pop((mapping, key), None)
    for name in ("links", "applied", "pushed"):
        table: Table = getattr(replay, name)
        for mapping, key, *rest in data.get(name, ()):
            table[mapping, key] = tuple(rest)


_STEPS: Mapping[str, Callable[[Replay, JournalLine, Mapping[str, Any]], None]] = {
    LineKind.RUN: _run,
    LineKind.ENTRY: _entry,
    LineKind.FINISHED: _finished,
    LineKind.EDIT: _edit,
    LineKind.EFFECTS: _effects,
}
"""What a line of each kind changes; approvals and locks that were taken over change nothing."""


def _table(transaction: Transaction, name: str) -> Table:
    return {row[:2]: row[2:] for row in transaction.rows(name)}


def _applied(transaction: Transaction) -> Table:
    rows = transaction.rows("read_applied")
    return {row[:2]: (digest(str(row[2])),) for row in rows}


def _runs(transaction: Transaction) -> Table:
    rows = transaction.rows("read_runs")
    return {row[:1]: (row[1], digest(str(row[2])), *row[3:]) for row in rows}


def _compared(name: str, expected: Table, actual: Table) -> Iterator[str]:
    keys = expected.keys() | actual.keys()
    wrong = sorted((key for key in keys if expected.get(key) != actual.get(key)), key=repr)
    for key in islice(wrong, _SHOWN):
        yield f"{name} {' '.join(map(str, key))} {_difference(key, expected, actual)}"
    if len(wrong) > _SHOWN:
        yield f"{name}: {len(wrong) - _SHOWN} more rows differ from the journal"


def _difference(key: tuple[str, ...], expected: Table, actual: Table) -> str:
    if key not in actual:
        return "was removed: the journal has it"
    if key not in expected:
        return "was inserted: the journal does not have it"
    return "was changed: the journal has other values"
