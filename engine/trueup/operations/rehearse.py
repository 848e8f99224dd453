"""Rehearses a plan: applies it to a copy of everything, and plans the same part again."""

from msgspec import Struct
from msgspec.structs import replace

from trueup import pipeline, wiring
from trueup.model import document
from trueup.model.outcome import Outcome
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.operations.listener import SILENT, Listener
from trueup.operations.plan import plan_in
from trueup.pipeline import ApplyOptions, PlanOptions
from trueup.ports.world import World


class Rehearsal(Struct, frozen=True):
    """The outcome of the plan on the copy, and a second plan of the same part.

    An undo has no second plan: that would do again what the undo reverses.
    """

    outcome: Outcome
    second_plan: Plan | None

    @property
    def passed(self) -> bool:
        """Whether all changes took effect, and the second plan is empty."""
        is_left = self.second_plan is not None and bool(self.second_plan.changes)
        return self.outcome.complete and not is_left


def rehearse(
    project: Project, plan: str | None = None, who: str = "", listener: Listener = SILENT
) -> Rehearsal:
    """Applies a plan to a copy of the target; `plan` is its document, or None for a new one.

    Limits are not applied, and no approval is needed. Nothing is written to source, target or
    state. Raises what `plan` and `apply` raise.
    """
    project = replace(project, approval=None)
    with wiring.open_copy(project) as copy:
        text = plan or document.dumps(plan_in(copy, project, listener=listener))
        first = document.loads(text)
        limits = frozenset(one.limit for one in first.exceeded)
        options = ApplyOptions(over=limits, who=who)
        outcome = pipeline.apply(project, copy, text, options, listener.progress)
        return Rehearsal(outcome, _second_plan(copy, project, first, listener))


def _second_plan(copy: World, project: Project, first: Plan, listener: Listener) -> Plan | None:
    """Plans the rows again that the first plan changes, or all rows if it is no part."""
    if first.undo_of or (first.selection and not first.changes):
        return None
    options = PlanOptions(as_of=first.as_of)
    if first.selection:
        rows = (f"{change.mapping}:{key}" for change in first.changes for key in change.keys)
        options = replace(options, targets=tuple(dict.fromkeys(rows)))
    return replace(plan_in(copy, project, options, listener), selection=first.selection)
