"""A mapping's source in; unknown tables, columns and joins out."""

from collections.abc import Iterator

import networkx as nx

from engine.config.checks.expression import read
from engine.config.checks.ground import Ground, Names
from engine.config.near import unknown
from engine.model.catalogue import Column, Table
from engine.model.finding import Finding, Place, Severity
from engine.model.project import Join, MappingSpec


def check_source(mapping: MappingSpec, ground: Ground) -> Iterator[Finding]:
    """Table, `where`, joins and order."""
    source = mapping.source
    table = ground.table(source.table)
    if table is None:
        yield _no_table(source.table, ground, source.place)
    if source.where:
        yield from read(source.where, ground.of_row(mapping), alone=True).findings
    for index, column in enumerate(source.order):
        yield from _column(column, table, ground.place(mapping, "source", "order", index))
    for join in source.joins.values():
        yield from _join(join, mapping, ground)
    yield from _circles(mapping)


def _no_table(name: str, ground: Ground, place: Place) -> Finding:
    return unknown(f"there is no table {name!r}", name, ground.catalogue.tables, place)


def _column(name: str, table: Table | None, place: Place) -> Iterator[Finding]:
    if table and name not in table.columns:
        yield unknown(f"table {table.name} has no column {name!r}", name, table.columns, place)


def _join(join: Join, mapping: MappingSpec, ground: Ground) -> Iterator[Finding]:
    table, at = ground.table(join.table), ("source", "join", join.name)
    if table is None:
        yield _no_table(join.table, ground, ground.place(mapping, *at, "table"))
    for column, path in join.on.items():
        yield from _column(column, table, ground.key_place(mapping, *at, "on", column))
        place = ground.place(mapping, *at, "on", column)
        yield from _path(join, path, mapping, ground, place)
        yield from _same_kind(join, column, mapping, ground, place)
    if join.where:
        yield from read(join.where, _names_of_join(join, mapping, ground), alone=True).findings


def _names_of_join(join: Join, mapping: MappingSpec, ground: Ground) -> Names:
    """A join's `where` sees its own row; of the others, those that it goes through."""
    names = {**ground.of_row(mapping), "row": ground.row(join.table)}
    if not any("." in path for path in join.on.values()):
        del names["related"]
    return names


def _path(join: Join, path: str, mapping: MappingSpec, ground: Ground, place: Place) -> Iterator[Finding]:
    """`column`, or `join.column` through another join."""
    through, dot, column = path.rpartition(".")
    if not dot:
        yield from _column(path, ground.table(mapping.source.table), place)
        return
    other = mapping.source.joins.get(through)
    if other is None:
        if not ground.missing(mapping.name, "source", "join", through):
            text = f"there is no join {through!r} to go through"
            yield unknown(text, through, mapping.source.joins.keys() - {join.name}, place)
    elif not other.one:
        text = f"{through} is a list of rows, so nothing can be joined to it"
        yield Finding("join", Severity.ERROR, text, f"give {through} `one: true`", place)
    else:
        yield from _column(column, ground.table(other.table), place)


def _same_kind(join: Join, column: str, mapping: MappingSpec, ground: Ground, place: Place) -> Iterator[Finding]:
    """Keys of one table are never keys of another."""
    path = join.on[column]
    through, _, own = path.rpartition(".")
    if through and through not in mapping.source.joins:
        return
    start = mapping.source.joins[through].table if through else mapping.source.table
    theirs, ours = _key_of(ground.table(join.table), column), _key_of(ground.table(start), own)
    if theirs and ours and theirs != ours:
        text = f"{join.table}.{column} is a key of {theirs}, {path} one of {ours}: they are never equal"
        yield Finding("join", Severity.ERROR, text, "join on other columns", place)


def _key_of(table: Table | None, name: str) -> str:
    column: Column | None = table.columns.get(name) if table else None
    if table is None or column is None:
        return ""
    return table.name if name == table.key else column.table or ""


def _circles(mapping: MappingSpec) -> Iterator[Finding]:
    """Joins that go through each other."""
    joins = mapping.source.joins
    graph: nx.DiGraph[str] = nx.DiGraph(
        (name, path.rpartition(".")[0]) for name, join in joins.items() for path in join.on.values() if "." in path
    )
    for circle in sorted(sorted(part) for part in nx.strongly_connected_components(graph)):
        first = circle[0]
        if first in joins and (len(circle) > 1 or graph.has_edge(first, first)):
            steps = nx.find_cycle(graph.subgraph(circle), first)
            text = f"joins go through each other: {' → '.join([first, *(step[1] for step in steps)])}"
            yield Finding("cycle", Severity.ERROR, text, "", joins[first].place)
