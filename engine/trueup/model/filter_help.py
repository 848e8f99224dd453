"""The reference text of one filter of expressions."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FilterHelp:
    """One filter of expressions, with an example and its result."""

    name: str
    arguments: str  # in parentheses, or empty
    text: str
    example: str
    result: str
