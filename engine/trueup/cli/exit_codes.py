"""The exit codes of all commands."""

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of the process."""

    DONE = 0
    ERROR = 1  # that the user can correct
    CHANGES = 2  # with `--detailed-exitcode`
    PARTIAL = 3  # applied in part
    USAGE = 64
    FAULT = 70  # a defect of trueup
    INTERRUPTED = 130
