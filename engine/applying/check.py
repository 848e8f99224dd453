"""Just before a batch is written: is everything still as it was when the plan was made? In bulk reads.

Autotask has no ETags, so a window remains between this check and the write: the time that the writes of one
batch take, and the last few of the batch before it. What the run itself wrote never counts as moved.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date

from engine.applying.book import Book, adjustment
from engine.model.fit import same
from engine.model.plan import Action, Change, UnitRow, Unknown
from engine.model.project import AppendSpec, LedgerSpec, Project
from engine.model.units import DAY, units_on
from engine.planning.identity import carriers
from engine.planning.needs import GONE, UNREAD, columns, row_print, volatile
from engine.ports import Condition, Record, Row, Rows, World
from engine.stages.ledger import unit_rows


@dataclass(slots=True)
class Checked:
    """What the check says of each change of a batch."""

    moved: dict[str, str] = field(default_factory=dict)  # change → what has moved
    already: dict[str, int | None] = field(default_factory=dict)  # as wanted already
    units: dict[str, tuple[UnitRow, ...]] = field(default_factory=dict)  # adjustments → unit rows now
    siblings: dict[str, list[int]] = field(default_factory=dict)  # adjustments that create → who is there now


class Checker:
    """Reads both sides again, for one batch at a time."""

    def __init__(self, project: Project, world: World) -> None:
        self._project, self._world = project, world
        self._columns, self._volatile = columns(project), volatile(project)

    def rows(self, batch: Sequence[Change]) -> Checked:
        """The source's side of a batch. Raises SourceError when it cannot be read: then nothing of it is written."""
        checked = Checked()
        self._rows(batch, checked)
        return checked

    def records(self, batch: Sequence[Change], book: Book, checked: Checked) -> Checked:
        """The target's side, added to the source's. Raises TargetError when it cannot be read. For any thread."""
        by_entity: dict[str, list[Change]] = defaultdict(list)
        for change in batch:
            if change.id not in checked.moved and change.action in _SENT:
                by_entity[change.entity].append(change)
        if by_entity:
            with ThreadPoolExecutor(max_workers=len(by_entity)) as pool:
                [*pool.map(lambda changes: self._entity(changes, book, checked), by_entity.values())]
        return checked

    def _entity(self, changes: Sequence[Change], book: Book, checked: Checked) -> None:
        """Changes to one entity; each change's findings are its own, so that entities may be read side by side."""
        entity = changes[0].entity
        self._records(entity, [one for one in changes if one.action in _CHANGES], checked)
        self._absent(entity, [one for one in changes if one.action is Action.CREATE], book, checked)
        adjusts = [one for one in changes if one.action is Action.ADJUST]
        self._adjustments([one for one in adjusts if one.makes is None], book, checked)
        for change in adjusts:
            if change.makes is not None:
                checked.siblings[change.id] = self.siblings(change, book)

    def _rows(self, batch: Sequence[Change], checked: Checked) -> None:
        wanted = {name for change in batch for name in change.seen.row}
        tables = {name.split(":", 1)[0] for name in wanted}
        marks = {name: change for change in batch if change.action is Action.WRITE_BACK for name in change.seen.row}
        now: dict[str, str] = {}
        called: dict[str, str] = {}
        for table in sorted(tables):
            spec = self._project.catalogue.tables[table]
            skipped = self._volatile.get(table, set())
            read = self._world.source.read(table, sorted(self._columns[table]))
            for row in read.rows:
                name = f"{table}:{row[spec.key]}"
                if name in wanted:
                    now[name] = row_print(_unmarked(row, marks.get(name)), skipped)
                    called[name] = f"{spec.label} {row.get(spec.title) or ''} ({row[spec.key]})"
            now |= dict.fromkeys(_unread(table, read, wanted - now.keys()), UNREAD)
        for change in batch:
            for name, seen in change.seen.row.items():
                if now.get(name, GONE) != seen:
                    what = f"{called.get(name, name)} {_what_became(seen, now.get(name, GONE))}"
                    checked.moved[change.id] = f"its row {what} in Work 365 since the plan was made"

    def _records(self, entity: str, changes: Sequence[Change], checked: Checked) -> None:
        changes = [change for change in changes if change.record is not None]
        if not changes:
            return
        fields = sorted({name for change in changes for name in (*change.seen.record, *change.values)} - {"id"})
        records = self.read_ids(entity, [change.record for change in changes if change.record is not None], fields)
        for change in changes:
            record = records.get(change.record or 0)
            if record is None:
                checked.moved[change.id] = f"Autotask does not give it back any more ({entity} {change.record})"
            elif all(same(value, record.get(name)) for name, value in change.values.items()):
                checked.already[change.id] = change.record
            else:
                self._compare(change, record, checked)

    def _compare(self, change: Change, record: Record, checked: Checked) -> None:
        for name, seen in change.seen.record.items():
            if not same(record.get(name), seen):
                now = record.get(name)
                checked.moved[change.id] = f"{name} was {seen!s} when the plan was made and is {now!s} now"

    def read_ids(self, entity: str, ids: Iterable[int], fields: Sequence[str]) -> dict[int, Record]:
        """Records by id."""
        conditions = [Condition("id", "in", sorted(set(ids)))]
        return {record["id"]: record for record in self._world.target.read(entity, conditions, fields)}

    def _absent(self, entity: str, changes: Sequence[Change], book: Book, checked: Checked) -> None:
        found = self.by_identity(entity, changes, book)
        for change in changes:
            if found.get(change.id):
                ids = ", ".join(str(record["id"]) for record in found[change.id])
                checked.moved[change.id] = f"{entity} {ids} has this row's identity now: somebody created it"

    def by_identity(self, entity: str, changes: Sequence[Change], book: Book) -> dict[str, list[Record]]:
        """Change → records that carry the identity of its row; in one query."""
        identities = {
            change.id: {name: book.resolve(value) for name, value in change.seen.absent.items()}
            for change in changes
            if change.seen.absent and all(self._known(value, book) for value in change.seen.absent.values())
        }
        return carriers(self._world.target.entity(entity), identities, self._world.target.read) if identities else {}

    def siblings(self, change: Change, book: Book) -> list[int]:
        """Records with the references that an adjustment which creates will give its own."""
        entity = change.makes[2] if change.makes else change.entity
        return [record["id"] for record in self.by_identity(entity, [change], book).get(change.id, [])]

    def _known(self, value: object, book: Book) -> bool:
        return not isinstance(value, Unknown) or value.change in book.ids

    def _adjustments(self, changes: Sequence[Change], book: Book, checked: Checked) -> None:
        for group in self.grouped(changes):
            rows = self.unit_rows(group, book)
            for change in group:
                record, day, _ = adjustment(change, book)
                now = rows.get(record, ())
                expected = [*(change.seen.units or ())]
                own = book.adjusted.get(record, [])
                if not same_units(expected, own, now):
                    checked.moved[change.id] = (
                        f"its units in Autotask (contract service {record}) have moved since the plan was made"
                    )
                elif any(row.posted and row.end >= day for row in now):
                    checked.moved[change.id] = f"{day} was posted since the plan was made"
                checked.units[change.id] = now

    def grouped(self, changes: Sequence[Change]) -> Iterable[list[Change]]:
        """Changes by mapping."""
        groups: dict[str, list[Change]] = defaultdict(list)
        for change in changes:
            groups[change.mapping].append(change)
        return groups.values()

    def unit_rows(self, changes: Sequence[Change], book: Book) -> dict[int, tuple[UnitRow, ...]]:
        """Unit rows now of the contract services that these changes of one mapping adjust."""
        if not changes:
            return {}
        append, ledger = self._specs(changes[0].mapping)
        adjustments = [adjustment(change, book) for change in changes]
        first = min([day for _, day, _ in adjustments] + [_since(change) for change in changes])
        names = append.proof.rows
        conditions = [
            Condition(append.proof.on[0], "in", sorted({record for record, _, _ in adjustments})),
            Condition(names[2], "gte", first - DAY),
        ]
        fields = sorted({*names[1:], append.proof.on[0], ledger.units.posted})
        grouped: dict[int, list[Row]] = defaultdict(list)
        for record in self._world.target.read(append.proof.entity, conditions, fields):
            grouped[record[append.proof.on[0]]].append(record)
        return {id_: unit_rows(rows, names, ledger.units.posted) for id_, rows in grouped.items()}

    def _specs(self, mapping: str) -> tuple[AppendSpec, LedgerSpec]:
        spec = self._project.mappings[mapping].append
        ledger = next(
            one.ledger for one in self._project.mappings.values() if one.ledger and one.ledger.pending == mapping
        )
        if spec is None:
            raise LookupError(mapping)
        return spec, ledger


_CHANGES = frozenset({Action.UPDATE, Action.DEACTIVATE})
_SENT = _CHANGES | {Action.CREATE, Action.ADJUST}


def _unread(table: str, read: Rows, wanted: Iterable[str]) -> Iterable[str]:
    """Those of the rows that are there, or may be, and cannot be read: one without a key may be any of them."""
    why = read.left_out()
    for name in wanted if why else ():
        found, _, key = name.partition(":")
        if found == table and (key in why or "" in why):
            yield name


def _unmarked(row: Row, mark: Change | None) -> Row:
    """The row as it was before its mark, where it carries that: a run may have ended between two rows of a mark."""
    if mark is None or any(row.get(column) != value for column, value in mark.values.items()):
        return row
    return {**row, **mark.seen.record}


def _what_became(seen: str, now: str) -> str:
    if now == UNREAD:
        return "may be there and cannot be read" if seen == GONE else "cannot be read any more"
    if seen == GONE:
        return "is back"
    return "is gone" if now == GONE else "has changed"


def _since(change: Change) -> date:
    rows = change.seen.units
    return rows[0].end if rows else date.max


def same_units(seen: Sequence[UnitRow], own: Sequence[tuple[date, int]], now: Sequence[UnitRow]) -> bool:
    """Are the units, on every day, those that were seen with our own adjustments added? Ids and splits aside."""
    days = {row.start for row in (*seen, *now)} | {row.end + DAY for row in (*seen, *now) if row.end < date.max}
    days |= {day for day, _ in own}
    first = max((rows[0].start for rows in (seen, now) if rows), default=date.min)
    last = min((rows[-1].end for rows in (seen, now) if rows), default=date.max)
    if bool(seen) != bool(now):
        return all(row.units == sum(units for day, units in own if day <= row.start) for row in (*seen, *now))
    return all(
        units_on(seen, day) + sum(units for start, units in own if start <= day) == units_on(now, day)
        for day in days
        if first <= day <= last
    )
