"""An expression and the names that it may use in; what it gives and what is wrong with it out.

Jinja's own tree is walked once. What cannot be known is Anything, and nothing is said of it.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from jinja2 import nodes

from engine.config.checks.arguments import check_arguments
from engine.config.checks.shapes import ANYTHING, TEXT, Known, Many, Named, OneOf, Plain, Shape
from engine.config.near import hint
from engine.model.catalogue import Type

Say = Callable[[str, str], None]
"""Takes what is wrong and a remedy."""

_TEXT_FILTERS = frozenset(
    [
        "_text",
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
    ]
)
_SAME = frozenset(["list", "sort", "unique", "select", "reject", "selectattr", "rejectattr"])
_ONE = frozenset(["first", "last", "min", "max"])
_GIVES = {
    "days": Plain(Type.DAY),
    "months": Plain(Type.DAY),
    "int": Plain(Type.INTEGER),
    "length": Plain(Type.INTEGER),
    "decimal": Plain(Type.DECIMAL),
    "round": Plain(Type.DECIMAL),
    "join": TEXT,
}
_BY_ATTRIBUTE = frozenset(["map", "sum", "min", "max", "sort", "selectattr", "rejectattr"])
_DATE_PARTS = ("year", "month", "day")
_YES_NO = Plain(Type.BOOLEAN)


class Inference:
    """Names → shapes; `say` is told what is wrong."""

    def __init__(self, names: Mapping[str, Shape], say: Say) -> None:
        self._names, self._say = names, say
        self._ways: Mapping[type[nodes.Node], Callable[[Any], Shape]] = {
            nodes.Const: lambda node: Known(node.value),
            nodes.Name: lambda node: self._name(node.name),
            nodes.Getattr: lambda node: self._part(self.of(node.node), node.attr),
            nodes.Getitem: self._item,
            nodes.Filter: self._filter,
            nodes.Compare: self._compare,
            nodes.CondExpr: self._either,
            nodes.Or: lambda node: OneOf((self.of(node.left), self.of(node.right))),
        }

    def of(self, node: nodes.Node) -> Shape:
        """What the node gives."""
        return self._ways.get(type(node), self._rest)(node)

    def _either(self, node: nodes.CondExpr) -> Shape:
        self.of(node.test)
        return OneOf(tuple(self.of(way) for way in (node.expr1, node.expr2) if way))

    def _rest(self, node: nodes.Node) -> Shape:
        for child in node.iter_child_nodes():
            self.of(child)
        if isinstance(node, nodes.Concat):
            return TEXT
        return _YES_NO if isinstance(node, nodes.Not | nodes.Test) else ANYTHING

    def _name(self, name: str) -> Shape:
        if name in self._names:
            return self._names[name]
        if name == "env":
            remedy = "put it into source, target or state of trueup.yaml"
            self._say("env is not available here", remedy)
        else:
            self._say(f"there is no {name!r} here", hint(name, self._names))
        return ANYTHING

    def _part(self, shape: Shape, name: str) -> Shape:
        match shape:
            case Named():
                found = shape.find(name)
                if found is None:
                    self._say(shape.complaint(name), hint(name, shape.known()))
                return found or ANYTHING
            case OneOf():
                return OneOf(tuple(self._part(one, name) for one in shape.shapes))
            case Plain() if shape.type in {Type.DAY, Type.INSTANT} and name in _DATE_PARTS:
                return Plain(Type.INTEGER)
            case Plain() | Many():
                self._say(f"{shape.what} has no {name!r}", _way_in(shape, name))
            case Known(value=date()) if name in _DATE_PARTS:
                return Plain(Type.INTEGER)
            case Known() if shape.named and shape.value is not None:
                self._say(f"{shape.named} is one value and has no {name!r}", "")
            case _:
                pass
        return ANYTHING

    def _item(self, node: nodes.Getitem) -> Shape:
        base, by = self.of(node.node), node.arg
        if isinstance(by, nodes.Const) and isinstance(by.value, str):
            return self._part(base, by.value)
        self.of(by)
        if isinstance(base, Named) and base.values:
            return OneOf(base.values)
        return base.of if isinstance(base, Many) else ANYTHING

    def _filter(self, node: nodes.Filter) -> Shape:
        base = self.of(node.node) if node.node else ANYTHING
        placed, named = [self.of(one) for one in node.args], {str(one.key): self.of(one.value) for one in node.kwargs}
        if not (node.dyn_args or node.dyn_kwargs):
            for text, remedy in check_arguments(node.name, placed, named):
                self._say(text, remedy)
        inner = base.of if isinstance(base, Many) else ANYTHING
        attribute = _attribute(node) if node.name in _BY_ATTRIBUTE else None
        part = self._part(inner, attribute) if attribute else ANYTHING
        return self._filtered(node, base, inner, part)

    def _filtered(self, node: nodes.Filter, base: Shape, inner: Shape, part: Shape) -> Shape:
        name = node.name
        if name == "map":
            return Many(part)
        if name in _SAME:
            return base
        if name in _ONE:
            return inner
        if name == "date":
            return TEXT if node.args else Plain(Type.DAY)
        if name == "truncate_visibly":
            return Plain(Type.TEXT, longest=_number(node))
        return TEXT if name in _TEXT_FILTERS else _GIVES.get(name, ANYTHING)

    def _compare(self, node: nodes.Compare) -> Shape:
        left = self.of(node.expr)
        for operand in node.ops:
            right = self.of(operand.expr)
            if operand.op in {"eq", "ne"}:
                self._label(left, right)
                self._label(right, left)
            elif operand.op in {"in", "notin"} and isinstance(operand.expr, nodes.List | nodes.Tuple):
                for item in operand.expr.items:
                    self._label(left, self.of(item))
        return _YES_NO

    def _label(self, choice: Shape, value: Shape) -> None:
        """A choice that is compared with a label that it does not have is never equal."""
        if not (isinstance(choice, Plain) and choice.choices and isinstance(value, Known)):
            return
        if isinstance(value.value, str) and value.value not in choice.choices:
            remedy = hint(value.value, choice.choices)
            self._say(f"{choice.what} is compared with {value.value!r}, which it never is", remedy)


def outcomes(shape: Shape) -> Iterator[Shape]:
    """All that a value may turn out to be."""
    if isinstance(shape, OneOf):
        for one in shape.shapes:
            yield from outcomes(one)
    else:
        yield shape


def _attribute(node: nodes.Filter) -> str | None:
    """`sum('quantity')` and `sum(attribute='quantity')` → quantity."""
    said = [*node.args, *(keyword.value for keyword in node.kwargs if keyword.key == "attribute")][:1]
    value = said[0].value if said and isinstance(said[0], nodes.Const) else None
    return value if isinstance(value, str) else None


def _number(node: nodes.Filter) -> int | None:
    value = node.args[0].value if node.args and isinstance(node.args[0], nodes.Const) else None
    return value if isinstance(value, int) else None


def _way_in(shape: Plain | Many, name: str) -> str:
    if isinstance(shape, Many):
        return f"take one of them (first, last, min, max), or all: map(attribute={name!r})"
    return f"join {shape.key_of} to reach its columns" if shape.key_of else ""
