"""Applies a plan, or continues a run that was interrupted."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from shlex import quote

from trueup import pipeline, wiring
from trueup.applying.admission import approval_finding
from trueup.errors import ApprovalMissing, EngineError, PlanRefused
from trueup.model import document
from trueup.model.arguments import require, shown
from trueup.model.finding import Finding, Severity
from trueup.model.outcome import Outcome
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.operations import record_copy
from trueup.operations.arguments import require_common
from trueup.operations.listener import SILENT, Listener
from trueup.operations.notify import announce_outcome, announce_plan, announcing_failure
from trueup.operations.plan import plan_in
from trueup.pipeline import ApplyOptions, PlanOptions
from trueup.ports.target import CachePolicy
from trueup.ports.world import World
from trueup.stages.guard import not_allowed


def apply(
    project: Project,
    plan: Plan | str,
    options: ApplyOptions | None = None,
    listener: Listener = SILENT,
) -> Outcome:
    """Applies a plan, once. `plan` is a Plan, or the text of its document.

    Raises PlanRefused over a limit that `options.over` does not name, ApprovalMissing if the plan
    lacks its approval, StalePlan if the configuration or the state has changed or the plan was
    applied before, StateLocked while another run is active, and RunLeftOpen if the state fails or
    the lock is lost in the middle of the run. The result of each change is in the outcome, never
    raised.
    """
    _require_arguments(project, options, listener)
    if not isinstance(plan, str | Plan):
        raise EngineError(f"plan is {shown(plan)}: give a Plan, or the text of its document")
    text = plan if isinstance(plan, str) else document.dumps(plan)
    options = options or ApplyOptions()
    with (
        announcing_failure(project, listener),
        _open_world(project, options) as world,
    ):
        _forget_records(project, listener)
        outcome = pipeline.apply(project, world, text, options, listener.progress)
    announce_outcome(project, outcome, listener)
    return outcome


def resume(
    project: Project, options: ApplyOptions | None = None, listener: Listener = SILENT
) -> Outcome:
    """Continues the run that was killed, stopped or left in doubt.

    Raises StateError if no run is open, StateLocked while another run is active, and RunLeftOpen as
    `apply` does.
    """
    _require_arguments(project, options, listener)
    options = options or ApplyOptions()
    with (
        announcing_failure(project, listener),
        _open_world(project, options) as world,
    ):
        _forget_records(project, listener)
        outcome = pipeline.resume(project, world, options, listener.progress)
    announce_outcome(project, outcome, listener)
    return outcome


def _require_arguments(project: Project, options: ApplyOptions | None, listener: Listener) -> None:
    """Raises EngineError for an argument of another type."""
    require_common(project, listener)
    if options is not None:
        require("options", options, ApplyOptions)


def _open_world(project: Project, options: ApplyOptions) -> AbstractContextManager[World]:
    """Opens the world for a run; the target's metadata is read anew, not taken from a plan."""
    renewed = CachePolicy.RENEWED
    return wiring.open_world(project, max_calls=options.max_calls, metadata=renewed)


def _forget_records(project: Project, listener: Listener) -> None:
    """Removes the copy of records for searches, because the run changes records."""
    try:
        record_copy.forget(project)
    except OSError as error:
        name = record_copy.name_of(project)
        listener.notice(f"{name} cannot be removed: {error.strerror}; use `trueup search --fresh`")


def plan_and_apply(
    project: Project,
    approve: Callable[[Plan], bool],
    options: ApplyOptions | None = None,
    listener: Listener = SILENT,
) -> Outcome | None:
    """Makes a plan and applies it if `approve` returns true. The listener gets the plan first.

    Returns None if there is nothing to do, or no approval. Raises what `plan` and `apply` raise.
    """
    options = options or ApplyOptions()
    made: Plan | None = None
    outcome: Outcome | None = None
    try:
        with (
            announcing_failure(project, listener, refused=False),
            _open_world(project, options) as world,
        ):
            made = plan_in(world, project, PlanOptions(), listener)
            listener.planned(made)
            _require_allowed(made, options)
            if made.changes:
                text = document.dumps(made)
                _require_approved(project, made, text, world)
                if approve(made):
                    _forget_records(project, listener)
                    outcome = pipeline.apply(project, world, text, options, listener.progress)
    finally:
        if made is not None:
            announce_plan(project, made, listener)
    if outcome is not None:
        announce_outcome(project, outcome, listener)
    return outcome


def _require_allowed(made: Plan, options: ApplyOptions) -> None:
    """Raises PlanRefused over a limit that the options do not name."""
    exceeded = not_allowed(made.exceeded, options.over)
    if exceeded:
        raise PlanRefused(
            [
                Finding(
                    "limit",
                    Severity.ERROR,
                    one.text,
                    f"look at it, then `trueup apply … --over {quote(one.limit)}` allows it",
                )
                for one in exceeded
            ]
        )


def _require_approved(project: Project, made: Plan, text: str, world: World) -> None:
    """Raises ApprovalMissing if the plan lacks its approval."""
    if lacks := approval_finding(project, made, document.plan_id(text), world.state):
        raise ApprovalMissing([lacks])
