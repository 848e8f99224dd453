"""Shows the effect of decisions, asks for confirmation, and writes them."""

import sys
from collections.abc import Sequence

import click
from msgspec.structs import replace

from trueup.cli.common import CommandContext
from trueup.cli.exit_codes import Exit
from trueup.cli.output import out, out_done
from trueup.cli.progress import listening
from trueup.config.file_names import DECISIONS
from trueup.model.project import Project
from trueup.operations.decide import WrittenDecision
from trueup.operations.decision_entries import DecisionRequest
from trueup.operations.propose import Proposal, propose, write_proposal
from trueup.operations.redaction import scrubbed
from trueup.operations.row_filter import RowFilter
from trueup.operations.user import current_user
from trueup.render.decisions import effect_json, effect_text
from trueup.render.formatting import count
from trueup.render.json_ import as_json
from trueup.render.ledger import correction_text
from trueup.render.sanitize import sanitize

FEW = 20
"""Written decisions that are listed without `-v`."""


def carry_out(
    context: CommandContext,
    request: DecisionRequest,
    wanted: RowFilter | None = None,
    *,
    yes: bool,
    single: bool,
    preview: bool,
) -> int:
    """Proposes the decisions, shows their effect, asks on a terminal, and writes them.

    `single`: the user named one row, so without a terminal it is written without a question. Raises
    UsageError if a question is needed and there is no terminal, and EngineError for an impossible
    decision.
    """
    can_ask = sys.stdin.isatty() and not context.json
    if not (can_ask or yes or single):
        raise click.UsageError("Decisions about several rows need confirmation here: give --yes.")
    project = context.project()
    file = context.own_file(project, DECISIONS)
    who = current_user()
    with listening(context) as listener:
        proposal = propose(
            project,
            [replace(decision, by=who) for decision in request.decisions],
            wanted,
            listener,
            preview=preview,
            faults=request.faults,
        )
    if not context.json:
        (out if can_ask else out_done)(_preview(context, proposal, project))
    if can_ask and not yes and not click.confirm(_question(proposal, file), default=False):
        out("Nothing was written.\n")
        return Exit.ERROR
    written = [
        replace(one, place=replace(one.place, file=file)) for one in write_proposal(proposal)
    ]
    if context.json:
        out_done(as_json(_json(proposal, written)))
    else:
        out_done(_written_text(context, proposal, written, project.currency))
    return Exit.DONE


def _question(proposal: Proposal, file: str) -> str:
    older = sum(one.replaced for one in proposal.written)
    instead = f", {older:,} in place of older ones" if older else ""
    return f"Write {count(len(proposal.ready), 'decision')} to {file}{instead}?"


def _preview(context: CommandContext, proposal: Proposal, project: Project) -> str:
    """Shows the effect, as far as it is known."""
    notes = "".join(f"Note: {sanitize(note)}.\n" for note in _notes(proposal))
    if proposal.effect is None and not proposal.unknown:
        return notes
    if proposal.effect is None:
        reason = scrubbed(proposal.unknown, context.folder).splitlines()[0]
        return f"{notes}What follows is unknown, no plan can be made: {sanitize(reason)}\n"
    names, currency = project.catalogue.systems, project.currency
    return notes + effect_text(
        proposal.effect, names, currency, context.style, verbose=context.verbose
    )


def _notes(proposal: Proposal) -> list[str]:
    return [*proposal.notes, *(note for one in proposal.ready for note in one.notes)]


def _written_text(
    context: CommandContext, proposal: Proposal, written: Sequence[WrittenDecision], currency: str
) -> str:
    shown = written if context.verbose else written[:FEW]
    lines = [_line(one) for one in shown]
    if len(shown) < len(written):
        lines.append(
            f"and {count(len(written) - len(shown), 'decision')} more in {written[0].place.file}.\n"
        )
    if len(proposal.ready) == 1 and written[0].line:
        lines.append(f"{correction_text(written[0].line, currency)}\n")
    return "".join(lines)


def _line(one: WrittenDecision) -> str:
    name = f" ({sanitize(one.name)})" if one.name and one.name != one.key else ""
    instead = ", in place of an older decision" if one.replaced else ""
    row = f"{one.mapping} {sanitize(one.key)}{name}"
    return f"{row}: written to {one.place}{instead}.\n"


def _json(proposal: Proposal, written: Sequence[WrittenDecision]) -> dict[str, object]:
    """Returns each decision, and the effect. A single one has its fields at the top as well."""
    listed = [
        {"key": one.key, "place": str(one.place), "replaced": one.replaced} for one in written
    ]
    first = listed[0] if len(listed) == 1 else {}
    return {
        **first,
        "decisions": listed,
        "notes": _notes(proposal),
        "effect": effect_json(proposal.effect) if proposal.effect else None,
    }
