"""Tables as a Dataverse environment defines them, made from trueup's own tables.

As in a real environment (docs/explanation/work365.md, sections 6.7 and 6.8): columns of days are
UserLocal unless set otherwise, choices that a vendor added are numbered from the vendor's prefix,
units and currencies are rows of tables of their own, and each status reason belongs to one state.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import NAMESPACE_URL, uuid5

from msgspec import Struct, field

from trueup.model.catalogue import Column, Table, Type

PREFIX = 126_340_000
"""The first number of the vendor's own choices in this environment."""

LONGEST_TEXT = 4000
"""Characters of a text, as many as one line may have at most, unless LENGTHS has the column."""

LENGTHS: Mapping[str, Mapping[str, int]] = {
    "account": {"name": 160, "accountnumber": 20, "telephone1": 50},
    "contact": {"firstname": 50, "lastname": 50, "emailaddress1": 100},
    "product": {"name": 100, "productnumber": 100},
}
"""Characters of standard columns (docs/explanation/work365.md, section 5).

Those of Work 365's own columns are unknown.
"""

PRECISION = 4
"""Decimal places of a column of decimals or money, unless set otherwise."""

REFERENCES = {"unit": ("uom", "name"), "currency": ("transactioncurrency", "isocurrencycode")}
"""Columns that are text in trueup and references in Dataverse: the table, and its text column."""

_KINDS = {
    Type.TEXT: "String",
    Type.INTEGER: "Integer",
    Type.DECIMAL: "Decimal",
    Type.BOOLEAN: "Boolean",
    Type.DAY: "DateTime",
    Type.INSTANT: "DateTime",
    Type.LOOKUP: "Lookup",
    Type.CHOICE: "Picklist",
}
_STATES = {"statecode": "State", "statuscode": "Status"}


class Choice(Struct, frozen=True):
    """One value of a choice; a status reason has the `state` that it belongs to."""

    value: int
    label: str
    state: int | None = None


class Attribute(Struct, frozen=True):
    """A column of a table. `kind` is Dataverse's AttributeType."""

    logical: str
    kind: str
    label: str
    behaviour: str = ""  # DateTimeBehavior
    choices: tuple[Choice, ...] = ()
    targets: tuple[str, ...] = ()  # tables that a reference may refer to
    writable: bool = True
    precision: int = PRECISION  # decimal places of a number
    longest: int = LONGEST_TEXT  # characters of a text

    @property
    def wire(self) -> str:
        """The column's name in rows."""
        return f"_{self.logical}_value" if self.kind in ("Lookup", "Customer") else self.logical


class TableDefinition(Struct):
    """A table as the environment defines it. Tests change definitions while the sandbox runs."""

    logical: str
    entity_set: str
    key: str
    name: str
    label: str
    attributes: dict[str, Attribute]  # by logical name
    keys: dict[str, tuple[str, ...]] = {}  # alternate keys, their columns
    tracked: bool = True  # change tracking is on
    concurrent: bool = True  # optimistic concurrency (If-Match) is on

    def wire_names(self) -> Sequence[str]:
        """Returns the names of the columns in rows."""
        return [attribute.wire for attribute in self.attributes.values()]


class Quirks(Struct, frozen=True):
    """What one environment does differently from others."""

    behaviours: Mapping[str, str] = {}  # by logical column name
    precisions: Mapping[str, int] = {}  # by logical column name
    archived_state: int = 1  # of all status reasons but the first, in a table without states
    untracked: frozenset[str] = frozenset()  # logical tables without change tracking
    unguarded: frozenset[str] = frozenset()  # logical tables without optimistic concurrency
    keys: Mapping[str, tuple[str, ...]] = field(  # columns of an alternate key by logical table
        default_factory=lambda: {"account": ("accountnumber",)}
    )


def table_definitions(tables: Mapping[str, Table], quirks: Quirks) -> dict[str, TableDefinition]:
    """Returns the definitions by logical name, including those of the tables in REFERENCES."""
    definitions = {table.logical: _definition(table, tables, quirks) for table in tables.values()}
    for logical, name in dict(REFERENCES.values()).items():
        definitions[logical] = _referenced_table(logical, name)
    for definition in definitions.values():
        definition.tracked = definition.logical not in quirks.untracked
        definition.concurrent = definition.logical not in quirks.unguarded
        columns = quirks.keys.get(definition.logical, ())
        if columns and set(columns) <= definition.attributes.keys():
            definition.keys[f"{definition.logical}_key"] = columns
    return definitions


def row_id(logical: str, text: str) -> str:
    """Returns the key of a row that a text identifies: a GUID that is always the same."""
    return str(uuid5(NAMESPACE_URL, f"trueup:{logical}:{text}"))


def _definition(table: Table, tables: Mapping[str, Table], quirks: Quirks) -> TableDefinition:
    attributes = {
        column.logical: _attribute(column, table, tables, quirks)
        for column in table.columns.values()
    }
    if "statecode" not in attributes:
        choices = (Choice(0, "Active", 0), Choice(1, "Inactive", 1))
        attributes["statecode"] = Attribute("statecode", "State", "Status", choices=choices)

    status = _column(table, "statuscode")
    if status is None:
        attributes["statuscode"] = _standard_status(attributes["statecode"].choices)
    else:
        has_states = _column(table, "statecode") is not None
        states = [choice.value for choice in attributes["statecode"].choices] if has_states else []
        attributes["statuscode"] = _status(status, states, quirks)

    return TableDefinition(
        table.logical,
        table.entity_set,
        table.columns[table.key].logical,
        table.columns[table.title].logical,
        table.label,
        attributes,
    )


def _column(table: Table, logical: str) -> Column | None:
    return next((column for column in table.columns.values() if column.logical == logical), None)


def _attribute(
    column: Column, table: Table, tables: Mapping[str, Table], quirks: Quirks
) -> Attribute:
    is_reference = column.name in REFERENCES
    targets: tuple[str, ...] = ()
    if is_reference:
        targets = (REFERENCES[column.name][0],)
    elif column.table:
        targets = (tables[column.table].logical,)

    kind = _kind(column, table)
    behaviour = quirks.behaviours.get(column.logical, "UserLocal") if kind == "DateTime" else ""
    return Attribute(
        column.logical,
        kind,
        column.label,
        behaviour=behaviour,
        choices=() if is_reference else tuple(_choices(column)),
        targets=targets,
        writable=column.name != table.key and column.type is not Type.INSTANT,
        precision=quirks.precisions.get(column.logical, PRECISION),
        longest=LENGTHS.get(table.logical, {}).get(column.logical, LONGEST_TEXT),
    )


def _kind(column: Column, table: Table) -> str:
    if column.name == table.key:
        return "Uniqueidentifier"
    if column.name in REFERENCES:
        return "Lookup"
    kind = _STATES.get(column.logical, _KINDS[column.type])
    return "Money" if kind == "Decimal" and "price" in column.name else kind


def _choices(column: Column) -> Iterator[Choice]:
    """Numbers that are known are kept; assumed ones count from the vendor's prefix."""
    is_state = column.logical == "statecode"
    for position, (number, label) in enumerate(column.choices.items()):
        value = number if is_state or not column.assumed else PREFIX + position
        yield Choice(value, label, number if is_state else None)


def _standard_status(states: Iterable[Choice]) -> Attribute:
    """The status reasons of a standard table: one for each state, numbered from 1."""
    choices = tuple(Choice(state.value + 1, state.label, state.value) for state in states)
    return Attribute("statuscode", "Status", "Status Reason", choices=choices)


def _status(column: Column, states: Iterable[int], quirks: Quirks) -> Attribute:
    """Status reasons, each under one state.

    A table with states of its own has every status reason under every state. In a table without,
    the first reason belongs to state 0 and the others to `archived_state`.
    """
    labels = list(column.choices.values())
    choices = [
        Choice(_status_number(state, position), label, state)
        for state in sorted(states)
        for position, label in enumerate(labels)
    ]
    if not choices:
        choices = [
            Choice(_status_number(position, 0), label, quirks.archived_state if position else 0)
            for position, label in enumerate(labels)
        ]
    return Attribute(column.logical, "Status", column.label, choices=tuple(choices))


def _status_number(first: int, second: int) -> int:
    """1 for the status reason that every table has, the vendor's prefix and more for the others."""
    return PREFIX + 100 * first + second if first or second else 1


def _referenced_table(logical: str, name: str) -> TableDefinition:
    key = f"{logical}id"
    attributes = [
        Attribute(key, "Uniqueidentifier", "Key", writable=False),
        *(Attribute(column, "String", "Name") for column in dict.fromkeys(("name", name))),
    ]
    plural = f"{logical[:-1]}ies" if logical.endswith("y") else f"{logical}s"
    by_name = {attribute.logical: attribute for attribute in attributes}
    return TableDefinition(logical, plural, key, "name", logical, by_name)
