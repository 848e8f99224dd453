"""Settles changes in doubt by reading, before anything else is written.

A write without a trace counts as not landed only once no request can still be under way:
`settle_after` after it was sent.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, assert_never

from trueup.applying.created_record import Recognised, Whose
from trueup.applying.preconditions import PreconditionChecker, append_specs
from trueup.applying.run_state import RunState, adjustment_of
from trueup.model.change import Action, Change, UnitRow
from trueup.model.project import Project
from trueup.model.run import Entry, Step
from trueup.planning.records.write_backs import as_column
from trueup.ports.world import World
from trueup.stages.settle import (
    WriteOutcome,
    proof_rows,
    rows_from,
    settle_adjustment,
    settle_create,
    settle_update,
)

SLACK = timedelta(seconds=1)
"""The longest time between the last STARTED entry of a write and its request.

It is shorter where `settle_after` is short.
"""

Proof = tuple[Mapping[str, object], ...]
"""Unit rows for the journal."""

UNCLEAR = "reading cannot show whether it took effect"
NO_MAPPING = f"{UNCLEAR}: its mapping is no longer there"
OTHER_UNITS = f"{UNCLEAR}: another user wrote there as well"


class DoubtSettler:
    """Reads what is in doubt, and returns the outcome of each change."""

    def __init__(self, project: Project, world: World, checker: PreconditionChecker) -> None:
        self._project, self._world, self._checker = project, world, checker
        self._after: timedelta = project.settle_after
        self._systems = project.catalogue.systems
        self.slack = _slack(self._after)
        self._read_at: datetime = world.clock.now()

    def settle(self, changes: Sequence[Change], run_state: RunState) -> list[Entry]:
        """Returns entries for all that is known now: DONE, NOT_LANDED, FAILED or UNCLEAR.

        FAILED is a write that was refused and had no effect. What is not known yet must wait.
        """
        # The time before reading: what the reading does not show may have come while it ran.
        self._read_at = self._world.clock.now()
        entries: list[Entry] = []
        groups: dict[tuple[Action, str, str], list[Change]] = defaultdict(list)
        for change in changes:
            if self._can_tell(change):
                groups[change.action, change.entity, change.mapping].append(change)
            else:
                entries.append(self._unclear(change, NO_MAPPING, {}))
        for (action, entity, _), group in groups.items():
            entries += self._settle_group(action, entity, group, run_state)
        return entries

    def _settle_group(
        self, action: Action, entity: str, changes: Sequence[Change], run_state: RunState
    ) -> list[Entry]:
        match action:
            case Action.CREATE:
                return self._creates(entity, changes, run_state)
            case Action.ADJUST:
                return self._adjustments(changes, run_state)
            case Action.WRITE_BACK:
                return self._write_backs(entity, changes, run_state)
            case Action.UPDATE | Action.DEACTIVATE:
                return self._updates(entity, changes, run_state)
            case Action.LINK:
                raise ValueError("a link sends nothing: it cannot be in doubt")
            case _:
                assert_never(action)

    def _can_tell(self, change: Change) -> bool:
        """Whether the project still configures where the units of an adjustment are read."""
        if change.action is not Action.ADJUST:
            return True
        return append_specs(self._project, change.mapping) is not None

    def _creates(self, entity: str, changes: Sequence[Change], run_state: RunState) -> list[Entry]:
        """Settles creates of one entity.

        A record that has the change's identity is its own. If none has, the id that the create was
        answered with decides, where there was an answer: the entity may not keep identities.
        """
        found = self._checker.by_identity(entity, changes, run_state)
        answered = [
            (change, run_state.ids[change.id])
            for change in changes
            if change.id in run_state.ids and not found.get(change.id)
        ]
        recognised = self._checker.recognised(entity, answered, run_state)
        entries = [
            entry
            for change, id_ in answered
            for entry in self._answered(change, id_, recognised[change.id, id_], run_state)
        ]
        settled = {change.id for change, _ in answered}
        for change in [one for one in changes if one.id not in settled]:
            ids = [record["id"] for record in found.get(change.id, [])]
            outcome = settle_create(ids) if change.seen.absent else WriteOutcome.UNCLEAR
            if outcome is WriteOutcome.UNCLEAR:
                entries.append(self._unclear(change, _why_no_record(entity, ids), {"found": ids}))
            else:
                data = {"id": ids[0]} if ids else {}
                entries += self._entry(change, outcome, run_state, data)
        return entries

    def _updates(self, entity: str, changes: Sequence[Change], run_state: RunState) -> list[Entry]:
        fields = sorted({name for change in changes for name in change.values})
        records = self._checker.read_ids(entity, [one.record or 0 for one in changes], fields)
        entries = []
        for change in changes:
            record = records.get(change.record or 0)
            outcome = settle_update(run_state.values(change), record)
            if outcome is WriteOutcome.UNCLEAR:
                gone = f"{self._systems.target} no longer returns {entity} {change.record}"
                entries.append(self._unclear(change, f"{UNCLEAR}: {gone}", {}))
            else:
                entries += self._entry(change, outcome, run_state, {})
        return entries

    def _adjustments(self, changes: Sequence[Change], run_state: RunState) -> list[Entry]:
        entries = [
            entry
            for change in changes
            if change.makes
            for entry in self._creating_adjustment(change, run_state)
        ]
        plain = [change for change in changes if not change.makes]
        rows = self._checker.unit_rows(plain, run_state)
        for change in plain:
            outcome, proof = self.adjustment_outcome(change, run_state, rows)
            if outcome is WriteOutcome.UNCLEAR:
                entries.append(self._unclear(change, OTHER_UNITS, {"proof": proof}))
            else:
                entries += self._entry(change, outcome, run_state, {"proof": proof})
        return entries

    def adjustment_outcome(
        self, change: Change, run_state: RunState, rows: Mapping[int, Sequence[UnitRow]]
    ) -> tuple[WriteOutcome, Proof]:
        """Returns the outcome of an adjustment by unit rows, and the rows that prove it.

        `rows` are the present ones, by service. The proof is for the journal.
        """
        day = adjustment_of(change).day
        before = rows_from(run_state.units_before.get(change.id, ()))
        now = rows.get(run_state.service_of(change), ())
        names = self._checker.unit_fields(change.mapping)
        outcome = settle_adjustment(before, now, day, change.unit_change)
        return outcome, proof_rows(now, day, names)

    def _creating_adjustment(self, change: Change, run_state: RunState) -> list[Entry]:
        """Settles an adjustment that creates its service, by records that are new."""
        before = run_state.siblings.get(change.id, ())
        new = [id_ for id_ in self._checker.siblings(change, run_state) if id_ not in before]
        entity = change.makes.entity if change.makes else change.entity
        if not new:
            return self._entry(change, WriteOutcome.ABSENT, run_state, {})
        if len(new) > 1:
            several = f"{len(new)} {entity} like it are new: {_listed(new)}"
            return [self._unclear(change, f"{UNCLEAR}: {several}", {"found": new})]

        run_state.ids[change.id] = new[0]
        rows = self._checker.unit_rows([change], run_state)
        outcome, proof = self.adjustment_outcome(change, run_state, rows)
        if outcome is WriteOutcome.LANDED:
            data = {"id": new[0], "proof": proof}
            return self._entry(change, WriteOutcome.LANDED, run_state, data)
        del run_state.ids[change.id]
        others = f"{entity} {new[0]} is new, and has other units than were sent"
        return [self._unclear(change, f"{UNCLEAR}: {others}", {"found": new})]

    def _write_backs(
        self, table: str, changes: Sequence[Change], run_state: RunState
    ) -> list[Entry]:
        """Settles marks of rows. One took effect if each row has all of its values.

        Otherwise it did not: to write the values once more changes nothing in rows that have them.
        """
        key = self._project.catalogue.tables[table].key
        names = sorted({name for change in changes for name in change.values})
        keys = {row_key for change in changes for row_key in change.keys}
        rows = {str(row[key]): row for row in self._world.source.read(table, names, keys).rows}
        entries = []
        for change in changes:
            wanted = source_values(self._project, change, run_state)
            is_marked = all(
                rows.get(row_key, {}).get(name) == value
                for row_key in change.keys
                for name, value in wanted.items()
            )
            entries += (
                self._entry(change, WriteOutcome.LANDED, run_state, {})
                if is_marked
                else self._entry(change, WriteOutcome.ABSENT, run_state, {})
            )
        return entries

    def _entry(
        self,
        change: Change,
        outcome: Literal[WriteOutcome.LANDED, WriteOutcome.ABSENT],
        run_state: RunState,
        data: Mapping[str, Any],
    ) -> list[Entry]:
        """Returns the entry for an outcome; none if the change must wait."""
        now = self._world.clock.now()
        if outcome is WriteOutcome.LANDED:
            return [Entry(change.id, Step.DONE, now, {**data, "settled": True})]
        if self._read_at < self.wait_until(change, run_state):
            return []
        refused = run_state.refused.get(change.id)
        if refused is not None:
            return [Entry(change.id, Step.FAILED, now, {**refused, "settled": True})]
        return [Entry(change.id, Step.NOT_LANDED, now, {"settled": True})]

    def _answered(
        self, change: Change, id_: int, seen: Recognised, run_state: RunState
    ) -> list[Entry]:
        """Settles a create that was answered with an id, where no record has its identity."""
        if seen.whose is Whose.OURS:
            return self._entry(change, WriteOutcome.LANDED, run_state, {"id": id_})
        return [self.answered_in_vain(change, id_, seen.why)]

    def answered_in_vain(self, change: Change, id_: int, why: str) -> Entry:
        """Returns the entry of a create whose answer does not name a record known to be its own.

        It is never sent again by itself: the record may be there, and not be shown to this user.
        """
        answer = f"{self._systems.target} answered with {change.entity} {id_}, and {why}"
        return self._unclear(change, f"{UNCLEAR}: {answer}", {})

    def _unclear(self, change: Change, text: str, data: Mapping[str, Any]) -> Entry:
        """Returns the entry of a change whose outcome only a person can determine."""
        remedy = (
            f"look in {self._systems.target}, then "
            f"`trueup state settle {change.id} landed|absent --reason …`"
        )
        details = {"text": text, **data, "remedy": remedy}
        return Entry(change.id, Step.UNCLEAR, self._world.clock.now(), details)

    def wait_until(self, change: Change, run_state: RunState) -> datetime:
        """Returns when a write without a trace counts as not landed."""
        sent = run_state.sent_at.get(change.id, self._world.clock.now())
        return settled_from(sent, self._after)


def settled_from(sent: datetime, settle_after: timedelta) -> datetime:
    """Returns when a write that was journaled at `sent` counts as not landed without a trace."""
    return sent + settle_after + _slack(settle_after)


def _slack(settle_after: timedelta) -> timedelta:
    return min(SLACK, settle_after / 10)


def source_values(project: Project, change: Change, run_state: RunState) -> dict[str, Any]:
    """Returns what is written back, ids in the type of their column."""
    columns = project.catalogue.tables[change.entity].columns
    return {
        name: as_column(columns[name], value) for name, value in run_state.values(change).items()
    }


def _why_no_record(entity: str, ids: Sequence[int]) -> str:
    """Returns why a create has no known record: none can be read, or several may be it."""
    if ids:
        return f"{UNCLEAR}: {len(ids)} {entity} carry its identity: {_listed(ids)}"
    return f"{UNCLEAR}: its mapping has no identity"


def _listed(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids))
