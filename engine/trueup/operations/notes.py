"""Notes, tags and assignees of rows, in mappings/notes.yaml. No plan depends on them."""

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from trueup.config import notes
from trueup.config.file_names import NOTES, PROJECT
from trueup.errors import EngineError
from trueup.local_files import is_absent
from trueup.model.arguments import is_visible
from trueup.model.finding import Place
from trueup.model.note import Note
from trueup.model.project import Project
from trueup.operations.project import load_project
from trueup.operations.rows import known_rows, require_mapping, resolve_key

LONGEST_TEXT, LONGEST_TAG, LONGEST_NAME = 10_000, 100, 200
"""Characters; notes.schema.json has the same limits."""


class NoteEdit(Struct, frozen=True):
    """An edit of a row's note; None leaves a part as it is, an empty value removes it.

    `seen` is the digest of the note that a person saw while editing it; None for an edit that holds
    for any note.
    """

    text: str | None = None
    assignee: str | None = None
    tags: Sequence[str] | None = None  # in place of the present ones
    add: Sequence[str] = ()
    remove: Sequence[str] = ()
    seen: str | None = None

    def of(self, note: Note) -> Note:
        """Returns the note with the edit.

        Raises EngineError for a text that is too long, and if another note was seen.
        """
        wanted = [*(note.tags if self.tags is None else self.tags), *self.add]
        gone = {*map(_plain, self.remove)}
        tags = [tag for tag in dict.fromkeys(map(_plain, wanted)) if tag and tag not in gone]
        found = replace(
            note,
            text=note.text if self.text is None else _plain(self.text),
            assignee=note.assignee if self.assignee is None else _plain(self.assignee),
            tags=tuple(tags),
        )
        _require_length("the note", found.text, LONGEST_TEXT)
        _require_length("the assignee", found.assignee, LONGEST_NAME)
        for tag in found.tags:
            _require_length("a tag", tag, LONGEST_TAG)
        if self.seen not in {None, note.digest} and found.digest != note.digest:
            by = f" by {note.by}" if note.by else ""
            raise EngineError(
                f"this note was changed in the meantime{by}, and is left as it is now: look at it "
                "again, then write yours"
            )
        return found


class WrittenNote(Struct, frozen=True):
    """A note as it was written."""

    note: Note  # with the whole key
    name: str  # of the row; empty if it has none
    place: Place | None  # None: the row has none any more


def note_row(project: Project, mapping: str, key: str, edit: NoteEdit, by: str) -> WrittenNote:
    """Edits the note of a row. `key` is its key, a unique start of it, or its name.

    Raises EngineError for a row that does not exist, and ConfigError if mappings/notes.yaml
    cannot be written.
    """
    require_mapping(project, mapping)
    rows = known_rows(project, mapping)
    whole = resolve_key(key, rows, mapping)
    return replace(write_note(project, mapping, whole, edit, by), name=rows[whole])


def write_note(project: Project, mapping: str, key: str, edit: NoteEdit, by: str) -> WrittenNote:
    """As `note_row`, for the whole key of a row that is known to exist; nothing is read."""
    require_mapping(project, mapping)
    note = notes.edit_note(project.own, mapping, key, lambda now: replace(edit.of(now), by=by))
    return WrittenNote(note, "", note.place)


def note_of(project: Project, mapping: str, key: str) -> Note | None:
    """Returns the note of a row; None if it has none."""
    own = (note for note in project.notes if (note.mapping, note.key) == (mapping, key))
    return next(own, None)


def find_note(project: Project, mapping: str, key: str) -> tuple[Note, str]:
    """Returns the note of a row, perhaps empty, and the row's name.

    `key` as for `note_row`. Raises EngineError for an unknown row.
    """
    require_mapping(project, mapping)
    rows = known_rows(project, mapping)
    whole = resolve_key(key, rows, mapping)
    return note_of(project, mapping, whole) or Note(mapping, whole), rows[whole]


def notes_in(folder: Path) -> tuple[Note, ...]:
    """Returns the notes of the project in a folder; none if it has no file of notes.

    Raises ConfigError for an invalid project with such a file.
    """
    if is_absent(folder / PROJECT) or is_absent(folder / NOTES):
        return ()
    return load_project(folder).notes


def _plain(text: str) -> str:
    """Returns the text on one line, without outer spaces; "" for one that shows nothing."""
    return " ".join(text.split()) if is_visible(text) else ""


def _require_length(what: str, text: str, most: int) -> None:
    if len(text) > most:
        raise EngineError(f"{what} has {len(text):,} characters, and at most {most:,} are kept")
