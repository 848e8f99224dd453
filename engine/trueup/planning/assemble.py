"""Puts the plan together: waves, blocked rows with their causes, left-out rows, guards, figures."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec.structs import replace

from trueup.model.change import Change, RowRef
from trueup.model.finding import Finding, Severity
from trueup.model.finding_codes import DEPENDS, REFERS_TO_LEFT_OUT
from trueup.model.mapping_state import MappingState
from trueup.model.plan import Blocked, GoneRows, LedgerLine, LeftOut, Outside, Plan
from trueup.planning.call_costs import apply_calls
from trueup.planning.context import PlanContext
from trueup.planning.plan_frame import plan_frame
from trueup.planning.references import Ancestry
from trueup.planning.selection.select import Selection
from trueup.ports.world import World
from trueup.stages.guard import guard
from trueup.stages.ledger_totals import totals
from trueup.stages.order import order
from trueup.stages.summary import Counts, summarize, waits


def assemble(
    context: PlanContext, world: World, calls_before: int, part: Selection | None = None
) -> Plan:
    """Returns the plan: all of it, or the part that a selection keeps.

    `calls_before`: API calls that were sent before planning began.
    """
    project, snapshot = context.project, context.snapshot
    changes, waves = _ordered(context, part)
    blocked, ledger = _blocked(context, part), _ledger(context, part)
    gone = _rows_gone(context)
    costs = world.target.call_costs
    calls = apply_calls(changes, project.batch, context.new_unit_rows, costs)
    linked = snapshot.links.by_entity()
    counts = Counts(
        source_rows=sum(len(rows) for rows in context.tables.values()),
        source_tables=len(context.tables),
        records=context.reader.count,
        # The same with and without kept answers: equal inputs make equal documents.
        read_calls=world.target.calls + world.target.spared - calls_before,
        apply_calls=calls,
    )
    summary = summarize(counts, changes, blocked, totals(ledger), gone)
    return replace(
        plan_frame(project, world, snapshot, context.as_of, summary),
        changes=changes,
        waves=waves,
        findings=tuple(_findings(context, part)),
        blocked=tuple(blocked),
        left_out=tuple(_left_out(context, part)),
        ledger=tuple(ledger),
        exceeded=(*guard(project.guards, changes, linked, calls, gone), *context.exceeded),
        selection=part.text if part else "",
        outside=_outside(context, part) if part else None,
        partial_reads=tuple(world.target.partial_reads),
    )


def _ordered(
    context: PlanContext, part: Selection | None
) -> tuple[tuple[Change, ...], tuple[tuple[str, ...], ...]]:
    """The changes in the order of their waves, and the waves; blocks what is in a cycle."""
    changes = [change for state in context.states.values() for change in _sorted(state.changes)]
    if part:
        changes = [change for change in changes if change.id in part.changes]
    waves, cycles = order(changes, context.systems)
    by_id = {change.id: change for change in changes}
    ordered = [by_id[id_] for wave in waves for id_ in wave]
    if cycles:
        placed = {change.id for change in ordered}
        _block_cycles(context, cycles, [one for one in changes if one.id not in placed])
    ancestry = Ancestry(context)
    return tuple(_with_ancestors(context, ancestry, change) for change in ordered), waves


def _sorted(changes: Mapping[str, Sequence[Change]]) -> Iterable[Change]:
    """By name, so that the order of the source's rows does not matter."""
    every = [change for group in changes.values() for change in group]
    return sorted(every, key=lambda change: (change.name, change.id))


def _with_ancestors(context: PlanContext, ancestry: Ancestry, change: Change) -> Change:
    """Returns the change with the rows that it belongs to; a customer's change has its own row."""
    if change.adjustment:
        row = change.adjustment.row
    else:
        row = RowRef(change.mapping, change.keys[0], change.name)
    own = (row,) if change.adjustment else ()
    above = _of_left_service(context, ancestry, change) or ancestry.of_row(row.mapping, row.key)
    under = (*own, *above)
    if not change.adjustment and change.mapping == context.project.customer_mapping:
        under = (row, *under)
    return replace(change, under=under)


def _of_left_service(
    context: PlanContext, ancestry: Ancestry, change: Change
) -> tuple[RowRef, ...]:
    """Returns what the service belongs to that a row leaves; the row itself is elsewhere now."""
    if change.adjustment is None or change.adjustment.service is None:
        return ()
    row, service = change.adjustment.row, change.adjustment.service
    state = context.states[row.mapping]
    own = state.record_ids.get(row.key, state.inferred_links.get(row.key))
    return () if service == own else ancestry.of_record(row.mapping, service)


def _block_cycles(context: PlanContext, cycles: Sequence[Finding], left: Sequence[Change]) -> None:
    """Blocks the rows of changes in no wave: one of each cycle is at fault, others depend on it."""
    dependants: dict[str, list[Change]] = {}
    for change in left:
        for need in change.needs:
            dependants.setdefault(need, []).append(change)
    for finding in cycles:
        context.states[finding.mapping].block(finding.key, finding)
        at_fault = [one for one in left if (finding.mapping, finding.key) in context.rows_of(one)]
        _block_dependants(context, dependants, at_fault)


def _block_dependants(
    context: PlanContext, dependants: Mapping[str, list[Change]], frontier: list[Change]
) -> None:
    while frontier:  # a change that is blocked here blocks those that depend on it in turn
        change = frontier.pop(0)
        cause = context.rows_of(change)[0]
        for other in dependants.get(change.id, ()):
            rows = [
                (mapping, key)
                for mapping, key in context.rows_of(other)
                if key not in context.states[mapping].blocked
            ]
            for mapping, key in rows:
                text = f"depends on {cause[0]} {cause[1]}, which is blocked"
                finding = Finding(DEPENDS, Severity.ERROR, text, "", other.place, mapping, key)
                context.states[mapping].block(key, finding, cause)
            if rows:
                frontier.append(other)


def _blocked(context: PlanContext, part: Selection | None) -> list[Blocked]:
    """Returns the blocked rows; of a selection, each counts only held rows that are in it."""
    shown = {
        name: [key for key in state.blocked if _is_in(part, name, key)]
        for name, state in context.states.items()
    }
    holds_back: dict[tuple[str, str], Counter[str]] = {}
    causes: dict[tuple[str, str], tuple[RowRef, ...]] = {}
    for name, keys in shown.items():
        for key in keys:
            causes[name, key] = _causes(context, name, key)
            for cause in causes[name, key]:
                holds_back.setdefault((cause.mapping, cause.key), Counter())[name] += 1
    return [
        Blocked(
            mapping=name,
            key=key,
            name=label,
            tab=state.mapping.tab,
            findings=tuple(context.with_name(finding) for finding in state.blocked[key]),
            because=causes[name, key],
            holds_back=dict(sorted(holds_back.get((name, key), Counter()).items())),
        )
        for name, state in context.states.items()
        for label, key in sorted((context.label(name, key), key) for key in shown[name])
    ]


def _causes(context: PlanContext, mapping: str, key: str) -> tuple[RowRef, ...]:
    """Returns the rows from the row's own reference up to the row at fault."""
    found: list[RowRef] = []
    cause = context.states[mapping].because.get(key)
    while cause and len(found) < len(context.project.mappings) * 4:
        found.append(context.labels.ref(*cause))
        cause = context.states[cause[0]].because.get(cause[1])
    return tuple(found)


def _is_in(part: Selection | None, mapping: str, key: str) -> bool:
    return part is None or (mapping, key) in part.rows


def _findings(context: PlanContext, part: Selection | None) -> list[Finding]:
    found = [
        *context.findings,
        *(finding for state in context.states.values() for finding in state.findings),
    ]
    shown = [
        context.with_name(finding) for finding in found if part is None or part.has_finding(finding)
    ]
    return sorted(
        shown, key=lambda one: (str(one.severity), one.mapping, one.code, one.name, one.key)
    )


def _ledger(context: PlanContext, part: Selection | None) -> list[LedgerLine]:
    lines = [line for line in context.ledger if part is None or part.has_line(line)]
    return sorted(lines, key=lambda line: (str(line.class_), line.name, line.key, line.record or 0))


def _left_out(context: PlanContext, part: Selection | None) -> list[LeftOut]:
    """Returns the rows left out, merged if their reason is the same."""
    rows: dict[tuple[str, str, str, str], list[tuple[str, str]]] = {}
    for name, state in context.states.items():
        for key, finding in state.skipped.items():
            if _is_in(part, name, key):
                cause = _left_out_for(context, name, key)
                reason = (name, finding.code, finding.text, "" if cause == finding.code else cause)
                rows.setdefault(reason, []).append((context.label(name, key), key))
    return [
        LeftOut(mapping, text, names, code, keys, cause)
        for (mapping, code, text, cause), found in sorted(rows.items())
        for names, keys in [zip(*sorted(found), strict=True)]
    ]


def _left_out_for(context: PlanContext, mapping: str, key: str) -> str:
    """Returns the code for which a row is left out, or the one that it refers to if therefore."""
    finding = context.states[mapping].skipped[key]
    while finding.code == REFERS_TO_LEFT_OUT:
        mapping, key = context.states[mapping].skipped_because[key]
        above = context.states[mapping].skipped.get(key)
        if above is None:  # it was blocked later
            break
        finding = above
    return finding.code


def _rows_gone(context: PlanContext) -> list[GoneRows]:
    """Returns tables of which linked rows are gone, or rows that the last run kept out.

    A row that was kept out has no record, but it prevents creates: without it, a contract that was
    blocked because of it may seem complete. Appended changes are left out: exports may have only
    those of the last months.
    """
    groups: dict[str, list[tuple[MappingState, Collection[str]]]] = {}
    for name, state in context.states.items():
        if state.mapping.append:
            continue
        kept_out = {key for mapping, key in context.snapshot.last_blocked if mapping == name}
        groups.setdefault(state.mapping.source.table, []).extend(
            (state, keys) for keys in (context.snapshot.links.of(name), kept_out)
        )
    counted = [_known_and_gone(table, parts) for table, parts in sorted(groups.items())]
    return [one for one in counted if one.gone]


def _known_and_gone(table: str, parts: Sequence[tuple[MappingState, Collection[str]]]) -> GoneRows:
    """Counts each row once, however many mappings of its table know it.

    No set of all keys is made, because there may be a million.
    """
    known = gone = 0
    for number, (_, keys) in enumerate(parts):
        earlier = [others for _, others in parts[:number] if others]
        for key in keys:
            if not any(key in others for others in earlier):
                known += 1
                gone += not any(state.has(key) for state, _ in parts)
    return GoneRows(table, gone, known)


def _outside(context: PlanContext, part: Selection) -> Outside:
    """Returns how much is outside the selection."""
    everything, inside = _blocked(context, None), part.rows
    left = [one for one in everything if (one.mapping, one.key) not in inside]
    held = sum(1 for one in left if waits(one))
    return Outside(
        rows=part.rows_outside,
        changes=part.changes_outside,
        blocked=len(left) - held,
        held=held,
    )
