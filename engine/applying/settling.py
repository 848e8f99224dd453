"""Changes in doubt, settled by reading: before anything else is written, and not before a request must have ended."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from engine.applying.book import Book, adjustment
from engine.applying.check import Checker
from engine.model.plan import Action, Change
from engine.model.project import Project
from engine.model.run import Entry, Step
from engine.planning.write_backs import as_column
from engine.ports import World
from engine.stages.settle import Landing, proof_rows, rows_from, settle_adjustment, settle_create, settle_update

SLACK = timedelta(seconds=1)
"""At most so long after its last STARTED in the journal is a write sent; less where `settle_after` is short."""


UNTOLD = "reading cannot tell whether it took effect: its mapping is not there any more"


class Settler:
    """Reads what is in doubt and says how each change stands."""

    def __init__(self, project: Project, world: World, checker: Checker) -> None:
        self._project, self._world, self._checker = project, world, checker
        self._after: timedelta = project.settle_after
        self.slack = min(SLACK, self._after / 10)
        self._asked: datetime = world.clock.now()

    def settle(self, changes: Sequence[Change], book: Book) -> list[Entry]:
        """Entries for all that can be told now: DONE, NOT_LANDED or UNCLEAR. What must wait gets none."""
        self._asked = self._world.clock.now()  # what a reading did not see may have come while it was under way
        entries: list[Entry] = []
        untold = [change for change in changes if not self._can_tell(change)]
        for change in untold:
            entries += self._told(change, Landing.UNCLEAR, book, {"text": UNTOLD})
        changes = [change for change in changes if change not in untold]
        groups: dict[tuple[Action, str, str], list[Change]] = defaultdict(list)
        for change in changes:
            groups[change.action, change.entity, change.mapping].append(change)
        for (action, entity, _), group in groups.items():
            if action is Action.CREATE:
                entries += self._creates(entity, group, book)
            elif action is Action.ADJUST:
                entries += self._adjustments(group, book)
            elif action is Action.WRITE_BACK:
                entries += self._write_backs(entity, group, book)
            else:
                entries += self._updates(entity, group, book)
        return entries

    def _can_tell(self, change: Change) -> bool:
        """Is there still said where the units of an adjustment are to be seen?"""
        mapping = self._project.mappings.get(change.mapping)
        return change.action is not Action.ADJUST or (
            mapping is not None
            and mapping.append is not None
            and any(one.ledger and one.ledger.pending == change.mapping for one in self._project.mappings.values())
        )

    def _creates(self, entity: str, changes: Sequence[Change], book: Book) -> list[Entry]:
        found = self._checker.by_identity(entity, changes, book)
        entries = []
        for change in changes:
            ids = [record["id"] for record in found.get(change.id, [])]
            landing = settle_create(ids) if change.seen.absent else Landing.UNCLEAR
            entries += self._told(change, landing, book, {"id": ids[0]} if len(ids) == 1 else {"found": ids})
        return entries

    def _updates(self, entity: str, changes: Sequence[Change], book: Book) -> list[Entry]:
        fields = sorted({name for change in changes for name in change.values})
        records = self._checker.read_ids(entity, [change.record or 0 for change in changes], fields)
        return [
            entry
            for change in changes
            for entry in self._told(
                change, settle_update(book.values(change), records.get(change.record or 0)), book, {}
            )
        ]

    def _adjustments(self, changes: Sequence[Change], book: Book) -> list[Entry]:
        entries = [entry for change in changes if change.makes for entry in self._making(change, book)]
        changes = [change for change in changes if not change.makes]
        rows = self._checker.unit_rows(changes, book)
        for change in changes:
            record, day, units = adjustment(change, book)
            before, now = rows_from(book.before.get(change.id, ())), rows.get(record, ())
            landing = settle_adjustment(before, now, day, units)
            entries += self._told(change, landing, book, {"proof": proof_rows(now, day)})
        return entries

    def _making(self, change: Change, book: Book) -> list[Entry]:
        """An adjustment that creates: by who is there now and was not before."""
        before = book.siblings.get(change.id, ())
        new = [id_ for id_ in self._checker.siblings(change, book) if id_ not in before]
        if len(new) != 1:
            return self._told(change, settle_create(new), book, {"found": new})
        book.ids[change.id] = new[0]
        rows = self._checker.unit_rows([change], book).get(new[0], ())
        _, day, units = adjustment(change, book)
        if settle_adjustment((), rows, day, units) is Landing.LANDED:
            return self._told(change, Landing.LANDED, book, {"id": new[0], "proof": proof_rows(rows, day)})
        del book.ids[change.id]
        return self._told(change, Landing.UNCLEAR, book, {"found": new})

    def _write_backs(self, table: str, changes: Sequence[Change], book: Book) -> list[Entry]:
        key = self._project.catalogue.tables[table].key
        names = sorted({name for change in changes for name in change.values})
        rows = {str(row[key]): row for row in self._world.source.read(table, names).rows}
        entries = []
        for change in changes:
            wanted = source_values(self._project, change, book)
            marked = all(rows.get(one, {}).get(name) == value for one in change.keys for name, value in wanted.items())
            entries += self._told(change, Landing.LANDED if marked else Landing.ABSENT, book, {})
        return entries

    def _told(self, change: Change, landing: Landing, book: Book, data: Mapping[str, Any]) -> list[Entry]:
        now = self._world.clock.now()
        if landing is Landing.LANDED:
            return [Entry(change.id, Step.DONE, now, {**data, "settled": True})]
        if landing is Landing.ABSENT:
            if self._asked < self.wait_until(change, book):
                return []
            return [Entry(change.id, Step.NOT_LANDED, now, {"settled": True})]
        text = "reading cannot tell whether it took effect: somebody else wrote there as well"
        remedy = f"look in Autotask, then `trueup state settle {change.id} landed|absent --reason …`"
        return [Entry(change.id, Step.UNCLEAR, now, {"text": text, **data, "remedy": remedy})]

    def wait_until(self, change: Change, book: Book) -> datetime:
        """When a write of which there is no trace counts as not landed."""
        return book.sent_at.get(change.id, self._world.clock.now()) + self._after + self.slack


def source_values(project: Project, change: Change, book: Book) -> dict[str, Any]:
    """What is written back, ids as the column has them."""
    columns = project.catalogue.tables[change.entity].columns
    return {name: as_column(columns[name], value) for name, value in book.values(change).items()}
