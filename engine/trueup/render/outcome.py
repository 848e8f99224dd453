"""The outcome of a run for a terminal; changes that failed or were held come first."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import assert_never

from trueup.model.change import Action
from trueup.model.outcome import CallsNeeded, ChangeOutcome, ChangeStatus, Outcome
from trueup.render.formatting import count, counts, known_as, some, word
from trueup.render.layout import Cell, Line, free
from trueup.render.moments import in_its_zone
from trueup.render.sanitize import sanitize
from trueup.render.style import PLAIN, Paint, Style
from trueup.render.text import page

RESUME = "Run `trueup apply --resume` to continue where it stopped."
SETTLE = "Run `trueup apply --resume`: it settles what is in doubt by reading, once that is safe."
WAIT = (
    "What is in doubt is settled by reading, once that is safe: "
    "`settle_after` seconds after it was sent."
)
RESOLVE = (
    "Reading cannot settle what is in doubt: follow its remedy above, "
    "then run `trueup apply --resume`."
)
RESOLVE_SOME = (
    "Reading cannot settle what is in doubt with a remedy above: follow it, then run "
    "`trueup apply --resume`. That settles the rest by reading, once that is safe."
)
NOTHING = "Nothing was written."

ORDER = (
    ChangeStatus.FAILED,
    ChangeStatus.IN_DOUBT,
    ChangeStatus.HELD,
    ChangeStatus.SKIPPED,
    ChangeStatus.NOT_KEPT,
    ChangeStatus.APPLIED,
    ChangeStatus.ALREADY,
)
"""The order of statuses: changes that failed or were held first."""

DONE_STATUSES = frozenset({ChangeStatus.APPLIED, ChangeStatus.ALREADY})
"""The statuses of changes whose whole effect is there."""


def outcome_text(
    outcome: Outcome, style: Style = PLAIN, *, verbose: bool = False, advice: bool = True
) -> str:
    """Returns the whole page. Successful changes are counted; `verbose` names them.

    `advice`: whether it has the next step.
    """
    sections = []
    for status in ORDER:
        ended = [change for change in outcome.changes if change.status is status]
        if status is ChangeStatus.SKIPPED and ended and not verbose:
            more = f"`trueup history show {sanitize(outcome.run)}`" if advice else "-v"
            sections.append(_skipped(ended, more, style))
        elif ended and (verbose or status not in DONE_STATUSES):
            sections.append(_section(status, ended, style))
    if outcome.stopped:
        sections.append([free(f"Stopped: {sanitize(outcome.stopped)}", style.error)])
    sections.append(
        [
            free(line, style.heading)
            for line in [summary(outcome), *(_advice(outcome) if advice else ())]
        ]
    )
    return page(sections, style.columns)


def summary(outcome: Outcome) -> str:
    """Returns how many changes ended how, and the calls."""
    many = Counter(change.status for change in outcome.changes)
    order = (ChangeStatus.APPLIED, ChangeStatus.ALREADY, *ORDER[:5])
    figures = [f"{many[status]:,} {status_text(status)}" for status in order if many[status]]
    if outcome.remaining:
        figures.append(f"{outcome.remaining:,} not tried")
    sentence = f"Run {sanitize(outcome.run)}: {', '.join(figures)}." if figures else NOTHING
    return f"{sentence} {count(outcome.calls, 'API call')}."


def status_text(status: ChangeStatus) -> str:
    """Returns the display text of a status."""
    return "already as wanted" if status is ChangeStatus.ALREADY else str(status)


def _section(status: ChangeStatus, ended: Sequence[ChangeOutcome], style: Style) -> list[Line]:
    lines = [free(status_text(status).capitalize(), _paint(status, style))]
    for change in ended:
        because = f"because of {known_as(change.because)}" if change.because else ""
        cells = (
            Cell(f"{_sign(status)} {known_as(change.name)}"),
            Cell(_kind(change), style.dim),
            Cell(because),
        )
        lines.append(Line(cells, "change", 2))
        lines += [
            free(sanitize(text), indent=6)
            for text in change.text.splitlines()
            if not change.because
        ]
        lines += [free(text, style.dim, 6) for text in doubt_lines(change)]
        if change.remedy:
            lines.append(free(f"→ {sanitize(change.remedy)}", indent=6))
    return lines


def doubt_lines(change: ChangeOutcome) -> Iterator[str]:
    """Returns, of a change in doubt, since when and until when."""
    if change.sent:
        yield f"sent {in_its_zone(change.sent)}"
    if change.until:
        yield f"without a trace of it at {in_its_zone(change.until)} it counts as not carried out"


def _skipped(ended: Sequence[ChangeOutcome], more: str, style: Style) -> list[Line]:
    """Returns untried changes, counted by kind under the first change of each chain."""
    waits = {change.name: change.because for change in ended if change.because != change.name}
    by_head: dict[str, list[ChangeOutcome]] = {}
    for change in ended:
        by_head.setdefault(_head(change.because, waits), []).append(change)
    lines = [free(f"Skipped ({more} shows each)", _paint(ChangeStatus.SKIPPED, style))]
    for head, group in by_head.items():
        many = counts(Counter(change.mapping for change in group))
        cells = (
            Cell(f"{_sign(ChangeStatus.SKIPPED)} {many}"),
            Cell(f"because of {known_as(head)}" if head else ""),
        )
        lines.append(Line(cells, "skipped", 2))
        lines.append(free(some([*dict.fromkeys(change.name for change in group)]), style.dim, 6))
    return lines


def _head(name: str, waits: Mapping[str, str]) -> str:
    seen = {name}
    while waits.get(name) and waits[name] not in seen:
        name = waits[name]
        seen.add(name)
    return name


def _kind(change: ChangeOutcome) -> str:
    mark = ", its mark" if change.action is Action.WRITE_BACK else ""
    return word(change.mapping) + mark


def _sign(status: ChangeStatus) -> str:
    match status:
        case ChangeStatus.APPLIED | ChangeStatus.ALREADY:
            return "✓"
        case ChangeStatus.FAILED:
            return "✗"
        case ChangeStatus.IN_DOUBT:
            return "?"
        case ChangeStatus.HELD | ChangeStatus.SKIPPED | ChangeStatus.NOT_KEPT:
            return "!"
        case _:
            assert_never(status)


def _paint(status: ChangeStatus, style: Style) -> Paint:
    match status:
        case ChangeStatus.APPLIED | ChangeStatus.ALREADY:
            return style.add
        case ChangeStatus.FAILED:
            return style.error
        case (
            ChangeStatus.IN_DOUBT | ChangeStatus.HELD | ChangeStatus.SKIPPED | ChangeStatus.NOT_KEPT
        ):
            return style.warn
        case _:
            assert_never(status)


def _advice(outcome: Outcome) -> list[str]:
    found = []
    in_doubt = [change for change in outcome.changes if change.status is ChangeStatus.IN_DOUBT]
    # `stopped` alone does not mean that the run is open: it may have skipped all that was left.
    goes_on = outcome.interrupted or outcome.remaining or outcome.has_unread
    if goes_on or (outcome.stopped and in_doubt):
        found.append(_resume(outcome.calls_needed))
        found += [_settling(in_doubt, WAIT)] if in_doubt else []
    elif in_doubt:
        found.append(_settling(in_doubt, SETTLE))
    elif any(change.status not in DONE_STATUSES for change in outcome.changes):
        undo = f" --undo {sanitize(outcome.undo_of)}" if outcome.undo_of else ""
        found.append(f"Run `trueup plan{undo}`: it holds exactly what is left.")
    return found


def _settling(in_doubt: Sequence[ChangeOutcome], by_reading: str) -> str:
    """Returns how changes in doubt are settled; `by_reading` where reading settles all of them."""
    readable = [bool(change.until) for change in in_doubt]
    if all(readable):
        return by_reading
    return RESOLVE_SOME if any(readable) else RESOLVE


def _resume(needed: CallsNeeded | None) -> str:
    if needed is None or not needed.next:
        return RESUME
    return (
        f"Run `trueup apply --resume --max-calls {needed.rest}` to continue where it stopped. "
        f"The next batch takes up to {count(needed.next, 'API call')}, and with fewer the run may "
        f"get no further; all that is left takes up to {needed.rest:,}."
    )
