"""A YAML file with one list of entries that commands write: read, edited in place, replaced.

The text is edited in place, so comments and order stay. The result is parsed before it replaces the
file: either exactly the entries are in it that were asked for, or the file is left as it was.

Several processes may write at once: each holds a lock from reading to replacing, and what a program
without that lock writes is noticed right before the file is replaced.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from trueup import operating_system
from trueup.config.documents import LARGEST_FILE, parse
from trueup.config.text_file import BOM
from trueup.config.yaml_list import ListEdits, edit_list
from trueup.errors import ConfigError
from trueup.local_files import is_absent, read_regular
from trueup.model.finding import Finding, Place, Severity

_EDIT_MANUALLY = "edit it manually"
_UNSAFE = "has a layout that cannot be edited safely"
_LOCKS = ".trueup"
"""The folder of the lock files, which no repository holds."""


class EntryFile(Struct, frozen=True):
    """One such file of a project."""

    file: str  # relative to the project
    key: str  # of the list
    schema: str  # the file with its schema, for a remedy
    code: str  # of findings about it

    def read(self, root: Path) -> bytes:
        """Returns the bytes of the project's file; none if there is no file.

        Raises `ConfigError` if it cannot be read.
        """
        path = root / self.file
        try:
            return b"" if is_absent(path) else read_regular(path)
        except OSError as error:
            raise self.refused(f"cannot be read: {error.strerror}") from error

    @contextmanager
    def locked(self, root: Path) -> Iterator[None]:
        """Keeps other trueup writers of the file out of the block; it cannot be nested.

        Raises `ConfigError` if the lock cannot be taken.
        """
        folder = root / _LOCKS
        with ExitStack() as stack:
            try:
                folder.mkdir(exist_ok=True)
                stack.enter_context(operating_system.locked(folder / Path(self.file).name))
            except OSError as error:
                text = f"cannot be locked in {_LOCKS}: {error.strerror}; it is unchanged"
                raise self.refused(text) from error
            yield

    def write(self, root: Path, new: bytes, old: bytes) -> None:
        """Replaces the project's file, completely or not at all. `old` is what it must hold now.

        The caller holds the lock. Raises `ConfigError` if it cannot be written, or was changed
        since `old` was read.
        """
        path = (root / self.file).resolve()

        def require_unchanged() -> None:
            if self.read(root) != old:
                text = "was changed in the meantime; it is left as it is now"
                raise self.refused(text, "look at the change, then write yours again")

        require_unchanged()
        try:
            before = path.stat() if path.exists() else None
            operating_system.write_whole(
                path,
                new,
                like=before,
                before_replacing=require_unchanged,
                is_locked=True,
            )
        except OSError as error:
            text = f"cannot be written: {error.strerror}; it is unchanged"
            raise self.refused(text) from error

    def entries(self, raw: bytes) -> list[dict[str, Any]]:
        """Returns the entries in these bytes. Raises `ConfigError` if there is no list of them."""
        documents, findings = parse(raw, self.file)
        if findings:
            raise ConfigError(findings)
        if len(documents) > 1:
            raise self.refused("has more than one YAML document", _EDIT_MANUALLY)

        data = documents[0].data if documents else None
        entries = (data or {}).get(self.key) or [] if isinstance(data, dict | None) else None
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise self.refused(f"has no list under `{self.key}:`", f"compare it with {self.schema}")
        return entries

    def edited(self, old: bytes, edits: ListEdits) -> tuple[bytes, list[dict[str, Any]]]:
        """Returns the bytes with the edits in them, and the entries that they hold then.

        Raises `ConfigError` if the file cannot be edited safely, or would be too large to be read.
        """
        kept = [
            dict(edits.replaced.get(position, other))
            for position, other in enumerate(self.entries(old))
            if position not in edits.removed
        ]
        expected = [*kept, *map(dict, edits.appended)]
        try:
            new = self._with_edits(old, edits)
            is_safe = self.entries(new) == expected
        except (yaml.YAMLError, ConfigError) as error:
            raise self.refused(_UNSAFE, _EDIT_MANUALLY) from error
        if not is_safe:
            raise self.refused(_UNSAFE, _EDIT_MANUALLY)
        if len(new) > LARGEST_FILE:
            text = f"would be larger than {LARGEST_FILE:,} bytes, which no command reads"
            raise self.refused(text, "remove entries that have no effect any more")
        return new, expected

    def places(self, raw: bytes, positions: Sequence[int]) -> list[Place]:
        """Returns where these entries stand."""
        documents, _ = parse(raw, self.file)
        return [documents[0].place(self.key, position) for position in positions]

    def refused(self, text: str, remedy: str = "") -> ConfigError:
        """Returns the error about the file as a whole."""
        return ConfigError([Finding(self.code, Severity.ERROR, text, remedy, Place(self.file))])

    def _with_edits(self, old: bytes, edits: ListEdits) -> bytes:
        """Returns the edited bytes. A byte order mark and line ends of Windows stay."""
        bom = BOM if old.startswith(BOM) else b""
        text = old.decode("utf-8-sig")
        has_crlf = "\r\n" in text
        new = edit_list(text.replace("\r\n", "\n"), self.key, edits)
        return bom + (new.replace("\n", "\r\n") if has_crlf else new).encode()


def row_of(entry: Mapping[str, object]) -> tuple[str, str]:
    """Returns the row that an entry is about: mapping and key."""
    return str(entry.get("mapping")), str(entry.get("key"))
