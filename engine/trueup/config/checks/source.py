"""The check of a mapping's source: its table, `where`, joins and order."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain

from trueup.config.checks.catalogue_names import unknown_column, unknown_table
from trueup.config.checks.context import CheckContext, Names
from trueup.config.checks.cycles import find_cycles
from trueup.config.checks.expressions import check_condition
from trueup.config.checks.settings import paths
from trueup.errors import ExpressionFault
from trueup.expressions.compiled import mapping_values, rule_values
from trueup.expressions.joins import used_joins
from trueup.model.catalogue import Column, Table, Type
from trueup.model.finding import Finding, Place, Severity
from trueup.model.mapping import Join, MappingSpec
from trueup.model.project import Rule
from trueup.model.rule_scopes import scope
from trueup.model.suggestions import counterpart, unknown

KEY_TYPES = frozenset({Type.TEXT, Type.LOOKUP})
NEVER_KEYS = frozenset({Type.INTEGER, Type.DECIMAL, Type.BOOLEAN, Type.DAY, Type.INSTANT})
"""Types whose values never equal a key that is a text. A choice may have the labels of keys."""


def check_source(mapping: MappingSpec, context: CheckContext) -> Iterator[Finding]:
    """Yields what is wrong with the source of a mapping."""
    source = mapping.source
    table = context.table(source.table)
    if table is None:
        yield unknown_table(source.table, context.catalogue, source.place)

    if source.where:
        names = context.of_row(mapping)
        yield from check_condition(source.where, names)
    if source.order and not context.appends(mapping):
        text = (
            f"source.order is for a mapping with append; the rows of {mapping.name} have no order"
        )
        place = context.place(mapping, "source", "order")
        yield Finding("source", Severity.ERROR, text, "remove `order`", place)
    for index, column in enumerate(source.order):
        place = context.place(mapping, "source", "order", index)
        yield from _check_column(column, table, place)
    for join in source.joins.values():
        yield from _check_join(join, mapping, context)
    yield from _check_cycles(mapping)


def misspelt_joins(
    mappings: Mapping[str, MappingSpec], rules: Iterable[Rule], context: CheckContext
) -> dict[tuple[str, ...], Finding]:
    """Returns findings about misspelt names of joins, by the steps to the names that were meant.

    Several expressions or joins name it, none names the join, and no other name is as near: the
    name of the join is at fault.
    """
    of_mapping: dict[str, list[Rule]] = {}
    for rule in rules:
        if scope(rule.on).row:
            of_mapping.setdefault(rule.for_, []).append(rule)

    found: dict[tuple[str, ...], Finding] = {}
    steps = ("source", "join")
    for mapping in mappings.values():
        named = Counter(_named_joins(mapping, of_mapping.get(mapping.name, ())))
        joins = mapping.source.joins.keys()
        for name in sorted(named.keys() - joins):
            near = counterpart(name, joins | named.keys()) if named[name] > 1 else None
            if near and near in joins and near not in named:
                text = f"nothing uses join {near!r}; {named[name]} places name {name!r}"
                place = context.key_place(mapping, *steps, near)
                remedy = f"did you mean {name!r}?"
                fault = Finding("unknown-name", Severity.ERROR, text, remedy, place)
                found[mapping.name, *steps, name] = fault
    return found


def _named_joins(mapping: MappingSpec, rules: Iterable[Rule]) -> Iterator[str]:
    """Yields the names of joins that a mapping and its rules state, once for each place."""
    for value in chain(mapping_values(mapping), *map(rule_values, rules)):
        yield from {path[1] for path in paths(value) if path[0] == "related" and path[1:]}
    for join in mapping.source.joins.values():
        yield from (path.rpartition(".")[0] for path in join.on.values() if "." in path)


def _check_column(name: str, table: Table | None, place: Place) -> Iterator[Finding]:
    if table and name not in table.columns:
        yield unknown_column(name, table, place)


def _check_join(join: Join, mapping: MappingSpec, context: CheckContext) -> Iterator[Finding]:
    table, steps = context.table(join.table), ("source", "join", join.name)
    if table is None:
        yield unknown_table(join.table, context.catalogue, context.place(mapping, *steps, "table"))

    for column, path in join.on.items():
        yield from _check_column(column, table, context.key_place(mapping, *steps, "on", column))
        place = context.place(mapping, *steps, "on", column)
        yield from _check_path(join, path, mapping, context, place)
        yield from _check_keys(join, column, mapping, context, place)

    if join.where:
        names = _join_names(join, mapping, context)
        yield from check_condition(join.where, names)


def _join_names(join: Join, mapping: MappingSpec, context: CheckContext) -> Names:
    """Returns the names for a join's `where`.

    It has the joined `row`, and `related` only if the join goes through other joins.
    """
    names = {**context.of_row(mapping), "row": context.row(join.table)}
    if not any("." in path for path in join.on.values()):
        del names["related"]
    return names


def _check_path(
    join: Join, path: str, mapping: MappingSpec, context: CheckContext, place: Place
) -> Iterator[Finding]:
    """Checks `column`, or `join.column` for a column of another join."""
    through, dot, column = path.rpartition(".")
    if not dot:
        yield from _check_column(path, context.table(mapping.source.table), place)
        return

    steps = ("source", "join", through)
    other = mapping.source.joins.get(through)
    if other is None:
        if not context.is_removed(mapping.name, *steps):
            text = f"there is no join {through!r} to join through"
            yield unknown(text, through, mapping.source.joins.keys() - {join.name}, place)
    elif not other.one and not context.is_removed(mapping.name, *steps, "one"):
        text = f"{through} is a list of rows, so nothing can be joined to it"
        yield Finding("join", Severity.ERROR, text, f"give {through} `one: true`", place)
    else:
        yield from _check_column(column, context.table(other.table), place)


def _check_keys(
    join: Join, column: str, mapping: MappingSpec, context: CheckContext, place: Place
) -> Iterator[Finding]:
    """Reports keys of two tables that are joined with each other: they are never equal."""
    path = join.on[column]
    through, _, own_column = path.rpartition(".")
    if through and through not in mapping.source.joins:
        return

    start = mapping.source.joins[through].table if through else mapping.source.table
    joined, own = context.table(join.table), context.table(start)
    theirs, ours = _key_of(joined, column), _key_of(own, own_column)
    if joined and own and bool(theirs) != bool(ours):
        key, other = joined.columns.get(column), own.columns.get(own_column)
        key, other = (key, other) if theirs else (other, key)
        if key and other and key.type in KEY_TYPES and other.type in NEVER_KEYS:
            text = (
                f"{join.table}.{column} is joined with {path}: a key ({key.type}) and a column "
                f"({other.type}) are never equal"
            )
            yield Finding("join", Severity.ERROR, text, "join on other columns", place)
    if theirs and ours and theirs != ours:
        text = (
            f"{join.table}.{column} is a key of {theirs}, {path} is a key of {ours}:"
            " they are never equal"
        )
        yield Finding("join", Severity.ERROR, text, "join on other columns", place)


def _key_of(table: Table | None, name: str) -> str:
    """Returns the table whose keys a column holds, or an empty text."""
    column: Column | None = table.columns.get(name) if table else None
    if table is None or column is None:
        return ""
    return table.name if name == table.key else column.table or ""


def _check_cycles(mapping: MappingSpec) -> Iterator[Finding]:
    """Reports joins that need each other: they join through one, or their `where` uses it."""
    joins = mapping.source.joins
    needs = ((name, other) for name, join in joins.items() for other in sorted(_needed(join)))
    for cycle in find_cycles(needs):
        text = f"joins depend on each other: {' → '.join(cycle)}"
        yield Finding("cycle", Severity.ERROR, text, "", joins[cycle[0]].place)


def _needed(join: Join) -> set[str]:
    """Returns the joins that are looked up before this one."""
    needed = {path.rpartition(".")[0] for path in join.on.values() if "." in path}
    with suppress(ExpressionFault):  # reported where the expression is checked
        needed |= used_joins([join.where.raw] if join.where else [])
    return needed
