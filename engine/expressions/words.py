"""What Python and its libraries say of a value that does not do, in words for people; what we say stays as it is."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal, DecimalException, DivisionByZero, DivisionUndefined, InvalidOperation, Overflow

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
    "_Related": "a row",
}

ZERO = "divided by zero"
_RANGE = "a number is out of all range"
OUT_OF_RANGE = "the day is out of all range"


def kind(value: object) -> str:
    """What a message calls a value of that type."""
    return _of(type(value).__name__)


def called(value: object) -> str:
    """A value at the begin of a message: by itself where it is short, else by its kind."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"text {value!r:.60}"
    if isinstance(value, int | Decimal):
        return f"number {value!s:.60}"
    return f"{kind(value)} {value}".removeprefix("a ") if isinstance(value, date) else kind(value)


def _of(name: str) -> str:
    """By the name of a type, as Python writes it."""
    return _KINDS.get(name.rpartition(".")[2], "this value")


_SAYS: list[tuple[re.Pattern[str], Callable[..., str]]] = [
    (re.compile(pattern), words)
    for pattern, words in (
        (
            r"unsupported operand type\(s\) for (\S+)(?: or \S+)?: '([\w.]+)' and '([\w.]+)'",
            lambda sign, left, right: f"{sign} is not for {_of(left)} and {_of(right)}",
        ),
        (
            r'can only concatenate (\w+) \(not "([\w.]+)"\)',
            lambda left, right: f"+ is not for {_of(left)} and {_of(right)}",
        ),
        (
            r"not supported between instances of '([\w.]+)' and '([\w.]+)'",
            lambda left, right: f"{_of(left)} and {_of(right)} cannot be compared",
        ),
        # Python turns these two round: what stands first in the expression comes last.
        (
            r"can't compare ([\w.]+) to ([\w.]+)",
            lambda right, left: f"{_of(left)} and {_of(right)} cannot be compared",
        ),
        (r"bad operand type for \S+(?: \S)?: '([\w.]+)'", lambda name: f"{_of(name)} is not a number"),
        (r"object of type '([\w.]+)' has no len", lambda name: f"{_of(name)} is no list"),
        (r"'([\w.]+)' object is not (?:iterable|reversible|subscriptable)", lambda name: f"{_of(name)} is no list"),
        (r"argument of type '([\w.]+)' is not", lambda name: f"{_of(name)} is no list"),
        (r"must be an iterable, not ([\w.]+)", lambda name: f"{_of(name)} is no list"),
        (r"unhashable type: '([\w.]+)'", lambda name: f"{_of(name)} is not one value"),
        (r"timedelta days component: ([\w.]+)", lambda name: f"a number is wanted, not {_of(name)}"),
        (r"must be (\w+), not ([\w.]+)$", lambda wanted, name: f"{_of(wanted)} is wanted, not {_of(name)}"),
        (r"^\S+\(\) (?:missing|takes|got)", lambda: "what stands in the brackets does not fit"),
        (r"'([\w.]+)' object (?:has no attribute|cannot be)", lambda name: f"{_of(name)} cannot be used here"),
        (r"division|modulo|divided by zero", lambda: ZERO),
        (r"date value out of range|^year -?\d+ is out of range", lambda: OUT_OF_RANGE),
        (r"too large to convert|Exceeds the limit|cannot convert float", lambda: _RANGE),
    )
]


def in_words(fault: Exception) -> Exception:
    """The same kind of exception with words for people; the fault itself where it has them already."""
    text = _decimal(fault) if isinstance(fault, DecimalException) else _python(str(fault))
    return type(fault)(text) if text and type(fault) in _PLAIN else fault


_PLAIN = {
    *(TypeError, ValueError, AttributeError),
    *(OverflowError, ZeroDivisionError, DivisionByZero, InvalidOperation, Overflow),
}
"""Exceptions that are made of a text and nothing else."""


def _decimal(fault: DecimalException) -> str:
    zero = isinstance(fault, DivisionByZero) or fault.args == ([DivisionUndefined],)
    return ZERO if zero else _RANGE


def _python(said: str) -> str:
    for pattern, words in _SAYS:
        if found := pattern.search(said):
            return words(*found.groups())
    return ""
