"""`trueup plan`: what apply would do, with nothing written."""

from datetime import datetime
from pathlib import Path

import click

from engine import wiring
from engine.cli.common import Here, common, example
from engine.cli.ending import Exit
from engine.cli.files import write_whole
from engine.cli.planned import planned
from engine.cli.progress import telling
from engine.cli.terminal import out, report
from engine.model import document
from engine.model.finding import Severity
from engine.model.plan import Plan, Reason
from engine.pipeline import PlanOptions
from engine.render import findings, ledger, text

FAILURES = ("blocked", "held", "ledger", "limits", "drift", "warnings")


@click.command(
    short_help="Show what apply would do.",
    epilog=example(
        "trueup plan --out plan.json",
        "trueup plan --target subscription --customer 'Alpine Dental AG'",
        "trueup plan --detailed-exitcode --fail-on blocked,ledger",
        "trueup plan --undo 7ace1fbdc9d0",
    ),
)
@click.option(
    "--out", "file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Save the plan, for apply."
)
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="Plan for this day; today if left out.")
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="MAPPING[:KEY]",
    help="Only this, with what it needs; KEY or name. Repeatable.",
)
@click.option(
    "--exclude", multiple=True, metavar="MAPPING[:KEY]", help="All but this and what refers to it. Repeatable."
)
@click.option("--customer", default="", metavar="NAME", help="Only this customer and everything under it; name or key.")
@click.option("--undo", default="", metavar="RUN", help="The reverse of a run, where Autotask allows one.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where there are changes.")
@click.option("--fail-on", default="", metavar="WHAT,…", help=f"Exit with 1 on any of: {', '.join(FAILURES)}.")
@common
def plan(here: Here, file: Path | None, detailed_exitcode: bool, fail_on: str, **asked: object) -> int:  # noqa: FBT001 -- click's
    """Show what Autotask lacks of what Work 365 says, and write nothing.

    Exit codes: 0 done; 1 an error, or what --fail-on names is there; 2 with --detailed-exitcode, there are changes.
    """
    unwanted = chosen(fail_on)
    wanted = options(**asked)  # type: ignore[arg-type]  # click gives what the options say
    made = shown(here, wanted)
    document_text = document.dumps(made)
    if file:
        write_whole(file, document_text)
    out(document_text if here.json else text.plan_text(made, here.style, verbose=here.verbose))
    if file and not here.json:
        out(f"Saved to {file}. Run `trueup apply {file}` to do exactly this.\n")
    failed = [what for what in unwanted if found(made, what)]
    if failed:
        report(f"error: the plan has what --fail-on names: {', '.join(failed)}")
        return Exit.ERROR
    return Exit.CHANGES if detailed_exitcode and made.changes else Exit.DONE


def shown(here: Here, options: PlanOptions) -> Plan:
    """The plan of the project in this folder."""
    project, said = here.checked()
    with wiring.open_world(project) as world, telling(here) as tell:
        made = planned(project, said, world, options, tell)
        for remark in world.source.remarks:  # beside the plan, which is the same however it was read
            report(remark)
        return made


def options(
    as_of: datetime | None = None,
    targets: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
    customer: str = "",
    undo: str = "",
) -> PlanOptions:
    """The command line's words as the engine takes them. Raises UsageError for a part of an undo."""
    if undo and (targets or exclude or customer):
        raise click.UsageError(
            "--undo takes back a run as a whole: --target, --exclude and --customer do not go with it"
        )
    return PlanOptions(as_of.date() if as_of else None, targets, exclude, customer, undo)


def chosen(fail_on: str) -> list[str]:
    """What `--fail-on` names. Raises UsageError for what it may not."""
    names = [name.strip() for name in fail_on.split(",") if name.strip()]
    for name in names:
        if name not in FAILURES:
            raise click.UsageError(f"--fail-on {name}: choose of {', '.join(FAILURES)}")
    return names


def found(plan: Plan, what: str) -> bool:
    """Is there any of what a name of `--fail-on` stands for?"""
    there = {
        "blocked": plan.summary.blocked,
        "held": plan.summary.held,
        "ledger": any(ledger.differs(line) for line in plan.ledger),
        "limits": plan.exceeded,
        "drift": any(field.reason is Reason.DRIFT for change in plan.changes for field in change.fields),
        "warnings": any(one.severity is Severity.WARNING for one in findings.remaining(plan)),
    }
    return bool(there[what])
