"""The journal: one chain of lines, each with the hash of the line before it.

The hash of a line is the SHA-256 of the canonical JSON of all its other columns, the previous hash
included. A line cannot be changed, removed or inserted without changing the hashes of all later
lines. The state keeps the number of lines and the last hash (the head), so that lines removed at
the end are noticed. A finished run keeps the head at its end.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from trueup.model.run import Entry, Run, RunStatus
from trueup.state.access import Transaction
from trueup.state.values import ForeignValue, canonical, encode

_MOST = 2**53
"""More lines than any journal has."""


class LineKind(StrEnum):
    """The kinds of lines."""

    RUN = "run"  # a run began
    ENTRY = "entry"  # a step of a change
    EFFECTS = "effects"  # what the entries or the edit before it changed in the state
    FINISHED = "finished"  # a run ended
    EDIT = "edit"  # a manual edit
    APPROVAL = "approval"  # a statement about a plan
    LOCK = "lock"  # a lock was taken over


class JournalLine(NamedTuple):
    """One line as it is in the table, in the order of the columns."""

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
        """The hash that this line should have, here or as line number `seq`."""
        columns = [self.seq if seq is None else seq, *self[1:8]]
        values = [value if isinstance(value, str | int) else repr(value) for value in columns]
        return digest(canonical(values))


class NewLine(NamedTuple):
    """A line to be added; `append` gives it its number and hashes."""

    kind: LineKind
    at: datetime
    data: str
    run: str = ""
    change: str = ""
    step: str = ""


def digest(text: str) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def run_line(run: Run, lineage: str) -> NewLine:
    """A run that begins, with the digest of its plan; the plan itself is in the table of runs."""
    data = {
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
    return NewLine(LineKind.RUN, run.started, canonical(data), run.id)


def entry_line(run: str, entry: Entry) -> NewLine:
    """An entry of a run; its `seq` is ignored."""
    return NewLine(
        LineKind.ENTRY, entry.at, encode(entry.data), run, entry.change, entry.step.value
    )


def finish_line(run: str, status: RunStatus, at: datetime) -> NewLine:
    """A run that ends."""
    return NewLine(LineKind.FINISHED, at, canonical({"status": status.value}), run)


class StateRow(NamedTuple):
    """The one row about the state as a whole."""

    lineage: str
    serial: int
    lines: int
    head: str


def state_row(transaction: Transaction) -> StateRow:
    """The row about the state as a whole. Raises `ForeignValue` if it is not as it was written."""
    row = transaction.one("read_state")
    types = (str, int, int, str)
    if row is None or not all(map(isinstance, row, types)):
        raise ForeignValue("the row of the state")
    state = StateRow(*row)
    if not (0 <= state.lines <= _MOST and 0 <= state.serial <= _MOST):
        raise ForeignValue("the row of the state")
    return state


def append(transaction: Transaction, new_lines: Sequence[NewLine]) -> str:
    """Adds lines at the end inside a transaction and returns the new head."""
    _, _, number, head = state_row(transaction)
    added = []
    for seq, new in enumerate(new_lines, number + 1):
        line = JournalLine(
            seq,
            new.kind.value,
            new.run,
            new.change,
            new.step,
            new.at.isoformat(),
            new.data,
            previous=head,
            hash="",
        )
        head = line.digest()
        added.append(line._replace(hash=head))
    transaction.do_many("add_line", added)
    transaction.do("set_head", {"lines": number + len(added), "head": head})
    return str(head)


@contextmanager
def lines(transaction: Transaction) -> Iterator[Iterator[JournalLine]]:
    """All lines in order, one at a time. The file is no longer read when the block ends."""
    with transaction.each("read_lines") as selected:
        yield (JournalLine(*row) for row in selected)


def systems(transaction: Transaction) -> Mapping[str, str]:
    """The systems that the state is about, from the latest run or adoption that names them."""
    row = transaction.one("read_systems")
    if row is None:
        return {}
    return {name: str(identity) for name, identity in json.loads(row[0])["systems"].items()}
