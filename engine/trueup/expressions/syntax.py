"""Text of an expression or template → a checked tree, and what it refers to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeGuard

from jinja2 import StrictUndefined, TemplateSyntaxError, Undefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from engine.errors import ExpressionFault
from engine.expressions.filters import FILTERS, TESTS, as_text
from engine.expressions.words import ZERO, called, kind

ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Const,
    nodes.Name,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Test,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.CondExpr,
    nodes.Add,
    nodes.Sub,
    nodes.Mul,
    nodes.Div,
    nodes.FloorDiv,
    nodes.Mod,
    nodes.Neg,
    nodes.Pos,
    nodes.Concat,
    nodes.List,
    nodes.Tuple,
    nodes.Dict,
    nodes.Pair,
    nodes.Keyword,
)
_DATE_PARTS = frozenset({"year", "month", "day"})
_LONGEST_TEXT = 10_000
_LARGEST = 10**40
DEEPEST = 60
"""Levels of an expression at most: Python nests 200 parentheses, and a level may take three."""


class Environment(ImmutableSandboxedEnvironment):
    """Attributes are keys of dicts, and parts of days; nothing else is an attribute."""

    intercepted_binops = frozenset({"*", "%", "/"})

    def __init__(self) -> None:
        # Not optimized: folding constants changes the tree, which is kept, and fails in ways of its own.
        super().__init__(undefined=StrictUndefined, autoescape=False, cache_size=0, optimized=False)
        self.globals.clear()
        self.filters.clear()
        self.filters.update(FILTERS)
        self.filters["_text"] = as_text
        self.tests.clear()
        self.tests.update(TESTS)

    def getattr(self, obj: Any, attribute: str) -> Any:  # noqa: ANN401 -- any value of a row
        if isinstance(obj, dict):
            try:
                return obj[attribute]
            except KeyError:
                return self.undefined(f"there is no {attribute!r}")
        if obj is None or isinstance(obj, Undefined):
            return obj
        if isinstance(obj, date) and attribute in _DATE_PARTS:
            return getattr(obj, attribute)
        return self.undefined(f"{called(obj)} has no {attribute!r}")

    def getitem(self, obj: Any, argument: Any) -> Any:  # noqa: ANN401 -- any value of a row
        if obj is None or isinstance(obj, Undefined):
            return obj
        if isinstance(obj, dict | list | tuple):
            try:
                return obj[argument]
            except (LookupError, TypeError):
                return self.undefined(f"there is no {argument!r}")
        return self.undefined(f"nothing can be looked up in {kind(obj)}")

    def call_binop(self, _context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401 -- as above
        if isinstance(left, str | list | tuple) or isinstance(right, str | list | tuple):
            raise SecurityError(f"{operator} is for numbers only")
        if operator in "/%" and isinstance(right, int | Decimal) and not right:
            raise ZeroDivisionError(ZERO)  # Decimal's own would not say so of a remainder
        if operator == "/" and isinstance(left, int) and isinstance(right, int):
            return Decimal(left) / Decimal(right)
        return self.binop_table[operator](left, right)


ENVIRONMENT = Environment()


@dataclass(frozen=True, slots=True)
class Inspection:
    """What an expression or template refers to."""

    paths: frozenset[tuple[str, ...]]  # ("source", "name"), ("settings", "billing_codes", "services")
    roots: frozenset[str]
    filters: frozenset[str]
    tests: frozenset[str]
    attributes: frozenset[str]  # columns named to filters as text, or of what a filter or subscript gives
    is_template: bool


def is_code(raw: object) -> TypeGuard[str]:
    """Is there anything to evaluate?"""
    return isinstance(raw, str) and "{" in raw and any(mark in raw for mark in ("{{", "{%", "{#"))


@lru_cache(maxsize=8_192)
def parse(text: str) -> nodes.Expr:
    """The one expression that the text is, or a concatenation of a template's parts.

    Raises ExpressionFault for anything that is no expression, or not an allowed one.
    """
    if len(text) > _LONGEST_TEXT:
        raise ExpressionFault(f"longer than {_LONGEST_TEXT:,} characters")
    parts = [_checked(part, text) for part in _parts(text)]
    if len(parts) == 1 and not isinstance(parts[0], nodes.TemplateData):
        return parts[0]
    return nodes.Concat([_as_text(part) for part in parts])


def _plainly(message: str) -> str:
    """Jinja's words without its own names for things."""
    for name, sign in (("end", "}}"), ("begin", "{{")):
        message = message.replace(f"'{name} of print statement'", f"`{sign}`")
    return message.replace("end of template", "end").removesuffix(".")


def _parts(text: str) -> list[nodes.Expr]:
    try:
        body = ENVIRONMENT.parse(text.strip()).body
    except TemplateSyntaxError as fault:
        raise ExpressionFault(_plainly(fault.message or "cannot be read"), _offset(text, fault.lineno)) from fault
    except RecursionError as fault:
        raise ExpressionFault("nested too deeply") from fault
    except ValueError as fault:
        raise ExpressionFault("holds a number that is too long") from fault
    parts: list[nodes.Expr] = []
    for node in body:
        if not isinstance(node, nodes.Output):
            word = type(node).__name__.lower()
            raise ExpressionFault(f"{word}: statements and loops are not allowed", _offset(text, node.lineno))
        parts.extend(node.nodes)
    return parts


def _offset(text: str, line: int) -> int:
    """Where a line of the stripped text begins in the text."""
    before = len(text) - len(text.lstrip())
    ends = [found.end() for found in re.finditer(r"\r\n|\r|\n", text[before:])]
    return before + (ends[min(line - 1, len(ends)) - 1] if ends and line > 1 else 0)


def _as_text(part: nodes.Expr) -> nodes.Expr:
    if isinstance(part, nodes.TemplateData):
        return nodes.Const(part.data)
    return nodes.Filter(part, "_text", [], [], None, None)


def _checked(part: nodes.Expr, text: str) -> nodes.Expr:
    """The part, allowed, numbers with a point as decimals, and none where an if has no else."""
    if isinstance(part, nodes.TemplateData):
        return part
    level: list[nodes.Node] = [part]
    for _ in range(DEEPEST):
        for node in level:
            _check(node, text)
        level = [child for node in level for child in node.iter_child_nodes()]
    if level:
        raise ExpressionFault(f"nested deeper than {DEEPEST} levels", _offset(text, level[0].lineno))
    return part


def _check(node: nodes.Node, text: str) -> None:
    if isinstance(node, nodes.Call):
        raise ExpressionFault("calls are not allowed; filters are (a | lower)", _offset(text, node.lineno))
    if not isinstance(node, ALLOWED):
        word = type(node).__name__
        raise ExpressionFault(f"{word} is not allowed in an expression", _offset(text, node.lineno))
    hidden = node.attr if isinstance(node, nodes.Getattr) else getattr(node, "name", "")
    if isinstance(hidden, str) and (hidden.startswith("_") or hidden == "self"):
        raise ExpressionFault(f"{hidden} is out of bounds", _offset(text, node.lineno))
    if isinstance(node, nodes.CondExpr) and node.expr2 is None:
        node.expr2 = nodes.Const(None, lineno=node.lineno)
    if isinstance(node, nodes.Const) and isinstance(node.value, int | float):
        node.value = node.value if isinstance(node.value, int) else Decimal(str(node.value))
        if abs(node.value) >= _LARGEST:
            raise ExpressionFault("holds a number that is too large", _offset(text, node.lineno))


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child)


@lru_cache(maxsize=8_192)
def inspect(text: str) -> Inspection:
    """What the text refers to. Raises ExpressionFault as `parse` does."""
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
        is_template=isinstance(tree, nodes.Concat) and "{{" in text and not _is_bare(text),
    )


_NAMED_BY = {"map": 0, "sum": 0, "sort": 0, "min": 0, "max": 0, "join": 1, "selectattr": 0, "rejectattr": 0}
"""Filters that take the name of a column, and at which place."""


def _attributes(tree: nodes.Node) -> Iterator[str]:
    for node in _walk(tree):
        if isinstance(node, nodes.Filter) and node.name in _NAMED_BY:
            place = _NAMED_BY[node.name]
            named = [*node.args[place : place + 1], *(one.value for one in node.kwargs if one.key == "attribute")]
            yield from (part.value for part in named if isinstance(part, nodes.Const) and isinstance(part.value, str))
        name = _part_of(node)
        if name and not (_chain(node) and _constant(node)):
            yield name


def _part_of(node: nodes.Node) -> str | None:
    """`b` of `a.b` and `a['b']`."""
    if isinstance(node, nodes.Getattr):
        return node.attr
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        return node.arg.value
    return None


def _is_bare(text: str) -> bool:
    return len(_parts(text)) == 1


def _collect(node: nodes.Node, paths: set[tuple[str, ...]], filters: set[str], tests: set[str]) -> None:
    if isinstance(node, nodes.Filter):
        filters.add(node.name)
    if isinstance(node, nodes.Test):
        tests.add(node.name)
    chain = _chain(node)
    if chain:
        paths.add(chain)  # it says all; its shorter forms are no paths of their own
    for child in _subscripts(node) if chain else node.iter_child_nodes():
        _collect(child, paths, filters, tests)


def _subscripts(node: nodes.Node) -> Iterator[nodes.Node]:
    """What stands in the brackets of a chain."""
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        if isinstance(node, nodes.Getitem):
            yield node.arg
        node = node.node


def _chain(node: nodes.Node) -> tuple[str, ...]:
    """`a.b['c'].d` → (a, b, c, d); a subscript that is no constant ends it: `a.b[x].d` → (a, b)."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        inner = _chain(node.node)
        return (*inner, node.attr) if inner and _constant(node.node) else inner
    if isinstance(node, nodes.Getitem):
        inner = _chain(node.node)
        if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str) and _constant(node.node):
            return (*inner, node.arg.value) if inner else ()
        return inner
    return ()


def _constant(node: nodes.Node) -> bool:
    """No subscript in it that only a row can answer."""
    if isinstance(node, nodes.Getitem):
        return isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str) and _constant(node.node)
    return not isinstance(node, nodes.Getattr) or _constant(node.node)
