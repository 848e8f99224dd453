"""Replaces a file with new data, whole or not at all, by one writer at a time."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from trueup import operating_system
from trueup.errors import SourceError


@contextmanager
def locked(path: Path, name: str) -> Iterator[os.stat_result]:
    """Keeps other trueup writers away from the file; the lock ends with the process.

    Yields the file's status under the lock, so that `replace_file` notices a change by another
    program. `name` is the file's name in messages. Raises `SourceError`.
    """
    with ExitStack() as stack:
        try:
            _require_writable(path)
            stack.enter_context(operating_system.locked(path))
            before = path.stat()
        except OSError as error:
            raise SourceError(
                f"{name} cannot be opened for writing: {error.strerror}; nothing was changed"
            ) from error
        yield before


def replace_file(path: Path, pieces: Iterable[bytes], name: str, before: os.stat_result) -> bytes:
    """Writes the pieces to a file beside it, makes it durable, then renames it onto the path.

    The mode and the owner stay. `before` is the status that `locked` yielded. Returns the digest of
    the new content. Raises `SourceError`; the file is then unchanged.
    """
    digest = hashlib.sha256()

    def require_unchanged() -> None:
        if _version(path.stat()) != _version(before):
            raise SourceError(
                f"{name} was changed by another program just now; nothing was written, try again"
            )

    def write(file: BinaryIO) -> None:
        require_unchanged()  # the pieces may be read from the old file
        for piece in pieces:
            digest.update(piece)
            file.write(piece)

    try:
        operating_system.write_whole(
            path,
            write,
            like=before,
            before_replacing=require_unchanged,
            is_locked=True,
        )
    except OSError as error:
        raise SourceError(
            f"{name} could not be written: {error.strerror}; it is unchanged"
        ) from error
    return digest.digest()


def require_writable(path: Path, name: str) -> None:
    """Raises `SourceError` if `replace_file` could not write; changes nothing."""
    try:
        _require_writable(path)
    except OSError as error:
        raise SourceError(f"{name} cannot be opened for writing: {error.strerror}") from error
    if not os.access(path.parent, os.W_OK):
        raise SourceError(f"{name} cannot be replaced: its folder may not be written to")


def _require_writable(path: Path) -> None:
    """Raises `OSError` for a file that may not be written; replacing it needs no such right."""
    with path.open("r+b"):
        pass


def _version(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_mtime_ns, status.st_size
