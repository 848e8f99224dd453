"""Our tables in; tables as an environment has them out: columns with kinds, choices with numbers of its own.

As in a real environment, columns of days are UserLocal unless said otherwise, choices that a vendor added count
from the vendor's own prefix, units and currencies are rows of tables of their own, and a status reason belongs
to one state.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from engine.model.catalogue import Column, Table, Type

PREFIX = 126_340_000
"""Where the numbers of this environment's own choices begin."""

REFERRED = {"unit": ("uom", "name"), "currency": ("transactioncurrency", "isocurrencycode")}
"""Our columns that are references here: to which table, and by which of its columns we know the row."""

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


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a choice; `state` for status reasons."""

    value: int
    label: str
    state: int | None = None


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column as the environment has it."""

    logical: str
    kind: str
    label: str
    behaviour: str = ""
    choices: tuple[Choice, ...] = ()
    targets: tuple[str, ...] = ()
    writable: bool = True

    @property
    def wire(self) -> str:
        """Its name in rows."""
        return f"_{self.logical}_value" if self.kind in ("Lookup", "Customer") else self.logical


@dataclass(slots=True)
class Kind:
    """A table as the environment has it."""

    logical: str
    entity_set: str
    key: str
    name: str
    label: str
    attributes: dict[str, Attribute]
    tracked: bool = True
    concurrent: bool = True


@dataclass(frozen=True, slots=True)
class Habits:
    """What one environment does its own way."""

    behaviours: Mapping[str, str] = field(default_factory=dict)  # logical column → UserLocal, DateOnly, …
    archived_state: int = 1  # the state that status reasons after the first belong to, where there is no state
    untracked: frozenset[str] = frozenset()  # logical tables without change tracking
    unguarded: frozenset[str] = frozenset()  # logical tables without optimistic concurrency


def kinds(tables: Mapping[str, Table], habits: Habits) -> dict[str, Kind]:
    """All tables by their logical names, those that are referred to included."""
    made = {table.logical: _kind(table, tables, habits) for table in tables.values()}
    for logical, name in dict(REFERRED.values()).items():
        made[logical] = _referred(logical, name)
    for kind in made.values():
        kind.tracked = kind.logical not in habits.untracked
        kind.concurrent = kind.logical not in habits.unguarded
    return made


def row_id(logical: str, text: str) -> str:
    """The key of a row that is known by a text: the same each time."""
    return str(uuid5(NAMESPACE_URL, f"trueup:{logical}:{text}"))


def _kind(table: Table, tables: Mapping[str, Table], habits: Habits) -> Kind:
    attributes = {column.logical: _attribute(column, table, tables, habits) for column in table.columns.values()}
    for logical, kind in _STATES.items():
        if logical not in attributes:
            attributes[logical] = Attribute(
                logical, kind, "Status", choices=(Choice(0, "Active", 0), Choice(1, "Inactive", 1))
            )
    states = {choice.value for choice in attributes["statecode"].choices}
    status = table_column(table, "statuscode")
    if status:
        known = table_column(table, "statecode") is not None
        attributes["statuscode"] = _status(status, states if known else (), habits)
    title = table.columns[table.title].logical
    key = table.columns[table.key].logical
    return Kind(table.logical, table.entity_set, key, title, table.label, attributes)


def table_column(table: Table, logical: str) -> Column | None:
    """Our column of that logical name."""
    return next((column for column in table.columns.values() if column.logical == logical), None)


def _attribute(column: Column, table: Table, tables: Mapping[str, Table], habits: Habits) -> Attribute:
    referred = REFERRED.get(column.name)
    targets: tuple[str, ...] = ()
    if referred:
        targets = (referred[0],)
    elif column.table:
        targets = (tables[column.table].logical,)
    kind = "Lookup" if referred else _STATES.get(column.logical, _KINDS[column.type])
    if kind == "Decimal" and "price" in column.name:
        kind = "Money"
    if column.name == table.key:
        kind = "Uniqueidentifier"
    dated = kind == "DateTime"
    return Attribute(
        column.logical,
        kind,
        column.label,
        behaviour=habits.behaviours.get(column.logical, "UserLocal") if dated else "",
        choices=() if referred else tuple(_choices(column)),
        targets=targets,
        writable=column.name != table.key and column.type is not Type.INSTANT,
    )


def _choices(column: Column) -> Iterator[Choice]:
    standard = column.logical == "statecode" or not column.assumed
    for place, (number, label) in enumerate(column.choices.items()):
        yield Choice(number if standard else PREFIX + place, label, number if column.logical == "statecode" else None)


def _status(column: Column, states: Iterable[int], habits: Habits) -> Attribute:
    """Status reasons, each under one state: for every state where a table has states of ours, else the first
    under 0 and the others under the environment's own choice.
    """
    labels = list(column.choices.values())
    choices: list[Choice] = []
    for state in sorted(states):
        choices += [Choice(_status_number(state, place), label, state) for place, label in enumerate(labels)]
    if not choices:
        later = habits.archived_state
        choices = [Choice(_status_number(place, 0), label, later if place else 0) for place, label in enumerate(labels)]
    return Attribute(column.logical, "Status", column.label, choices=tuple(choices))


def _status_number(first: int, second: int) -> int:
    """1 for the one that every table has, the prefix for the rest."""
    return PREFIX + 100 * first + second if first or second else 1


def _referred(logical: str, name: str) -> Kind:
    key = f"{logical}id"
    attributes = [
        Attribute(key, "Uniqueidentifier", "Key", writable=False),
        *(Attribute(each, "String", "Name") for each in dict.fromkeys(("name", name))),
    ]
    plural = f"{logical[:-1]}ies" if logical.endswith("y") else f"{logical}s"
    return Kind(logical, plural, key, "name", logical, {each.logical: each for each in attributes})


def as_definition(kind: Kind) -> dict[str, Any]:
    """The table as `EntityDefinitions` shows it, without attributes."""
    return {
        "LogicalName": kind.logical,
        "EntitySetName": kind.entity_set,
        "PrimaryIdAttribute": kind.key,
        "PrimaryNameAttribute": kind.name,
        "DisplayName": text(kind.label),
        "ChangeTrackingEnabled": kind.tracked,
        "IsOptimisticConcurrencyEnabled": kind.concurrent,
        "Privileges": [
            {
                "Name": f"prv{right}{kind.logical}",
                "PrivilegeType": right,
                "PrivilegeId": row_id("privilege", right + kind.logical),
            }
            for right in ("Read", "Write")
        ],
        "MetadataId": row_id("table", kind.logical),
    }


def as_attribute(attribute: Attribute) -> dict[str, Any]:
    """The column as all casts together show it."""
    options = [
        {"Value": each.value, "Label": text(each.label), **({} if each.state is None else {"State": each.state})}
        for each in attribute.choices
    ]
    return {
        "LogicalName": attribute.logical,
        "AttributeType": attribute.kind,
        "DisplayName": text(attribute.label),
        "IsValidForUpdate": attribute.writable,
        "DateTimeBehavior": {"Value": attribute.behaviour},
        "OptionSet": {"Options": options},
        "GlobalOptionSet": None,
        "Targets": list(attribute.targets),
        "MetadataId": row_id("column", attribute.logical),
    }


def text(label: str) -> dict[str, Any]:
    """A label as metadata shows it."""
    said = {"Label": label, "LanguageCode": 1033, "IsManaged": True}
    return {"LocalizedLabels": [said], "UserLocalizedLabel": said}


def names(kind: Kind) -> Sequence[str]:
    """The columns as rows wear them."""
    return [attribute.wire for attribute in kind.attributes.values()]
