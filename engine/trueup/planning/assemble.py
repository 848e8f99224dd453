"""The draft, put together: waves, blocked rows with their chains, what was left out, guards, figures."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from engine.model.finding import Finding, Severity
from engine.model.plan import OUTSIDE, Action, Blocked, Change, LedgerLine, LeftOut, Plan, Summary
from engine.model.work import Chain
from engine.planning.calls import apply_calls
from engine.planning.draft import Draft
from engine.planning.selection import Part
from engine.stages.guard import guard
from engine.stages.order import order


def assemble(draft: Draft, *, described: str, read_calls: int, part: Part | None = None) -> Plan:
    """The plan document, of all or of the part that a selection keeps."""
    changes = [change for standing in draft.standings.values() for change in _sorted(standing.changes)]
    if part:
        changes = [change for change in changes if change.id in part.changes]
    waves, cycles = order(changes)
    placed = {change.id: change for change in changes}
    ordered = tuple(placed[id_] for wave in waves for id_ in wave)
    _cut(
        draft, cycles, [change for change in changes if change.id not in {one.id for one in ordered}] if cycles else []
    )
    blocked = _blocked(draft, part)
    monthly = sum((change.monthly for change in ordered if change.monthly is not None), Decimal(0))
    calls = apply_calls(ordered, draft.project.batch, draft.fresh)
    linked = Counter(link.entity for link in draft.memory.links.values())
    exceeded = [*guard(draft.project.guards, ordered, linked, calls), *draft.exceeded]
    return Plan(
        project=draft.project.digest,
        as_of=draft.as_of,
        lineage=draft.memory.lineage,
        serial=draft.memory.serial,
        source=described,
        target=draft.target.describe(),
        currency=draft.project.currency,
        changes=ordered,
        waves=waves,
        findings=tuple(_findings(draft, part)),
        blocked=tuple(blocked),
        left_out=tuple(_left_out(draft, part)),
        ledger=tuple(_ledger(draft, part)),
        exceeded=tuple(exceeded),
        summary=_summary(draft, ordered, blocked, read_calls, calls, monthly),
        selection=_selection(draft, part),
    )


def _sorted(changes: Mapping[str, Sequence[Change]]) -> Iterable[Change]:
    """By what people call them: the order of the source's rows does not matter."""
    every = [change for group in changes.values() for change in group]
    return sorted(every, key=lambda change: (change.name, change.id))


def _cut(draft: Draft, cycles: Sequence[Finding], left: Sequence[Change]) -> None:
    """Blocks the rows of changes that are in no wave: one of each circle is at fault, the others depend on it."""
    behind: dict[str, list[Change]] = {}
    for change in left:
        for need in change.needs:
            behind.setdefault(need, []).append(change)
    for finding in cycles:
        draft.standings[finding.mapping].block(finding.key, finding)
        at_fault = [one for one in left if (finding.mapping, finding.key) in draft.rows_of(one)]
        _cut_behind(draft, behind, at_fault)


def _cut_behind(draft: Draft, behind: Mapping[str, Sequence[Change]], frontier: list[Change]) -> None:
    while frontier:
        change = frontier.pop(0)
        mapping, key = draft.rows_of(change)[0]
        for other in behind.get(change.id, ()):
            rows = [row for row in draft.rows_of(other) if row[1] not in draft.standings[row[0]].blocked]
            for name, own in rows:
                text = f"depends on {mapping} {key}, which is blocked"
                finding = Finding("depends-on-blocked", Severity.ERROR, text, "", other.place, name, own)
                draft.standings[name].block(own, finding, (mapping, key))
            if rows:
                frontier.append(other)


def _has(part: Part | None, mapping: str, key: str) -> bool:
    return part is None or (mapping, key) in part.rows


def _blocked(draft: Draft, part: Part | None) -> list[Blocked]:
    """Rows that are left alone; of a part, each holds back only rows that are in it."""
    shown = {name: [key for key in one.blocked if _has(part, name, key)] for name, one in draft.standings.items()}
    holds: dict[tuple[str, str], Counter[str]] = {}
    chains: dict[tuple[str, str], Chain] = {}
    for name, keys in shown.items():
        for key in keys:
            chain = chains[name, key] = _chain(draft, name, key)
            for mapping, other, _ in chain:
                holds.setdefault((mapping, other), Counter())[name] += 1
    return [
        Blocked(
            mapping=name,
            key=key,
            name=label,
            tab=standing.mapping.tab,
            findings=tuple(draft.named(finding) for finding in standing.blocked[key]),
            because=chains[name, key],
            holds_back=dict(sorted(holds.get((name, key), Counter()).items())),
        )
        for name, standing in draft.standings.items()
        for label, key in sorted((draft.label(name, key), key) for key in shown[name])
    ]


def _chain(draft: Draft, mapping: str, key: str) -> Chain:
    """From the row's own reference up to the row at fault."""
    chain: list[tuple[str, str, str]] = []
    step = draft.standings[mapping].because.get(key)
    while step and len(chain) < len(draft.project.mappings) * 4:
        chain.append((*step, draft.label(*step)))
        step = draft.standings[step[0]].because.get(step[1])
    return tuple(chain)


def _findings(draft: Draft, part: Part | None) -> list[Finding]:
    found = [*draft.findings, *(finding for standing in draft.standings.values() for finding in standing.findings)]
    findings = [draft.named(finding) for finding in found if part is None or part.tells(finding)]
    return sorted(findings, key=lambda one: (str(one.severity), one.mapping, one.code, one.name, one.key))


def _ledger(draft: Draft, part: Part | None) -> list[LedgerLine]:
    lines = [line for line in draft.ledger if part is None or part.weighs(line)]
    return sorted(lines, key=lambda line: (str(line.class_), line.name, line.key, line.record or 0))


def _left_out(draft: Draft, part: Part | None) -> list[LeftOut]:
    """Rows left out, folded by code and wording with the row's own name taken out of it."""
    folded: dict[tuple[str, str, str], list[str]] = {}
    for name, standing in draft.standings.items():
        for key, finding in standing.left.items():
            if _has(part, name, key):
                folded.setdefault((name, finding.code, finding.text), []).append(draft.label(name, key))
    return [
        LeftOut(mapping, text, tuple(sorted(names)), code) for (mapping, code, text), names in sorted(folded.items())
    ]


def _selection(draft: Draft, part: Part | None) -> str:
    """What the part is, and how much is outside of it."""
    if part is None:
        return ""
    kept_out = [
        found
        for name, one in draft.standings.items()
        for key, found in one.blocked.items()
        if (name, key) not in part.rows
    ]
    held = sum(1 for found in kept_out if _waits(found))
    rows, changes = part.outside
    figures = ((rows, "row"), (changes, "change"))
    said = [f"{many:,} {what}{'' if many == 1 else 's'}" for many, what in figures]
    said += [f"{many:,} {what}" for many, what in ((len(kept_out) - held, "blocked"), (held, "held"))]
    return f"{part.said}{OUTSIDE}{', '.join(said)}"


def _waits(findings: Sequence[Finding]) -> bool:
    return all(finding.severity is Severity.HOLD for finding in findings)


def _summary(
    draft: Draft,
    changes: Sequence[Change],
    blocked: Sequence[Blocked],
    read: int,
    calls: int,
    monthly: Decimal,
) -> Summary:
    held = sum(1 for one in blocked if _waits(one.findings))
    adjusting = [change for change in changes if change.action is Action.ADJUST]
    return Summary(
        source_rows=sum(len(rows) for rows in draft.tables.values()),
        source_tables=len(draft.tables),
        records=draft.reader.count,
        read_calls=read,
        apply_calls=calls,
        monthly=monthly,
        prices_unknown=sum(1 for change in adjusting if change.price_unknown),
        prices_zero=sum(1 for change in adjusting if change.monthly == 0 and change.units),
        actions=dict(sorted(Counter(str(change.action) for change in changes).items())),
        blocked=len(blocked) - held,
        held=held,
    )
