"""`trueup note MAPPING KEY [TEXT]`: notes, tags and assignees of rows."""

from typing import TYPE_CHECKING

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common_with_tenant
from trueup.cli.output import out, out_done
from trueup.model.note import Note

if TYPE_CHECKING:
    from trueup.model.project import Project


@click.command(
    short_help="Write a note about a row.",
    epilog=example(
        "trueup note subscription f7059e8a 'asked the customer on Monday' --assign Anna",
        "trueup note customer 'Alpine Dental AG' --tag renewal --tag 'key account'",
        "trueup note customer 'Alpine Dental AG' --untag renewal",
        "trueup note subscription f7059e8a --clear",
    ),
)
@click.argument("mapping")
@click.argument("key")
@click.argument("text", required=False)
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Add a tag. Repeatable.")
@click.option("--untag", multiple=True, metavar="TAG", help="Remove a tag. Repeatable.")
@click.option("--assign", metavar="NAME", help="Who looks after it.")
@click.option("--unassign", is_flag=True, help="Remove the assignee.")
@click.option("--clear", is_flag=True, help="Remove note, tags and assignee.")
@common_with_tenant
def note(  # noqa: PLR0913, PLR0917 -- one for each argument and option
    context: CommandContext,
    mapping: str,
    key: str,
    text: str | None,
    tags: tuple[str, ...],
    untag: tuple[str, ...],
    assign: str | None,
    unassign: bool,  # noqa: FBT001 -- click's
    clear: bool,  # noqa: FBT001 -- click's
) -> int:
    """Note TEXT of the row KEY of MAPPING; tag it, or assign it to a person.

    KEY is the row's key, a unique start of it, or its name. TEXT takes the place of an older note.
    Without TEXT and options the note is shown. Notes go into mappings/notes.yaml. No plan depends
    on them; the review desk and the reports show them.
    """
    from trueup.operations.notes import NoteEdit, note_row
    from trueup.operations.user import current_user
    from trueup.render.json_ import as_json

    if unassign and assign is not None:
        raise click.UsageError("--unassign and --assign exclude each other.")
    assign = "" if unassign else assign
    changes = bool(text is not None or tags or untag or assign is not None)
    if clear and changes:
        raise click.UsageError("--clear removes all of it: leave the other ones out.")
    edit = NoteEdit("", "", ()) if clear else NoteEdit(text, assign, None, tags, untag)
    project = context.project()
    if not (changes or clear):
        return _show(context, project, mapping, key)
    written = note_row(project, mapping, key, edit, current_user())
    place = context.own_file(project, str(written.place)) if written.place else ""
    if context.json:
        out_done(as_json({**_json(written.note), "place": place}))
    elif place:
        out_done(f"{_named(written.note, written.name)}: written to {place}.\n")
    else:
        out_done(f"{_named(written.note, written.name)}: nothing is noted.\n")
    return 0


def _show(context: CommandContext, project: "Project", mapping: str, key: str) -> int:
    from trueup.operations.notes import find_note
    from trueup.render.json_ import as_json
    from trueup.render.sanitize import sanitize

    found, name = find_note(project, mapping, key)
    if context.json:
        place = context.own_file(project, str(found.place)) if found.place else ""
        out(as_json({**_json(found), "place": place}))
        return 0
    parts = [
        found.text,
        f"tags: {', '.join(found.tags)}" if found.tags else "",
        f"assigned to {found.assignee}" if found.assignee else "",
    ]
    shown = "".join(f"  {sanitize(part)}\n" for part in parts if part) or "  nothing is noted\n"
    out(f"{_named(found, name)}\n{shown}")
    return 0


def _named(note: Note, name: str) -> str:
    from trueup.render.sanitize import sanitize

    title = f" ({sanitize(name)})" if name and name != note.key else ""
    return f"{note.mapping} {sanitize(note.key)}{title}"


def _json(note: Note) -> dict[str, object]:
    return {
        "mapping": note.mapping,
        "key": note.key,
        "note": note.text,
        "tags": [*note.tags],
        "assignee": note.assignee,
        "by": note.by,
    }
