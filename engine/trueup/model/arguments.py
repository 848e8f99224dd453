"""Checks of what Python callers pass: they may leave types unchecked, and variables unset."""

from trueup.errors import EngineError


def require_text(name: str, value: object) -> None:
    """Raises EngineError for anything but a text with a character that can be seen.

    An empty text is most often a variable that was not set: taken as "all", it would lift a limit.
    """
    if not isinstance(value, str):
        raise EngineError(f"{name} is {value!r}: give a text")
    if not value.strip():
        raise EngineError(f"{name} is empty: give a value, or leave it out")
