"""Finds what an expression or template refers to, without evaluating it.

`inspect` returns the paths, filters and tests of a text. A path is a chain of names, such as
`("source", "name")` for `source.name`.
"""

from collections.abc import Iterator
from functools import lru_cache

from jinja2 import nodes
from msgspec import Struct

from trueup.expressions.syntax import is_bare, parse


class Inspection(Struct, frozen=True):
    """What an expression or template refers to."""

    paths: frozenset[tuple[str, ...]]
    """Such as `("source", "name")` and `("settings", "billing_codes", "services")`."""

    roots: frozenset[str]
    """The first name of each path."""

    filters: frozenset[str]
    tests: frozenset[str]

    attributes: frozenset[str]
    """Columns named to filters as text, and columns of what a filter or subscript gives."""

    is_template: bool


@lru_cache(maxsize=8_192)
def inspect(text: str) -> Inspection:
    """Returns what the text refers to. Raises `ExpressionFault` as `parse` does."""
    tree = parse(text)
    paths: set[tuple[str, ...]] = set()
    filters, tests = set[str](), set[str]()
    _collect(tree, paths, filters, tests)
    return Inspection(
        paths=frozenset(paths),
        roots=frozenset(path[0] for path in paths),
        filters=frozenset(filters - {"_text"}),
        tests=frozenset(tests),
        attributes=frozenset(_attributes(tree)),
        is_template=isinstance(tree, nodes.Concat) and "{{" in text and not is_bare(text),
    )


def _collect(
    node: nodes.Node, paths: set[tuple[str, ...]], filters: set[str], tests: set[str]
) -> None:
    if isinstance(node, nodes.Filter):
        filters.add(node.name)
    if isinstance(node, nodes.Test):
        tests.add(node.name)

    # A chain is one path. Its own parts are shorter chains, which are no paths of their own, so
    # only what stands in its brackets is searched further.
    path = _path(node)
    if path:
        paths.add(path)
    for child in _subscripts(node) if path else node.iter_child_nodes():
        _collect(child, paths, filters, tests)


def _subscripts(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yields the expressions in the brackets of a chain."""
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        if isinstance(node, nodes.Getitem):
            yield node.arg
        node = node.node


def _path(node: nodes.Node) -> tuple[str, ...]:
    """Returns the path of a chain, or an empty tuple for any other node.

    `a.b['c'].d` is (a, b, c, d). A subscript that is not a constant ends the path: `a.b[x].d` is
    (a, b).
    """
    if isinstance(node, nodes.Name):
        return (node.name,)
    if not isinstance(node, nodes.Getattr | nodes.Getitem):
        return ()

    inner, name = _path(node.node), _part_name(node)
    if inner and name is not None and _has_constant_subscripts(node.node):
        return (*inner, name)
    return inner


def _has_constant_subscripts(node: nodes.Node) -> bool:
    """Returns whether no subscript in a chain depends on a row."""
    if isinstance(node, nodes.Getitem) and _part_name(node) is None:
        return False
    if isinstance(node, nodes.Getattr | nodes.Getitem):
        return _has_constant_subscripts(node.node)
    return True


def _part_name(node: nodes.Node) -> str | None:
    """Returns `b` for `a.b` and `a['b']`, or None."""
    if isinstance(node, nodes.Getattr):
        return node.attr
    if isinstance(node, nodes.Getitem):
        value = node.arg.value if isinstance(node.arg, nodes.Const) else None
        return value if isinstance(value, str) else None
    return None


_COLUMN_ARGUMENTS = {
    "map": 0,
    "sum": 0,
    "sort": 0,
    "min": 0,
    "max": 0,
    "join": 1,
    "selectattr": 0,
    "rejectattr": 0,
    "average": 0,
    "unique": 0,
}
"""Filters that take the name of a column, with the position of that argument."""


def _attributes(tree: nodes.Node) -> Iterator[str]:
    """Yields the columns that no path holds: those named to filters, and those of other results."""
    for node in _walk(tree):
        if isinstance(node, nodes.Filter) and node.name in _COLUMN_ARGUMENTS:
            yield from _named_columns(node)
        name = _part_name(node)
        if name and not (_path(node) and _has_constant_subscripts(node)):
            yield name


def _named_columns(node: nodes.Filter) -> Iterator[str]:
    position = _COLUMN_ARGUMENTS[node.name]
    keyword = (argument.value for argument in node.kwargs if argument.key == "attribute")
    for argument in (*node.args[position : position + 1], *keyword):
        if isinstance(argument, nodes.Const) and isinstance(argument.value, str):
            yield argument.value


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child)
