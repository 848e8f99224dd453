"""`trueup decide MAPPING KEY… DECISION --reason …`: writes decisions about rows."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import click
from msgspec.structs import replace

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common_with_tenant
from trueup.cli.output import out
from trueup.cli.parameters import AMOUNT, DAY, refuse_with
from trueup.model.plan import LedgerClass
from trueup.model.verdict import DECIDE_WORDS, Verdict, wrong_parts

CLASSES = tuple(
    str(one) for one in LedgerClass if one not in {LedgerClass.MATCH, LedgerClass.ORPHAN}
)
"""Classes of ledger lines that have a row to decide about."""


@click.command(
    short_help="Write decisions about rows.",
    epilog=example(
        "trueup decide customer 'Alpine Dental AG' create --reason 'another company'",
        "trueup decide subscription f7059e8a ignore --reason 'billed elsewhere' --until 2027-01-31",
        "trueup decide license_change 9a44f7a3 archive --reason 'entered by hand in September'",
        "trueup decide subscription correct --class under-billed --min-amount 20 --reason seen",
        "trueup decide --file decisions.csv",
        "trueup decide --list",
    ),
)
@click.argument("mapping", required=False)
@click.argument("keys", metavar="[KEY]...", nargs=-1)
@click.argument("what", required=False, type=click.Choice(DECIDE_WORDS))
@click.option("--reason", default="", help="Why, for those who read it later.")
@click.option("--until", type=DAY, metavar="DAY", help="The last day on which it holds.")
@click.option(
    "--on", type=DAY, metavar="DAY", help="For push: the day from which the change is billed."
)
@click.option("--of", default="", metavar="KEY", help="For succeed: the row whose place it takes.")
@click.option(
    "--class",
    "classes",
    multiple=True,
    type=click.Choice(CLASSES),
    help="In place of KEY: the rows that are billed so. Repeatable.",
)
@click.option(
    "--customer", default="", metavar="NAME", help="In place of KEY: rows of this customer."
)
@click.option(
    "--min-amount",
    type=AMOUNT,
    default=None,
    metavar="AMOUNT",
    help="In place of KEY: rows with at least so much a month, billed too little or too much.",
)
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="In place of MAPPING, KEY and WHAT: a CSV or YAML file with a decision for each row.",
)
@click.option("--list", "show", is_flag=True, help="Show what is decided and what it affects.")
@click.option("--yes", is_flag=True, help="Write without asking.")
@click.option(
    "--no-preview", is_flag=True, help="Do not work out what follows; reads less of both systems."
)
@common_with_tenant
def decide(  # noqa: PLR0913, PLR0917 -- one for each argument and option
    context: CommandContext,
    mapping: str | None,
    keys: tuple[str, ...],
    what: str | None,
    reason: str,
    until: date | None,
    on: date | None,
    of: str,
    classes: tuple[str, ...],
    customer: str,
    min_amount: Decimal | None,
    file: Path | None,
    show: bool,  # noqa: FBT001 -- click's
    yes: bool,  # noqa: FBT001 -- click's
    no_preview: bool,  # noqa: FBT001 -- click's
) -> int:
    """Write decisions about rows of MAPPING. KEY is a key, a unique start of it, or a name.

    \b
    create   create a record, although an existing one resembles it
    activate switch its record on again, with the values of its mapping
    succeed  it takes the place of the row --of, whose record is handed over
    ignore   leave the row and all rows under it alone, for good or until a day
    archive  a pending change: Autotask has it already; mark it, send nothing
    push     a held change: send it all the same
    correct  a difference in the ledger: adjust Autotask to the quantity in Work 365

    In place of keys, --class, --customer and --min-amount select rows by what is billed for them;
    for license_change, the held changes of these rows. What follows is shown in rows, units and
    money. On a terminal the command asks once before it writes; elsewhere it needs --yes for
    anything but a single row. The decisions go into mappings/decisions.yaml, all or none.
    """
    from trueup.cli.proposals import carry_out
    from trueup.model.arguments import is_visible
    from trueup.operations.decision_entries import DecisionRequest, RequestedDecision
    from trueup.operations.decision_file import read_decisions
    from trueup.operations.row_filter import RowFilter

    has_filter = bool(classes or customer or min_amount is not None)
    if show:
        if keys or what or has_filter or file:
            raise click.UsageError("--list takes a MAPPING and nothing else.")
        refuse_with("--list", "reason", "until", "on", "of", "yes", "no_preview")
        return _list(context, mapping or "")
    if file:
        if mapping or has_filter or on or of:
            raise click.UsageError("--file names rows and decisions: leave the other ones out.")
        found = read_decisions(file)
        requested = [
            replace(decision, reason=decision.reason or reason, until=decision.until or until)
            for decision in found.decisions
        ]
        request = DecisionRequest(requested, found.faults)
        return carry_out(context, request, yes=yes, preview=not no_preview, single=False)

    _check_words(mapping, keys, what, has_filter=has_filter)
    if not is_visible(reason):
        raise click.UsageError("--reason is missing or empty: it is what others read later.")
    _check_options(Verdict(str(what)), on, of, keys)
    wanted = None
    if has_filter:
        wanted = RowFilter(frozenset(map(LedgerClass, classes)), customer, min_amount or Decimal(0))
    requested = [
        RequestedDecision(str(mapping), key, Verdict(str(what)), reason, until=until, on=on, of=of)
        for key in keys or ("",)
    ]
    request, single = DecisionRequest(requested), len(keys) == 1
    return carry_out(context, request, wanted, yes=yes, preview=not no_preview, single=single)


def _list(context: CommandContext, mapping: str) -> int:
    from trueup.cli.progress import listening
    from trueup.operations.decided import standing_decisions
    from trueup.render.decisions import standing_json, standing_text
    from trueup.render.json_ import as_json

    project = context.project()
    with listening(context) as listener:
        standing = standing_decisions(project, mapping, listener)
    names = project.catalogue.systems
    if context.json:
        out(as_json(standing_json(standing)))
    else:
        out(standing_text(standing, names, project.currency, context.style))
    return 0


def _check_words(
    mapping: str | None, keys: tuple[str, ...], what: str | None, *, has_filter: bool
) -> None:
    """Raises UsageError for a missing argument, and for keys beside a filter."""
    if not mapping:
        raise click.UsageError("Give MAPPING KEY WHAT, or --file FILE, or --list.")
    if not what:
        raise click.UsageError(
            f"What is decided? MAPPING KEY WHAT, and WHAT is one of {', '.join(DECIDE_WORDS)}."
        )
    if not keys and not has_filter:
        raise click.UsageError(
            "Which rows? Give a KEY, or select rows with --class, --customer or --min-amount."
        )
    if keys and has_filter:
        raise click.UsageError("--class, --customer and --min-amount stand in place of KEY.")


def _check_options(verdict: Verdict, on: date | None, of: str, keys: tuple[str, ...]) -> None:
    """Raises UsageError for options that do not go together."""
    for part in wrong_parts(verdict, on=on, of=of):
        raise click.UsageError(f"--{part.name} is {part.text}.")
    if of and len(keys) != 1:
        raise click.UsageError("--of KEY goes with one row: one record is handed over.")
