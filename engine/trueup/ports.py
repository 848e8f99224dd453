"""What the engine asks of the world. Adapters stand behind these; fakes of the tests do too.

Rows and records are plain dicts: a row by the column names of the Work 365 catalogue, a record by
Autotask's field names (user-defined fields as `udf.Name`) with `id`. Values are Python's, as
`model.catalogue.Type` says; what cannot be read as its type is a finding, never a guess.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from engine.model import work
from engine.model.catalogue import Entity
from engine.model.finding import Finding, Severity
from engine.model.run import Effects, Entry, Lease, Link, Pushed, Run, RunStatus

Row = work.Row
Record = work.Record


@dataclass(frozen=True, slots=True)
class Rows:
    """A table, whole: rows in the order of their keys, and what was wrong with those left out.

    A finding that is an error is about a row that is there and was left out; its key is empty where nobody
    knows it. `parts` is what could be read of such a row, by its key.
    """

    rows: Sequence[Row]
    findings: Sequence[Finding] = ()
    parts: Mapping[str, Row] = field(default_factory=dict)

    def left_out(self) -> dict[str, list[Finding]]:
        """Why rows were left out, by their keys; under the empty key those of which nobody knows it."""
        why: dict[str, list[Finding]] = {}
        for finding in self.findings:
            if finding.severity is Severity.ERROR:
                why.setdefault(finding.key, []).append(finding)
        return why


@dataclass(frozen=True, slots=True)
class RowUpdate:
    """A write-back: set `values` on the row if `expected` still holds."""

    key: str
    values: Mapping[str, object]
    expected: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of a write-back: `""` is done; else why not. In doubt: it may have landed. Untried: it was not sent,
    for nobody answered the one before it any more. Moved: the row is not as `expected`, and was left.
    """

    key: str
    error: str = ""
    in_doubt: bool = False
    untried: bool = False
    moved: bool = False


class Source(Protocol):
    """Work 365."""

    def describe(self) -> str:
        """What people call it, without secrets: `examples/work365`."""
        ...

    def identity(self) -> str:
        """Which environment it is, without secrets; "" where that means nothing, as with a folder of exports."""
        ...

    def holds(self, table: str, column: str) -> str | None:
        """Which entity's ids a column keeps: "" where nobody says, None where the column may take any value."""
        ...

    @property
    def remarks(self) -> Sequence[str]:
        """What a person may want to know of the reading, and no plan depends on: `read whole, its token expired`."""
        ...

    def read(self, table: str, columns: Iterable[str]) -> Rows:
        """The whole table, with the key and at least these columns. Raises SourceError."""
        ...

    def write(self, table: str, updates: Sequence[RowUpdate]) -> Sequence[RowOutcome]:
        """Sets columns of existing rows, each whole or not at all; never creates. Raises SourceError."""
        ...


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a query; conditions are ANDed. `op` is Autotask's: eq, in, gte, …"""

    field: str
    op: str
    value: object = None


@dataclass(frozen=True, slots=True)
class Threshold:
    """Calls in the current hour, of the whole tenant, and the limit."""

    used: int
    limit: int


class Target(Protocol):
    """Autotask. Reads are bulk; every value goes out and comes in typed by the catalogue."""

    def describe(self) -> str:
        """What people call it, without secrets."""
        ...

    def identity(self) -> str:
        """Which tenant it is, without secrets and without a call: two that differ are never taken for one."""
        ...

    def entity(self, name: str) -> Entity:
        """The entity as this tenant has it: picklists, user-defined fields, rights. Asked once, then known."""
        ...

    def read(self, entity: str, where: Sequence[Condition], fields: Sequence[str]) -> list[Record]:
        """All records that fit, ascending by id, with `id` and these fields.

        An `in` list of any length is asked in pieces. A read of a whole entity (no conditions)
        is checked against query/count. Raises TargetError; a failed read is never an empty one.
        """
        ...

    def create(self, entity: str, values: Mapping[str, object]) -> int | None:
        """Creates, through the parent where Autotask wants it; the id, None for entities without one.

        Raises TargetRejected (it did not happen) or TargetUnavailable (`may_have_landed` says).
        """
        ...

    def update(self, entity: str, record: int, values: Mapping[str, object]) -> None:
        """Sets these fields and leaves the others. `values` may hold the parent key for routing."""
        ...

    def guarded(self, guard: Callable[[], None]) -> None:
        """From now on called right before each write is sent; what it raises ends the write unsent."""
        ...

    def stop(self) -> None:
        """From now on nothing is repeated or waited for: what is in flight ends, and says how."""
        ...

    def keep_back(self, calls: int) -> None:
        """From now on a request is sent only if so many of the run's own calls are left after it.

        Else it raises CallsUsedUp. So what is sent can be proven afterwards: 0 sets those calls free.
        """
        ...

    def threshold(self) -> Threshold:
        """How much of the hour's calls is used."""
        ...

    @property
    def calls(self) -> int:
        """Requests sent so far, all of them."""
        ...


@dataclass(frozen=True, slots=True)
class Memory:
    """What state knows when a plan is made."""

    lineage: str = ""
    serial: int = 0
    links: Mapping[tuple[str, str], Link] = field(default_factory=dict)  # by mapping and key
    applied: Mapping[tuple[str, str], Mapping[str, object]] = field(default_factory=dict)
    pushed: Mapping[tuple[str, str], Pushed] = field(default_factory=dict)
    open_runs: Sequence[Run] = ()
    systems: Mapping[str, str] = field(default_factory=dict)  # `source` and `target`: which ones it is about


class State(Protocol):
    """Links, runs, journal, lock; every call that writes is durable when it returns."""

    def load(self) -> Memory:
        """All that planning needs. An absent store is an empty one; it is not created by reading."""
        ...

    def acquire(self, holder: str, *, reason: str = "") -> Lease:
        """Takes the lock, or raises StateLocked saying who holds it since when.

        A lease that ran out is taken over; `reason` forces it and is recorded.
        """
        ...

    def renew(self, lease: Lease) -> Lease:
        """The heartbeat; raises StateLocked when the lease is no longer ours."""
        ...

    def check(self, lease: Lease) -> None:
        """For right before a write is sent: raises StateLocked unless the lease is ours and has not run out."""
        ...

    def release(self, lease: Lease) -> None:
        """Gives the lock back."""
        ...

    def begin(self, run: Run, lease: Lease) -> None:
        """Opens a run; the first one ever gives the state its lineage."""
        ...

    def record(self, lease: Lease, run: str, entries: Sequence[Entry], effects: Effects = ...) -> None:
        """Writes entries and their effects in one transaction; raises StateLocked on a stale token."""
        ...

    def finish(self, lease: Lease, run: str, status: RunStatus, at: datetime) -> None:
        """Closes a run; the serial goes up by one."""
        ...

    def edit(self, lease: Lease, what: str, effects: Effects, *, reason: str = "") -> None:
        """A change by hand (`link`, `state forget`, `state settle`), recorded; the serial goes up by one."""
        ...

    def settle(self, lease: Lease, run: str, entries: Sequence[Entry], effects: Effects = ..., *, reason: str) -> None:
        """What became of changes in doubt, said by hand: recorded with who, when and why; the serial goes up by one."""
        ...

    def runs(self) -> Sequence[Run]:
        """All runs, oldest first."""
        ...

    def journal(self, run: str) -> Sequence[Entry]:
        """A run's entries, oldest first."""
        ...


class Clock(Protocol):
    """Time, so that tests can move it."""

    def now(self) -> datetime:
        """The instant, aware, UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Waits."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """All that stands outside, for one command."""

    source: Source
    target: Target
    state: State
    clock: Clock
