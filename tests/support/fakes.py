"""One small fake for each port; tests/ports runs the suites of the real adapters on them."""

import json
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256
from threading import Lock
from typing import Any, ClassVar

from msgspec.structs import replace
from trueup.errors import StateError, StateLocked, TargetRejected
from trueup.model.approval import ApprovalStated
from trueup.model.audit import (
    AuditEntry,
    AuditEvent,
    ChangesSettled,
    LinkForgotten,
    LockTaken,
    RunClosed,
    SettledChange,
    SystemsAdopted,
)
from trueup.model.catalogue import Entity, Table
from trueup.model.finding import Finding, Place, Severity
from trueup.model.links import Links
from trueup.model.plan import PartialRead
from trueup.model.run import OPEN, Effects, Entry, Lease, Link, Pushed, Run, RunStatus, Step
from trueup.ports.source import Row, RowOutcome, Rows, RowUpdate
from trueup.ports.state import StateSnapshot
from trueup.ports.target import CallCosts, Condition, Record, Threshold

ADJUSTMENTS, UNITS = "ContractServiceAdjustments", "ContractServiceUnits"


_MOVES = threading.Lock()
"""Of all fake clocks: one that each of them had could not be copied with a world."""


class FakeClock:
    """Time that moves by sleeping only, or by setting `instant`. It counts the seconds slept."""

    def __init__(self, now: datetime = datetime(2026, 11, 15, 9, tzinfo=UTC)) -> None:
        self.instant = now
        self.slept = 0.0

    def now(self) -> datetime:
        return self.instant

    def sleep(self, seconds: float) -> None:
        with _MOVES:
            self.instant += timedelta(seconds=seconds)
            self.slept += seconds


class AheadClock:
    """The time of this machine, and the seconds slept: what is waited for has passed.

    `share` of the seconds that are slept do pass, for what happens meanwhile.
    """

    def __init__(self, share: float = 0) -> None:
        self._share, self._ahead = share, timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds * self._share)
        self._ahead += timedelta(seconds=seconds * (1 - self._share))


class FakeSource:
    """Tables in memory."""

    def __init__(self, tables: Mapping[str, Iterable[Row]], catalogue: Mapping[str, Table]) -> None:
        self.tables = {
            name: {row["id"]: dict(row) for row in rows} for name, rows in tables.items()
        }
        self._catalogue = catalogue
        self.writes: list[tuple[str, RowUpdate]] = []
        self.unread: dict[
            tuple[str, str], set[str]
        ] = {}  # table and key → columns that cannot be read
        self.without_key: set[str] = set()  # tables with a row that has no key
        self.keyless: dict[str, Row] = {}  # what can be read of that row, by table
        self.rounds_to: dict[tuple[str, str], int] = {}  # table and column → to what it rounds
        self.name = "org-a"

    def describe(self) -> str:
        return "memory"

    def identity(self) -> str:
        return self.name

    notices = ()

    def decimal_places(self, table: str, column: str) -> int | None:
        return self.rounds_to.get((table, column))

    def id_entity_of(self, table: str, column: str) -> str | None:
        return None

    def read(self, table: str, columns: Iterable[str], keys: Collection[str] | None = None) -> Rows:
        whole = self._read(table, columns)
        return whole if keys is None else whole.only(keys, "id")

    def _read(self, table: str, columns: Iterable[str]) -> Rows:
        wanted = {*columns, "id"}
        there = self.tables.get(table, {})
        rows = {key: {name: there[key].get(name) for name in wanted} for key in sorted(there)}
        broken = {
            key: faults
            for (name, key), faults in self.unread.items()
            if name == table and key in rows
        }
        parts = {
            key: {name: rows[key][name] for name in wanted - faults}
            for key, faults in broken.items()
        }
        findings = [
            _left_out(
                "value-not-its-type",
                f'{table} {key}, {fault}: "oops" cannot be read',
                key,
                parts[key],
            )
            for key, faults in broken.items()
            for fault in sorted(faults)
        ]
        if table in self.without_key:
            findings.append(_left_out("row-without-key", f"a row of {table} has no key"))
        keyless = [(findings[-1], self.keyless[table])] if table in self.keyless else []
        read = [row for key, row in rows.items() if key not in broken]
        return Rows(read, findings, parts, keyless)

    def places(self, table: str, keys: Iterable[str]) -> Mapping[str, Place]:
        return {}

    def write(self, table: str, updates: Sequence[RowUpdate]) -> Sequence[RowOutcome]:
        outcomes = []
        for update in updates:
            row = self.tables[table].get(update.key)
            if row is None:
                outcomes.append(RowOutcome(update.key, "there is no such row"))
            elif all(row.get(name) == value for name, value in update.values.items()):
                outcomes.append(RowOutcome(update.key))
            elif any(row.get(name) != value for name, value in update.expected.items()):
                outcomes.append(RowOutcome(update.key, "has changed", row_changed=True))
            else:
                for name, value in update.values.items():
                    row[name] = self._kept(table, name, value)
                self.writes.append((table, update))
                outcomes.append(RowOutcome(update.key))
        return outcomes

    def _kept(self, table: str, column: str, value: object) -> object:
        places = self.rounds_to.get((table, column))
        if places is not None and isinstance(value, Decimal):
            return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
        return None if value == "" else value


def _left_out(code: str, text: str, key: str = "", part: Row | None = None) -> Finding:
    name = (part or {}).get("name") or ""
    return Finding(
        code,
        Severity.ERROR,
        text,
        "Correct it in Work 365.",
        Place("memory", 7, 1),
        key=key,
        name=name,
    )


class Numbers:
    """Counts up. It can be copied; `itertools.count` cannot, from Python 3.14 on."""

    def __init__(self, first: int) -> None:
        self._following = first

    def __next__(self) -> int:
        self._following += 1
        return self._following - 1


class FakeTarget:
    """Records in memory; adjustments move unit rows as Autotask does, a row between changes."""

    def __init__(
        self, entities: Mapping[str, Entity], records: Mapping[str, Iterable[Record]] | None = None
    ) -> None:
        self.entities = dict(entities)
        self.records: dict[str, dict[int, Record]] = {name: {} for name in entities}
        for name, given in (records or {}).items():
            self.records[name] = {record["id"]: dict(record) for record in given}
        self.ids = Numbers(1000)
        self.calls = self.spared = 0
        self.sent: list[tuple[str, str, Mapping[str, Any]]] = []
        self._lock = Lock()
        self.guard: Callable[[], None] = lambda: None
        self.stopped = False
        self.kept = 0
        self.name = "tenant-a"
        self.without_rights: dict[str, frozenset[str]] = {}  # entity → operations

    def denied(self, entity: str) -> frozenset[str]:
        return self.without_rights.get(entity, frozenset())

    def describe(self) -> str:
        return "memory"

    def identity(self) -> str:
        return self.name

    def entity(self, name: str) -> Entity:
        return self.entities[name]

    def renew(self, entities: Iterable[str]) -> bool:
        del entities
        return False

    @property
    def notices(self) -> Sequence[str]:
        return ()

    @property
    def partial_reads(self) -> Sequence[PartialRead]:
        return ()

    def read(self, entity: str, where: Sequence[Condition], fields: Sequence[str]) -> list[Record]:
        with self._lock:
            found = [
                record
                for _, record in sorted(self.records[entity].items())
                if all(_fits(record, one) for one in where)
            ]
            lists = [
                -(-len(one.value) // 500)
                for one in where
                if one.op == "in" and isinstance(one.value, list)
            ]
            self.calls += max(1, -(-len(found) // 500), *lists) + (0 if where else 1)
            return [{name: record.get(name) for name in ("id", *fields)} for record in found]

    def before_write(self, guard: Callable[[], None]) -> None:
        self.guard = guard

    def stop(self) -> None:
        self.stopped = True

    @property
    def call_costs(self) -> CallCosts:
        """As Autotask has them."""
        return CallCosts(page=500, in_flight=3, per_entity=2, fixed=3, between_checks=25)

    def reserve_calls(self, calls: int) -> None:
        self.kept = calls

    def create(self, entity: str, values: Mapping[str, object]) -> int | None:
        self.guard()
        return self.insert(entity, values)

    def update(self, entity: str, record: int, values: Mapping[str, object]) -> None:
        self.guard()
        self.patch(entity, record, values)

    def insert(self, entity: str, values: Mapping[str, object]) -> int | None:
        with self._lock:
            self.calls += 1
            self.sent.append(("create", entity, dict(values)))
            if entity == ADJUSTMENTS:
                self._adjust(values)
                return None
            id_ = next(self.ids)
            self.records[entity][id_] = {"id": id_, **values}
            return id_

    def patch(self, entity: str, record: int, values: Mapping[str, object]) -> None:
        with self._lock:
            self.calls += 1
            self.sent.append(("update", entity, dict(values)))
            if record not in self.records[entity]:
                raise TargetRejected(
                    "no matching records found", errors=["No matching records found"]
                )
            self.records[entity][record].update(values)

    def threshold(self) -> Threshold | None:
        return Threshold(0, 10_000)

    def _adjust(self, values: Mapping[str, Any]) -> None:
        service = self.records["ContractServices"][values["contractServiceID"]]
        contract = self.records["Contracts"][service["contractID"]]
        day = values["effectiveDate"]
        if not contract["startDate"] <= day <= contract["endDate"]:
            raise TargetRejected(
                "outside", errors=["effectiveDate must be between the start date and end date"]
            )
        rows = [
            row for row in self.records[UNITS].values() if row["contractServiceID"] == service["id"]
        ]
        if not rows:
            rows = [self._row(service, contract["startDate"], contract["endDate"], 0)]
        for row in rows:
            if row["startDate"] < day <= row["endDate"]:
                rows.append(self._row(service, day, row["endDate"], row["units"]))
                row["endDate"] = day - timedelta(days=1)
                break
        for row in rows:
            if row["startDate"] >= day:
                row["units"] += values["unitChange"]

    def _row(self, service: Record, start: date, end: date, units: int) -> Record:
        id_ = next(self.ids)
        row = {
            "id": id_,
            "contractServiceID": service["id"],
            "contractID": service["contractID"],
            "startDate": start,
            "endDate": end,
            "units": units,
            "approveAndPostDate": None,
        }
        self.records[UNITS][id_] = row
        return row

    def units(self, service: int, day: date) -> int:
        """Units of a contract service on a day."""
        return sum(
            row["units"]
            for row in self.records[UNITS].values()
            if row["contractServiceID"] == service and row["startDate"] <= day <= row["endDate"]
        )


def _fits(record: Record, condition: Condition) -> bool:
    value = record.get(condition.field)
    if condition.op == "in":
        wanted = condition.value if isinstance(condition.value, list) else []
        return _folded(value) in {_folded(one) for one in wanted}
    if condition.op == "gte":
        return value is not None and value >= condition.value
    return _folded(value) == _folded(condition.value)


def _folded(value: object) -> object:
    return value.casefold() if isinstance(value, str) else value


LEASE = timedelta(seconds=60)


class FakeState:
    """State in memory; processes that use the same store use the same object."""

    _KEPT = (
        "lineage",
        "serial",
        "links",
        "applied",
        "pushed",
        "all_runs",
        "entries",
        "systems",
        "audited",
        "heads",
    )
    _exports: ClassVar[dict[str, dict[str, Any]]] = {}

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.exists = False
        self.lineage, self.serial = "", 0
        self.links: dict[tuple[str, str], Link] = {}
        self.applied: dict[tuple[str, str], Mapping[str, object]] = {}
        self.pushed: dict[tuple[str, str], Pushed] = {}
        self.all_runs: dict[str, Run] = {}
        self.entries: dict[str, list[Entry]] = {}
        self.systems: Mapping[str, str] = {}
        self.audited: list[AuditEntry] = []
        self.heads: list[str] = []  # one per line of the journal
        self.lease: Lease | None = None
        self._tokens = Numbers(1)

    def load(self) -> StateSnapshot:
        doubtful = {run for run, _ in self.in_doubt()}
        open_runs = [
            run
            for run in self.all_runs.values()
            if run.status in (RunStatus.OPEN, RunStatus.INTERRUPTED) or run.id in doubtful
        ]
        return StateSnapshot(
            self.lineage,
            self.serial,
            Links(self.links.values()),
            dict(self.applied),
            dict(self.pushed),
            tuple(open_runs),
            dict(self.systems),
            self._last_blocked(),
        )

    def _last_blocked(self) -> frozenset[tuple[str, str]]:
        for run in reversed(self.all_runs.values()):
            try:
                plan = json.loads(run.plan)
            except ValueError:
                continue
            if not run.undo_of and not plan.get("selection"):
                return frozenset((one["mapping"], one["key"]) for one in plan.get("blocked", ()))
        return frozenset()

    def acquire(self, holder: str, *, reason: str = "") -> Lease:
        now, before = self.clock.now(), self.lease
        expired = before is not None and before.expires <= now
        if before and not (expired or reason):
            since = f"{before.since:%Y-%m-%d %H:%M:%S}"
            raise StateLocked(f"{before.holder} has held the lock since {since}")
        self.exists = True
        self.lease = Lease(next(self._tokens), holder, "here", 1, now, now + LEASE)
        if before:
            taken = LockTaken(before.holder, before.host, forced=not expired)
            self._audit(self.lease, taken, reason)
        return self.lease

    def renew(self, lease: Lease) -> Lease:
        self._held(lease)
        self.lease = replace(lease, expires=self.clock.now() + LEASE)
        return self.lease

    def check(self, lease: Lease) -> None:
        if self._held(lease).expires <= self.clock.now():
            raise StateLocked("the lease has expired")

    def release(self, lease: Lease) -> None:
        if self.lease and self.lease.token == lease.token:
            self.lease = None

    def holder(self) -> Lease | None:
        return self.lease

    def begin(self, run: Run, lease: Lease) -> None:
        self._held(lease)
        if run.id in self.all_runs:
            raise StateError(f"there is already a run {run.id}")
        self.lineage = self.lineage or "lineage"
        self.systems = dict(run.systems) or self.systems
        self.all_runs[run.id] = replace(run, systems={})
        self.entries[run.id] = []
        self._line(run.id)

    def record(
        self, lease: Lease, run: str, entries: Sequence[Entry], effects: Effects | None = None
    ) -> None:
        self._held(lease)
        self.run(run)
        self.entries[run] += [replace(entry, seq=self._line(entry)) for entry in entries]
        if effects:
            self._take(effects)

    def finish(self, lease: Lease, run: str, status: RunStatus, at: datetime) -> None:
        self._held(lease)
        if self.run(run).status is RunStatus.DONE:
            raise StateError(f"run {run} is done")
        self.all_runs[run] = replace(self.all_runs[run], status=status, ended=at)
        self.serial += 1
        self._line(status)

    def edit(
        self, lease: Lease, event: LinkForgotten, effects: Effects, *, reason: str = ""
    ) -> None:
        self._held(lease)
        self._audit(lease, event, reason)
        self._take(effects)
        self.serial += 1

    def settle(
        self,
        lease: Lease,
        run: str,
        entries: Sequence[Entry],
        effects: Effects | None = None,
        *,
        reason: str,
    ) -> None:
        self._held(lease)
        self.run(run)
        landed = {Step.DONE: True, Step.NOT_LANDED: False}
        settled = [
            SettledChange(entry.change, landed[entry.step])
            for entry in entries
            if entry.step in landed
        ]
        event = ChangesSettled(tuple(settled)) if settled else RunClosed()
        self._audit(lease, event, reason, run)
        self.record(lease, run, entries, effects)
        self.serial += 1

    def adopt(self, lease: Lease, systems: Mapping[str, str], *, reason: str) -> None:
        self._held(lease)
        self.systems = dict(systems)
        self._audit(lease, SystemsAdopted(self.systems), reason)
        self.serial += 1

    def record_statement(self, lease: Lease, event: ApprovalStated, *, reason: str = "") -> None:
        self._held(lease)
        self._audit(lease, event, reason)

    def runs(self, *, plans: bool = True) -> Sequence[Run]:
        return [run if plans else replace(run, plan="") for run in self.all_runs.values()]

    def run(self, run: str) -> Run:
        if run not in self.all_runs:
            raise StateError(f"there is no run {run}")
        return self.all_runs[run]

    def journal(self, run: str) -> Sequence[Entry]:
        return [*self.entries.get(run, ())]

    def in_doubt(self) -> Sequence[tuple[str, Entry]]:
        last = {
            (run, entry.change): entry for run, entries in self.entries.items() for entry in entries
        }
        doubts = [(run, entry) for (run, _), entry in last.items() if entry.step in OPEN]
        return sorted(doubts, key=lambda doubt: doubt[1].seq)

    def audit(self) -> Sequence[AuditEntry]:
        return [*self.audited]

    def head(self) -> tuple[int, str]:
        return len(self.heads), self.heads[-1] if self.heads else ""

    def verify(self, known: Iterable[str] = ()) -> Sequence[Finding]:
        missing = [head for head in known if head not in self.heads]
        return [
            Finding("history-rewritten", Severity.ERROR, f"no line has the hash {head}", "")
            for head in missing
        ]

    def export(self) -> str:
        if not self.exists:
            raise StateError("there is no state to export")
        content = {name: deepcopy(getattr(self, name)) for name in self._KEPT}
        text = sha256(repr(content).encode()).hexdigest()
        self._exports[text] = content
        return text

    def import_(self, text: str) -> None:
        if self.lease:
            raise StateLocked(f"{self.lease.holder} holds the lock")
        if self.heads or self.serial:
            raise StateError("the state is not empty")
        if text not in self._exports:
            raise StateError("this is not an export")
        self.__dict__.update(deepcopy(self._exports[text]))
        self.exists = True

    def _held(self, lease: Lease) -> Lease:
        if self.lease is None or self.lease.token != lease.token:
            raise StateLocked("the lock is no longer ours")
        return self.lease

    def _line(self, what: object) -> int:
        """Adds a line to the journal and returns its number."""
        self.heads.append(sha256(f"{self.heads[-1:]} {what}".encode()).hexdigest())
        return len(self.heads)

    def _audit(self, lease: Lease, event: AuditEvent, reason: str, run: str = "") -> None:
        at, seq = self.clock.now(), self._line(event)
        self.audited.append(AuditEntry(seq, at, lease.holder, lease.host, reason, event, run))

    def _take(self, effects: Effects) -> None:
        for key in effects.unlink:
            self.links.pop(key, None)
            self.applied.pop(key, None)
        for key in effects.unpush:
            self.pushed.pop(key, None)
        self.links.update({(link.mapping, link.key): link for link in effects.links})
        self.applied.update(effects.applied)
        self.pushed.update({(one.mapping, one.key): one for one in effects.pushed})
