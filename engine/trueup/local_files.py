"""Reads files that are files: a pipe or a device without a writer would be waited for for ever.

A file that a project may go without is absent only where its folder has no entry of that name: a
link to nowhere, a pipe or a folder in its place is an error, not a project without decisions.
"""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

from trueup.operating_system import READ_AT_ONCE

_GIVEN_BY_THE_SHELL = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")
"""Pipes that have a writer: `trueup show /dev/stdin`, `trueup apply <(…)`."""


def is_absent(path: Path) -> bool:
    """Returns whether nothing at all is there, not even a link to a file that does not exist."""
    return not os.path.lexists(path)


def read_regular(path: Path) -> bytes:
    """Returns the content of a file. Raises `OSError`, also for what is no regular file."""
    if str(path).startswith(_GIVEN_BY_THE_SHELL):
        return path.read_bytes()

    with open_regular(path) as file:
        return file.read()


def open_regular(path: Path) -> BufferedReader:
    """Opens a file to read parts of it. Raises `OSError`, also for what is no regular file."""
    file = os.fdopen(os.open(path, READ_AT_ONCE), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "is not a regular file", str(path))
    return file
