"""Renders the result of a rehearsal: refused changes, and what a second plan would do."""

from msgspec.structs import replace

from trueup.model.outcome import Outcome
from trueup.model.plan import Plan
from trueup.render.outcome import outcome_text
from trueup.render.style import PLAIN, Style
from trueup.render.text import plan_text

ON_A_COPY = "Rehearsed on a copy; nothing was written."
EMPTY = "A second plan is empty."
NONE = "No second plan was made: an undo, or a plan without changes, has none."
NOT_EMPTY = "A second plan is not empty, so the plan or a mapping does not reach what it wants:"


def rehearsal_text(
    outcome: Outcome, again: Plan | None, style: Style = PLAIN, *, verbose: bool = False
) -> str:
    """The whole page; `again` is None where no second plan was made."""
    parts = [f"{ON_A_COPY}\n", outcome_text(outcome, style, verbose=verbose, advice=False)]
    if again is None:
        parts.append(f"{NONE}\n")
    elif again.changes:
        left = replace(again, blocked=(), findings=(), left_out=(), ledger=(), exceeded=())
        parts += [f"{NOT_EMPTY}\n", plan_text(left, style, verbose=verbose)]
    else:
        parts.append(f"{EMPTY}\n")
    return "\n".join(parts)
