"""Writes notes into `mappings/notes.yaml` and changes nothing else in the file."""

from collections.abc import Mapping
from pathlib import Path

from trueup.config.entry_file import EntryFile, row_of
from trueup.config.file_names import NOTES
from trueup.config.yaml_list import ListEdits
from trueup.model.finding import Place

KEY = "notes"

_FILE = EntryFile(NOTES, KEY, "schemas/notes.schema.json", "notes-file")


def write_note(root: Path, entry: Mapping[str, object]) -> Place | None:
    """Writes the entry in place of the row's older one; returns where it stands.

    An entry with nothing but its row removes the older one, and None is returned. The file is
    created if it does not exist. It is written completely or not at all. Raises `ConfigError` if it
    cannot be written or edited safely.
    """
    with _FILE.locked(root):
        return _write(root, entry)


def _write(root: Path, entry: Mapping[str, object]) -> Place | None:
    """As `write_note`, under the lock."""
    old = _FILE.read(root)
    before = _FILE.entries(old)
    positions = [at for at, other in enumerate(before) if row_of(other) == row_of(entry)]
    if len(positions) > 1:
        mapping, key = row_of(entry)
        raise _FILE.refused(f"{mapping} {key} has {len(positions)} entries", "keep one of them")

    is_empty = entry.keys() <= {"mapping", "key", "by"}
    if is_empty and not positions:
        return None
    if is_empty:
        edits = ListEdits(removed=positions)
    elif positions:
        edits = ListEdits(replaced={positions[0]: entry})
    else:
        edits = ListEdits(appended=[entry])
    new, expected = _FILE.edited(old, edits)
    _FILE.write(root, new, old)
    return None if is_empty else _FILE.places(new, [expected.index(dict(entry))])[0]
