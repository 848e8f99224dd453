"""Values of expressions as people write them in expressions: text in quotes, none as `none`."""

from collections.abc import Mapping

from trueup.expressions.value_filters import as_text
from trueup.render.sanitize import LONGEST, exact

_FEW = 20
"""Items of a list or a map that are shown."""


def literal(value: object, longest: int = LONGEST) -> str:
    """A value on one line, harmless for a terminal; text in quotes, lists with their items."""
    return exact(_literal(value), longest)


def _literal(value: object) -> str:
    match value:
        case None | bool():
            return {None: "none", True: "true", False: "false"}[value]
        case str():
            quoted = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{quoted}"'
        case Mapping():
            pairs = [f"{_literal(str(key))}: {_literal(one)}" for key, one in value.items()]
            return f"{{{_items(pairs)}}}"
        case list() | tuple():
            return f"[{_items([_literal(one) for one in value])}]"
        case _:
            return as_text(value)


def _items(texts: list[str]) -> str:
    more = len(texts) - _FEW
    return ", ".join(texts[:_FEW] + ([f"… {more:,} more"] if more > 0 else []))
