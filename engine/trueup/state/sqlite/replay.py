"""The journal told again from its first line: what the tables must hold, and where they do not."""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from engine.model.run import OPEN
from engine.state.journal import Kind, Line, digest, lines
from engine.state.statements import statement

_SHOWN = 10  # differences of one table that are named one by one

Table = dict[tuple[str, ...], tuple[Any, ...]]


@dataclass(slots=True)
class Told:
    """What the lines so far come to; tables by key, as the differences compare them."""

    lineage: str = ""
    serial: int = 0
    links: Table = field(default_factory=dict)
    applied: Table = field(default_factory=dict)
    pushed: Table = field(default_factory=dict)
    runs: Table = field(default_factory=dict)
    doubts: Table = field(default_factory=dict)


def differences(connection: sqlite3.Connection) -> Iterator[str]:
    """In words, each row that is not as the journal has it."""
    told = Told()
    for line in lines(connection):
        tell = _TELL.get(line.kind)
        if tell:
            tell(told, line, json.loads(line.data))
    lineage, serial, _, _ = connection.execute(statement("read_state")).fetchone()
    if (lineage, serial) != (told.lineage, told.serial):
        yield (
            f"the state says lineage {lineage or 'none'}, serial {serial}; "
            f"its journal says {told.lineage or 'none'}, {told.serial}"
        )
    for name, due, found in (
        ("run", told.runs, _runs(connection)),
        ("link", told.links, _table(connection, "read_links")),
        ("applied values", told.applied, _applied(connection)),
        ("pushed log", told.pushed, _table(connection, "read_pushed")),
        ("doubt", told.doubts, _table(connection, "read_doubt_rows")),
    ):
        yield from _compared(name, due, found)


def _run(told: Told, line: Line, data: Mapping[str, Any]) -> None:
    told.lineage = told.lineage or data["lineage"]
    told.runs[line.run,] = (
        *(data["plan_digest"], data["plan"], data["who"], data["host"]),
        *(line.at, data["status"], data["ended"], data["undo_of"], ""),
    )


def _entry(told: Told, line: Line, _data: Mapping[str, Any]) -> None:
    if line.step in OPEN:
        told.doubts[line.run, line.change] = (line.seq,)
    else:
        told.doubts.pop((line.run, line.change), None)


def _finished(told: Told, line: Line, data: Mapping[str, Any]) -> None:
    told.serial += 1
    began = told.runs[line.run,]
    told.runs[line.run,] = (*began[:5], data["status"], line.at, began[7], line.hash)


def _edit(told: Told, _line: Line, _data: Mapping[str, Any]) -> None:
    told.serial += 1


def _effects(told: Told, _line: Line, data: Mapping[str, Any]) -> None:
    for mapping, key in data.get("unlink", ()):
        told.links.pop((mapping, key), None)
        told.applied.pop((mapping, key), None)
    for mapping, key in data.get("unpush", ()):
        told.pushed.pop((mapping, key), None)
    for name in ("links", "applied", "pushed"):
        table: Table = getattr(told, name)
        for mapping, key, *rest in data.get(name, ()):
            table[mapping, key] = tuple(rest)


_TELL: Mapping[str, Callable[[Told, Line, Mapping[str, Any]], None]] = {
    Kind.RUN: _run,
    Kind.ENTRY: _entry,
    Kind.FINISHED: _finished,
    Kind.EDIT: _edit,
    Kind.EFFECTS: _effects,
}


def _table(connection: sqlite3.Connection, name: str) -> Table:
    return {row[:2]: row[2:] for row in connection.execute(statement(name))}


def _applied(connection: sqlite3.Connection) -> Table:
    return {row[:2]: (digest(str(row[2])),) for row in connection.execute(statement("read_applied"))}


def _runs(connection: sqlite3.Connection) -> Table:
    return {row[:1]: (row[1], digest(str(row[2])), *row[3:]) for row in connection.execute(statement("read_runs"))}


def _compared(name: str, due: Table, found: Table) -> Iterator[str]:
    wrong = sorted((key for key in due.keys() | found.keys() if due.get(key) != found.get(key)), key=repr)
    for key in islice(wrong, _SHOWN):
        how = "was removed" if key not in found else "was put in" if key not in due else "was changed"
        yield f"{name} {' '.join(map(str, key))} {how}: its journal says otherwise"
    if len(wrong) > _SHOWN:
        yield f"{name}: {len(wrong) - _SHOWN} more are not as the journal has them"
