"""`trueup rehearse [PLAN]`: applies a plan to a copy of everything, and plans again."""

from pathlib import Path

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common_with_tenant
from trueup.cli.exit_codes import Exit
from trueup.cli.output import out
from trueup.cli.plan_files import plan_document


@click.command(
    short_help="Apply a plan to a copy.",
    epilog=example("trueup rehearse", "trueup plan --out plan.json && trueup rehearse plan.json"),
)
@click.argument(
    "file", metavar="[PLAN]", required=False, type=click.Path(path_type=Path, dir_okay=False)
)
@common_with_tenant
def rehearse(context: CommandContext, file: Path | None) -> int:
    """Apply the plan in PLAN, or a new one, to a copy of Autotask, and plan again.

    The copy is a temporary sandbox. Reports what would have been refused, and whether a second plan
    is empty. Of a part of a plan, the second plan is of the same rows; an undo has none. Nothing is
    written to Work 365, to Autotask or to the state. Exit codes: 0 all changes took effect and
    nothing is left to do; 1 otherwise.
    """
    from trueup.cli.progress import listening
    from trueup.model.plan_json import encode
    from trueup.operations import rehearse as operations
    from trueup.operations.user import current_user
    from trueup.render.json_ import as_json
    from trueup.render.rehearsal import rehearsal_text

    project = context.project()
    text = plan_document(file) if file else None
    with listening(context) as listener:
        rehearsal = operations.rehearse(project, text, current_user(), listener)
    outcome, second = rehearsal.outcome, rehearsal.second_plan
    if context.json:
        out(
            as_json({"outcome": encode(outcome), "second_plan": encode(second) if second else None})
        )
    else:
        out(rehearsal_text(outcome, second, context.style, verbose=context.verbose))
    return Exit.DONE if rehearsal.passed else Exit.ERROR
