"""What became of a plan, as a terminal shows it: what did not go through first, with both sides' words."""

from collections import Counter
from collections.abc import Sequence
from typing import assert_never

from engine.model.outcome import ChangeOutcome, ChangeStatus, Outcome
from engine.render.harmless import clean
from engine.render.layout import Cell, Line, free
from engine.render.style import PLAIN, Paint, Style
from engine.render.text import page
from engine.render.words import count, known_as

RESUME = "Run `trueup apply --resume` to go on where it stopped."
SETTLE = "Run `trueup apply --resume`: it settles what is in doubt by reading, once that is safe."
NOTHING = "Nothing was written."

_ORDER = (
    ChangeStatus.FAILED,
    ChangeStatus.IN_DOUBT,
    ChangeStatus.HELD,
    ChangeStatus.SKIPPED,
    ChangeStatus.APPLIED,
    ChangeStatus.ALREADY,
)
_QUIET = frozenset({ChangeStatus.APPLIED, ChangeStatus.ALREADY})


def outcome_text(outcome: Outcome, style: Style = PLAIN, *, verbose: bool = False, advice: bool = True) -> str:
    """The whole page. Changes that went through are counted; `verbose` names them. `advice` says what to do next."""
    sections = []
    for status in _ORDER:
        ended = [change for change in outcome.changes if change.status is status]
        if ended and (verbose or status not in _QUIET):
            sections.append(_section(status, ended, style))
    if outcome.stopped:
        sections.append([free(f"Stopped: {clean(outcome.stopped)}", style.error)])
    sections.append([free(line, style.heading) for line in [summary(outcome), *(_advice(outcome) if advice else ())]])
    return page(sections)


def summary(outcome: Outcome) -> str:
    """How many changes ended how, and what it cost."""
    many = Counter(change.status for change in outcome.changes)
    order = (ChangeStatus.APPLIED, ChangeStatus.ALREADY, *_ORDER[:4])
    figures = [f"{many[status]:,} {_counted(status)}" for status in order if many[status]]
    if outcome.remaining:
        figures.append(f"{outcome.remaining:,} not tried")
    said = f"Run {clean(outcome.run)}: {', '.join(figures)}." if figures else NOTHING
    return f"{said} {count(outcome.calls, 'API call')}."


def _counted(status: ChangeStatus) -> str:
    return "already as wanted" if status is ChangeStatus.ALREADY else str(status)


def _section(status: ChangeStatus, ended: Sequence[ChangeOutcome], style: Style) -> list[Line]:
    lines = [free(_counted(status).capitalize(), _paint(status, style))]
    for change in ended:
        because = f"because of {known_as(change.because)}" if change.because else ""
        lines.append(Line((Cell(f"{_sign(status)} {known_as(change.name)}"), Cell(because)), "change", 2))
        lines += [free(clean(text), indent=6) for text in change.text.splitlines()]
        if change.remedy:
            lines.append(free(f"→ {clean(change.remedy)}", indent=6))
    return lines


def _sign(status: ChangeStatus) -> str:
    match status:
        case ChangeStatus.APPLIED | ChangeStatus.ALREADY:
            return "✓"
        case ChangeStatus.FAILED:
            return "✗"
        case ChangeStatus.IN_DOUBT:
            return "?"
        case ChangeStatus.HELD | ChangeStatus.SKIPPED:
            return "!"
        case _:
            assert_never(status)


def _paint(status: ChangeStatus, style: Style) -> Paint:
    match status:
        case ChangeStatus.APPLIED | ChangeStatus.ALREADY:
            return style.add
        case ChangeStatus.FAILED:
            return style.error
        case ChangeStatus.IN_DOUBT | ChangeStatus.HELD | ChangeStatus.SKIPPED:
            return style.warn
        case _:
            assert_never(status)


def _advice(outcome: Outcome) -> list[str]:
    found = []
    if outcome.interrupted or outcome.remaining or outcome.stopped:
        found.append(RESUME)
    elif any(change.status is ChangeStatus.IN_DOUBT for change in outcome.changes):
        found.append(SETTLE)
    elif any(change.status not in _QUIET for change in outcome.changes):
        found.append("Run `trueup plan`: it holds exactly what is left.")
    return found
