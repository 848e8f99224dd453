"""The catalogues of the two systems: tables with columns, entities with fields."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

UDF = "udf."
"""Prefix of a user-defined field's name, in YAML and in records: `udf.Work 365 Id`."""


class Type(StrEnum):
    """The type of a column or field, with the Python type of its values."""

    TEXT = "text"  # str
    INTEGER = "integer"  # int
    DECIMAL = "decimal"  # decimal.Decimal
    BOOLEAN = "boolean"  # bool
    DAY = "day"  # datetime.date
    INSTANT = "instant"  # datetime.datetime, aware: rows in the business time zone, records in UTC
    LOOKUP = "lookup"  # str: the key of a row of another table (source only)
    CHOICE = "choice"  # str: the label (source only)


class Column(Struct, frozen=True):
    """A column of a source table under the name that mappings use."""

    name: str
    type: Type
    logical: str  # its name in the source system
    label: str = ""  # its display label there
    table: str | None = None  # lookups: which table
    choices: Mapping[int, str] = {}  # choices: number → label
    required: bool = False
    assumed: bool = False  # the logical name is not documented; a profile may correct it


class Table(Struct, frozen=True):
    """A source table under the name that mappings use."""

    name: str
    logical: str
    entity_set: str
    label: str
    key: str  # the column that identifies a row
    title: str  # the column that people know a row by
    columns: Mapping[str, Column]
    assumed: bool = False


class PickValue(Struct, frozen=True):
    """One entry of a picklist. Values are integers in records, text in entityInformation."""

    value: int | str
    label: str
    active: bool = True


class Field(Struct, frozen=True):
    """A field of a target entity. `required and readonly`: set on create, fixed afterwards."""

    name: str
    type: Type
    required: bool = False
    readonly: bool = False
    create_only: bool = False
    max_length: int | None = None
    reference: str | None = None  # the entity that it refers to
    picklist: tuple[PickValue, ...] | None = None  # None: no picklist; (): its values are unknown
    queryable: bool = True
    required_if: str = ""  # a condition, see `requirements`
    reference_is: Mapping[str, str] = {}
    """Picklist fields of the record that it refers to, with the labels that they must have."""

    picklist_partial: bool = False  # tenants have more values than the list shows
    data_type: str = ""  # the target's own name of the type, where it is more precise: long, …

    def writable_on_create(self) -> bool:
        """Whether a create may set it."""
        return not self.readonly or self.create_only

    def writable_on_update(self) -> bool:
        """Whether an update may set it."""
        return not self.readonly and not self.create_only


class Parent(Struct, frozen=True):
    """The collection through which a child entity is written: `/Contracts/{parentId}/Services`."""

    entity: str
    path: str  # with `{parentId}`
    key: str  # the child's field that holds the parent's id


class Entity(Struct, frozen=True):
    """A target entity: its operations, the routes for them, and its fields."""

    name: str
    operations: frozenset[str]  # of create, query, update, delete
    fields: Mapping[str, Field]
    parent: Parent | None = None
    writes_via: str = "root"  # root | parent | root or parent | none
    udf_capable: str = "no"  # yes | no | uncertain
    routes: Mapping[str, tuple[str, ...]] = {}
    rules: tuple[str, ...] = ()
    active: str = ""  # the field that is false where a record is inactive; empty if none is
    role: str = ""  # in billing: customer, service or contract

    def field(self, name: str) -> Field | None:
        """Returns the field of that name; an unknown user-defined field is taken for text."""
        if name in self.fields:
            return self.fields[name]
        return Field(name, Type.TEXT) if name.startswith(UDF) and self.udf_capable != "no" else None

    def is_active(self, record: Mapping[str, object]) -> bool:
        """Returns whether a record of this entity is active, as far as it shows."""
        return record.get(self.active) not in (False, 0)


class SystemNames(Struct, frozen=True):
    """The display names of the two systems, from their catalogues."""

    source: str = "the source"
    target: str = "the target"


UNNAMED = SystemNames()


class Catalogue(Struct, frozen=True):
    """Both catalogues, by name."""

    tables: Mapping[str, Table]
    entities: Mapping[str, Entity]
    systems: SystemNames = UNNAMED
