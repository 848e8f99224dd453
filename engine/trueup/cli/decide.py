"""`trueup decide MAPPING KEY WHAT --reason …`: decides what becomes of a row."""

from datetime import date
from typing import TYPE_CHECKING

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common
from trueup.cli.output import out_done
from trueup.cli.parameters import DAY
from trueup.model.project import DECIDE_WORDS, Verdict

if TYPE_CHECKING:
    from trueup.operations.decide import Written


@click.command(
    short_help="Decide what becomes of a row.",
    epilog=example(
        "trueup decide customer 'Alpine Dental AG' create --reason 'another company'",
        "trueup decide subscription f7059e8a ignore --reason 'billed elsewhere' --until 2027-01-31",
        "trueup decide license_change 9a44f7a3 archive --reason 'entered by hand in September'",
    ),
)
@click.argument("mapping")
@click.argument("key")
@click.argument("what", type=click.Choice(DECIDE_WORDS))
@click.option("--reason", required=True, help="Why, for those who read it later.")
@click.option("--until", type=DAY, metavar="DAY", help="The last day on which it holds.")
@click.option(
    "--on", type=DAY, metavar="DAY", help="For push: the day from which the change is billed."
)
@click.option("--of", default="", metavar="KEY", help="For succeed: the row whose place it takes.")
@common
def decide(  # noqa: PLR0913, PLR0917 -- one for each argument and option
    context: CommandContext,
    mapping: str,
    key: str,
    what: str,
    reason: str,
    until: date | None,
    on: date | None,
    of: str,
) -> int:
    """Decide what becomes of the row KEY of MAPPING: its key, a unique start of it, or its name.

    \b
    create   create a record, although an existing one resembles it
    activate switch its record on again, with the values of its mapping
    succeed  it takes the place of the row --of, whose record is handed over
    ignore   leave the row alone, for good or until a day
    archive  a pending change: Autotask has it already; mark it, send nothing
    push     a held change: send it all the same
    correct  a difference in the ledger: adjust Autotask to the quantity in Work 365

    The decision goes into mappings/decisions.yaml.
    """
    from trueup.operations import decide as operations

    project = context.project()
    _check_options(what, until, on, of)
    if what == Verdict.SUCCEED:
        written = operations.succeed(project, mapping, key, of, reason)
    elif on:
        written = operations.push(project, mapping, key, on, reason)
    else:
        written = operations.decide(project, mapping, key, what, reason, until)
    show_written(context, written, project.currency)
    return 0


def _check_options(what: str, until: date | None, on: date | None, of: str) -> None:
    """Raises UsageError for options that do not go together."""
    if (what == Verdict.SUCCEED) != bool(of):
        raise click.UsageError("--of KEY goes with succeed, and succeed needs it.")
    if on and what != Verdict.PUSH:
        raise click.UsageError("--on DAY goes with push.")
    if until and (on or of):
        raise click.UsageError("--until goes with neither --on nor --of.")


def show_written(context: CommandContext, written: "Written", currency: str = "") -> None:
    """Shows where a decision was written, and what follows from it."""
    from trueup.render.json_ import as_json
    from trueup.render.ledger import correction_text
    from trueup.render.sanitize import sanitize

    if context.json:
        fields: dict[str, object] = {
            "key": written.key,
            "place": str(written.place),
            "replaced": written.replaced,
            "notes": [*written.notes],
        }
        out_done(as_json(fields))
        return
    name = f" ({sanitize(written.name)})" if written.name and written.name != written.key else ""
    instead = ", in place of an older decision" if written.replaced else ""
    row = f"{written.mapping} {sanitize(written.key)}{name}"
    out_done(f"{row}: written to {written.place}{instead}.\n")
    for note in written.notes:
        out_done(f"Note: {sanitize(note)}.\n")
    if written.line:
        out_done(f"{correction_text(written.line, currency)}\n")
