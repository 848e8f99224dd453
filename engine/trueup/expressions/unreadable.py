"""Values of rows that exist and cannot be read.

In the place of such a value stands an `UnreadableValue`, which raises `NotRead` when an expression
uses it. So an expression never takes an unreadable value for an absent one.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

from jinja2 import StrictUndefined, UndefinedError

from trueup.model.mapping_state import Row

NEEDS_UNREADABLE = "needs-unread"
"""The code of the finding for a row whose expressions use a row that cannot be read."""


class NotRead(UndefinedError):
    """An expression uses a value that cannot be read."""


class UnreadableValue(StrictUndefined):
    """Stands for a value that cannot be read. `row` is the table and key of its row, if known."""

    __slots__ = ("row", "text")

    def __init__(self, text: str, row: tuple[str, str] | None = None) -> None:
        super().__init__(text, exc=NotRead)
        self.text, self.row = text, row

    def fail(self) -> NoReturn:
        """Raises `NotRead`."""
        self._fail_with_undefined_error()


def refuse_unreadable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the filter or test, made to raise `NotRead` for an unreadable value or argument.

    Many filters and tests accept an undefined value and would hide that it cannot be read.
    """

    @wraps(function, updated=())
    def checked(*values: object, **named: object) -> Any:  # noqa: ANN401 -- as the filter returns
        for value in values:
            if type(value) is UnreadableValue:
                value.fail()
        return function(*values, **named)

    # Filters that get Jinja's context look at the items of lists, and raise there by themselves.
    return function if hasattr(function, "jinja_pass_arg") else checked


class PartialRow(dict[str, Any]):
    """The readable part of a row. Each other column gives an `UnreadableValue`.

    `row` is its table and key, `why` is the reason.
    """

    def __init__(self, part: Row, why: str, row: tuple[str, str]) -> None:
        super().__init__(part)
        self.why, self.row = why, row

    def __missing__(self, column: str) -> UnreadableValue:
        return UnreadableValue(self.why, self.row)

    def __contains__(self, column: object) -> bool:
        return True  # every column exists, readable or not

    def get(self, column: str, _default: object = None) -> Any:  # noqa: ANN401 -- any value
        """Returns the value, or an `UnreadableValue`; never a default."""
        return self[column]
