"""`trueup approve PLAN`: approves or refuses a saved plan, or asks others to approve it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common_with_tenant
from trueup.cli.exit_codes import Exit
from trueup.cli.output import out, out_done
from trueup.cli.parameters import refuse_with
from trueup.cli.plan_files import plan_document

if TYPE_CHECKING:
    from trueup.model.approval import ApprovalStanding, Statement
    from trueup.model.project import Project


@click.command(
    short_help="Approve or refuse a plan.",
    epilog=example(
        "trueup approve plan.json --ask",
        "trueup approve plan.json --reason 'checked with the customer'",
        "trueup approve plan.json --no --reason 'ask Alpine first'",
        "trueup approve plan.json --withdraw",
        "trueup approve --list",
    ),
)
@click.argument("plan", required=False)
@click.option(
    "--ask", is_flag=True, help="Ask others for the approval, as the person who prepared the plan."
)
@click.option("--no", "refuse", is_flag=True, help="Refuse the plan; needs --reason.")
@click.option("--withdraw", is_flag=True, help="Withdraw your own statement.")
@click.option(
    "--list", "show", is_flag=True, help="Show the statements about plans, and what is missing."
)
@click.option("--reason", default="", help="Why, for those who read it later.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
@common_with_tenant
def approve(  # noqa: PLR0913, PLR0917 -- one for each option
    context: CommandContext,
    plan: str | None,
    ask: bool,  # noqa: FBT001 -- click's
    refuse: bool,  # noqa: FBT001 -- click's
    withdraw: bool,  # noqa: FBT001 -- click's
    show: bool,  # noqa: FBT001 -- click's
    reason: str,
    yes: bool,  # noqa: FBT001 -- click's
) -> int:
    """Approve the saved plan in PLAN, in the name of this user; the history records it.

    Projects with `approval:` in trueup.yaml ask for it before they apply a plan that moves more
    money. The approval is bound to the plan's digest and amount: a plan with another result needs
    a new one, a plan with the same result does not. PLAN may also be the id of an open run,
    which continues only with its approval. Neither Work 365 nor Autotask is read or written.

    Exit codes: 0 done; 1 an error, or the answer was no: nothing was written; with --list and a
    PLAN, 1 if the plan may not be applied yet.
    """
    from trueup.model.approval import Statement
    from trueup.model.arguments import is_visible

    chosen = {
        Statement.ASK: ask,
        Statement.NO: refuse,
        Statement.WITHDRAW: withdraw,
    }
    statements = [statement for statement, is_chosen in chosen.items() if is_chosen]
    if len(statements) + show > 1:
        raise click.UsageError("Give one of --ask, --no, --withdraw and --list.")
    if show:
        refuse_with("--list", "reason", "yes")
        return _list(context, plan)
    if not plan:
        raise click.UsageError("Which plan? Give the file that `trueup plan --out FILE` saved.")
    if refuse and not is_visible(reason):
        raise click.UsageError("--no needs --reason, for the person who prepared the plan.")
    statement = statements[0] if statements else Statement.YES
    return _state(context, plan, statement, reason, yes=yes)


def _state(
    context: CommandContext, plan: str, statement: "Statement", reason: str, *, yes: bool
) -> int:
    """Shows the amount, asks for confirmation on a terminal, and records the statement."""
    from trueup.errors import EngineError
    from trueup.model.approval import Statement
    from trueup.operations import approve as operations
    from trueup.operations.user import current_user
    from trueup.render.approval import standing_text

    project = context.project()
    text, who = _document(project, plan), current_user()
    before = operations.approval_of(project, text)
    if before is None:
        raise EngineError(operations.NO_POLICY)
    if statement is Statement.YES and not yes:
        if why := operations.refusal_of(before, who, statement, project.currency):
            raise EngineError(why)
        if context.json or not sys.stdin.isatty():
            raise click.UsageError("Approve needs confirmation here: give --yes.")
        out(standing_text(before, project.currency, project.zone))
        if not click.confirm(f"\nApprove it as {who}?", default=False):
            out_done("Nothing was written.\n")
            return Exit.ERROR
    found = operations.record_statement(project, text, who, statement, reason)
    _show(context, project, found)
    return Exit.DONE


def _list(context: CommandContext, plan: str | None) -> int:
    """Lists the statements: about one plan with what is missing, or about all plans."""
    from trueup.errors import EngineError
    from trueup.operations import approve as operations
    from trueup.render.approval import statements_json, statements_text
    from trueup.render.json_ import as_json

    project = context.project()
    if plan:
        found = operations.approval_of(project, _document(project, plan))
        if found is None:
            raise EngineError(operations.NO_POLICY)
        _show(context, project, found)
        return Exit.ERROR if found.lacks else Exit.DONE
    statements = operations.list_approvals(project)
    if context.json:
        out(as_json({"approvals": statements_json(statements, project.zone, project.currency)}))
    else:
        out(statements_text(statements, project.zone, project.currency, context.style))
    return Exit.DONE


def _show(context: CommandContext, project: "Project", found: "ApprovalStanding") -> None:
    from trueup.render.approval import standing_json, standing_text
    from trueup.render.json_ import as_json

    if context.json:
        out_done(as_json(standing_json(found, project.zone)))
    else:
        out_done(standing_text(found, project.currency, project.zone))


def _document(project: "Project", plan: str) -> str:
    """Returns the plan document in a file, or that of an open run."""
    from trueup.operations.approve import plan_of_run

    file = Path(plan)
    return plan_document(file) if file.exists() else plan_of_run(project, plan)
