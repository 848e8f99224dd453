"""Notes of people about the rows of a plan, for reports: no plan contains them."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from trueup.model.change import RowRef
from trueup.model.note import Note
from trueup.model.plan import Plan
from trueup.render.csv_ import Cells
from trueup.render.formatting import known_as
from trueup.render.sanitize import sanitize

NOTE_COLUMNS = ("assignee", "tags", "noted")
"""Columns of each table whose rows are rows of the source."""


class Noted:
    """Finds notes by row."""

    def __init__(self, notes: Iterable[Note] = ()) -> None:
        self._by_row = {(note.mapping, note.key): note for note in notes}

    def of(self, mapping: str, keys: Iterable[str]) -> tuple[Note, ...]:
        """The notes of these rows, in their order."""
        found = (self._by_row.get((mapping, key)) for key in keys)
        return tuple(one for one in found if one)

    def cells(self, mapping: str, keys: Iterable[str]) -> Cells:
        """Returns the columns of these rows; of several rows, joined."""
        found = self.of(mapping, keys)
        return {
            "assignee": assignee(found),
            "tags": ", ".join(tags(found)),
            "noted": "; ".join(one.text for one in found if one.text),
        }


NOTHING_NOTED = Noted()


def assignee(notes: Sequence[Note]) -> str:
    """Returns the assignees of rows that are shown together."""
    return ", ".join(dict.fromkeys(note.assignee for note in notes if note.assignee))


def tags(notes: Sequence[Note]) -> tuple[str, ...]:
    """Returns the tags of rows that are shown together, each once."""
    return tuple(dict.fromkeys(tag for note in notes for tag in note.tags))


class NotedRow(Struct, frozen=True):
    """A row with its note, ready to be shown."""

    mapping: str
    name: str
    text: str
    tags: tuple[str, ...]
    assignee: str
    by: str


def noted_rows(plan: Plan, noted: Noted) -> list[NotedRow]:
    """Returns the rows of the plan that have notes, in the plan's order."""
    rows: dict[tuple[str, str], str] = {}
    for row in _rows(plan):
        rows[row[:2]] = rows.get(row[:2]) or row.name
    return [
        NotedRow(
            mapping=sanitize(one.mapping),
            name=known_as(name or one.key),
            text=sanitize(one.text),
            tags=tuple(map(sanitize, one.tags)),
            assignee=sanitize(one.assignee),
            by=sanitize(one.by),
        )
        for (mapping, key), name in rows.items()
        for one in noted.of(mapping, [key])
    ]


def _rows(plan: Plan) -> Iterable[RowRef]:
    """Each row that the plan names, some of them several times."""
    for change in plan.changes:
        yield from change.under
        yield from (RowRef(change.mapping, key, change.name) for key in change.keys)
    yield from (RowRef(one.mapping, one.key, one.name) for one in plan.blocked)
    yield from (RowRef(one.mapping, one.key, one.name) for one in plan.ledger)
    yield from (RowRef(finding.mapping, finding.key, finding.name) for finding in plan.findings)
