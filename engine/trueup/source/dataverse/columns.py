"""A table's columns, what the environment says of them, and the profile in; what to select and how to read it out.

Choices go by number with labels from metadata, days by each column's own behaviour, references that we take
as text (units, currencies) by what the rows referred to show.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

from engine.errors import SourceError
from engine.model.catalogue import Column, Table, Type
from engine.source.dataverse.metadata import LOOKUPS, Attribute, Definition
from engine.source.profile import Here, Profile
from engine.source.rows import Cell, column_of, nearest
from engine.source.values import Convert, Misfit, Notes, as_instant, convert_for, shown

Doubts = list[str]
"""Columns where a number or a reference was met that nobody knows: what is known may be out of date."""

Shown = Mapping[str, Mapping[str, str]]
"""For each column that is a reference and taken as text: id → text."""


@dataclass(frozen=True, slots=True)
class Found:
    """One of our columns with the attribute that it is here."""

    column: Column
    attribute: Attribute
    here: Here

    @property
    def shows(self) -> tuple[str, str] | None:
        """The table and column whose text is taken, for a reference that we take as text or choice."""
        wanted = self.column.type is Type.CHOICE or self.here.shows
        if not self.attribute.is_lookup or not wanted or self.column.type is Type.LOOKUP:
            return None
        return self.attribute.targets[0] if self.attribute.targets else "", self.here.shows


def find(table: Table, definition: Definition, profile: Profile, columns: Iterable[str]) -> list[Found]:
    """The key first, then the others asked for. Raises SourceError naming all that are not here."""
    wanted = dict.fromkeys([table.key, *columns])
    found, missing = [], []
    for name in wanted:
        column = column_of(table, name)
        attribute = definition.attributes.get(column.logical)
        if attribute is None:
            missing.append(f"`{column.logical}` ({name}){nearest(column.logical, definition.attributes)}")
        else:
            found.append(Found(column, attribute, profile.of(table.name, name)))
    if missing:
        raise SourceError(
            f"table {definition.logical} ({table.name}) has no column {', no column '.join(missing)}; "
            f"name it in the profile, `trueup discover` helps"
        )
    return found


class Reader:
    """How the columns of a table are read: its `cells` write what they lose to `notes`, and to `doubts`."""

    def __init__(self, table: Table, found: Iterable[Found], shows: Shown, zone: ZoneInfo) -> None:
        """`shows` has the texts for each column that `Found.shows`."""
        self.table, self.zone = table, zone
        self.found = {each.column.name: each for each in found}
        self.notes: Notes = []
        self.doubts: Doubts = []
        self.cells = [
            Cell(name, (each.attribute.wire,), self._convert(each, shows), {}, textual=False)
            for name, each in self.found.items()
        ]

    def _convert(self, found: Found, shows: Shown) -> Convert:
        column, attribute = found.column, found.attribute
        if column.type is Type.DAY and attribute.kind == "DateTime":
            return _day_for(attribute.behaviour, self.zone)
        if column.type is Type.CHOICE and attribute.options:
            return _chosen(found, self.doubts)
        if attribute.kind in LOOKUPS | {"Uniqueidentifier"} and not found.shows:
            return _as_guid
        plain = convert_for(column, self.zone, self.notes, key=column.name == self.table.key)
        if found.shows:
            return _shown(found, plain, shows.get(column.name, {}), self.doubts)
        return _labelled(found, plain, self.doubts) if attribute.options else plain


def choices_here(found: Found) -> Mapping[int, str]:
    """Number in this environment → our label.

    A state's number is the same everywhere; any other number is taken only with a label that we know.
    """
    column, options = found.column, found.attribute.options
    if not options or found.here.choices:
        return column.choices
    ours = {label.casefold(): label for label in column.choices.values()} | dict(found.here.labels)
    made = {}
    for option in options:
        texts = [text.casefold() for text in option.labels]
        label = next((ours[text] for text in texts if text in ours), None)
        if label is None and found.attribute.kind == "State":
            label = column.choices.get(option.value)
        if label is None and not column.choices:
            label = option.label
        if label:
            made[option.value] = label
    return made


def _as_guid(value: object, _note: object) -> str:
    if not isinstance(value, str):
        raise Misfit(f"{shown(value)} is not a key")
    return value.lower()


def _day_for(behaviour: str, zone: ZoneInfo) -> Convert:
    """Days by behaviour: UserLocal is a midnight in UTC, the others are the day that stands there."""

    def local(text: str) -> date:
        return as_instant(text, None).astimezone(zone).date()

    def as_written(text: str) -> date:
        try:
            return date.fromisoformat(text[:10])
        except ValueError:
            raise Misfit(f"{shown(text)} is not a day (YYYY-MM-DD)") from None

    read = lru_cache(maxsize=65536)(local if behaviour == "UserLocal" else as_written)
    return lambda value, _: read(str(value))


def _shown(found: Found, plain: Convert, texts: Mapping[str, str], doubts: Doubts) -> Convert:
    name, labels = found.column.name, found.here.labels

    @lru_cache(maxsize=4096)
    def known(id_: str) -> object:
        text = texts.get(id_.lower())
        if text is None:
            doubts.append(name)
            raise Misfit(f"the row {shown(id_)} that it refers to cannot be read")
        return plain(labels.get(text.casefold(), text), None)

    return lambda value, _: known(str(value))


def _chosen(found: Found, doubts: Doubts) -> Convert:
    """A choice, by number."""
    here, theirs = choices_here(found), {option.value: option.label for option in found.attribute.options}

    def convert(value: object, _note: object) -> str:
        label = here.get(value) if isinstance(value, int) else None
        if label is not None:
            return label
        text = shown(value)
        if isinstance(value, int) and value in theirs:
            text = f"{text} ({shown(theirs[value])})"
        else:
            doubts.append(found.column.name)
        raise Misfit(f"{text} is not one of {', '.join(found.column.choices.values())}")

    return convert


def _labelled(found: Found, plain: Convert, doubts: Doubts) -> Convert:
    """A choice that we take as text, or as yes and no: by label."""
    labels = {option.value: option.label for option in found.attribute.options}

    def convert(value: object, _note: object) -> object:
        label = labels.get(value) if isinstance(value, int) else None
        if label is None:
            doubts.append(found.column.name)
            raise Misfit(f"{shown(value)} is not one of {', '.join(labels.values())}")
        return plain(label, label)

    return convert
