"""Values that are there and cannot be read: in their place stands something that raises, in words, when it is used."""

from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

from jinja2 import StrictUndefined, UndefinedError

from engine.model.work import Row

NEEDS_UNREAD = "needs-unread"
"""The finding of a row whose expressions use what stands in a row that cannot be read."""


class NotRead(UndefinedError):
    """An expression uses what stands in a row that cannot be read."""


class Unread(StrictUndefined):
    """In the place of such a value. `row` is table and key of the row that it stands in, where that is known."""

    __slots__ = ("row", "text")

    def __init__(self, text: str, row: tuple[str, str] | None = None) -> None:
        super().__init__(text, exc=NotRead)
        self.text, self.row = text, row

    def tell(self) -> NoReturn:
        """Raises NotRead."""
        self._fail_with_undefined_error()


def of_what_is_read(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter or test, of which many take anything for nothing: of what cannot be read it says nothing but that."""

    @wraps(function, updated=())
    def asked(*values: object, **named: object) -> Any:  # noqa: ANN401 -- whatever the filter gives
        for value in values:
            if type(value) is Unread:
                value.tell()
        return function(*values, **named)

    # Those that look at lists with the help of the environment come to such a value by themselves.
    return function if hasattr(function, "jinja_pass_arg") else asked


class PartialRow(dict[str, Any]):
    """What can be read of a row; each other column gives `Unread`. `row` is its table and key, `why` what is wrong."""

    def __init__(self, part: Row, why: str, row: tuple[str, str]) -> None:
        super().__init__(part)
        self.why, self.row = why, row

    def __missing__(self, column: str) -> Unread:
        return Unread(self.why, self.row)

    def __contains__(self, column: object) -> bool:
        return True  # every column is there

    def get(self, column: str, _default: object = None) -> Any:  # noqa: ANN401 -- any value of a row
        """The value, or `Unread`: nothing stands in its place."""
        return self[column]
