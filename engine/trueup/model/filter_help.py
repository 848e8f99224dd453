"""The reference text of one filter of expressions."""

from msgspec import Struct


class FilterHelp(Struct, frozen=True):
    """One filter of expressions, with an example and its result."""

    name: str
    arguments: str  # in parentheses, or empty
    text: str
    example: str
    result: str
