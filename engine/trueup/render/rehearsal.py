"""What a rehearsal showed: what would have been refused, and whether anything would be left to do."""

from dataclasses import replace

from engine.model.outcome import Outcome
from engine.model.plan import Plan
from engine.render.outcome import outcome_text
from engine.render.style import PLAIN, Style
from engine.render.text import plan_text

ON_A_COPY = "Rehearsed on a copy; nothing was written."
EMPTY = "A second plan is empty."
NOT_EMPTY = "A second plan is not empty, so the plan or a mapping does not reach what it wants:"


def rehearsal_text(outcome: Outcome, again: Plan, style: Style = PLAIN, *, verbose: bool = False) -> str:
    """The whole page."""
    parts = [f"{ON_A_COPY}\n", outcome_text(outcome, style, verbose=verbose, advice=False)]
    if again.changes:
        left = replace(again, blocked=(), findings=(), left_out=(), ledger=(), exceeded=())
        parts += [f"{NOT_EMPTY}\n", plan_text(left, style, verbose=verbose)]
    else:
        parts.append(f"{EMPTY}\n")
    return "\n".join(parts)
