"""What was found, as lines: blocked and held rows with what they hold back, rows left out, the rest."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace

from engine.model.finding import Finding, Severity
from engine.model.plan import Blocked, LeftOut, Plan
from engine.render.harmless import clean
from engine.render.layout import Cell, Line, free
from engine.render.style import Paint, Style
from engine.render.view import View
from engine.render.words import brief, count, counts, every, for_any, known_as, sentence, some, word

DEPENDS = "depends-on-blocked"
"""What stages call the finding of a row that only waits for another one: its chain says more."""

MOST = 8
"""Rows with the same code, or findings, that are told one by one; `-v` tells all."""

CROWD = 3
"""Rows of one mapping with the very same to say from which on one line tells them all."""


def blocked(rows: Sequence[Blocked], everywhere: Sequence[Blocked], view: View) -> list[Line]:
    """Rows at fault, each with what it holds back; `-v` adds those held back, with their chain.

    `everywhere` are the blocked rows of all tabs: a row whose fault is told by none of them is told here.
    """
    at_fault = {(row.mapping, row.key) for row in everywhere if own(row)}
    roots = [row for row in rows if view.verbose or own(row) or not _leads_to(row, at_fault)]
    found: list[Line] = []
    for alike in _by(_codes, roots):
        found += [line for row in alike for line in _row([row], view)] if view.verbose else _folded(alike, view)
    return found


def _folded(alike: Sequence[Blocked], view: View) -> list[Line]:
    """Rows at fault in one way: crowds in one go, the first others one by one, the rest counted."""
    crowds = [rows for rows in _by(_told, alike) if len(rows) >= CROWD and len({row.name for row in rows}) > 1]
    found = [line for rows in crowds for line in _crowd(rows, view)]
    told = {(row.mapping, row.key) for rows in crowds for row in rows}
    rest = _by(_said, [row for row in alike if (row.mapping, row.key) not in told])
    found += [line for rows in rest[:MOST] for line in _row(rows, view)]
    return found + _and_more([rows[0].name for rows in rest[MOST:]], alike[0].mapping, view)


def held(findings: Sequence[Finding], view: View) -> list[Line]:
    """Rows whose change waits, with the reason and the way out."""
    shown = findings if view.verbose else findings[:MOST]
    found: list[Line] = []
    for finding in shown:
        found.append(_title(finding.name or finding.key or finding.mapping, "held", view.style.warn))
        found += details(finding, view, 6)
    more = findings[len(shown) :]
    return found + _and_more([finding.name for finding in more], more[0].mapping if more else "", view)


def left_out(groups: Sequence[LeftOut], view: View) -> list[Line]:
    """Rows left out on purpose: how many, why, and the first of their names."""
    found: list[Line] = []
    for group in groups:
        cells = (Cell(count(len(group.names), group.mapping)), Cell(sentence(clean(group.reason))))
        found.append(Line(cells, "left out", 2))
        names = every if view.verbose else some
        found.append(free(names(group.names), view.style.dim, 6))
    return found


def others(findings: Sequence[Finding], view: View) -> list[Line]:
    """Findings that stop nothing, or that belong to no row of a tab; those of one code together."""
    by_code: dict[tuple[Severity, str], list[Finding]] = {}
    for finding in findings:
        by_code.setdefault((finding.severity, finding.code), []).append(finding)
    found: list[Line] = []
    for (severity, _), every_one in by_code.items():
        paint = paint_of(severity, view.style)
        crowds = [] if view.verbose else alike(every_one)
        found += [line for crowd in crowds for line in _crowd_of(crowd, paint, view)]
        told = {id(finding) for crowd in crowds for finding in crowd}
        rest = [finding for finding in every_one if id(finding) not in told]
        shown = rest if view.verbose else rest[:MOST]
        for finding in shown:
            found += _finding(finding, paint, view)
        if len(rest) > len(shown):
            found.append(free(f"and {len(rest) - len(shown):,} more of these (-v shows them)", view.style.dim, 6))
    return found


def alike(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Crowds of rows of one mapping with the very same to say."""
    groups: dict[Hashable, list[Finding]] = {}
    for finding in findings:
        if finding.key:
            said = (finding.code, finding.mapping, finding.text, for_any(finding.remedy, finding.key), finding.place)
            groups.setdefault(said, []).append(finding)
    return [group for group in groups.values() if len(group) >= CROWD]


def _crowd_of(crowd: Sequence[Finding], paint: Paint, view: View) -> list[Line]:
    """One line for all of them, and the first of their names."""
    first = crowd[0]
    one = replace(first, name=count(len(crowd), first.mapping), remedy=for_any(first.remedy, first.key))
    names = some([finding.name or finding.key for finding in crowd])
    return [*_finding(one, paint, view), free(f"{names} (-v shows each)", view.style.dim, 12)]


def details(finding: Finding, view: View, indent: int) -> list[Line]:
    """What is wrong and where it is said so, then what to do."""
    place = clean(finding.place) if finding.place else ""
    found = [Line((Cell(sentence(clean(finding.text))), Cell(place, view.style.dim)), "finding", indent)]
    return found + _remedy(finding, view, indent)


def _remedy(finding: Finding, view: View, indent: int) -> list[Line]:
    remedy = finding.remedy if view.verbose else brief(finding.remedy)
    return [free(f"→ {sentence(clean(remedy))}", indent=indent)] if remedy else []


def remaining(plan: Plan) -> list[Finding]:
    """The plan's findings that no blocked row and no row left out has told already."""
    told = {finding for row in plan.blocked for finding in row.findings}
    out = {(group.mapping, group.code) for group in plan.left_out}
    return [
        finding
        for finding in plan.findings
        if finding not in told and not (finding.severity is Severity.SKIP and (finding.mapping, finding.code) in out)
    ]


def paint_of(severity: Severity, style: Style) -> Paint:
    """The colour of a finding."""
    match severity:
        case Severity.ERROR:
            return style.error
        case Severity.HOLD | Severity.WARNING:
            return style.warn
        case Severity.SKIP | Severity.INFO:
            return style.dim


def is_held(row: Blocked) -> bool:
    """Does it wait, rather than being at fault?"""
    return bool(own(row)) and all(finding.severity is Severity.HOLD for finding in own(row))


def own(row: Blocked) -> list[Finding]:
    """What is wrong with the row itself, not with a row that it refers to."""
    return [finding for finding in row.findings if finding.code != DEPENDS]


def chain(row: Blocked) -> str:
    """From the row to the one at fault: `contract Main ← customer Cedar & Vine`."""
    return " ← ".join(f"{word(mapping)} {known_as(name or key)}" for mapping, key, name in row.because)


def _leads_to(row: Blocked, at_fault: set[tuple[str, str]]) -> bool:
    return any((mapping, key) in at_fault for mapping, key, _ in row.because)


def _by(key: Callable[[Blocked], Hashable], rows: Sequence[Blocked]) -> list[list[Blocked]]:
    found: dict[Hashable, list[Blocked]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return list(found.values())


def _codes(row: Blocked) -> Hashable:
    return row.mapping, *(finding.code for finding in own(row))


def _said(row: Blocked) -> Hashable:
    return row.name, row.because, *(finding.text for finding in own(row))


def _told(row: Blocked) -> Hashable:
    return row.because, *((finding.text, for_any(finding.remedy, row.key), finding.place) for finding in own(row))


def _row(rows: Sequence[Blocked], view: View) -> list[Line]:
    """One row; or several of one name with the same to say, as the change logs of one subscription have."""
    row, style = rows[0], view.style
    waits = is_held(row)
    state = "held" if waits else "blocked"
    many = f", {count(len(rows), row.mapping)} (-v shows each)" if len(rows) > 1 else ""
    found = [_title(row.name or row.key, state + many, style.warn if waits else style.error)]
    for finding in own(row):
        found += details(finding, view, 6)
    if row.because:
        found.append(free(f"waits for {chain(row)}", style.dim, 6))
    return found + _holds_back(rows, style)


def _crowd(rows: Sequence[Blocked], view: View) -> list[Line]:
    """Many rows that a reader mends in one place, or one like the other."""
    row, style = rows[0], view.style
    waits = is_held(row)
    title = count(len(rows), row.mapping)
    found = [_title(title, "held" if waits else "blocked", style.warn if waits else style.error)]
    for finding in own(row):
        found += details(replace(finding, remedy=for_any(finding.remedy, row.key)), view, 6)
    if row.because:
        found.append(free(f"waits for {chain(row)}", style.dim, 6))
    found.append(free(f"{some([one.name or one.key for one in rows])} (-v shows each)", style.dim, 6))
    return found + _holds_back(rows, style)


def _holds_back(rows: Iterable[Blocked], style: Style) -> list[Line]:
    back: Counter[str] = Counter()
    for row in rows:
        back.update(row.holds_back)
    return [free(f"holds back {counts(back)}", style.warn, 6)] if back else []


def _title(name: str, state: str, paint: Paint) -> Line:
    return Line((Cell(f"! {known_as(name)}", paint), Cell(state)), "head", 2)


def _and_more(names: Sequence[str], mapping: str, view: View) -> list[Line]:
    if not names:
        return []
    text = f"and {count(len(names), mapping)} more of this kind (-v shows them): {some(names)}"
    return [free(text, view.style.dim, 4)]


def _finding(finding: Finding, paint: Paint, view: View) -> list[Line]:
    about = f"{known_as(finding.name)}: " if finding.name and finding.name not in finding.text else ""
    place = clean(finding.place) if finding.place else ""
    cells = (Cell(str(finding.severity), paint), Cell(f"{about}{clean(finding.text)}"), Cell(place))
    return [Line(cells, "finding of all", 2), *_remedy(finding, view, 12)]
