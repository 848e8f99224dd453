"""Writes notes into `mappings/notes.yaml` and changes nothing else in the file."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from trueup.config.entry_file import EntryFile, row_of
from trueup.config.file_names import NOTES
from trueup.config.yaml_list import ListEdits
from trueup.model.note import Note

KEY = "notes"

_FILE = EntryFile(NOTES, KEY, "schemas/notes.schema.json", "notes-file")


def edit_note(root: Path, mapping: str, key: str, edit: Callable[[Note], Note]) -> Note:
    """Replaces the note of a row by what `edit` makes of it; returns it with its place.

    `edit` gets the note as the file has it now, so that it loses nothing that another process has
    written meanwhile; what it raises leaves the file as it is. An empty note removes the entry, and
    has no place. The file is created if it does not exist. It is written completely or not at all.
    Raises `ConfigError` if it cannot be written or edited safely.
    """
    with _FILE.locked(root):
        return _edit(root, (mapping, key), edit)


def _edit(root: Path, row: tuple[str, str], edit: Callable[[Note], Note]) -> Note:
    """As `edit_note`, under the lock."""
    old = _FILE.read(root)
    before = _FILE.entries(old)
    positions = [at for at, other in enumerate(before) if row_of(other) == row]
    if len(positions) > 1:
        raise _FILE.refused(f"{' '.join(row)} has {len(positions)} entries", "keep one of them")

    note = edit(_note_of(*row, before[positions[0]] if positions else {}))
    if note.is_empty and not positions:
        return note
    entry = _entry_of(note)
    if note.is_empty:
        edits = ListEdits(removed=positions)
    elif positions:
        edits = ListEdits(replaced={positions[0]: entry})
    else:
        edits = ListEdits(appended=[entry])
    new, expected = _FILE.edited(old, edits)
    _FILE.write(root, new, old)
    [place] = [None] if note.is_empty else _FILE.places(new, [expected.index(entry)])
    return replace(note, place=place)


def _note_of(mapping: str, key: str, entry: Mapping[str, Any]) -> Note:
    return Note(
        mapping,
        key,
        text=entry.get("note") or "",
        tags=tuple(entry.get("tags") or ()),
        assignee=entry.get("assignee") or "",
        by=entry.get("by") or "",
    )


def _entry_of(note: Note) -> dict[str, object]:
    """Returns the entry of a note, without what is empty."""
    entry: dict[str, object] = {"mapping": note.mapping, "key": note.key}
    entry |= {"note": note.text} if note.text else {}
    entry |= {"tags": [*note.tags]} if note.tags else {}
    entry |= {"assignee": note.assignee} if note.assignee else {}
    entry |= {"by": note.by} if note.by else {}
    return entry
