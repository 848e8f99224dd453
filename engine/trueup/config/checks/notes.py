"""The check of notes: one for each row, of an existing mapping, and not empty."""

from collections.abc import Iterable, Iterator

from trueup.config.checks.context import CheckContext
from trueup.config.checks.fields import check_mapping_name, error
from trueup.config.file_names import NOTES
from trueup.model.arguments import is_visible
from trueup.model.finding import Finding, Place
from trueup.model.note import Note


def check_notes(notes: Iterable[Note], context: CheckContext) -> Iterator[Finding]:
    """Yields what is wrong with the notes, in their order."""
    first: dict[tuple[str, str], Note] = {}
    for note in notes:
        place = note.place or Place(NOTES)
        other = first.setdefault((note.mapping, note.key), note)
        if other is not note:
            text = f"{note.mapping} {note.key!r} has two entries; the first is at {other.place}"
            yield error("duplicate", text, place, "put both into one")
        if note.is_empty:
            yield error("note", "there is no note, no tag and no assignee", place, "remove it")
        for name, text in (("note", note.text), ("assignee", note.assignee)):
            if text and not is_visible(text):
                yield error("note", f"`{name}` shows nothing", place, "remove it, or write a text")
        if not all(map(is_visible, note.tags)):
            yield error("note", "a tag shows nothing", place, "remove it")
        yield from check_mapping_name(note.mapping, context, place)
