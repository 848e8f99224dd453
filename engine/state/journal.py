"""The journal: one chain of lines, each with the hash of the one before it.

A line's hash is the SHA-256 of the canonical JSON of all its other columns, the previous hash included; so
one line cannot be changed, taken out or put in without all later ones. The state keeps the number of lines
and the last hash (what was cut off at the end is missed), a finished run keeps the hash at its end.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from engine.model.run import Entry, Lease, Run, RunStatus, Step
from engine.state.statements import statement
from engine.state.values import canonical, decode, encode


class Kind(StrEnum):
    """What a line is about."""

    RUN = "run"  # a run began
    ENTRY = "entry"  # what became of a change
    EFFECTS = "effects"  # what the entries or the edit before it changed in the state
    FINISHED = "finished"  # a run ended
    EDIT = "edit"  # a change by hand
    LOCK = "lock"  # somebody's lock was taken over


class Line(NamedTuple):
    """One line as it stands in the table, in the order of its columns."""

    seq: int
    kind: str
    run: str
    change: str
    step: str
    at: str
    data: str
    previous: str
    hash: str

    def digest(self, seq: int | None = None) -> str:
        """The hash that this line ought to have, here or as line number `seq`."""
        told = [self.seq if seq is None else seq, *self[1:8]]
        return digest(canonical([item if isinstance(item, str | int) else repr(item) for item in told]))


class News(NamedTuple):
    """A line to be added; its number and hashes are the journal's business."""

    kind: Kind
    at: datetime
    data: str
    run: str = ""
    change: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class AuditLine:
    """A change by hand (`edit`) or a lock taken over (`lock`).

    `data` of an edit: what, reason, who, host; of a lock: how (forced, taken over), reason, by, from.
    """

    seq: int
    at: datetime
    kind: str
    run: str
    data: Mapping[str, Any]


def digest(text: str) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def from_run(run: Run, lineage: str) -> News:
    """A run that begins; of its plan document the digest, the document is in the table of runs."""
    told = {
        "plan_digest": run.plan_digest,
        "plan": digest(run.plan),
        "who": run.who,
        "host": run.host,
        "undo_of": run.undo_of,
        "status": run.status.value,
        "lineage": lineage,
        "ended": run.ended.isoformat() if run.ended else None,
        **({"systems": dict(run.systems)} if run.systems else {}),
    }
    return News(Kind.RUN, run.started, canonical(told), run.id)


def from_entry(run: str, entry: Entry) -> News:
    """An entry as a line; its `seq` is given by the journal."""
    return News(Kind.ENTRY, entry.at, encode(entry.data), run, entry.change, entry.step.value)


def from_finish(run: str, status: RunStatus, at: datetime) -> News:
    """A run that ends."""
    return News(Kind.FINISHED, at, canonical({"status": status.value}), run)


def from_edit(
    run: str, lease: Lease, at: datetime, what: str, reason: str, systems: Mapping[str, str] | None = None
) -> News:
    """A change by hand; with `systems` the state is about these from now on."""
    told: dict[str, Any] = {"what": what, "reason": reason, "who": lease.holder, "host": lease.host}
    if systems:
        told["systems"] = dict(systems)
    return News(Kind.EDIT, at, canonical(told), run)


_SETTLED = {Step.DONE: "landed", Step.NOT_LANDED: "absent"}


def settled(run: str, entries: Sequence[Entry]) -> str:
    """What was said by hand, in the words of the command: of each change, or of a run that is given up."""
    said = [f"{entry.change} {_SETTLED[entry.step]}" for entry in entries if entry.step in _SETTLED]
    return f"settle {', '.join(said) or f'{run} closed'}"


def append(connection: sqlite3.Connection, news: Sequence[News]) -> str:
    """Adds lines at the end and moves the head; the new head. Call it inside a transaction."""
    _, _, number, head = connection.execute(statement("read_state")).fetchone()
    lines = []
    for seq, new in enumerate(news, number + 1):
        line = Line(seq, new.kind.value, new.run, new.change, new.step, new.at.isoformat(), new.data, head, hash="")
        head = line.digest()
        lines.append(line._replace(hash=head))
    connection.executemany(statement("add_line"), lines)
    connection.execute(statement("set_head"), {"lines": number + len(lines), "head": head})
    return str(head)


def lines(connection: sqlite3.Connection) -> Iterator[Line]:
    """All lines in their order."""
    return (Line(*row) for row in connection.execute(statement("read_lines")))


def systems(connection: sqlite3.Connection) -> Mapping[str, str]:
    """Which source and target the state is about: as the last run or the last word by hand has it."""
    row = connection.execute(statement("read_systems")).fetchone()
    return {name: str(identity) for name, identity in json.loads(row[0])["systems"].items()} if row else {}


def audit_line(row: tuple[Any, ...]) -> AuditLine:
    """A row of `read_audit`."""
    seq, at, kind, run, data = row
    return AuditLine(seq, datetime.fromisoformat(at), kind, run, decode(data))
