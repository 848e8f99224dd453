"""Variants of an expression: each changes one operator or number, as a slip of the pen would."""

from collections.abc import Iterator

from trueup.errors import ExpressionFault
from trueup.expressions.jinja_environment import ENVIRONMENT
from trueup.expressions.syntax import parse

_OTHER = {
    "==": "!=",
    "!=": "==",
    ">": ">=",
    ">=": ">",
    "<": "<=",
    "<=": "<",
    "+": "-",
    "-": "+",
    "and": "or",
    "or": "and",
    "not": "",
}
"""What stands in the place of an operator."""


def variants(text: str) -> Iterator[tuple[str, str]]:
    """Yields texts that differ in one place, each with what was changed: `== → !=`.

    Variants that are no expressions are left out.
    """
    tokens = [*ENVIRONMENT.lex(text)]
    for position, (_, kind, token) in enumerate(tokens):
        other = _variant(kind, token)
        if other is None:
            continue
        parts = [value for _, _, value in tokens]
        parts[position] = other
        changed = "".join(parts)
        try:
            parse(changed)
        except ExpressionFault:
            continue
        yield changed, f"{token} → {other or 'nothing'}"


def _variant(kind: str, token: str) -> str | None:
    """Returns the replacement of a token; None if it stays."""
    if kind in {"operator", "name"}:
        return _OTHER.get(token)
    return str(int(token) + 1) if kind == "integer" and token.isdecimal() else None
