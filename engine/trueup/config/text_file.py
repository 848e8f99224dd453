"""Replaces a text file of a project by another text: whole, or not at all.

A link stays, and the file that it leads to is replaced. Mode and owner stay. What another program
writes in between is never lost: the file is compared again right before it is replaced.
"""

import os
from pathlib import Path

from msgspec import Struct

from trueup import operating_system
from trueup.errors import ConfigError
from trueup.local_files import read_regular
from trueup.model.finding import Finding, Place, Severity

BOM = b"\xef\xbb\xbf"


class TextFile(Struct, frozen=True):
    """A file as it was read."""

    path: Path  # with links resolved
    name: str  # what messages call it
    content: bytes

    @property
    def has_crlf(self) -> bool:
        """Whether its lines end as on Windows."""
        return b"\r\n" in self.content


def read_text_file(path: Path, name: str) -> TextFile:
    """Reads a file. Raises `ConfigError` with its name for what is no readable file."""
    try:
        resolved = path.resolve(strict=True)
        return TextFile(resolved, name, read_regular(resolved))
    except (OSError, RuntimeError) as error:
        raise refused(name, f"cannot be read: {_reason(error)}") from error


def replace_text_file(file: TextFile, content: bytes) -> None:
    """Replaces the file, if it is still as it was read.

    Raises `ConfigError`; the file is then as it was, or as another program has left it.
    """

    def require_unchanged() -> None:
        if read_regular(file.path) != file.content:
            raise refused(
                file.name, "was changed by another program just now; it is left alone, try again"
            )

    try:
        require_unchanged()
        if not os.access(file.path, os.W_OK):
            raise PermissionError(13, "it is read-only", str(file.path))
        operating_system.write_whole(
            file.path,
            content,
            like=file.path.stat(),
            before_replacing=require_unchanged,
        )
    except OSError as error:
        raise refused(file.name, f"cannot be written: {_reason(error)}; it is unchanged") from error


def create_text_file(path: Path, name: str, content: bytes) -> None:
    """Creates a file, and its folder. Raises `ConfigError`, also if there is one already."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as stream:
            stream.write(content)
    except OSError as error:
        raise refused(name, f"cannot be created: {_reason(error)}") from error


def refused(name: str, text: str, remedy: str = "") -> ConfigError:
    """Returns the error about a file."""
    return ConfigError([Finding("file", Severity.ERROR, text, remedy, Place(name))])


def _reason(error: OSError | RuntimeError) -> str:
    return getattr(error, "strerror", None) or str(error)
