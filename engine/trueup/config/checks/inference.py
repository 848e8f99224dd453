"""The shape of what an expression gives, inferred from the shapes of the names that it uses.

`Inference` walks the tree that Jinja parsed, once, and reports on the way what cannot work: an
unknown name, column or field, a comparison that is never true, wrong arguments of a filter. What
cannot be inferred is `AnyShape`, about which nothing is reported.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from jinja2 import nodes

from trueup.config.checks.filter_arguments import check_arguments, check_pattern
from trueup.config.checks.shapes import (
    ANY_SHAPE,
    TEXT,
    Constant,
    ListOf,
    OneOf,
    Scalar,
    Shape,
    Structure,
)
from trueup.model.catalogue import UDF, Type
from trueup.model.suggestions import hint

Report = Callable[[str, str], None]
"""Takes what is wrong and a remedy."""

_TEXT_FILTERS = frozenset(
    [
        "_text",
        "country",
        "phone",
        "trim",
        "lower",
        "upper",
        "string",
        "replace",
        "domain",
        "normalise",
        "money",
        "yes_no",
        "substring",
        "title",
        "capitalize",
        "pad",
        "regex_find",
        "regex_replace",
    ]
)
_LIST_FILTERS = frozenset(
    ["list", "sort", "unique", "reverse", "select", "reject", "selectattr", "rejectattr"]
)
"""Filters that give a list of the same items."""

_ITEM_FILTERS = frozenset(["first", "last", "min", "max"])
"""Filters that give one item of a list."""

_FILTER_SHAPES: Mapping[str, Shape] = {
    "days": Scalar(Type.DAY),
    "months": Scalar(Type.DAY),
    "int": Scalar(Type.INTEGER),
    "length": Scalar(Type.INTEGER),
    "decimal": Scalar(Type.DECIMAL),
    "round": Scalar(Type.DECIMAL),
    "join": TEXT,
    "start_of_month": Scalar(Type.DAY),
    "end_of_month": Scalar(Type.DAY),
    "weekday": Scalar(Type.INTEGER),
    "days_until": Scalar(Type.INTEGER),
    "floor": Scalar(Type.INTEGER),
    "ceiling": Scalar(Type.INTEGER),
    "average": Scalar(Type.DECIMAL),
    "split": ListOf(TEXT),
    "regex_find_all": ListOf(TEXT),
}
_ATTRIBUTE_FILTERS = frozenset(
    ["map", "sum", "average", "min", "max", "sort", "unique", "selectattr", "rejectattr"]
)
"""Filters that take the name of an attribute of the items."""

_ORDERINGS = frozenset(["lt", "lteq", "gt", "gteq"])
_EQUALITIES = frozenset(["eq", "ne"])
_NUMBER, _TEXT, _DATE, _INSTANT = "a number", "a text", "a date", "a point in time"
_ORDERS: Mapping[Type, str] = {
    Type.TEXT: _TEXT,
    Type.LOOKUP: _TEXT,
    Type.INTEGER: _NUMBER,
    Type.DECIMAL: _NUMBER,
    Type.BOOLEAN: _NUMBER,
    Type.DAY: _DATE,
    Type.INSTANT: _INSTANT,
}
_CONSTANT_ORDERS: tuple[tuple[type, str], ...] = (
    (str, _TEXT),
    (int, _NUMBER),
    (float, _NUMBER),
    (Decimal, _NUMBER),
    (datetime, _INSTANT),  # also a date for Python
    (date, _DATE),
)
_ORDER_REMEDIES = {
    frozenset((_TEXT, _DATE)): "make a date of the text: … | date",
    frozenset((_TEXT, _INSTANT)): "make a date of both: … | date",
    frozenset((_DATE, _INSTANT)): "take the day of the point in time: … | date",
    frozenset((_TEXT, _NUMBER)): "make a number of the text: … | decimal",
}
_DATE_PARTS = ("year", "month", "day")
_YES_NO = Scalar(Type.BOOLEAN)


class Inference:
    """Infers the shapes of the nodes of an expression that may use `names`; calls `report`."""

    def __init__(self, names: Mapping[str, Shape], report: Report) -> None:
        self._names, self._report = names, report
        self._handlers: Mapping[type[nodes.Node], Callable[[Any], Shape]] = {
            nodes.Const: lambda node: Constant(node.value),
            nodes.Name: lambda node: self._name(node.name),
            nodes.Getattr: lambda node: self._part(self.of(node.node), node.attr),
            nodes.Getitem: self._item,
            nodes.Filter: self._filter,
            nodes.Test: self._test,
            nodes.Compare: self._compare,
            nodes.CondExpr: self._conditional,
            nodes.Or: lambda node: OneOf((self.of(node.left), self.of(node.right))),
        }

    def of(self, node: nodes.Node) -> Shape:
        """Returns the shape of what the node gives."""
        return self._handlers.get(type(node), self._other)(node)

    def _conditional(self, node: nodes.CondExpr) -> Shape:
        self.of(node.test)
        branches = (node.expr1, node.expr2)
        return OneOf(tuple(self.of(branch) for branch in branches if branch))

    def _other(self, node: nodes.Node) -> Shape:
        """Handles all other nodes: their parts are checked, and most results are not inferred."""
        for child in node.iter_child_nodes():
            self.of(child)

        if isinstance(node, nodes.Concat):
            return TEXT
        return _YES_NO if isinstance(node, nodes.Not) else ANY_SHAPE

    def _test(self, node: nodes.Test) -> Shape:
        shapes = [self.of(child) for child in node.iter_child_nodes()]
        if node.name == "matches" and len(shapes) > 1:
            for text, remedy in check_pattern(node.name, shapes[1]):
                self._report(text, remedy)
        return _YES_NO

    def _name(self, name: str) -> Shape:
        if name in self._names:
            return self._names[name]

        if name == "env":
            remedy = "use it in source, target or state of trueup.yaml"
            self._report("env is not available here", remedy)
        else:
            self._report(f"there is no {name!r} here", hint(name, self._names))
        return ANY_SHAPE

    def _part(self, shape: Shape, name: str) -> Shape:
        """Returns the shape of `.name` of a value of that shape."""
        match shape:
            case Structure():
                part = shape.find(name)
                if part is None:
                    self._report(shape.missing_text(name), hint(name, shape.known()))
                return part or ANY_SHAPE
            case OneOf():
                return OneOf(tuple(self._part(option, name) for option in shape.shapes))
            case Scalar() if shape.type in {Type.DAY, Type.INSTANT} and name in _DATE_PARTS:
                return Scalar(Type.INTEGER)
            case Scalar() | ListOf():
                self._report(f"{shape.what} has no {name!r}", _part_remedy(shape, name))
            case Constant(value=date()) if name in _DATE_PARTS:
                return Scalar(Type.INTEGER)
            case Constant() if shape.named and shape.value is not None:
                self._report(f"{shape.named} is a single value and has no {name!r}", "")
            case _:
                pass
        return ANY_SHAPE

    def _item(self, node: nodes.Getitem) -> Shape:
        base, index = self.of(node.node), node.arg
        if isinstance(index, nodes.Const) and isinstance(index.value, str):
            return self._part(base, index.value)

        self.of(index)
        if isinstance(base, Structure) and base.values:
            return OneOf(base.values)
        return base.of if isinstance(base, ListOf) else ANY_SHAPE

    def _filter(self, node: nodes.Filter) -> Shape:
        base = self.of(node.node) if node.node else ANY_SHAPE
        positional = [self.of(argument) for argument in node.args]
        named = {str(argument.key): self.of(argument.value) for argument in node.kwargs}
        if not (node.dyn_args or node.dyn_kwargs):
            for text, remedy in check_arguments(node.name, positional, named):
                self._report(text, remedy)

        item = base.of if isinstance(base, ListOf) else ANY_SHAPE
        attribute = _attribute(node) if node.name in _ATTRIBUTE_FILTERS else None
        part = self._part(item, attribute) if attribute else ANY_SHAPE
        return self._filtered(node, base, item, part)

    def _filtered(self, node: nodes.Filter, base: Shape, item: Shape, part: Shape) -> Shape:
        """Returns the shape of the filter's result.

        `item` is the shape of an item of `base`, `part` that of the attribute named by the filter.
        """
        name = node.name
        if name == "map":
            return ListOf(part)
        if name in _LIST_FILTERS or (name == "slice" and isinstance(base, ListOf)):
            return base
        if name in _ITEM_FILTERS:
            return item
        if name == "date":
            return TEXT if node.args else Scalar(Type.DAY)
        if name == "truncate_visibly":
            return Scalar(Type.TEXT, longest=_number(node))
        return TEXT if name in _TEXT_FILTERS else _FILTER_SHAPES.get(name, ANY_SHAPE)

    def _compare(self, node: nodes.Compare) -> Shape:
        left = self.of(node.expr)
        for operand in node.ops:
            right = self.of(operand.expr)
            items = operand.expr
            if operand.op in _EQUALITIES:
                self._check_label(left, right)
                self._check_label(right, left)
            elif operand.op in {"in", "notin"} and isinstance(items, nodes.List | nodes.Tuple):
                for item in items.items:
                    self._check_label(left, self.of(item))
                    self._check_order("eq", node.expr, item)
        operands = [node.expr, *(operand.expr for operand in node.ops)]
        for operand, one, other in zip(node.ops, operands, operands[1:], strict=False):
            self._check_order(operand.op, one, other)
        return _YES_NO

    def _check_order(self, operator: str, left: nodes.Node, right: nodes.Node) -> None:
        """Reports two values of which neither can be less than the other, for any row.

        Also a day and a point in time that are tested for equality: they never are equal.
        """
        silent = Inference(self._names, lambda _text, _remedy: None)
        lefts = [_order_of(shape) for shape in outcomes(silent.of(left))]
        rights = [_order_of(shape) for shape in outcomes(silent.of(right))]
        pairs = [frozenset((one, other)) for one in lefts for other in rights]
        if operator in _ORDERINGS and all(len(pair) > 1 and all(pair) for pair in pairs):
            then = "neither is ever less than the other"
        elif operator in _EQUALITIES and set(pairs) == {frozenset((_DATE, _INSTANT))}:
            then = "they are never equal"
        else:
            return
        text = f"{lefts[0]} is compared with {rights[0]}: {then}"
        self._report(text, _ORDER_REMEDIES.get(pairs[0], ""))

    def _check_label(self, choice: Shape, label: Shape) -> None:
        """Reports a choice that is compared with a label which it does not have."""
        if not (isinstance(choice, Scalar) and choice.choices and isinstance(label, Constant)):
            return
        if isinstance(label.value, str) and label.value not in choice.choices:
            text = f"{choice.what} is compared with {label.value!r}, which is not one of its values"
            self._report(text, hint(label.value, choice.choices))


def _order_of(shape: Shape) -> str:
    """Returns what a value is ordered with, such as numbers; empty if that is unknown.

    Nothing is known of user-defined fields, and of choices, which may be numbers or labels. A
    setting may be compared only where it has a value of the right type.
    """
    if isinstance(shape, Constant):
        if shape.named:
            return ""
        kinds = [kind for type_, kind in _CONSTANT_ORDERS if isinstance(shape.value, type_)]
        return kinds[0] if kinds else ""
    if isinstance(shape, Scalar) and shape.type and f".{UDF}" not in shape.what:
        return _ORDERS.get(shape.type, "")
    return "a list" if isinstance(shape, ListOf) else ""


def outcomes(shape: Shape) -> Iterator[Shape]:
    """Yields the shapes that a value may turn out to have: those within `OneOf`, or the shape."""
    if isinstance(shape, OneOf):
        for option in shape.shapes:
            yield from outcomes(option)
    else:
        yield shape


def _attribute(node: nodes.Filter) -> str | None:
    """Returns `quantity` for `sum('quantity')` and `sum(attribute='quantity')`."""
    named = (argument.value for argument in node.kwargs if argument.key == "attribute")
    first = next(iter([*node.args, *named]), None)
    value = first.value if isinstance(first, nodes.Const) else None
    return value if isinstance(value, str) else None


def _number(node: nodes.Filter) -> int | None:
    """Returns the first argument of a filter if it is a whole number."""
    value = node.args[0].value if node.args and isinstance(node.args[0], nodes.Const) else None
    return value if isinstance(value, int) else None


def _part_remedy(shape: Scalar | ListOf, name: str) -> str:
    if isinstance(shape, ListOf):
        return f"take one of them (first, last, min, max), or all: map(attribute={name!r})"
    return f"join {shape.key_of} to reach its columns" if shape.key_of else ""
