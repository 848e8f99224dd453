"""The state: links, applied values, runs with their journals, the audit trail and a lock."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct, field

from trueup.model.approval import ApprovalStated
from trueup.model.audit import AuditEntry, LinkForgotten
from trueup.model.finding import Finding
from trueup.model.links import Links
from trueup.model.run import Effects, Entry, Lease, Pushed, Run, RunStatus


class StateSnapshot(Struct, frozen=True):
    """The content of the state when a plan is made."""

    lineage: str = ""
    serial: int = 0
    links: Links = field(default_factory=Links)
    applied: Mapping[tuple[str, str], Mapping[str, object]] = {}
    pushed: Mapping[tuple[str, str], Pushed] = {}
    open_runs: Sequence[Run] = ()
    # Identities of the `source` and `target` that the state is about.
    systems: Mapping[str, str] = {}
    # Rows that the plan of the last run kept out, by mapping and key: they exist without a link.
    last_blocked: frozenset[tuple[str, str]] = frozenset()

    def keys_of(self, mapping: str) -> set[str]:
        """Returns the keys of all rows of a mapping that the state has something about."""
        known = (self.links, self.applied, self.pushed)
        return {key for rows in known for name, key in rows if name == mapping}


class History(Protocol):
    """The past in the state. Reading an absent store returns nothing and creates nothing."""

    def runs(self, *, plans: bool = True) -> Sequence[Run]:
        """Returns all runs, oldest first; with `plans` false without their plan documents."""
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
        """Returns what was changed outside trueup; no findings if nothing was.

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
        """Takes the lock.

        It is taken if it is free, if its holder is dead, or if its lease has expired and nothing is
        known of the holder; with a `reason` from any holder. Takeovers are audited. Otherwise
        raises `StateLocked` with the holder and the end of its lease.
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

    def record_statement(self, lease: Lease, event: ApprovalStated, *, reason: str = "") -> None:
        """Writes a statement of the lease's holder about a plan; audited.

        The serial stays: a new one would make the plan of the statement stale.
        """
        ...

    def import_(self, text: str) -> None:
        """Fills an empty store from an export, whole or not at all.

        Raises `StateError` for a store that is not empty and for any other text, `StateLocked`
        while the lock is held.
        """
        ...
