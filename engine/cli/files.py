"""Files that a command writes: whole or not at all."""

import os
from errno import ENOENT
from pathlib import Path


def write_whole(file: Path, text: str) -> None:
    """Beside the file first, made durable, then in its place; for its owner only, for it holds names and phones.

    Raises OSError, and the file is as it was.
    """
    if not file.parent.is_dir():
        raise FileNotFoundError(ENOENT, "there is no such folder", str(file.parent))
    beside = file.with_name(f".{file.name}.new")
    try:
        beside.unlink(missing_ok=True)  # of a command that was killed; perhaps others may read it
        descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
