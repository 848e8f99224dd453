"""What a name in an expression stands for, as far as the catalogues know it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from engine.config.node import Node
from engine.model.catalogue import Column, Entity, Table, Type
from engine.model.finding import Place

A_VALUE = "one value"
"""What a message calls a value that has no name."""

NAME = "\0"
"""Where the name goes in `Named.missing`."""


@dataclass(frozen=True, slots=True)
class Anything:
    """Nothing is known: nothing is said."""


@dataclass(frozen=True, slots=True)
class Plain:
    """One value. `what` is how a message calls it."""

    type: Type | None = None
    what: str = A_VALUE
    choices: tuple[str, ...] = ()
    key_of: str = ""  # the table whose key it is
    longest: int | None = None  # characters


@dataclass(frozen=True, slots=True)
class Known:
    """A value that the files themselves say. `named` is the setting that it comes from, if any, `place` its own."""

    value: object
    named: str = ""
    place: Place | None = None

    @property
    def whose(self) -> str:
        """For a message: the setting, and where it stands."""
        if not self.named:
            return ""
        return f"{self.named} ({self.place}): " if self.place else f"{self.named}: "


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some values."""

    shapes: tuple["Shape", ...]


@dataclass(frozen=True, slots=True)
class Many:
    """A list of things of one shape."""

    of: "Shape"
    what: str = "a list"


@dataclass(frozen=True, slots=True)
class Named:
    """Something with parts by name. `missing` says, with NAME for the name, that there is no such part."""

    missing: str
    find: Callable[[str], "Shape | None"] = field(compare=False)
    known: Callable[[], Iterable[str]] = field(compare=False)
    values: tuple["Shape", ...] = ()  # all parts, where they may be looked up by a value

    def complaint(self, name: str) -> str:
        """What to say of a part that is not there."""
        return self.missing.replace(NAME, name)


Shape = Anything | Plain | Known | OneOf | Many | Named

ANYTHING = Anything()
TEXT = Plain(Type.TEXT)


def parts(missing: str, shapes: Mapping[str, Shape]) -> Named:
    """Something with these parts and no others."""
    return Named(missing, shapes.get, lambda: shapes)


def of_table(table: Table) -> Named:
    """A row."""
    shapes = {name: _of_column(column, table) for name, column in table.columns.items()}
    return parts(f"table {table.name} has no column '{NAME}'", shapes)


def _of_column(column: Column, table: Table) -> Plain:
    key_of = table.name if column.name == table.key else column.table or ""
    what = f"the key of a row of {key_of}" if column.table else f"{table.name}.{column.name}"
    return Plain(column.type, what, tuple(column.choices.values()), key_of)


def of_entity(entity: Entity) -> Named:
    """A record, with labels where it has picklists."""

    def find(name: str) -> Shape | None:
        known = entity.field(name)
        if known is None:
            return None
        choices = tuple(pick.label for pick in known.picklist or ()) if not known.picklist_partial else ()
        kind = Type.CHOICE if known.picklist is not None else known.type
        return Plain(kind, f"{entity.name}.{name}", choices)

    return Named(f"{entity.name} has no field '{NAME}'", find, lambda: entity.fields)


def of_settings(settings: Mapping[str, object], node: Node | None, prefix: str = "settings") -> Named:
    """The settings of trueup.yaml, by name; `node` knows where they stand."""
    shapes = {
        name: _of_setting(value, node.get(name) if node else None, f"{prefix}.{name}")
        for name, value in settings.items()
    }
    missing = f"trueup.yaml has no {prefix}.{NAME}"
    return Named(missing, shapes.get, lambda: shapes, tuple(shapes.values()))


def _of_setting(value: object, node: Node | None, named: str) -> Shape:
    if isinstance(value, Mapping):
        return of_settings(value, node, named)
    unusable = isinstance(value, list) or (isinstance(value, str) and "{{" in value)
    return ANYTHING if unusable else Known(value, named, node.place if node else None)
