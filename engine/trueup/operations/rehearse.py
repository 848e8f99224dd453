"""Rehearses a plan: applies it to a copy of everything, and plans again."""

from dataclasses import dataclass, replace

from trueup import pipeline, wiring
from trueup.model import document
from trueup.model.outcome import Outcome
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.operations.listener import SILENT, Listener
from trueup.operations.plan import plan_in
from trueup.pipeline import ApplyOptions


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The outcome of the plan on the copy, and a second plan."""

    outcome: Outcome
    second_plan: Plan

    @property
    def passed(self) -> bool:
        """Whether all changes took effect, and the second plan is empty."""
        return self.outcome.complete and not self.second_plan.changes


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
        limits = frozenset(one.limit for one in document.loads(text).exceeded)
        options = ApplyOptions(over=limits, who=who)
        outcome = pipeline.apply(project, copy, text, options, listener.progress)
        return Rehearsal(outcome, plan_in(copy, project, listener=listener))
