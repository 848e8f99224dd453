"""Display texts of values, in the notation of expressions: text in quotes, none as `none`."""

import sys
from collections.abc import Mapping

from trueup.errors import shortened_line
from trueup.expressions.value_filters import as_text
from trueup.render.sanitize import LONGEST, exact

_FEW = 20
"""Items of a list or a map that are shown."""


def literal(value: object, *, whole: bool = False) -> str:
    """Returns a value on one line, safe for a terminal; text in quotes, lists with items.

    Without `whole`, a long text and a long list end in an ellipsis. With it, all that a line of a
    message holds is shown; of a longer value the middle is left out.
    """
    if whole:
        return exact(shortened_line(_literal(value, sys.maxsize)), sys.maxsize)
    return exact(_literal(value, _FEW), LONGEST)


def _literal(value: object, few: int) -> str:
    match value:
        case None | bool():
            return {None: "none", True: "true", False: "false"}[value]
        case str():
            quoted = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{quoted}"'
        case Mapping():
            pairs = (
                f"{_literal(str(key), few)}: {_literal(one, few)}" for key, one in value.items()
            )
            return f"{{{_items([*pairs], few)}}}"
        case list() | tuple():
            return f"[{_items([_literal(one, few) for one in value], few)}]"
        case _:
            return as_text(value)


def _items(texts: list[str], few: int) -> str:
    more = len(texts) - few
    return ", ".join(texts[:few] + ([f"… {more:,} more"] if more > 0 else []))
