"""The errors of Python, Jinja and decimal in plain words for the user of an expression.

`translate` takes an exception and returns the same kind of exception with a plain text. Our own
messages stay as they are. The patterns follow the wording of CPython 3.11 to 3.13.
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import (
    Decimal,
    DecimalException,
    DivisionByZero,
    DivisionUndefined,
    InvalidOperation,
    Overflow,
)

_KINDS = {
    "NoneType": "nothing",
    "str": "text",
    "int": "a number",
    "Decimal": "a number",
    "float": "a number",
    "bool": "yes or no",
    "date": "a day",
    "datetime": "a point in time",
    "timedelta": "a number of days",
    "list": "a list",
    "tuple": "a list",
    "dict": "a row",
    "PartialRow": "a row",
    "_LazyRelated": "a row",
}
"""The kind of a value by the name of its type."""

DIVIDED_BY_ZERO = "divided by zero"
NUMBER_OUT_OF_RANGE = "the number is out of range"
DAY_OUT_OF_RANGE = "the day is out of range"


def kind_of(value: object) -> str:
    """Returns the kind of a value for a message, such as `a number`."""
    return _kind(type(value).__name__)


def describe(value: object) -> str:
    """Returns a value as the subject of a message: itself if it is short, else only its kind."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"text {value!r:.60}"
    if isinstance(value, int | Decimal):
        return f"number {value!s:.60}"
    if isinstance(value, date):
        return f"{kind_of(value)} {value}".removeprefix("a ")
    return kind_of(value)


def _kind(type_name: str) -> str:
    """Returns the kind for the name of a type as Python writes it, with or without its module."""
    return _KINDS.get(type_name.rpartition(".")[2], "this value")


_MESSAGES: list[tuple[re.Pattern[str], Callable[..., str]]] = [
    (re.compile(pattern), make)
    for pattern, make in (
        (
            r"unsupported operand type\(s\) for (\S+)(?: or \S+)?: '([\w.]+)' and '([\w.]+)'",
            lambda sign, left, right: f"{sign} cannot be used on {_kind(left)} and {_kind(right)}",
        ),
        (
            r'can only concatenate (\w+) \(not "([\w.]+)"\)',
            lambda left, right: f"+ cannot be used on {_kind(left)} and {_kind(right)}",
        ),
        (
            r"not supported between instances of '([\w.]+)' and '([\w.]+)'",
            lambda left, right: f"{_kind(left)} and {_kind(right)} cannot be compared",
        ),
        # Python names the two in reverse order here.
        (
            r"can't compare ([\w.]+) to ([\w.]+)",
            lambda right, left: f"{_kind(left)} and {_kind(right)} cannot be compared",
        ),
        (
            r"bad operand type for \S+(?: \S)?: '([\w.]+)'",
            lambda name: f"{_kind(name)} is not a number",
        ),
        (r"object of type '([\w.]+)' has no len", lambda name: f"{_kind(name)} is not a list"),
        (
            r"'([\w.]+)' object is not (?:iterable|reversible|subscriptable)",
            lambda name: f"{_kind(name)} is not a list",
        ),
        (r"argument of type '([\w.]+)' is not", lambda name: f"{_kind(name)} is not a list"),
        (r"must be an iterable, not ([\w.]+)", lambda name: f"{_kind(name)} is not a list"),
        (r"unhashable type: '([\w.]+)'", lambda name: f"{_kind(name)} is not a single value"),
        (
            r"must be (\w+), not ([\w.]+)$",
            lambda expected, name: f"{_kind(expected)} is expected, not {_kind(name)}",
        ),
        (r"^\S+\(\) (?:missing|takes|got)", lambda: "the arguments in the brackets do not fit"),
        (
            r"'([\w.]+)' object (?:has no attribute|cannot be)",
            lambda name: f"{_kind(name)} cannot be used here",
        ),
        (r"division|modulo|divided by zero", lambda: DIVIDED_BY_ZERO),
        (r"date value out of range|^year -?\d+ is out of range", lambda: DAY_OUT_OF_RANGE),
        (
            r"too large to convert|Exceeds the limit|cannot convert float",
            lambda: NUMBER_OUT_OF_RANGE,
        ),
    )
]
"""Patterns of Python's messages, each with a function from the groups of its match to our text."""

_TRANSLATED = {
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
    ZeroDivisionError,
    DivisionByZero,
    InvalidOperation,
    Overflow,
}
"""Types of exceptions that can be made from a text alone."""


def translate(fault: Exception) -> Exception:
    """Returns an exception of the same type with a plain text, or `fault` itself if it has one."""
    is_decimal = isinstance(fault, DecimalException)
    text = _decimal_text(fault) if is_decimal else _python_text(str(fault))
    return type(fault)(text) if text and type(fault) in _TRANSLATED else fault


def _decimal_text(fault: Exception) -> str:
    is_by_zero = isinstance(fault, DivisionByZero) or fault.args == ([DivisionUndefined],)
    return DIVIDED_BY_ZERO if is_by_zero else NUMBER_OUT_OF_RANGE


def _python_text(message: str) -> str:
    for pattern, make in _MESSAGES:
        if match := pattern.search(message):
            return make(*match.groups())
    return ""
