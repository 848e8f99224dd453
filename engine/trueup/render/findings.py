"""Renders rows left out on purpose, and findings that stop no row."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence

from msgspec.structs import replace

from trueup.model.change import RowRef
from trueup.model.finding import Finding, Severity
from trueup.model.finding_codes import DEPENDS
from trueup.model.plan import Blocked, LeftOut, Plan
from trueup.render.finding_text import paint_of
from trueup.render.formatting import (
    count,
    counts,
    every,
    known_as,
    mentions,
    sentence,
    some,
    word,
)
from trueup.render.layout import Cell, Line, free
from trueup.render.sanitize import sanitize
from trueup.render.style import Paint, Style
from trueup.render.view import View

MOST = 8
"""Rows with the same code, or findings, that are shown one by one; `-v` shows all."""

CROWD = 3
"""From this number of rows with the same findings, one line represents all."""


def left_out(groups: Sequence[LeftOut], view: View, *, brief: bool = False) -> list[Line]:
    """Returns rows left out on purpose: how many, why, and the first of their names.

    `brief`: only how many of each mapping, and for how many reasons.
    """
    if brief and groups:
        many: Counter[str] = Counter()
        for group in groups:
            many[group.mapping] += len(group.names)
        reasons = count(len(_reasons(groups)), "reason")
        return [free(f"{counts(many)}, for {reasons} (-v shows them)", view.style.dim, 2)]
    found: list[Line] = []
    for group in groups:
        cells = (
            Cell(count(len(group.names), group.mapping)),
            Cell(sentence(sanitize(group.reason))),
        )
        found.append(Line(cells, "left out", 2))
        names = every if view.verbose else some
        found.append(free(names(group.names), view.style.dim, 6))
    return found


def _reasons(groups: Sequence[LeftOut]) -> set[tuple[str, str, str]]:
    """Returns the reasons, each once.

    Texts of one code are one reason: they may differ in a name, such as that of the row that took
    over. Rows that refer to rows left out have the reasons of these.
    """
    return {(group.mapping, group.code, group.cause) for group in groups}


def others(findings: Sequence[Finding], view: View, *, brief: bool = False) -> list[Line]:
    """Returns findings that stop nothing, or belong to no row of a tab, grouped by code.

    `brief`: the first of each code, and how many more there are; informational findings about rows
    are counted.
    """
    notes = [one for one in findings if brief and one.severity is Severity.INFO and one.key]
    findings = [finding for finding in findings if finding not in notes]
    by_code: dict[tuple[Severity, str], list[Finding]] = {}
    for finding in findings:
        by_code.setdefault((finding.severity, finding.code), []).append(finding)
    found: list[Line] = []
    for (severity, _), every_one in by_code.items():
        paint = paint_of(severity, view.style)
        crowds = [] if view.verbose else alike(every_one)
        found += [line for crowd in crowds for line in _crowd_of(crowd, paint, view)]
        shown_already = {id(finding) for crowd in crowds for finding in crowd}
        rest = [finding for finding in every_one if id(finding) not in shown_already]
        shown = rest if view.verbose else rest[: 1 if brief else MOST]
        for finding in shown:
            found += _finding(finding, paint, view)[: 1 if brief else None]
        if more := len(rest) - len(shown):
            found.append(free(f"and {more:,} more of these (-v shows them)", view.style.dim, 12))
    if notes:
        found.append(free(f"and {count(len(notes), 'note')} (-v shows them)", view.style.dim, 2))
    return found


def alike(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Returns groups of rows of one mapping with exactly the same finding."""
    groups: dict[Hashable, list[Finding]] = {}
    for finding in findings:
        if finding.key:
            content = (
                finding.code,
                finding.mapping,
                finding.text,
                finding.advice.generic(),
                finding.place,
            )
            groups.setdefault(content, []).append(finding)
    return [group for group in groups.values() if len(group) >= CROWD]


def _crowd_of(crowd: Sequence[Finding], paint: Paint, view: View) -> list[Line]:
    """One line for all of them, and the first of their names."""
    first = crowd[0]
    one = replace(
        first, name=count(len(crowd), first.mapping), remedy=first.advice.generic(), commands=()
    )
    names = some([finding.name or finding.key for finding in crowd])
    return [*_finding(one, paint, view), free(f"{names} (-v shows each)", view.style.dim, 12)]


def place_text(finding: Finding, view: View) -> str:
    """Returns the place in a file; of a finding about a row, with `-v` only."""
    is_shown = finding.place and (view.verbose or not finding.key)
    return sanitize(finding.place) if is_shown else ""


def remedy_text(finding: Finding, view: View) -> str:
    """Returns the remedy; "" if there is none. Keys of its commands are shortened."""
    return sentence(sanitize(finding.remedy if view.verbose else finding.advice.brief()))


def remaining(plan: Plan) -> list[Finding]:
    """Returns the plan's findings that no blocked row and no row left out shows."""
    shown_already = {finding for row in plan.blocked for finding in row.findings}
    out = {(group.mapping, group.code) for group in plan.left_out}
    return [
        finding
        for finding in plan.findings
        if finding not in shown_already
        and not (finding.severity is Severity.SKIP and (finding.mapping, finding.code) in out)
    ]


def held_findings(plan: Plan) -> list[Finding]:
    """Returns findings of held rows, as far as no blocked row shows them."""
    return [finding for finding in remaining(plan) if finding.severity is Severity.HOLD]


def own(row: Blocked) -> list[Finding]:
    """Returns the findings of the row itself, without those of a row that it refers to."""
    return [finding for finding in row.findings if finding.code != DEPENDS]


def chain(row: Blocked) -> str:
    """Returns the row up to the one at fault: `contract Main ← customer Cedar & Vine`."""
    return chain_text(row.because)


def chain_text(because: Sequence[RowRef]) -> str:
    """The same for the rows alone; empty if there are none."""
    return " ← ".join(f"{word(row.mapping)} {known_as(row.name or row.key)}" for row in because)


def holds_back(of_rows: Iterable[Mapping[str, int]], style: Style) -> list[Line]:
    """Returns what some rows hold back together; no lines if nothing."""
    back: Counter[str] = Counter()
    for row in of_rows:
        back.update(row)
    return [free(f"holds back {counts(back)}", style.warn, 6)] if back else []


def _finding(finding: Finding, paint: Paint, view: View) -> list[Line]:
    is_named = not finding.name or mentions(finding.text, finding.name)
    about = "" if is_named else f"{known_as(finding.name)}: "
    place = place_text(finding, view)
    cells = [Cell(str(finding.severity), paint), Cell(f"{about}{sanitize(finding.text)}")]
    cells += [Cell(place)] if place else []
    remedy = remedy_text(finding, view)
    found = [Line(tuple(cells), "finding", 2)]
    return [*found, free(f"→ {remedy}", indent=12)] if remedy else found
