"""The ids of changes, which are unique for all keys that rows may have.

A journal names changes by their ids, so two changes of a plan must never share one. No code parses
an id: the facts of a change are in its fields.
"""

_CORRECT, _MOVE = "correct", "move"


def change_id(mapping: str, key: str) -> str:
    """The id of the change that creates or updates the row's record, or pushes its units."""
    return f"{mapping}:{_part(key)}"


def link_id(mapping: str, key: str) -> str:
    """The id of the change that links the row."""
    return f"{change_id(mapping, key)}:link"


def mark_id(mapping: str, key: str) -> str:
    """The id of the change that marks the row in the source."""
    return f"{change_id(mapping, key)}:mark"


def correction_id(mapping: str, row: str) -> str:
    """The id of a correction of the row, by a mapping that appends changes."""
    return f"{mapping}:{_CORRECT}:{_part(row)}"


def move_id(mapping: str, row: str, record: int | None) -> str:
    """The id of the move of a row's units away from a record; None: to a new record."""
    verb = _MOVE if record is None else f"{_MOVE}:{record}"
    return f"{mapping}:{verb}:{_part(row)}"


def undo_id(change: str) -> str:
    """The id of the change that undoes the change with that id."""
    return f"undo:{change}"


def _part(key: str) -> str:
    """Returns the key as one part of an id, without a colon and without a reserved word."""
    part = key.replace("%", "%25").replace(":", "%3A")
    return f"%{part}" if part in {_CORRECT, _MOVE} else part
