"""Checks, just before a batch is written, that everything is as it was for the plan.

Both sides are read in bulk. The target has no versions to compare, so a window remains between this
check and the write: the time that the writes of one batch take, and the last few of the batch
before it. What the run itself wrote never makes a change stale.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import assert_never

from msgspec import Struct

from trueup.applying.created_record import Recognised, RecordRecogniser, Whose, recognising_fields
from trueup.applying.run_state import RunState, adjustment_of
from trueup.applying.same_units import same_units
from trueup.model.change import Action, Alike, Change, SeenRow, System, UnitRow
from trueup.model.coerce import same, shown
from trueup.model.mapping import AppendSpec, LedgerSpec, UnitFields
from trueup.model.project import Project
from trueup.planning.needs import GONE, UNREADABLE, columns, row_print, volatile, what_became
from trueup.planning.reading import read_unit_rows
from trueup.planning.records.identity import carriers
from trueup.ports.source import Row, Rows
from trueup.ports.target import Condition, Record
from trueup.ports.world import World


class AppearedRecords(Struct, frozen=True):
    """Records that have the values of a row that is to be created, and were not there before."""

    entity: str
    ids: frozenset[int]
    alike: Alike


class PreconditionResult(Struct):
    """The result of the check for each change of a batch."""

    stale: dict[str, str] = {}  # why a change no longer fits, by its id
    done: dict[str, Mapping[str, object]] = {}
    """Changes whose effect is there before the write, with the data of their entries."""

    units: dict[str, tuple[UnitRow, ...]] = {}  # adjustments: rows now
    siblings: dict[str, list[int]] = {}
    """Adjustments that create: ids of the records like it that are there now."""

    appeared: dict[str, list[AppearedRecords]] = {}
    """Creates: records like theirs that the plan has not seen; some may be the run's own."""


class PreconditionChecker:
    """Reads both sides again, for one batch at a time."""

    def __init__(self, project: Project, world: World) -> None:
        self._project, self._world = project, world
        self._systems = project.catalogue.systems
        self._columns, self._volatile = columns(project), volatile(project)

    # The source's side

    def rows(self, batch: Sequence[Change]) -> PreconditionResult:
        """Compares the source rows of a batch.

        Raises SourceError if the source cannot be read: then nothing of the batch is written.
        """
        result = PreconditionResult()
        wanted = {(row.table, row.key) for change in batch for row in change.seen.rows}
        marks = {
            (row.table, row.key): change
            for change in batch
            if change.action is Action.WRITE_BACK
            for row in change.seen.rows
        }
        now: dict[tuple[str, str], str] = {}  # fingerprints
        labels: dict[tuple[str, str], str] = {}
        for name in sorted({table for table, _ in wanted}):
            table = self._project.catalogue.tables[name]
            skipped = self._volatile.get(name, set())
            keys = {key for other, key in wanted if other == name}
            read = self._world.source.read(name, sorted(self._columns[name]), keys)
            for row in read.rows:
                id_ = (name, str(row[table.key]))
                now[id_] = row_print(_without_mark(row, marks.get(id_)), skipped)
                title = row.get(table.title) or ""
                labels[id_] = f"{table.label} {title} ({row[table.key]})"
            now |= dict.fromkeys(_unreadable(name, read, wanted - now.keys()), UNREADABLE)
        for change in batch:
            for seen in change.seen.rows:
                id_ = (seen.table, seen.key)
                self._compare_row(change, seen, now.get(id_, GONE), labels.get(id_, ""), result)
        return result

    def _compare_row(
        self, change: Change, seen: SeenRow, now: str, label: str, result: PreconditionResult
    ) -> None:
        if now != seen.fingerprint:
            what = f"{label or f'{seen.table} {seen.key}'} {what_became(seen.fingerprint, now)}"
            result.stale[change.id] = (
                f"its row {what} in {self._systems.source} since the plan was made"
            )

    # The target's side

    def records(
        self, batch: Sequence[Change], run_state: RunState, result: PreconditionResult
    ) -> PreconditionResult:
        """Adds the target's side to `result`. May run in any thread.

        Raises TargetError if the target cannot be read.
        """
        by_entity: dict[str, list[Change]] = defaultdict(list)
        for change in batch:
            if change.id not in result.stale and change.action.writes is System.TARGET:
                by_entity[change.entity].append(change)
        if by_entity:
            # Each change's result is its own, so entities may be read at the same time.
            with ThreadPoolExecutor(max_workers=len(by_entity)) as pool:
                tasks = [
                    pool.submit(self._entity, changes, run_state, result)
                    for changes in by_entity.values()
                ]
            for task in tasks:
                task.result()
        return result

    def _entity(
        self, changes: Sequence[Change], run_state: RunState, result: PreconditionResult
    ) -> None:
        """Changes to one entity."""
        existing, creates, adjusts = [], [], []
        for change in changes:
            match change.action:
                case Action.UPDATE | Action.DEACTIVATE:
                    existing.append(change)
                case Action.CREATE:
                    creates.append(change)
                case Action.ADJUST:
                    adjusts.append(change)
                case Action.LINK | Action.WRITE_BACK:
                    raise ValueError(
                        f"a change of action {change.action} is no write to the target"
                    )
                case _:
                    assert_never(change.action)
        entity = changes[0].entity
        self._records(entity, existing, result)
        self._absent(entity, creates, run_state, result)
        self._adjustments([one for one in adjusts if one.makes is None], run_state, result)
        for change in adjusts:
            if change.makes is not None:
                self._siblings(change, change.makes.entity, run_state, result)

    def _records(self, entity: str, changes: Sequence[Change], result: PreconditionResult) -> None:
        """Compares records with what the plan saw. What has all new values already is done."""
        ids = [change.record for change in changes if change.record is not None]
        if not ids:
            return
        names = {name for change in changes for name in (*change.seen.record, *change.values)}
        records = self.read_ids(entity, ids, sorted(names - {"id"}))
        for change in changes:
            record = records.get(change.record or 0)
            if record is None:
                result.stale[change.id] = (
                    f"{self._systems.target} no longer returns it ({entity} {change.record})"
                )
            elif all(same(value, record.get(name)) for name, value in change.values.items()):
                result.done[change.id] = {"already": True}
            else:
                self._compare_record(change, record, result)

    def _compare_record(self, change: Change, record: Record, result: PreconditionResult) -> None:
        for name, seen in change.seen.record.items():
            if not same(record.get(name), seen):
                result.stale[change.id] = (
                    f"{name} of {change.entity} {change.record} was {shown(seen)} in "
                    f"{self._systems.target} when the plan was made, and is "
                    f"{shown(record.get(name))} now"
                )

    def read_ids(self, entity: str, ids: Iterable[int], fields: Sequence[str]) -> dict[int, Record]:
        """Records by id."""
        conditions = [Condition("id", "in", sorted(set(ids)))]
        records = self._world.target.read(entity, conditions, fields)
        return {record["id"]: record for record in records}

    def _absent(
        self,
        entity: str,
        changes: Sequence[Change],
        run_state: RunState,
        result: PreconditionResult,
    ) -> None:
        given_up = [
            (change, id_)
            for change in changes
            for id_ in sorted(run_state.given_up.get(change.id, ()))
        ]
        own: dict[str, set[int]] = defaultdict(set)  # given up, and shown after all
        for (name, id_), seen in self.recognised(entity, given_up, run_state).items():
            if seen.whose is Whose.OURS:
                own[name].add(id_)
        found = self.by_identity(entity, changes, run_state)
        missing = []
        for change in changes:
            ids = own[change.id]
            if others := {record["id"] for record in found.get(change.id, ())} - ids:
                result.stale[change.id] = (
                    f"{entity} {_listed(others)} has this row's identity now: "
                    "another user created it"
                )
            elif len(ids) > 1:
                result.stale[change.id] = f"{entity} {_listed(ids)} may each be this row's record"
            elif ids:
                result.done[change.id] = {"id": min(ids), "settled": True}
            else:
                missing.append(change)
        self._none_alike(entity, missing, run_state, result)

    def _none_alike(
        self,
        entity: str,
        changes: Sequence[Change],
        run_state: RunState,
        result: PreconditionResult,
    ) -> None:
        """Checks that nothing is created that a new plan would take for the row's record."""
        wanted = {
            f"{number}:{change.id}": values
            for change in changes
            for number, alike in enumerate(change.seen.alike)
            if (values := run_state.resolved(alike.values))
        }
        target = self._world.target
        found = carriers(target.entity(entity), wanted, target.read) if wanted else {}
        for change in changes:
            for number, alike in enumerate(change.seen.alike):
                ids = [record["id"] for record in found.get(f"{number}:{change.id}", ())]
                _note_appeared(change, entity, ids, alike, result)

    @staticmethod
    def hold_appeared(result: PreconditionResult, run_state: RunState) -> None:
        """Holds creates for which another user has created a record.

        No create of this run may be in flight: its record would be taken for another user's.
        """
        for id_, every in result.appeared.items():
            for one in every:
                if new := one.ids - run_state.created.get(one.entity, set()):
                    result.stale[id_] = (
                        f"{one.entity} {_listed(new)} fits this row by "
                        f"{', '.join(one.alike.values)}: "
                        "another user created it since the plan was made"
                    )

    def by_identity(
        self, entity: str, changes: Sequence[Change], run_state: RunState
    ) -> dict[str, list[Record]]:
        """Returns change → records that carry the identity of its row; in one query."""
        identities = {
            change.id: identity
            for change in changes
            if (identity := run_state.resolved(change.seen.absent))
        }
        if not identities:
            return {}
        target = self._world.target
        return carriers(target.entity(entity), identities, target.read)

    def recognised(
        self, entity: str, answered: Sequence[tuple[Change, int]], run_state: RunState
    ) -> dict[tuple[str, int], Recognised]:
        """Returns whose the records are that creates were answered with; in one query.

        By change and record.
        """
        if not answered:
            return {}
        fields = {name for change, _ in answered for name in recognising_fields(change)}
        records = self.read_ids(entity, [id_ for _, id_ in answered], sorted(fields))
        recogniser = self.recogniser(run_state)
        return {
            (change.id, id_): recogniser.recognise(change, id_, records.get(id_, {}))
            for change, id_ in answered
        }

    def recogniser(self, run_state: RunState) -> RecordRecogniser:
        """Returns what recognises the records of a run's creates, by the state as it is now."""
        return RecordRecogniser(run_state, self._world.state)

    def _siblings(
        self, change: Change, entity: str, run_state: RunState, result: PreconditionResult
    ) -> None:
        """Notes the present records, and checks that only this run has added any."""
        now = result.siblings[change.id] = self.siblings(change, run_state)
        for alike in change.seen.alike:
            _note_appeared(change, entity, now, alike, result)

    def siblings(self, change: Change, run_state: RunState) -> list[int]:
        """Returns ids of the records with the references of a creating adjustment."""
        entity = change.makes.entity if change.makes else change.entity
        found = self.by_identity(entity, [change], run_state)
        return [record["id"] for record in found.get(change.id, [])]

    # Unit rows

    def _adjustments(
        self, changes: Sequence[Change], run_state: RunState, result: PreconditionResult
    ) -> None:
        """Compares units with what the plan saw and this run has added, and looks for postings."""
        for group in by_mapping(changes):
            rows = self.unit_rows(group, run_state)
            for change in group:
                service = run_state.service_of(change)
                now, day = rows.get(service, ()), adjustment_of(change).day
                own = run_state.adjusted.get(service, [])
                if not same_units(change.seen.units or (), own, now):
                    result.stale[change.id] = (
                        f"its units in {self._systems.target} (service {service}) "
                        "have changed since the plan was made"
                    )
                elif any(row.posted and row.end >= day for row in now):
                    result.stale[change.id] = f"{day} was posted since the plan was made"
                result.units[change.id] = now

    def unit_rows(
        self, changes: Sequence[Change], run_state: RunState
    ) -> dict[int, tuple[UnitRow, ...]]:
        """The present unit rows of the services that these changes of one mapping adjust."""
        if not changes:
            return {}
        append, ledger = self._specs(changes[0].mapping)
        first = min([adjustment_of(change).day for change in changes] + _first_ends(changes))
        services = [run_state.service_of(change) for change in changes]
        return read_unit_rows(self._world.target, append, ledger, services, first)

    def unit_fields(self, mapping: str) -> UnitFields:
        """The target's fields of the unit rows that prove an adjustment."""
        append, _ = self._specs(mapping)
        return append.proof.rows

    def _specs(self, mapping: str) -> tuple[AppendSpec, LedgerSpec]:
        found = append_specs(self._project, mapping)
        if found is None:
            raise LookupError(mapping)
        return found


def append_specs(project: Project, mapping: str) -> tuple[AppendSpec, LedgerSpec] | None:
    """Returns how a mapping appends, and the ledger that it moves; None without the mapping."""
    spec, owner = project.mappings.get(mapping), project.ledger_of(mapping)
    if spec is None or spec.append is None or owner is None or owner.ledger is None:
        return None
    return spec.append, owner.ledger


def by_mapping(changes: Sequence[Change]) -> Iterable[list[Change]]:
    """Changes grouped by mapping."""
    groups: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        groups[change.mapping].append(change)
    return groups.values()


def _listed(ids: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(ids)))


def _note_appeared(
    change: Change, entity: str, ids: Iterable[int], alike: Alike, result: PreconditionResult
) -> None:
    new = frozenset(ids) - {*alike.known}
    if new:
        result.appeared.setdefault(change.id, []).append(AppearedRecords(entity, new, alike))


def _unreadable(
    table: str, read: Rows, wanted: Iterable[tuple[str, str]]
) -> Iterable[tuple[str, str]]:
    """Those of the wanted rows that cannot be read: a row without a key may be any of them."""
    why = read.left_out()
    for name, key in wanted if why else ():
        if name == table and (key in why or "" in why):
            yield name, key


def _without_mark(row: Row, mark: Change | None) -> Row:
    """Returns the row as before its mark: a run may have ended between two rows of one mark."""
    if mark is None or any(row.get(name) != value for name, value in mark.values.items()):
        return row
    return {**row, **mark.seen.record}


def _first_ends(changes: Iterable[Change]) -> list[date]:
    """The end of the first unit row that was seen of each service: rows are read from there on."""
    return [change.seen.units[0].end for change in changes if change.seen.units]
