"""`trueup apply [FILE]`: executes a plan."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click
from msgspec import Struct
from msgspec.structs import replace

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common_with_tenant
from trueup.cli.exit_codes import Exit
from trueup.cli.output import out, out_done
from trueup.cli.parameters import WholeNumber, only_with, refuse_with
from trueup.cli.plan_files import plan_document
from trueup.cli.signals import stopping

if TYPE_CHECKING:
    from trueup.model.outcome import Outcome
    from trueup.model.plan import Plan
    from trueup.operations.listener import Listener
    from trueup.pipeline import ApplyOptions


class _Request(Struct, frozen=True):
    """The options of the command, checked."""

    yes: bool
    options: "ApplyOptions"


@click.command(
    short_help="Apply a plan.",
    epilog=example(
        "trueup plan --out plan.json && trueup apply plan.json",
        "trueup apply                            # plans, shows, asks",
        "trueup apply plan.json --over creates   # over a limit, on purpose",
        "trueup apply --resume                   # after an interruption",
    ),
)
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--over",
    multiple=True,
    metavar="LIMIT",
    help="Apply although the plan is over this limit. Repeatable.",
)
@click.option("--resume", is_flag=True, help="Continue the interrupted run, from its journal.")
@click.option(
    "--max-calls",
    type=WholeNumber(min=1),
    metavar="N",
    help="Stop cleanly before more than N API calls.",
)
@click.option(
    "--force-lock",
    is_flag=True,
    help="Take the lock from a run that no longer exists; needs --reason.",
)
@click.option("--reason", default="", help="Why the lock is taken; it is recorded.")
@common_with_tenant
def apply(context: CommandContext, file: Path | None, resume: bool, **arguments: object) -> int:  # noqa: FBT001 -- click's
    """Apply a plan: the one in FILE, or, without FILE, a new one that is shown first.

    Exit codes: 0 all done; 1 an error, a missing approval, or the answer was no: nothing was begun;
    3 applied in part, the output says what and why; 130 interrupted, continue with --resume.
    """
    from trueup.operations import apply as operations

    request = _request(**arguments)  # type: ignore[arg-type]  # click passes the types of the options
    if resume and file:
        raise click.UsageError("--resume continues the plan of the interrupted run: omit FILE.")
    if not (resume or file or request.yes) and (context.json or not sys.stdin.isatty()):
        raise click.UsageError("Without FILE apply needs confirmation here: give a FILE, or --yes.")
    if resume:
        refuse_with("--resume", "over")
    project = context.project()
    if resume:
        return _carry_out(
            context,
            request,
            lambda options, listener: operations.resume(project, options, listener),
        )
    if file:
        text = plan_document(file)
        with exact_command(context.command("approve", file)):
            return _carry_out(
                context,
                request,
                lambda options, listener: operations.apply(project, text, options, listener),
            )

    def approve(_plan: "Plan") -> bool:
        return request.yes or click.confirm("\nDo this?", default=False)

    save = f"{context.command('plan', '--out', 'plan.json')} && "
    with exact_command(save + context.command("approve", "plan.json")):
        return _carry_out(
            context,
            request,
            lambda options, listener: operations.plan_and_apply(
                project, approve, options, listener
            ),
        )


@contextmanager
def exact_command(approve: str) -> Iterator[None]:
    """Adds the command that approves this plan to the error of a missing approval."""
    from trueup.errors import ApprovalMissing
    from trueup.model.finding import Finding

    try:
        yield
    except ApprovalMissing as error:
        remedy = f"`{approve}` approves it, and with --ask asks others to"
        found = [
            replace(finding, remedy=remedy)
            for finding in error.findings
            if isinstance(finding, Finding)
        ]
        raise ApprovalMissing(found) from error


def _request(
    *, yes: bool, over: tuple[str, ...], max_calls: int | None, force_lock: bool, reason: str
) -> _Request:
    """Returns the options, checked together. Raises UsageError."""
    from trueup.model.arguments import is_visible
    from trueup.operations.user import current_user
    from trueup.pipeline import ApplyOptions
    from trueup.stages.guard import LIMIT_KINDS

    if force_lock and not is_visible(reason):
        raise click.UsageError("--force-lock needs --reason: it is recorded.")
    if not force_lock:
        only_with("--force-lock", "reason")
    for limit in over:
        if limit.partition(":")[0] not in LIMIT_KINDS:
            raise click.UsageError(
                f"--over {limit}: choose from {', '.join(LIMIT_KINDS)}, or one as the plan names it"
            )
    options = ApplyOptions(
        over=frozenset(over),
        who=current_user(),
        force_reason=reason if force_lock else "",
        max_calls=max_calls,
    )
    return _Request(yes, options)


def _carry_out(
    context: CommandContext,
    request: _Request,
    work: "Callable[[ApplyOptions, Listener], Outcome | None]",
) -> int:
    """Executes the run, shows its progress and outcome, and stops it on signals."""
    from trueup.cli.progress import listening
    from trueup.render.json_ import outcome_json
    from trueup.render.outcome import outcome_text
    from trueup.render.text import plan_text

    stop, plans = Event(), list["Plan"]()

    def show(plan: "Plan") -> None:
        plans.append(plan)
        if not context.json:
            # A plan that cannot be shown cannot be confirmed.
            write = out_done if request.yes else out
            write(plan_text(plan, context.style, verbose=context.verbose))

    with stopping(stop), listening(context) as listener:
        options = replace(request.options, stop=stop)
        outcome = work(options, replace(listener, planned=show))
    if outcome is None:
        had_changes = bool(plans and plans[0].changes)
        _show_nothing_done(context, had_changes=had_changes)
        return Exit.ERROR if had_changes else Exit.DONE
    if context.json:
        out_done(outcome_json(outcome))
    else:
        out_done(outcome_text(outcome, context.style, verbose=context.verbose))
    if outcome.interrupted:
        return Exit.INTERRUPTED
    return Exit.DONE if outcome.complete else Exit.PARTIAL


def _show_nothing_done(context: CommandContext, *, had_changes: bool) -> None:
    from trueup.render.json_ import as_json
    from trueup.render.outcome import NOTHING

    if context.json:
        out_done(as_json({"changes": [], "complete": True}))
    elif had_changes:
        out_done(f"{NOTHING}\n")
