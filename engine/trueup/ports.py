"""What the engine asks of the world. Adapters stand behind these; fakes of the tests do too.

Rows and records are plain dicts: a row by the column names of the Work 365 catalogue, a record by
Autotask's field names (user-defined fields as `udf.Name`) with `id`. Values are Python's, as
`model.catalogue.Type` says; what cannot be read as its type is a finding, never a guess.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from trueup.model import mapping_state as work
from trueup.model.approval import ApprovalStated
from trueup.model.catalogue import Entity
from trueup.model.finding import Finding, Place, Severity
from trueup.model.history import AuditEntry, LinkForgotten
from trueup.model.run import Effects, Entry, Lease, Link, Pushed, Run, RunStatus

Row = work.Row
Record = work.Record


@dataclass(frozen=True, slots=True)
class Rows:
    """A table, whole: rows in the order of their keys, and what was wrong with those left out.

    A finding of severity error is about a row that exists and was left out. Its key is empty if it
    is unknown. `parts` is what could be read of such a row, by its key.
    """

    rows: Sequence[Row]
    findings: Sequence[Finding] = ()
    parts: Mapping[str, Row] = field(default_factory=dict)

    def left_out(self) -> dict[str, list[Finding]]:
        """Why rows were left out, by key; under the empty key the rows whose key is unknown."""
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
    """The result of a write-back: `error` is empty if it is done, else says why not.

    `in_doubt`: it may have landed. `untried`: it was not sent, because the one before it got no
    answer. `moved`: the row is not as `expected`, and was left as it is.
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
        """The environment, without secrets; "" where there is none, as with a folder of exports."""
        ...

    def id_entity_of(self, table: str, column: str) -> str | None:
        """The entity whose ids a column keeps: "" if unknown, None if it takes any value."""
        ...

    @property
    def notices(self) -> Sequence[str]:
        """Remarks about reading that no plan depends on: `read whole, its token expired`."""
        ...

    def read(self, table: str, columns: Iterable[str]) -> Rows:
        """The whole table, with the key and at least these columns. Raises SourceError."""
        ...

    def places(self, table: str, keys: Iterable[str]) -> Mapping[str, Place]:
        """The file and line of these rows, by key; empty if the source does not consist of files.

        A row that does not exist is left out. Raises SourceError.
        """
        ...

    def write(self, table: str, updates: Sequence[RowUpdate]) -> Sequence[RowOutcome]:
        """Sets columns of existing rows, each row whole or not at all; never creates one.

        Raises SourceError.
        """
        ...


class ForwardingSource:
    """The part of a source that answers as another one does. Subclasses read and write."""

    def __init__(self, beneath: Source) -> None:
        self._beneath = beneath

    def describe(self) -> str:
        """Returns the name of the source beneath."""
        return self._beneath.describe()

    def identity(self) -> str:
        """Returns the identity of the source beneath."""
        return self._beneath.identity()

    def id_entity_of(self, table: str, column: str) -> str | None:
        """Answers as the source beneath does."""
        return self._beneath.id_entity_of(table, column)

    @property
    def notices(self) -> Sequence[str]:
        """The notices of the source beneath."""
        return self._beneath.notices

    def places(self, table: str, keys: Iterable[str]) -> Mapping[str, Place]:
        """Returns the places in the source beneath. Raises `SourceError`."""
        return self._beneath.places(table, keys)


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


@dataclass(frozen=True, slots=True)
class CallCosts:
    """What requests to a target cost, for the estimate that a plan shows."""

    page: int  # records of a page, and values of an `in` list, at most
    in_flight: int  # requests that one endpoint takes at a time
    per_entity: int  # calls for an entity's metadata
    fixed: int  # calls of every run: to sign in, to ask for the limit, and one retry
    between_checks: int  # calls after which the limit is asked for again at the earliest


class Target(Protocol):
    """Autotask. Reads are bulk; every value goes out and comes in typed by the catalogue."""

    def describe(self) -> str:
        """What people call it, without secrets."""
        ...

    def identity(self) -> str:
        """The tenant, without secrets and without a call; different for each tenant."""
        ...

    def entity(self, name: str) -> Entity:
        """The entity in this tenant: picklists, user-defined fields, rights; read once."""
        ...

    def denied(self, entity: str) -> frozenset[str]:
        """Those of create, query and update that the API user may not do. Asked once, then known.

        Raises TargetError.
        """
        ...

    def renew(self, entities: Iterable[str]) -> bool:
        """Asks again for what `entity` had from an earlier plan, where that is in doubt.

        That is of these entities, and of those that a record or a refusal contradicted. Returns
        whether any of it has changed: then what was planned with it is planned again. Raises
        TargetError.
        """
        ...

    @property
    def notices(self) -> Sequence[str]:
        """Remarks about reading that no plan depends on: metadata that an earlier plan has read."""
        ...

    def read(self, entity: str, where: Sequence[Condition], fields: Sequence[str]) -> list[Record]:
        """All records that fit, ascending by id, with `id` and these fields.

        An `in` list of any length is asked in pieces. A read of a whole entity (no conditions)
        is checked against query/count. Raises TargetError; a failed read is never an empty one.
        """
        ...

    def create(self, entity: str, values: Mapping[str, object]) -> int | None:
        """Creates a record, below its parent if needed. Returns its id, or None if it has none.

        Raises TargetRejected (it did not happen) or TargetUnavailable (`may_have_landed` says).
        """
        ...

    def update(self, entity: str, record: int, values: Mapping[str, object]) -> None:
        """Sets these fields and leaves the others. `values` may hold the parent key for routing."""
        ...

    def before_write(self, guard: Callable[[], None]) -> None:
        """Sets what is called right before each write; if it raises, the write is not sent."""
        ...

    def stop(self) -> None:
        """From now on nothing is repeated or waited for: what is in flight ends, and says how."""
        ...

    def reserve_calls(self, calls: int) -> None:
        """From now on a request is sent only if this many of the run's calls are left after it.

        Otherwise CallsUsedUp is raised. The calls kept back prove what was sent; 0 frees them.
        """
        ...

    def threshold(self) -> Threshold:
        """How much of the hour's calls is used."""
        ...

    @property
    def call_costs(self) -> CallCosts:
        """How this target pages and counts requests."""
        ...

    @property
    def calls(self) -> int:
        """Requests sent so far, all of them."""
        ...

    @property
    def spared(self) -> int:
        """Requests that were not sent because an earlier plan has kept their answers."""
        ...


@dataclass(frozen=True, slots=True)
class StateSnapshot:
    """The content of the state when a plan is made."""

    lineage: str = ""
    serial: int = 0
    links: Mapping[tuple[str, str], Link] = field(default_factory=dict)  # by mapping and key
    applied: Mapping[tuple[str, str], Mapping[str, object]] = field(default_factory=dict)
    pushed: Mapping[tuple[str, str], Pushed] = field(default_factory=dict)
    open_runs: Sequence[Run] = ()
    # Identities of the `source` and `target` that the state is about.
    systems: Mapping[str, str] = field(default_factory=dict)
    # Rows that the plan of the last run kept out, by mapping and key: they exist without a link.
    last_blocked: frozenset[tuple[str, str]] = frozenset()


class History(Protocol):
    """What the state knows of the past. Reading an absent store finds and creates nothing."""

    def runs(self, *, plans: bool = True) -> Sequence[Run]:
        """All runs, oldest first; with `plans=False` their `plan` is "", for plans may be large."""
        ...

    def run(self, run: str) -> Run:
        """One run with its plan document. Raises `StateError` if there is no run with this id."""
        ...

    def journal(self, run: str) -> Sequence[Entry]:
        """The entries of a run, oldest first; none if there is no run with this id."""
        ...

    def in_doubt(self) -> Sequence[tuple[str, Entry]]:
        """Run id and last entry of each change in doubt, oldest first."""
        ...

    def audit(self) -> Sequence[AuditEntry]:
        """Manual edits, statements about plans and lock takeovers, oldest first."""
        ...

    def holder(self) -> Lease | None:
        """The lease of the lock's holder, expired or not; None while the lock is free."""
        ...

    def head(self) -> tuple[int, str]:
        """The number of lines in the journal and the hash of the last; (0, "") without lines."""
        ...

    def verify(self, known: Iterable[str] = ()) -> Sequence[Finding]:
        """What was changed outside trueup; empty if nothing was.

        `known` are hashes that `head` returned earlier: each must still be a line of the journal.
        """
        ...

    def export(self) -> str:
        """The whole state without its lock as text; equal states give equal texts.

        Raises `StateError` if there is no state.
        """
        ...


class State(History, Protocol):
    """Links, applied values, pushed changes, runs with their journals, and a lock.

    Each call that writes is one transaction, durable when it returns. Calls that take a lease raise
    `StateLocked` if it is no longer the holder's, and have written nothing then. All calls raise
    `StateError` if the store cannot be used.
    """

    def load(self) -> StateSnapshot:
        """All that planning needs. An absent store is an empty one; reading does not create it."""
        ...

    def acquire(self, holder: str, *, reason: str = "") -> Lease:
        """Takes the lock, or raises `StateLocked` with the holder and since when it holds the lock.

        An expired lease is taken over. With a `reason` the lock is taken from any holder. Both are
        audited.
        """
        ...

    def renew(self, lease: Lease) -> Lease:
        """The heartbeat: the lease runs for its full time again."""
        ...

    def check(self, lease: Lease) -> None:
        """Called right before a write is sent. Raises `StateLocked` also for an expired lease."""
        ...

    def release(self, lease: Lease) -> None:
        """Gives the lock back; has no effect if the lease is no longer the holder's."""
        ...

    def begin(self, run: Run, lease: Lease) -> None:
        """Opens a run; the first one gives the state its lineage.

        Raises `StateError` if there is a run with this id.
        """
        ...

    def record(
        self, lease: Lease, run: str, entries: Sequence[Entry], effects: Effects = ...
    ) -> None:
        """Writes entries and their effects. Raises `StateError` for an unknown run."""
        ...

    def finish(self, lease: Lease, run: str, status: RunStatus, at: datetime) -> None:
        """Closes a run; the serial goes up by one. Raises `StateError` if it is unknown or done."""
        ...

    def edit(
        self, lease: Lease, event: LinkForgotten, effects: Effects, *, reason: str = ""
    ) -> None:
        """Writes a manual edit and its effects; audited; the serial goes up by one."""
        ...

    def settle(
        self,
        lease: Lease,
        run: str,
        entries: Sequence[Entry],
        effects: Effects = ...,
        *,
        reason: str,
    ) -> None:
        """Writes the outcomes of changes in doubt that a person determined, or gives up a run.

        Entries with `Step.DONE` or `Step.NOT_LANDED` are outcomes; without any of these the run is
        given up. Audited; the serial goes up by one. Raises `StateError` for an unknown run.
        """
        ...

    def adopt(self, lease: Lease, systems: Mapping[str, str], *, reason: str) -> None:
        """From now on the state is about these systems; audited; the serial goes up by one."""
        ...

    def state_approval(self, lease: Lease, event: ApprovalStated, *, reason: str = "") -> None:
        """Writes what the lease's holder says about a plan; audited.

        The serial stays: it would make the plan stale that the statement is about.
        """
        ...

    def import_(self, text: str) -> None:
        """Fills an empty store from an export, whole or not at all.

        Raises `StateError` for a store that is not empty and for any other text, `StateLocked`
        while the lock is held.
        """
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
