"""Binds the catalogue's columns to the attributes of an environment, to select and read them.

Choices are read by number, with labels from the metadata. Days are read by the behaviour of their
own column (docs/explanation/work365.md, section 6.7). References that we read as text, such as
units and currencies, become a text of the row that they refer to.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct

from trueup.errors import SourceError
from trueup.model.catalogue import Column, Table, Type
from trueup.source.column_reader import ColumnReader
from trueup.source.dataverse.metadata import LOOKUPS, AttributeDefinition, TableDefinition
from trueup.source.dates import as_instant, date_in
from trueup.source.errors import InvalidValue
from trueup.source.names import column_named, suggestion
from trueup.source.profile import ColumnProfile, Profile
from trueup.source.text import shown
from trueup.source.values import CleanedColumns, Convert, converter_for

UnknownValues = list[str]
"""Columns in which an unknown number or reference was read: our metadata may be out of date."""

ReferenceTexts = Mapping[str, Mapping[str, str]]
"""By column that is a reference and read as text: id → text."""


class BoundColumn(Struct, frozen=True):
    """A column of the catalogue with its attribute in the environment."""

    column: Column
    attribute: AttributeDefinition
    profile: ColumnProfile

    @property
    def shows(self) -> tuple[str, str] | None:
        """The table and column whose text is read, for a reference read as text or choice."""
        is_text = self.column.type is Type.CHOICE or self.profile.shows
        if not self.attribute.is_lookup or not is_text or self.column.type is Type.LOOKUP:
            return None
        return self.attribute.targets[0] if self.attribute.targets else "", self.profile.shows


def bind_columns(
    table: Table, definition: TableDefinition, profile: Profile, columns: Iterable[str]
) -> list[BoundColumn]:
    """Returns the key first, then the other columns.

    Raises `SourceError` with all columns that the environment does not have.
    """
    bound, missing = [], []
    for name in dict.fromkeys([table.key, *columns]):
        column = column_named(table, name)
        attribute = definition.attributes.get(column.logical)
        if attribute is None:
            nearest = suggestion(column.logical, definition.attributes)
            missing.append(f"`{column.logical}` ({name}){nearest}")
        else:
            bound.append(BoundColumn(column, attribute, profile.column(table.name, name)))
    if missing:
        raise SourceError(
            f"table {definition.logical} ({table.name}) has no column"
            f" {', no column '.join(missing)}; name it in the profile, `trueup discover` helps"
        )
    return bound


class TableReader:
    """Reads the columns of one table.

    While its `columns` are used, they append to `cleaned` and to `unknown`.
    """

    def __init__(
        self, table: Table, bound: Iterable[BoundColumn], texts: ReferenceTexts, zone: ZoneInfo
    ) -> None:
        """`texts` has the texts of each column that `BoundColumn.shows`."""
        self.table, self.zone = table, zone
        self.bound = {column.column.name: column for column in bound}
        self.cleaned: CleanedColumns = []
        self.unknown: UnknownValues = []
        self.columns = [
            ColumnReader(
                name,
                names=(column.attribute.wire,),
                convert=self._converter(column, texts),
                display_names={},
                textual=False,
            )
            for name, column in self.bound.items()
        ]

    def _converter(self, bound: BoundColumn, texts: ReferenceTexts) -> Convert:
        column, attribute = bound.column, bound.attribute
        if column.type is Type.DAY and attribute.kind == "DateTime":
            return _day_converter(attribute.behaviour, self.zone)
        if column.type is Type.CHOICE and attribute.options:
            return _choice_converter(bound, self.unknown)
        if attribute.kind in LOOKUPS | {"Uniqueidentifier"} and not bound.shows:
            return _as_guid

        is_key = column.name == self.table.key
        convert = converter_for(column, self.zone, self.cleaned, key=is_key)
        if bound.shows:
            return _reference_converter(bound, convert, texts.get(column.name, {}), self.unknown)
        return _label_converter(bound, convert, self.unknown) if attribute.options else convert


def labels_by_number(bound: BoundColumn) -> Mapping[int, str]:
    """Returns the catalogue's label of each number in this environment.

    The number of a state is the same in all environments. Any other number counts only with a
    label that we know.
    """
    column, options = bound.column, bound.attribute.options
    if not options or bound.profile.choices:
        return column.choices

    own = {label.casefold(): label for label in column.choices.values()}
    own |= bound.profile.labels
    labels = {}
    for option in options:
        texts = [text.casefold() for text in option.labels]
        label = next((own[text] for text in texts if text in own), None)
        if label is None and bound.attribute.kind == "State":
            label = column.choices.get(option.value)
        if label is None and not column.choices:
            label = option.label
        if label:
            labels[option.value] = label
    return labels


def _as_guid(value: object, _display: object) -> str:
    if not isinstance(value, str):
        raise InvalidValue(f"{shown(value)} is not a key")
    return value.lower()


def _day_converter(behaviour: str, zone: ZoneInfo) -> Convert:
    """UserLocal days are a local midnight in UTC; the others are the day as written."""

    def local_day(text: str) -> date:
        return date_in(zone, as_instant(text, None))

    def written_day(text: str) -> date:
        try:
            return date.fromisoformat(text[:10])
        except ValueError:
            raise InvalidValue(f"{shown(text)} is not a day (YYYY-MM-DD)") from None

    read = lru_cache(maxsize=65536)(local_day if behaviour == "UserLocal" else written_day)
    return lambda value, _: read(str(value))


def _reference_converter(
    bound: BoundColumn, convert: Convert, texts: Mapping[str, str], unknown: UnknownValues
) -> Convert:
    """A reference is read as a text of the row that it refers to."""
    name, labels = bound.column.name, bound.profile.labels

    @lru_cache(maxsize=4096)
    def text_of(id_: str) -> object:
        text = texts.get(id_.lower())
        if text is None:
            unknown.append(name)
            raise InvalidValue(f"the row {shown(id_)} that it refers to cannot be read")
        return convert(labels.get(text.casefold(), text), None)

    return lambda value, _: text_of(str(value))


def _choice_converter(bound: BoundColumn, unknown: UnknownValues) -> Convert:
    """A choice is read by its number."""
    labels = labels_by_number(bound)
    own_labels = ", ".join(bound.column.choices.values())
    environment_labels = {option.value: option.label for option in bound.attribute.options}

    def as_choice(value: object, _display: object) -> str:
        label = labels.get(value) if isinstance(value, int) else None
        if label is not None:
            return label
        text = shown(value)
        if isinstance(value, int) and value in environment_labels:
            text = f"{text} ({shown(environment_labels[value])})"
        else:
            unknown.append(bound.column.name)
        raise InvalidValue(f"{text} is not one of {own_labels}")

    return as_choice


def _label_converter(bound: BoundColumn, convert: Convert, unknown: UnknownValues) -> Convert:
    """A choice that we read as text, or as yes and no, is read by its label."""
    labels = {option.value: option.label for option in bound.attribute.options}

    def as_labelled(value: object, _display: object) -> object:
        label = labels.get(value) if isinstance(value, int) else None
        if label is None:
            unknown.append(bound.column.name)
            raise InvalidValue(f"{shown(value)} is not one of {', '.join(labels.values())}")
        return convert(label, label)

    return as_labelled
