"""`trueup link MAPPING KEY ID`: links a row to a record."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common_with_tenant
from trueup.model.verdict import Verdict

if TYPE_CHECKING:
    from trueup.operations.decision_entries import DecisionRequest


SHOWN = 40
"""Characters of a wrong id in a message."""


@click.command(
    short_help="Link rows to records.",
    epilog=example(
        "trueup link customer 749c6782 29683 --reason 'renamed in Autotask last year'",
        "trueup link customer 749c6782 29683 'Chalet Miremont Sàrl' 29695 --yes",
        "trueup link --file links.csv",
    ),
)
@click.argument("mapping", required=False)
@click.argument("pairs", metavar="[KEY ID]...", nargs=-1)
@click.option("--reason", default="", help="Why, for those who read it later.")
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="In place of MAPPING, KEY and ID: a CSV or YAML file with a link for each row.",
)
@click.option("--yes", is_flag=True, help="Write without asking.")
@click.option(
    "--no-preview", is_flag=True, help="Do not work out what follows; reads less of both systems."
)
@common_with_tenant
def link(  # noqa: PLR0913, PLR0917 -- one for each argument and option
    context: CommandContext,
    mapping: str | None,
    pairs: tuple[str, ...],
    reason: str,
    file: Path | None,
    yes: bool,  # noqa: FBT001 -- click's
    no_preview: bool,  # noqa: FBT001 -- click's
) -> int:
    """Link the row KEY of MAPPING to the Autotask record ID; several rows as KEY ID KEY ID ….

    KEY is the row's key, a unique start of it, or its name; `trueup search` finds the ID. A record
    that Autotask does not have is refused; where Autotask cannot be asked, a note says so. What
    follows is shown in rows, units and money. On a terminal the command asks once before it writes;
    elsewhere it needs --yes for anything but a single row. The decisions go into
    mappings/decisions.yaml, and the next plan links the rows.
    """
    from trueup.cli.proposals import carry_out
    from trueup.operations.decision_entries import DecisionRequest, RequestedDecision

    if file:
        if mapping:
            raise click.UsageError("--file names rows and records: leave the other ones out.")
        request = _links_in(file, reason)
        return carry_out(context, request, yes=yes, preview=not no_preview, single=False)
    if not mapping or not pairs or len(pairs) % 2:
        raise click.UsageError("Give MAPPING KEY ID, or --file FILE: each KEY with its ID.")
    requested = [
        RequestedDecision(mapping, key, Verdict.LINK, reason, _record(id_))
        for key, id_ in zip(pairs[::2], pairs[1::2], strict=True)
    ]
    request, single = DecisionRequest(requested), len(requested) == 1
    return carry_out(context, request, yes=yes, preview=not no_preview, single=single)


def _record(text: str) -> int:
    """Returns the id of a record. Raises UsageError for other text."""
    from trueup.operations.decision_entries import record_id

    id_ = record_id(text)
    if id_ is None:
        shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
        raise click.UsageError(
            f"{shown!r} is no id of a record: give a whole number from 1 on after each KEY."
        )
    return id_


def _links_in(file: Path, reason: str) -> "DecisionRequest":
    """Returns the links in a file. Raises UsageError for other decisions."""
    from trueup.operations.decision_file import read_decisions

    found = read_decisions(file)
    other = next(
        (decision for decision in found.decisions if decision.verdict is not Verdict.LINK), None
    )
    if other:
        raise click.UsageError(f"{other.place} is no link: `trueup decide --file` takes all kinds.")
    return replace(
        found,
        decisions=[
            replace(decision, reason=decision.reason or reason) for decision in found.decisions
        ],
    )
