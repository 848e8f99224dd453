"""`trueup apply [FILE]`: does what a plan says."""

import getpass
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from threading import Event

import click

from engine import pipeline, wiring
from engine.applying.coordinator import Progress, Watch
from engine.cli.common import Here, common, example
from engine.cli.ending import Exit
from engine.cli.planned import planned
from engine.cli.progress import telling, watching
from engine.cli.show import sealed
from engine.cli.stopping import stopping
from engine.cli.terminal import out, report
from engine.errors import PlanRefused
from engine.model import document
from engine.model.finding import Finding, Severity
from engine.model.outcome import Outcome
from engine.model.project import Guards, Project
from engine.pipeline import ApplyOptions, PlanOptions
from engine.planning.calls import apply_calls, next_calls
from engine.ports import World
from engine.render.json_ import as_json, outcome_json
from engine.render.outcome import NOTHING, outcome_text
from engine.render.text import plan_text
from engine.stages.guard import RULE
from engine.stages.guard import over as over_limits


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asked for."""

    yes: bool
    over: frozenset[str]
    max_calls: int | None
    force_reason: str

    def options(self, stop: Event) -> ApplyOptions:
        """The same in the engine's words."""
        return ApplyOptions(over=self.over, who=who(), force_reason=self.force_reason, stop=stop)


@click.command(
    short_help="Do what a plan says.",
    epilog=example(
        "trueup plan --out plan.json && trueup apply plan.json",
        "trueup apply                            # plans, shows, asks",
        "trueup apply plan.json --over creates   # over a limit, on purpose",
        "trueup apply --resume                   # after an interruption",
    ),
)
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--over", multiple=True, metavar="LIMIT", help="Apply although the plan is over this limit. Repeatable.")
@click.option("--resume", is_flag=True, help="Go on with the run that was interrupted, from its journal.")
@click.option("--max-calls", type=click.IntRange(min=1), metavar="N", help="Stop cleanly before more than N API calls.")
@click.option("--force-lock", is_flag=True, help="Take the lock from a run that is gone; --reason is recorded.")
@click.option("--reason", default="", help="Why the lock is taken.")
@common
def apply(here: Here, file: Path | None, resume: bool, **asked: object) -> int:  # noqa: FBT001 -- click's
    """Do what a plan says: the plan in FILE, or, without FILE, a new one that is shown first.

    Exit codes: 0 all done; 1 an error, nothing was begun; 3 applied in part, the output says what and why;
    130 interrupted, go on with --resume.
    """
    wish = wished(**asked)  # type: ignore[arg-type]  # click gives what the options say
    if resume and file:
        raise click.UsageError("--resume goes on with the plan of the interrupted run: leave FILE out.")
    if not (resume or file or wish.yes) and (here.json or not sys.stdin.isatty()):
        raise click.UsageError("without FILE apply asks, and nobody can answer here: give a FILE, or --yes.")
    project, said = here.checked()
    with wiring.open_world(project, max_calls=wish.max_calls) as world:
        if resume:
            return carried_out(
                here,
                wish,
                lambda options, watch: pipeline.resume(project, world, options, watch),
                lambda ended: too_few(project, world, ended),
            )
        plan = sealed(file) if file else agreed(here, project, said, world, wish)
        if plan is None:
            return Exit.DONE
        return carried_out(
            here,
            wish,
            lambda options, watch: pipeline.apply(project, world, plan, options, watch),
            lambda ended: too_few(project, world, ended),
        )


def wished(*, yes: bool, over: tuple[str, ...], max_calls: int | None, force_lock: bool, reason: str) -> Wish:
    """The options, checked together. Raises UsageError."""
    if force_lock and not reason.strip():
        raise click.UsageError("--force-lock wants --reason: it is recorded.")
    kinds = [*(field.name for field in fields(Guards)), RULE.removesuffix(":")]
    for limit in over:
        if limit.partition(":")[0] not in kinds:
            raise click.UsageError(f"--over {limit}: choose of {', '.join(kinds)}, or one as the plan names it")
    return Wish(yes, frozenset(over), max_calls, reason if force_lock else "")


def agreed(here: Here, project: Project, said: Sequence[Finding], world: World, wish: Wish) -> str | None:
    """A new plan's document, shown, and a yes to it; None where there is nothing to do or no yes."""
    with telling(here) as tell:
        plan = planned(project, said, world, PlanOptions(), tell)
    for remark in world.source.remarks:
        report(remark)
    if not here.json:
        out(plan_text(plan, here.style, verbose=here.verbose))
    if exceeded := over_limits(plan.exceeded, wish.over):
        remedy = "look at it, then `--over {}`"
        raise PlanRefused([Finding("limit", Severity.ERROR, one.text, remedy.format(one.limit)) for one in exceeded])
    if plan.changes and (wish.yes or click.confirm("\nDo this?", default=False)):
        return document.dumps(plan)
    nothing = as_json({"changes": [], "complete": True}) if here.json else f"{NOTHING}\n"
    out(nothing if plan.changes or here.json else "")
    return None


def carried_out(
    here: Here, wish: Wish, work: Callable[[ApplyOptions, Watch], Outcome], few: Callable[[Outcome], str]
) -> int:
    """Runs what the engine is to do, so that it can be stopped and watched; says what became of it."""
    stop, seen = Event(), list[Progress]()
    with stopping(stop), watching(here) as watch:

        def told(progress: Progress) -> None:
            seen.append(progress)
            watch(progress)

        outcome = work(wish.options(stop), told)
    if wish.max_calls and outcome.stopped and outcome.remaining and not seen:
        report(few(outcome))
    out(outcome_json(outcome) if here.json else outcome_text(outcome, here.style, verbose=here.verbose))
    if outcome.interrupted:
        return Exit.INTERRUPTED
    return Exit.DONE if outcome.complete else Exit.PARTIAL


def too_few(project: Project, world: World, outcome: Outcome) -> str:
    """What to say where a limit on calls was used up by reading alone: how many the next step takes."""
    run = next(one for one in world.state.runs() if one.id == outcome.run)
    tried = {one.change for one in outcome.changes}
    left = [one for one in document.loads(run.plan).changes if one.id not in tried]
    return (
        f"So few calls are used up before anything can be sent: up to {next_calls(left, project.batch):,} take it "
        f"further, and up to {apply_calls(left, project.batch, {}):,} to its end."
    )


def who() -> str:
    """Who applies, for history: TRUEUP_WHO where a pipeline says it, else the user of this process."""
    try:
        return os.environ.get("TRUEUP_WHO") or getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return f"user {os.getuid()}"
