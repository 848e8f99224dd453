"""The sandboxed Jinja environment of expressions: what attributes and operators do at run time."""

from datetime import date
from decimal import Decimal
from typing import Any

from jinja2 import StrictUndefined, Undefined
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from trueup.expressions.error_messages import DIVIDED_BY_ZERO, describe, kind_of
from trueup.expressions.filters import FILTERS, TESTS, as_text
from trueup.expressions.function_code import FunctionCode
from trueup.expressions.recording import MARK, mark

_DATE_PARTS = frozenset({"year", "month", "day"})


class Environment(ImmutableSandboxedEnvironment):
    """An environment in which only keys of dicts and parts of days are attributes."""

    code_generator_class = FunctionCode
    intercepted_binops = frozenset({"*", "%", "/", "//"})

    def __init__(self) -> None:
        # Not optimized: folding constants changes the tree, which is cached, and fails in ways of
        # its own.
        super().__init__(undefined=StrictUndefined, autoescape=False, cache_size=0, optimized=False)
        self.globals.clear()
        self.filters.clear()
        self.filters.update(FILTERS)
        self.filters["_text"] = as_text
        self.filters["_all"] = all
        self.filters[MARK] = mark
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
        return self.undefined(f"{describe(obj)} has no {attribute!r}")

    def getitem(self, obj: Any, argument: Any) -> Any:  # noqa: ANN401 -- any value of a row
        if obj is None or isinstance(obj, Undefined):
            return obj
        if isinstance(obj, dict | list | tuple):
            try:
                return obj[argument]
            except (LookupError, TypeError):
                return self.undefined(f"there is no {argument!r}")
        return self.undefined(f"nothing can be looked up in {kind_of(obj)}")

    def call_binop(
        self,
        _context: Any,  # noqa: ANN401 -- Jinja's
        operator: str,
        left: Any,  # noqa: ANN401 -- any value of a row
        right: Any,  # noqa: ANN401 -- any value of a row
    ) -> Any:  # noqa: ANN401 -- any value of a row
        # Of texts and lists, these operators would fill memory (`'a' * 1000000000`) or format.
        if isinstance(left, str | list | tuple) or isinstance(right, str | list | tuple):
            raise SecurityError(f"{operator} is for numbers only")

        # Decimal's own error for a remainder does not mention the division by zero.
        if operator != "*" and isinstance(right, int | Decimal) and not right:
            raise ZeroDivisionError(DIVIDED_BY_ZERO)
        if operator == "/" and isinstance(left, int) and isinstance(right, int):
            return Decimal(left) / Decimal(right)
        if operator in {"//", "%"} and {type(left), type(right)} <= {int, bool, Decimal}:
            quotient, remainder = _divided_down(left, right)
            return quotient if operator == "//" else remainder
        return self.binop_table[operator](left, right)


def _divided_down(left: Decimal | int, right: Decimal | int) -> tuple[Decimal | int, Decimal | int]:
    """Returns the quotient, rounded down, and the remainder, which has the sign of `right`.

    Decimals round towards zero by themselves: the result would depend on the type of a column.
    """
    quotient, remainder = divmod(left, right)
    if remainder and (remainder < 0) != (right < 0):
        return quotient - 1, remainder + right
    return quotient, remainder


ENVIRONMENT = Environment()
