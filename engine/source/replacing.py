"""A file is exchanged for a new text whole or not at all, by one writer at a time."""

import codecs
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.errors import SourceError


@contextmanager
def held(path: Path, name: str) -> Iterator[os.stat_result]:
    """Keeps other writers of this kind away from the file; a writer that dies lets go. Raises SourceError.

    Gives what the file was at that time, so that a writer of another kind is noticed.
    """
    try:
        handle = _locked(path)
    except OSError as error:
        raise SourceError(f"{name} cannot be opened for writing: {error.strerror}; nothing was changed") from error
    try:
        yield os.fstat(handle)
    finally:
        os.close(handle)


def _locked(path: Path) -> int:
    while True:
        handle = os.open(path, os.O_RDWR)
        fcntl.flock(handle, fcntl.LOCK_EX)
        # While we waited, the one before us has put another file in its place: then that one counts.
        if os.fstat(handle).st_ino == path.stat().st_ino:
            return handle
        os.close(handle)


def replace_whole(path: Path, text: str, name: str, was: os.stat_result) -> None:
    """Writes beside the file, makes that durable, then takes its place. Raises SourceError."""
    beside = path.with_name(f".{path.name}.new")
    try:
        encoding = "utf-8-sig" if _is_marked(path) else "utf-8"
        with beside.open("w", encoding=encoding, newline="") as file:
            os.fchmod(file.fileno(), stat.S_IMODE(was.st_mode))
            with suppress(PermissionError):
                os.fchown(file.fileno(), was.st_uid, was.st_gid)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if _mark(path.stat()) != _mark(was):
            beside.unlink()
            raise SourceError(f"{name} was changed by another program just now; nothing was written, try again")
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise SourceError(f"{name} could not be written: {error.strerror}; it is as it was") from error
    _make_durable(path.parent)


def _is_marked(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8


def _mark(was: os.stat_result) -> tuple[int, int, int]:
    return was.st_ino, was.st_mtime_ns, was.st_size


def _make_durable(folder: Path) -> None:
    """The new name, too, survives a loss of power, where the file system can promise that."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
