"""The check of writes besides a record's own fields: `repeat` and `write_back`."""

from collections.abc import Iterator

from trueup.config.checks.catalogue_names import unknown_column, unknown_entity
from trueup.config.checks.coercion import NEVER, NO_LABEL
from trueup.config.checks.context import CheckContext, Names
from trueup.config.checks.expressions import check_condition, check_expression
from trueup.config.checks.fields import check_values, error
from trueup.config.checks.shapes import UNNAMED, Constant, Scalar, never_has_words, parts
from trueup.config.schema_errors import shown
from trueup.model.catalogue import Column, Field, Table, Type
from trueup.model.coerce import CoercionError, coerce
from trueup.model.finding import Finding, Place
from trueup.model.mapping import MappingSpec, Repeat, Value, WriteBackSpec
from trueup.model.suggestions import hint


def check_writes(mapping: MappingSpec, context: CheckContext) -> Iterator[Finding]:
    """Yields what is wrong with `repeat` and `write_back` of a mapping."""
    if mapping.repeat:
        yield from _check_repeat(mapping.repeat, mapping, context)
    if mapping.write_back:
        yield from _check_write_back(mapping.write_back, mapping, context)


def _check_repeat(repeat: Repeat, mapping: MappingSpec, context: CheckContext) -> Iterator[Finding]:
    names = context.of_row(mapping)
    yield from check_condition(repeat.when, names)

    entity = context.entity(repeat.by)
    if entity is None:
        yield unknown_entity(repeat.by, context.catalogue, repeat.place)
    elif "create" not in entity.operations:
        yield error("read-only", f"no new {repeat.by} can be created", repeat.place)
    yield from check_values(repeat.set, entity, names)


def _check_write_back(
    write_back: WriteBackSpec, mapping: MappingSpec, context: CheckContext
) -> Iterator[Finding]:
    names = {**context.of_row(mapping), "record": context.record(mapping.target.entity)}
    if mapping.append:
        missing = f"what is appended to {mapping.target.entity} cannot be read back"
        names["record"] = parts(missing, {})

    if write_back.when:
        yield from check_condition(write_back.when, names)
    if write_back.after and not context.appends(mapping):
        text = "`after: proof` is for mappings that append"
        yield error("write-back", text, write_back.place, "remove it")

    table = context.table(mapping.source.table)
    for name, value in write_back.set.items():
        yield from _check_column(name, value, table, names)


def _check_column(name: str, value: Value, table: Table | None, names: Names) -> Iterator[Finding]:
    checked = check_expression(value, names)
    yield from checked.findings
    if table is None:
        return

    column = table.columns.get(name)
    if column is None:
        yield unknown_column(name, table, value.place)
        return
    if name == table.key:
        text = f"{table.name}.{name} is the row's key and is never written"
        yield error("read-only", text, value.place)
    for shape in checked.shapes:
        if isinstance(shape, Constant) and shape.value is not None:
            yield from _check_fits(shape.value, column, table, value.place)
        elif isinstance(shape, Scalar) and shape.type:
            yield from _check_scalar(shape, shape.type, column, table, value.place)


def _check_scalar(
    scalar: Scalar, kind: Type, column: Column, table: Table, place: Place
) -> Iterator[Finding]:
    """Reports a column, a field, or what a filter makes of one, that never fits the column."""
    name = f"{table.name}.{column.name}"
    what = f"a {kind} value" if scalar.what == UNNAMED else f"{scalar.what} ({kind})"
    if column.type is Type.CHOICE:
        is_never = kind in NO_LABEL or never_has_words(scalar, column.choices.values())
        if column.choices and is_never:
            text = f"{what} is not a choice of {name} ({', '.join(column.choices.values())})"
            yield error("does-not-fit", text, place, "write one of them, or a condition")
    elif column.type in NEVER.get(kind, ()):
        yield error("does-not-fit", f"{what} does not fit {name} ({column.type})", place)
    elif kind is Type.TEXT and column.type is Type.BOOLEAN and scalar.what != UNNAMED:
        text = f"{what} does not fit {name} ({column.type})"
        yield error("does-not-fit", text, place, "write a condition: {{ … == '…' }}")


def _check_fits(value: object, column: Column, table: Table, place: Place) -> Iterator[Finding]:
    """Reports a constant that the column cannot hold."""
    name = f"{table.name}.{column.name}"
    if column.type is Type.CHOICE:
        labels = list(column.choices.values())
        if value not in labels:
            text = f"{shown(value)} is not a choice of {name}"
            yield error("does-not-fit", text, place, hint(str(value), labels))
        return

    try:
        coerce(value, Field(name, column.type))
    except CoercionError as fault:
        yield error("does-not-fit", f"{name}: {fault}", place)
