"""Writes besides a record's own fields: `repeat` and `write_back`. A mapping in; what is wrong with these out."""

from collections.abc import Iterator

from engine.config.checks.expression import read
from engine.config.checks.fields import check_values, error, no_entity
from engine.config.checks.ground import Ground, Names
from engine.config.checks.shapes import Known, parts
from engine.config.complaints import shown
from engine.config.near import hint, unknown
from engine.model.catalogue import Column, Field, Table, Type
from engine.model.finding import Finding, Place
from engine.model.fit import Misfit, fit
from engine.model.project import MappingSpec, Repeat, Value, WriteBackSpec


def check_writes(mapping: MappingSpec, ground: Ground) -> Iterator[Finding]:
    """Both."""
    if mapping.repeat:
        yield from _repeat(mapping.repeat, mapping, ground)
    if mapping.write_back:
        yield from _write_back(mapping.write_back, mapping, ground)


def _repeat(repeat: Repeat, mapping: MappingSpec, ground: Ground) -> Iterator[Finding]:
    names = ground.of_row(mapping)
    yield from read(repeat.when, names, alone=True).findings
    entity = ground.entity(repeat.by)
    if entity is None:
        yield no_entity(repeat.by, ground, repeat.place)
    elif "create" not in entity.operations:
        yield error("read-only", f"Autotask takes no new {repeat.by}", repeat.place)
    yield from check_values(repeat.set, entity, names)


def _write_back(back: WriteBackSpec, mapping: MappingSpec, ground: Ground) -> Iterator[Finding]:
    names = {**ground.of_row(mapping), "record": ground.record(mapping.target.entity)}
    if mapping.append:
        names["record"] = parts(f"what is appended to {mapping.target.entity} cannot be read back", {})
    if back.when:
        yield from read(back.when, names, alone=True).findings
    if back.after and not ground.appends(mapping):
        yield error("write-back", "`after: proof` is for mappings that append", back.place, "take it out")
    table = ground.table(mapping.source.table)
    for name, value in back.set.items():
        yield from _column(name, value, table, names)


def _column(name: str, value: Value, table: Table | None, names: Names) -> Iterator[Finding]:
    seen = read(value, names)
    yield from seen.findings
    if table is None:
        return
    column = table.columns.get(name)
    if column is None:
        yield unknown(f"table {table.name} has no column {name!r}", name, table.columns, value.place)
        return
    if name == table.key:
        yield error("read-only", f"{table.name}.{name} is the row's key and is never written", value.place)
    for shape in seen.gives:
        if isinstance(shape, Known) and shape.value is not None:
            yield from _fits(shape.value, column, table, value.place)


def _fits(value: object, column: Column, table: Table, place: Place) -> Iterator[Finding]:
    name = f"{table.name}.{column.name}"
    if column.type is Type.CHOICE:
        if value not in column.choices.values():
            labels = list(column.choices.values())
            yield error("does-not-fit", f"{shown(value)} is no choice of {name}", place, hint(str(value), labels))
        return
    try:
        fit(value, Field(name, column.type))
    except Misfit as misfit:
        yield error("does-not-fit", f"{name}: {misfit}", place)
