"""`trueup catalogue`: the entities of Autotask that a project may name."""

from typing import TYPE_CHECKING

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common_with_tenant
from trueup.cli.exit_codes import Exit
from trueup.cli.output import out_done, report

if TYPE_CHECKING:
    from trueup.operations.catalogue import Pulled


@click.group(
    short_help="Extend what is known of Autotask.",
    epilog=example("trueup catalogue pull ConfigurationItems", "trueup catalogue pull"),
)
def catalogue() -> None:
    """The entities and fields of Autotask that mappings may name.

    What trueup ships with is extended by schemas/autotask.yaml of the project.
    """


@catalogue.command(
    short_help="Refresh it from the tenant.",
    epilog=example("trueup catalogue pull ConfigurationItems Companies", "trueup catalogue pull"),
)
@click.argument("entities", nargs=-1, metavar="[ENTITY]…")
@common_with_tenant
def pull(context: CommandContext, entities: tuple[str, ...]) -> int:
    """Write entities, fields, picklists and user-defined fields of the tenant into the catalogue.

    ENTITY is a name of the REST API, such as ConfigurationItems; without one, all entities of the
    catalogue are refreshed, with two or three calls each. Comments, and facts that the tenant does
    not state, are kept. Mappings may still have errors. Exit codes: 0 done; 1 an entity could not
    be read.
    """
    from trueup.cli.progress import listening
    from trueup.operations import catalogue as operations
    from trueup.render.sanitize import exact_lines

    project = context.connections()
    with listening(context) as listener:
        pulled = operations.pull(project, entities, listener)
    out_done(_json(pulled) if context.json else _text(pulled))
    for name, reason in pulled.unread.items():
        report(exact_lines(f"error: {name}: {reason}"))
    return Exit.ERROR if pulled.unread else Exit.DONE


def _text(pulled: "Pulled") -> str:
    from trueup.render.formatting import count
    from trueup.render.sanitize import sanitize

    lines = [
        f"~ {sanitize(change.name)}: {sanitize(change.what)}"
        if change.what
        else f"+ {sanitize(change.name)}"
        for change in pulled.changes
    ]
    lines += [f"? {sanitize(name)} is not in this tenant" for name in pulled.absent]
    many = count(len(pulled.entities), "entity")
    if pulled.changes:
        lines.append(f"Read {many}. Written to {sanitize(pulled.file)}.")
    elif pulled.unread:
        lines.append(f"Read {many}. Nothing was written.")
    else:
        lines.append(f"Read {many}. The catalogue has all that the tenant states.")
    return "".join(f"{line}\n" for line in lines)


def _json(pulled: "Pulled") -> str:
    from trueup.render.json_ import as_json

    return as_json(
        {
            "file": str(pulled.file),
            "entities": [*pulled.entities],
            "added": [change.name for change in pulled.changes if not change.what],
            "changed": {
                name: [
                    change.what for change in pulled.changes if change.what and change.name == name
                ]
                for name in dict.fromkeys(change.name for change in pulled.changes if change.what)
            },
            "absent": [*pulled.absent],
            "unread": {**pulled.unread},
        }
    )
