"""Keys of pushed units in the state that belong to no change of the source, and of marks.

The state has them beside the keys of changes. A change whose own key begins as they do is not sent
(`is_reserved`): its units would be taken for those of a correction, a move or an undo.
"""

from collections.abc import Container
from datetime import date, timedelta

BILLED_FROM = "billed from"
"""Among the values last applied of a change that was marked without an adjustment: the day from
which its units are billed. It may be another one than the policy of a later day gives."""

_CORRECTION, _UNDO, _MOVE = "correct:", "undo:", "move:"


RESERVED = (_CORRECTION, _UNDO, _MOVE)


def is_reserved(key: str) -> bool:
    """Whether a key of the source could be taken for one of these."""
    return key.startswith(RESERVED)


def correction_key(row: str, day: date) -> str:
    """The key of a correction of that row, on that day."""
    return f"{_CORRECTION}{row}:{day}"


def first_uncorrected_day(
    pushed: Container[tuple[str, str]], mapping: str, row: str, day: date
) -> date:
    """Returns the first day from `day` on that has no correction of the row in the state.

    `pushed` holds mapping and key of all that was pushed; `mapping` is that of the changes.
    """
    while (mapping, correction_key(row, day)) in pushed:
        day += timedelta(days=1)
    return day


def is_correction_of(key: str, row: str) -> bool:
    """Whether `key` is that of a correction of the row, on any day."""
    return key[:-10] == f"{_CORRECTION}{row}:"


def correction_day(key: str) -> date | None:
    """Returns the day of a correction's key; None for any other key."""
    if not key.startswith(_CORRECTION):
        return None
    try:
        return date.fromisoformat(key[-10:])
    except ValueError:  # a change of that key that an earlier version sent
        return None


def is_move(key: str) -> bool:
    """Returns whether `key` is that of units that moved with their row."""
    return key.startswith(_MOVE)


def undo_key(change: str, day: date) -> str:
    """Returns the key of the undo of that change's units, on that day."""
    return f"{_UNDO}{change}:{day}"


def move_key(row: str, service: int, day: date) -> str:
    """Returns the key of units that a row's move took from that service, or added to it."""
    return f"{_MOVE}{row}:{service}:{day}"
