"""The shape of what a name in an expression stands for, as far as the catalogues and files tell.

A `Shape` is the type of a value with what a message needs: how to name it and which parts it has.
Made from tables, entities and settings (`of_table`, `of_entity`, `of_settings`); combined by
`inference.py`; compared with the fields of the target by `coercion.py`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from trueup.config.node import Node
from trueup.model.catalogue import Column, Entity, Table, Type
from trueup.model.finding import Place

UNNAMED = "one value"
"""How a message refers to a value that has no name."""

NAME = "\0"
"""Stands for the name of the part in `Structure.missing`."""


class AnyShape(Struct, frozen=True):
    """Nothing is known about the value, so nothing is reported about it."""


class Scalar(Struct, frozen=True):
    """One value of a type."""

    type: Type | None = None
    what: str = UNNAMED
    """How a message refers to it."""

    choices: tuple[str, ...] = ()
    """The labels it may have, if it is a choice."""

    key_of: str = ""
    """The table whose key it is, if any."""

    longest: int | None = None
    """The most characters it may have, if that is limited."""


class Constant(Struct, frozen=True):
    """A value that the project's files state: a literal or a setting."""

    value: object
    named: str = ""
    """The setting that it comes from, if any."""

    place: Place | None = None
    """The place of the setting."""

    @property
    def origin(self) -> str:
        """Returns the setting and its place, as the beginning of a message; empty for a literal."""
        if not self.named:
            return ""
        return f"{self.named} ({self.place}): " if self.place else f"{self.named}: "


class OneOf(Struct, frozen=True):
    """A value of one of several shapes, such as the two branches of an `if`."""

    shapes: tuple["Shape", ...]


class ListOf(Struct, frozen=True):
    """A list whose items have one shape."""

    of: "Shape"
    what: str = "a list"


@dataclass(frozen=True, slots=True)
class Structure:
    """A value with parts by name: a row, a record, the settings."""

    missing: str
    """What to report about a part that does not exist, with NAME in the place of its name."""

    find: Callable[[str], "Shape | None"] = field(compare=False)
    known: Callable[[], Iterable[str]] = field(compare=False)
    values: tuple["Shape", ...] = ()
    """The shapes of all parts, if a value may select one: `settings.codes[source.code]`."""

    stated: Mapping[str, object] | None = field(default=None, compare=False)
    """The parts themselves, if the project's files state them: those of the settings."""

    def missing_text(self, name: str) -> str:
        """Returns what to report about a part that does not exist."""
        return self.missing.replace(NAME, name)


Shape = AnyShape | Scalar | Constant | OneOf | ListOf | Structure

ANY_SHAPE = AnyShape()
TEXT = Scalar(Type.TEXT)


def has_other_words(shape: Scalar, words: Iterable[str]) -> bool:
    """Returns whether it is a column or field none of whose labels is one of the words."""
    is_named = bool(shape.type) and shape.what != UNNAMED
    return is_named and not {*words} & {*shape.choices}


def never_has_words(shape: Scalar, words: Iterable[str]) -> bool:
    """As `has_other_words`, but a text may be any word, and a number one written in figures."""
    words = [*words]
    is_text = shape.type is Type.TEXT and not shape.choices
    in_figures = shape.type is Type.INTEGER and any(word.isdecimal() for word in words)
    return has_other_words(shape, words) and not (is_text or in_figures)


NO_NUMBERS = frozenset({Type.DAY, Type.INSTANT, Type.BOOLEAN, Type.LOOKUP})
"""Types whose values are never numbers. A text may be one, and so may the label of a choice."""


def is_never_number(shape: Scalar) -> bool:
    """Returns whether it is a column or field that holds no number, or what a filter makes."""
    if shape.type is Type.CHOICE:
        return shape.what != UNNAMED and not any(label.isdecimal() for label in shape.choices)
    return shape.type in NO_NUMBERS


def named(shape: Scalar) -> str:
    """Returns how a message names a column, a field or what a filter makes of one."""
    return f"a {shape.type} value" if shape.what == UNNAMED else f"{shape.what} ({shape.type})"


def parts(missing: str, shapes: Mapping[str, Shape]) -> Structure:
    """Returns a structure with these parts and no others."""
    return Structure(missing, shapes.get, lambda: shapes)


def of_table(table: Table) -> Structure:
    """Returns the shape of a row."""
    shapes = {name: _of_column(column, table) for name, column in table.columns.items()}
    return parts(f"table {table.name} has no column '{NAME}'", shapes)


def _of_column(column: Column, table: Table) -> Scalar:
    key_of = table.name if column.name == table.key else column.table or ""
    what = f"the key of a row of {key_of}" if column.table else f"{table.name}.{column.name}"
    return Scalar(column.type, what, tuple(column.choices.values()), key_of)


def of_entity(entity: Entity) -> Structure:
    """Returns the shape of a record. Picklist fields have their labels as values."""

    def find(name: str) -> Shape | None:
        known_field = entity.field(name)
        if known_field is None:
            return None

        is_picklist = known_field.picklist is not None
        kind = Type.CHOICE if is_picklist else known_field.type
        labels = tuple(pick.label for pick in known_field.picklist or ())
        choices = () if known_field.picklist_partial else labels
        return Scalar(kind, f"{entity.name}.{name}", choices)

    return Structure(f"{entity.name} has no field '{NAME}'", find, lambda: entity.fields)


def of_settings(
    settings: Mapping[str, object],
    node: Node | None,
    prefix: str = "settings",
    *,
    unknown: frozenset[tuple[str, ...]] = frozenset(),
) -> Structure:
    """Returns the shape of the settings of trueup.yaml. `node` gives their places.

    `unknown` are those whose values are not known, by their steps.
    """
    shapes: dict[str, Shape] = {}
    for name, value in settings.items():
        inside = frozenset(steps[1:] for steps in unknown if steps[0] == name and steps[1:])
        part = node.get(name) if node else None
        shapes[name] = _of_setting(value, part, f"{prefix}.{name}", inside)
    shapes.update((steps[0], ANY_SHAPE) for steps in unknown if len(steps) == 1)
    missing = f"trueup.yaml has no {prefix}.{NAME}"
    stated = None if unknown else settings
    return Structure(missing, shapes.get, lambda: shapes, tuple(shapes.values()), stated)


def _of_setting(
    value: object, node: Node | None, named: str, unknown: frozenset[tuple[str, ...]]
) -> Shape:
    if isinstance(value, Mapping):
        return of_settings(value, node, named, unknown=unknown)

    # Items of lists have no names, and an expression in a setting is reported elsewhere.
    is_unusable = isinstance(value, list) or (isinstance(value, str) and "{{" in value)
    return ANY_SHAPE if is_unusable else Constant(value, named, node.place if node else None)
