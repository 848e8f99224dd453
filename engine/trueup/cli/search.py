"""`trueup search MAPPING TEXT`: finds records by name, number, SKU, part number or domain."""

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common_with_tenant
from trueup.cli.output import out


@click.command(
    short_help="Search records by name or number.",
    epilog=example(
        "trueup search customer 'alpine dental'",
        "trueup search customer alpine-dental.example",
        "trueup search service CFQ7TTC0LCHC",
        "trueup search subscription 'Alpine Dental, Business Premium'",
    ),
)
@click.argument("mapping")
@click.argument("text")
@click.option("--fresh", is_flag=True, help="Ask Autotask, whatever the last plan read.")
@common_with_tenant
def search(
    context: CommandContext,
    mapping: str,
    text: str,
    fresh: bool,  # noqa: FBT001 -- click's
) -> int:
    """Search Autotask for records that rows of MAPPING may be linked to.

    TEXT is a name, a number, a SKU, a part number, a domain, or a part of one. The mapping's
    `search` names the fields. The best fit comes first, with why it fits and the rows that are
    linked to it already. Words in another order, other legal forms and small differences of
    spelling fit as well. Nothing is written.

    The records are those that the last plan read, up to a day ago, and the output says when that
    was. Autotask is asked where none of them fits, after a run, and with --fresh.
    """
    from trueup.operations.search import search_records
    from trueup.render.json_ import as_json
    from trueup.render.search import search_json, search_text

    project = context.project()
    result = search_records(project, mapping, text, fresh=fresh)
    if context.json:
        out(as_json(search_json(result)))
    else:
        command = context.command("link", mapping, "KEY", "ID")
        names = project.catalogue.systems
        out(search_text(result, command, names, context.style, verbose=context.verbose))
    return 0
