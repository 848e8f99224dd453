"""The exit codes of all commands."""

from enum import IntEnum


class Exit(IntEnum):
    """What the process says to the one that started it."""

    DONE = 0
    ERROR = 1  # that the user can correct
    CHANGES = 2  # with `--detailed-exitcode`
    PARTIAL = 3  # applied in part
    USAGE = 64
    FAULT = 70  # of ours
    INTERRUPTED = 130
