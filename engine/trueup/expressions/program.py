"""Many expressions compiled into one call: one call a row costs a tenth of one call an expression."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from jinja2 import Template, TemplateError, Undefined, nodes
from jinja2.nodes import EvalContext
from jinja2.utils import missing

from engine.errors import ExpressionFault
from engine.expressions.syntax import ENVIRONMENT, is_code, parse
from engine.expressions.words import in_words

EVALUATION_ERRORS = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError)
"""What an expression may raise on a row; anything else is a fault of ours."""


class _Names:
    """As much of Jinja's Context as compiled code asks for."""

    __slots__ = ("eval_ctx", "exported_vars", "names", "vars")
    environment = ENVIRONMENT

    def __init__(self, names: Mapping[str, Any], eval_ctx: EvalContext) -> None:
        self.names = names
        self.vars: dict[str, Any] = {}
        self.exported_vars: set[str] = set()
        self.eval_ctx = eval_ctx

    def resolve_or_missing(self, name: str) -> Any:  # noqa: ANN401 -- any value of a row
        return self.names.get(name, missing)


_EVAL = EvalContext(ENVIRONMENT)


def _compile(tree: nodes.Expr) -> Callable[[Mapping[str, Any]], Any]:
    tree.set_environment(ENVIRONMENT).set_lineno(1)
    _check_words(tree)
    body: list[nodes.Node] = [nodes.Assign(nodes.Name("_result", "store"), tree, lineno=1)]
    try:
        code = ENVIRONMENT.compile(nodes.Template(body, lineno=1))
    except (TemplateError, RecursionError, SyntaxError, MemoryError) as fault:
        raise ExpressionFault(f"cannot be compiled: {fault}") from fault
    render = Template.from_code(ENVIRONMENT, code, ENVIRONMENT.globals).root_render_func
    render.__globals__["Decimal"] = Decimal  # as constants of that type are written in the code

    def call(names: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- any value of a row
        context = _Names(names, _EVAL)
        try:
            next(iter(render(context)), None)  # type: ignore[arg-type] # the subset that compiled code uses
        except EVALUATION_ERRORS as fault:
            told = in_words(fault)
            if told is fault:
                raise
            raise told from fault
        return context.vars["_result"]

    return call


def _check_words(tree: nodes.Expr) -> None:
    """Jinja looks filters and tests of an inline if up only when it comes to them."""
    for kind, known in ((nodes.Filter, ENVIRONMENT.filters), (nodes.Test, ENVIRONMENT.tests)):
        for node in tree.find_all(kind):
            if node.name not in known:
                raise ExpressionFault(f"there is no {kind.__name__.lower()} {node.name!r}")


@dataclass(frozen=True, slots=True)
class Implies:
    """`then` must hold where `when` does: a rule with a condition, as one value."""

    when: object
    then: object


class Program:
    """Values in the order given → one call that gives a tuple.

    With a `guard`, a row for which it is false gives None instead. `one` evaluates a single value,
    for finding which of them is at fault. Raises ExpressionFault when it cannot be compiled.
    """

    __slots__ = ("_fused", "_literals", "_raws", "_singles")

    def __init__(self, raws: Sequence[object], guard: object = None) -> None:
        self._raws = (*raws,)
        self._literals: dict[str, Any] = {}
        self._singles: dict[int, Callable[[Mapping[str, Any]], Any]] = {}
        tree: nodes.Expr = nodes.Tuple([self._node(raw) for raw in raws], "load")
        if guard is not None:
            tree = nodes.CondExpr(self._node(guard), tree, nodes.Const(None))
        self._fused = _compile(tree)

    def _node(self, raw: object) -> nodes.Expr:
        if isinstance(raw, Implies):
            return nodes.Or(nodes.Not(self._node(raw.when)), self._node(raw.then))
        if isinstance(raw, tuple):
            return nodes.Tuple([self._node(part) for part in raw], "load")
        if is_code(raw):
            return parse(raw)
        name = f"_literal{len(self._literals)}"
        self._literals[name] = raw
        return nodes.Name(name, "load")

    def __call__(self, names: dict[str, Any]) -> tuple[Any, ...] | None:
        """All values. `names` is kept as it is but for the literals, which are added to it."""
        names.update(self._literals)
        result: tuple[Any, ...] | None = self._fused(names)
        return result

    def one(self, index: int, names: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- any value of a row
        """The value at `index` alone. An undefined one raises."""
        if index not in self._singles:
            self._singles[index] = single(self._raws[index])
        return self._singles[index](names)


def single(raw: object) -> Callable[[Mapping[str, Any]], Any]:
    """One value as a call; an undefined result raises."""
    if isinstance(raw, Implies):
        when, then = single(raw.when), single(raw.then)
        return lambda names: not when(names) or then(names)
    if isinstance(raw, tuple):
        parts = [single(part) for part in raw]
        return lambda names: tuple(part(names) for part in parts)
    if not is_code(raw):
        return lambda _names: raw
    call = _compile(parse(raw))

    def checked(names: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- any value of a row
        value = call(names)
        if isinstance(value, Undefined):
            value.__bool__()  # raises in its own words
        return value

    return checked


_CACHE: dict[str, Callable[[Mapping[str, Any]], Any]] = {}


def evaluate(raw: object, names: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- any value of a row
    """One value, compiled once and kept. Raises one of EVALUATION_ERRORS."""
    if not is_code(raw):
        return raw
    if raw not in _CACHE:
        _CACHE[raw] = single(raw)
    return _CACHE[raw](names)
