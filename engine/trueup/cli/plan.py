"""`trueup plan`: shows what apply would do, and writes nothing."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trueup.cli.arrangement import ARRANGING, arranged, arrangement
from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common_with_tenant
from trueup.cli.exit_codes import Exit
from trueup.cli.output import out, out_done, report
from trueup.cli.output_files import OutputFile, is_kept, write_whole
from trueup.cli.parameters import PLAN_DAY, refuse_with
from trueup.model.change import Reason
from trueup.model.finding import Severity
from trueup.model.plan import Plan
from trueup.operating_system import shell_quoted

if TYPE_CHECKING:
    from trueup.model.project import Project
    from trueup.pipeline import PlanOptions

FAILURES = ("blocked", "held", "ledger", "limits", "drift", "warnings")


@click.command(
    short_help="Show what apply would do.",
    epilog=example(
        "trueup plan --out plan.json",
        "trueup plan --target subscription --customer 'Alpine Dental AG'",
        "trueup plan --detailed-exitcode --fail-on blocked,ledger",
        "trueup plan --undo 7ace1fbdc9d0",
        "trueup plan --compare main",
    ),
)
@click.option(
    "--out",
    "file",
    type=OutputFile(),
    metavar="FILE",
    help="Save the plan, for apply.",
)
@click.option("--as-of", type=PLAN_DAY, metavar="DAY", help="Plan for this day; by default today.")
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="MAPPING[:KEY]",
    help="Only this, with what it needs; KEY or name. Repeatable.",
)
@click.option(
    "--exclude",
    multiple=True,
    metavar="MAPPING[:KEY]",
    help="All but this and what refers to it. Repeatable.",
)
@click.option(
    "--customer",
    metavar="NAME",
    help="Only this customer and everything under it; name or key.",
)
@click.option("--undo", metavar="RUN", help="The reverse of a run, where possible.")
@click.option(
    "--compare",
    "other",
    default="",
    metavar="REV|DIR",
    help="Show what this configuration does that the one of a git revision, "
    "or of another project folder, does not.",
)
@click.option("--fresh", is_flag=True, help="Use nothing that earlier plans kept.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where there are changes.")
@click.option(
    "--fail-on", default="", metavar="WHAT,…", help=f"Exit with 1 on any of: {', '.join(FAILURES)}."
)
@arranged
@common_with_tenant
def plan(
    context: CommandContext,
    file: Path | None,
    other: str,
    fresh: bool,  # noqa: FBT001 -- click's
    detailed_exitcode: bool,  # noqa: FBT001 -- click's
    fail_on: str,
    **arguments: object,
) -> int:
    """Compare Work 365 and Autotask, show what apply would do, and write nothing.

    With --compare, plan the same rows and records with two configurations, and show how the two
    plans differ. Nothing is saved.

    Exit codes: 0 done; 1 an error, or the plan has what --fail-on names; 2 with
    --detailed-exitcode, there are changes; with --compare, the two plans differ.
    """
    from trueup.cli.progress import listening
    from trueup.model import document
    from trueup.operations import plan as operations
    from trueup.render import text

    failures = _parse_failures(fail_on)
    order = {name: arguments.pop(name) for name in ARRANGING}
    arranged_by = arrangement(**order)  # type: ignore[arg-type]  # click passes their types
    options = _options(**arguments)  # type: ignore[arg-type]  # click passes the types of the options
    if other:
        _refuse_with_compare(file, options)
        refuse_with("--compare", *ARRANGING)
        return _compare(context, other, options, failures, detailed_exitcode=detailed_exitcode)
    if context.json:
        refuse_with("--json", *ARRANGING)
    project = context.project()
    with listening(context) as listener:
        made = operations.plan(project, options, listener, fresh=fresh)
    # A document takes longer to write than a page, which needs none; a file takes it in pieces.
    document_text = document.dumps(made) if context.json or project.approval else ""
    if file:
        write_whole(file, document_text or partial(document.write, made))
    show = out_done if file else out  # a saved plan is useful without its text
    if context.json:
        show(document_text)
    else:
        page = text.plan_text(
            made,
            context.style,
            verbose=context.verbose,
            arrangement=arranged_by,
        )
        show(page)
        if approval := approval_line(project, document_text):
            show(approval)
        if file:
            show(_saved(made, file, context.command("apply", file)) + "\n")
    return _exit_code(made, failures, changes=detailed_exitcode and bool(made.changes))


def approval_line(project: "Project", document_text: str) -> str:
    """Returns whether the plan has its approval; "" if the project requires none."""
    if not project.approval:
        return ""
    from trueup.operations.approve import approval_of
    from trueup.render.approval import need_text

    found = approval_of(project, document_text)
    return f"Approval: {need_text(found, project.currency)}\n" if found else ""


def _refuse_with_compare(file: Path | None, options: "PlanOptions") -> None:
    """Raises UsageError for options that apply to one plan only."""
    given = [name for name, value in (("--out", file), ("--undo", options.undo)) if value]
    if given:
        raise click.UsageError(
            f"--compare shows how two plans differ, and saves none: leave out {given[0]}"
        )


def _compare(
    context: CommandContext,
    other: str,
    options: "PlanOptions",
    failures: Sequence[str],
    *,
    detailed_exitcode: bool,
) -> int:
    from trueup.cli.progress import listening
    from trueup.operations import compare as operations
    from trueup.render.comparison import comparison_text
    from trueup.render.comparison_json import comparison_json

    project = context.project()
    with listening(context) as listener:
        found = operations.compare(project, other, options, listener)
    if context.json:
        out(comparison_json(found))
    else:
        out(comparison_text(found, context.style, verbose=context.verbose))
    return _exit_code(found.after, failures, changes=detailed_exitcode and found.differs)


def _exit_code(made: Plan, failures: Sequence[str], *, changes: bool) -> int:
    """Returns the exit code; reports the conditions of --fail-on that the plan meets."""
    found = [failure for failure in failures if _has(made, failure)]
    if found:
        report(f"error: the plan has what --fail-on names: {', '.join(found)}")
        return Exit.ERROR
    return Exit.CHANGES if changes else Exit.DONE


def _saved(made: Plan, file: Path, command: str) -> str:
    """Returns where the plan was saved, and the next step."""
    from trueup.render.sanitize import sanitize

    shown = sanitize(file)
    if not is_kept(file):
        return f"Written to {shown}, which keeps no plan: to apply one, save it to a file."
    return f"Saved to {shown}. {_next_step(made, command)}"


def _next_step(made: Plan, command: str) -> str:
    """Returns the next step for the saved plan, or why apply would refuse it."""
    from trueup.model.finding_codes import OPEN_RUN

    if any(finding.code == OPEN_RUN for finding in made.findings):
        return "It can be applied once the open run is settled, see above: then plan again."
    if made.exceeded:
        limits = " ".join(f"--over {shell_quoted(one.limit)}" for one in made.exceeded)
        return f"It is over limits: `{command} {limits}` does exactly this anyway."
    return f"Run `{command}` to do exactly this."


def _options(
    as_of: date | None = None,
    targets: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
    customer: str | None = None,
    undo: str | None = None,
) -> "PlanOptions":
    """Returns the plan options of the command line. Raises UsageError for a part of an undo."""
    from trueup.pipeline import PlanOptions

    if undo and (targets or exclude or customer):
        raise click.UsageError(
            "--undo reverses a run as a whole: "
            "it cannot be used with --target, --exclude or --customer"
        )
    return PlanOptions(as_of, targets, exclude, customer, undo)


def _parse_failures(fail_on: str) -> list[str]:
    """The names in `--fail-on`. Raises UsageError for an unknown or empty one.

    An empty one is most often a variable that is not set: it would check nothing.
    """
    names = [name.strip() for name in fail_on.split(",")] if fail_on else []
    for name in names:
        if not name:
            raise click.UsageError(f"--fail-on {fail_on} has an empty part: leave it out")
        if name not in FAILURES:
            raise click.UsageError(f"--fail-on {name}: choose from {', '.join(FAILURES)}")
    return names


def _has(plan: Plan, failure: str) -> bool:
    """Returns whether the plan meets a condition of `--fail-on`."""
    from trueup.render import findings, ledger

    found = {
        "blocked": plan.summary.blocked,
        "held": plan.summary.held,
        "ledger": any(ledger.differs(line) for line in plan.ledger),
        "limits": plan.exceeded,
        "drift": any(
            field.reason is Reason.DRIFT for change in plan.changes for field in change.fields
        ),
        "warnings": any(one.severity is Severity.WARNING for one in findings.remaining(plan)),
    }
    return bool(found[failure])
