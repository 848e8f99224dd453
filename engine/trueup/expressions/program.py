"""Compiles expressions.

`evaluate` compiles and evaluates one value. `Program` compiles many values into one call, because
one call for a row costs a tenth of one call for each expression.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from jinja2 import TemplateError, Undefined, nodes
from jinja2.nodes import EvalContext
from msgspec import Struct

from trueup.errors import ExpressionFault
from trueup.expressions.branches import tree
from trueup.expressions.error_messages import translate
from trueup.expressions.jinja_environment import ENVIRONMENT
from trueup.expressions.recording import is_recording
from trueup.expressions.syntax import parse
from trueup.model.mapping import is_code

EVALUATION_ERRORS = (
    TemplateError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
)
"""What an expression may raise for a row. Any other exception is an error in trueup."""


class _Context:
    """The part of Jinja's `Context` that filters ask for. It has no names: no filter needs them."""

    environment = ENVIRONMENT
    eval_ctx = EvalContext(ENVIRONMENT)


def _compile(expression: nodes.Expr) -> Callable[[Mapping[str, Any]], Any]:
    """Returns the expression as a function of the names. Raises `ExpressionFault` if that fails.

    The function raises one of `EVALUATION_ERRORS`, in plain words.
    """
    # The parts of the tree come from several texts, so their lines have no meaning.
    expression.set_environment(ENVIRONMENT).set_lineno(1)
    _check_filters_and_tests(expression)

    body: list[nodes.Node] = [nodes.Assign(nodes.Name("_result", "store"), expression, lineno=1)]
    try:
        code = ENVIRONMENT.compile(nodes.Template(body, lineno=1))
    except (TemplateError, RecursionError, SyntaxError, MemoryError) as fault:
        raise ExpressionFault(f"cannot be compiled: {fault}") from fault

    # What the code uses besides its names; it writes decimal constants by name.
    namespace: dict[str, Any] = {
        "environment": ENVIRONMENT,
        "context": _Context(),
        "Decimal": Decimal,
    }
    exec(code, namespace)  # noqa: S102 -- the code of a checked tree, as Jinja itself runs it
    evaluate: Callable[[Mapping[str, Any]], Any] = namespace["evaluate"]

    def call(names: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- any value of a row
        try:
            return evaluate(names)
        except EVALUATION_ERRORS as fault:
            translated = translate(fault)
            if translated is fault:
                raise
            raise translated from fault

    return call


def _check_filters_and_tests(expression: nodes.Expr) -> None:
    """Raises `ExpressionFault` for a filter or test that does not exist.

    Jinja itself looks those of an inline `if` up only when it evaluates that branch.
    """
    for kind, known in ((nodes.Filter, ENVIRONMENT.filters), (nodes.Test, ENVIRONMENT.tests)):
        for node in expression.find_all(kind):
            if node.name not in known:
                raise ExpressionFault(f"there is no {kind.__name__.lower()} {node.name!r}")


class Implies(Struct, frozen=True):
    """A rule with a condition, as one value: true if `when` is false or `then` is true."""

    when: object
    then: object


class Every(Struct, frozen=True):
    """Rules as one value: true if all of these are true.

    What follows the first false one is not evaluated, unless the branches that are reached are
    recorded.
    """

    values: tuple[object, ...]


class _Literal(Struct, frozen=True):
    """A literal, by the name under which compiled code sees it."""

    name: str


@lru_cache(maxsize=256)
def _fused(
    recorded: bool,  # noqa: FBT001 -- part of the key: a recorded tree has marks
    shape: object,
    *guard: object,
) -> Callable[[Mapping[str, Any]], Any]:
    """Returns the values of a shape as one function of the names; compiled once for each shape.

    To compile takes longer than to plan a few rows, and tests of a project do it for each test.
    """
    del recorded
    fused = _node(shape)
    for condition in guard:
        fused = nodes.CondExpr(_node(condition), fused, nodes.Const(None))
    return _compile(fused)


def _node(shape: object) -> nodes.Expr:
    match shape:
        case Implies():
            return nodes.Or(nodes.Not(_node(shape.when)), _node(shape.then))
        case Every():
            return _every([_node(part) for part in shape.values])
        case tuple():
            return nodes.Tuple([_node(part) for part in shape], "load")
        case _Literal():
            return nodes.Name(shape.name, "load")
        case _:
            return tree(str(shape))


def _every(parts: Sequence[nodes.Expr]) -> nodes.Expr:
    """Returns the parts joined by `and`, from left to right.

    They are halved again and again, because Python nests no more than 200 parentheses.
    """
    if is_recording():
        return nodes.Filter(nodes.Tuple([*parts], "load"), "_all", [], [], None, None)
    if not parts:
        return nodes.Const(True)  # noqa: FBT003 -- Jinja's
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return nodes.And(_every(parts[:middle]), _every(parts[middle:]))


def _texts(raws: Iterable[object]) -> Iterator[str]:
    """Yields the texts in some values that are evaluated."""
    waiting = [*raws]
    while waiting:
        raw = waiting.pop()
        if isinstance(raw, Implies):
            waiting += [raw.when, raw.then]
        elif isinstance(raw, Every):
            waiting += raw.values
        elif isinstance(raw, tuple):
            waiting += raw
        elif is_code(raw):
            yield raw


class Program:
    """Many values as one call that returns a tuple, in the order given.

    With a `guard`, the call returns None for a row for which the guard is false. `one` evaluates a
    single value, to find out which of them is at fault. Raises `ExpressionFault` if a value cannot
    be compiled.
    """

    __slots__ = ("_fused", "_literals", "_raws", "_singles")

    def __init__(self, raws: Sequence[object], guard: object = None) -> None:
        for text in _texts((*raws, guard)):
            parse(text)  # here, where the stack is no deeper than for a single value
        self._raws = (*raws,)
        self._literals: dict[str, Any] = {}
        self._singles: dict[int, Callable[[Mapping[str, Any]], Any]] = {}
        shape = self._shape(self._raws)
        guarded = (self._shape(guard),) if guard is not None else ()
        self._fused = _fused(is_recording(), shape, *guarded)

    def _shape(self, raw: object) -> object:
        """Notes the literals of a value; returns the value with their names in their places."""
        if isinstance(raw, Implies):
            return Implies(self._shape(raw.when), self._shape(raw.then))
        if isinstance(raw, Every):
            return Every(tuple(self._shape(part) for part in raw.values))
        if isinstance(raw, tuple):
            return tuple(self._shape(part) for part in raw)
        if is_code(raw):
            return raw
        name = f"_literal{len(self._literals)}"
        self._literals[name] = raw
        return _Literal(name)

    def __call__(self, names: dict[str, Any]) -> tuple[Any, ...] | None:
        """Returns all values. Adds the literals to `names`."""
        if self._literals:
            names.update(self._literals)
        result: tuple[Any, ...] | None = self._fused(names)
        return result

    def one(self, index: int, names: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- any value
        """Returns the value at `index` alone. Raises an error if it is undefined."""
        if index not in self._singles:
            self._singles[index] = single(self._raws[index])
        return self._singles[index](names)


def single(raw: object) -> Callable[[Mapping[str, Any]], Any]:
    """Returns one value as a function of the names. An undefined result raises an error."""
    if isinstance(raw, Implies):
        when, then = single(raw.when), single(raw.then)
        return lambda names: not when(names) or then(names)
    if isinstance(raw, Every):
        return _all_of([single(part) for part in raw.values])
    if isinstance(raw, tuple):
        parts = [single(part) for part in raw]
        return lambda names: tuple(part(names) for part in parts)
    if not is_code(raw):
        return lambda _names: raw
    call = _compile(tree(raw))

    def checked(names: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- any value of a row
        value = call(names)
        if isinstance(value, Undefined):
            value.__bool__()  # raises its own error
        return value

    return checked


def _all_of(
    rules: Sequence[Callable[[Mapping[str, Any]], Any]],
) -> Callable[[Mapping[str, Any]], Any]:
    def all_of(names: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- as `and` gives it
        value: Any = True
        for rule in rules:
            value = rule(names)
            if not value:
                break
        return value

    return all_of


_CACHE: dict[tuple[str, bool], Callable[[Mapping[str, Any]], Any]] = {}


def evaluate(raw: object, names: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- any value of a row
    """Returns one value, compiled once and cached. Raises one of `EVALUATION_ERRORS`."""
    return cached(raw)(names) if is_code(raw) else raw


def cached(raw: object) -> Callable[[Mapping[str, Any]], Any]:
    """Returns one value as `single` does, compiled once: for a value that many rows need.

    It does not serve beyond the plan at hand: whether branches are recorded is part of it.
    """
    if not is_code(raw):
        return single(raw)
    key = raw, is_recording()
    if key not in _CACHE:
        _CACHE[key] = single(raw)
    return _CACHE[key]
