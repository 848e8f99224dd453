"""Handles rows that exist and cannot be read: their absence must not be taken for a fact.

Such a row is blocked with the findings of the source, and what refers to it is blocked because of
it. It is never gone: its record stays as it is. If the key of a row is unknown, any row that is not
found may be that one.
"""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.expressions.unreadable import NEEDS_UNREADABLE, PartialRow
from trueup.model.finding import Finding, Severity
from trueup.model.finding_codes import DEPENDS
from trueup.model.mapping import MappingSpec
from trueup.model.mapping_state import MappingState, RowKey, UnreadableRow, UnreadableRows
from trueup.planning.context import PlanContext
from trueup.stages.resolve import blocked_unreadable

MAY_BE_UNREADABLE = "may-be-unread"
"""Code of the finding of a linked row that is not found, while a row of its table has no key."""


def block_unreadable(context: PlanContext, state: MappingState) -> None:
    """Puts each unreadable row into its place: blocked, or out of scope if its columns show it."""
    mapping = state.mapping
    unreadable = context.unreadable.get(mapping.source.table)
    if unreadable is None:
        return
    for key, row in unreadable.rows.items():
        state.unreadable[key] = row
        if _is_out_of_scope(context, mapping, row):
            state.out_of_scope.add(key)
            continue
        findings = (_about(mapping, key, finding) for finding in row.findings)
        for finding in dict.fromkeys(findings):
            state.block(key, finding)
    _drop_repeated_findings(context, state)
    for key in context.links(mapping.name) if unreadable.without_key else ():
        if not state.has(key):
            text = f"{mapping.name} {key} is not found"
            partial = PartialRow({}, text, (mapping.source.table, key))
            state.unreadable[key] = UnreadableRow(partial, unreadable.without_key)
            state.block(key, _may_be_unreadable(mapping, key, unreadable))


def _is_out_of_scope(context: PlanContext, mapping: MappingSpec, row: UnreadableRow) -> bool:
    where = mapping.source.where
    if where is None:
        return False
    try:
        return not evaluate(where.raw, context.namespaces[mapping.name].names(row.row))
    except EVALUATION_ERRORS:  # the part that can be read is not enough
        return False


def _about(mapping: MappingSpec, key: str, finding: Finding) -> Finding:
    text = f"cannot be read: {finding.text}"
    return replace(
        finding, severity=Severity.ERROR, text=text, mapping=mapping.name, key=key, name=""
    )


def _drop_repeated_findings(context: PlanContext, state: MappingState) -> None:
    """Removes findings that a blocked row reports already."""
    reported = {
        finding
        for key in state.unreadable
        if key in state.blocked
        for finding in state.unreadable[key].findings
    }
    if reported:
        context.findings[:] = [one for one in context.findings if one not in reported]


def _may_be_unreadable(mapping: MappingSpec, key: str, unreadable: UnreadableRows) -> Finding:
    first, more = unreadable.without_key[0], len(unreadable.without_key) - 1
    row = f"the row of {mapping.source.table} that has no key ({first.text})"
    rows = f"{row}, or one of {more} more such rows" if more else row
    text = f"its row is not found, and may be {rows}: its record is left as it is"
    return Finding(
        MAY_BE_UNREADABLE,
        Severity.HOLD,
        text,
        first.remedy,
        first.place,
        mapping.name,
        key,
    )


def explain_unreadable(context: PlanContext, state: MappingState, suspects: Iterable[str]) -> None:
    """Adds the unreadable row as the cause of blocked rows that use it.

    Only if the row is of a mapping: then the chain of causes leads there.
    """
    if not context.unreadable:
        return
    for key in suspects:
        findings = state.blocked.get(key, ())
        if any(finding.code == NEEDS_UNREADABLE for finding in findings):
            _name_cause(context, state, key)


def _name_cause(context: PlanContext, state: MappingState, key: str) -> None:
    because = next(_unreadable_causes(context, state, key), None)
    if because is None:
        return
    mapping, other = because
    text = f"depends on {mapping} {other}, which is blocked"
    place = state.mapping.place
    finding = Finding(DEPENDS, Severity.ERROR, text, "", place, state.mapping.name, key)
    rest = [one for one in state.blocked[key] if one.code != NEEDS_UNREADABLE]
    state.blocked[key] = [finding, *rest]
    state.because.setdefault(key, because)


def _unreadable_causes(context: PlanContext, state: MappingState, key: str) -> Iterator[RowKey]:
    """Blocked unreadable rows that this one refers to, or is joined to."""
    name = state.mapping.name
    names = context.names(name, key)
    for slot in context.compiled[name].slots:
        if slot.reference:
            try:
                other_key = str(evaluate(slot.reference.of.raw, names))
            except EVALUATION_ERRORS:  # the reference itself cannot be read
                continue
            other = context.states[slot.reference.mapping]
            if other_key in other.unreadable and other_key in other.blocked:
                yield slot.reference.mapping, other_key

    texts = {finding.text for finding in state.blocked[key]}
    joins = state.mapping.source.joins
    for why, row in context.namespaces[name].unreadable(state.rows[key], joins):
        found = blocked_unreadable(context.states, row) if why in texts else None
        if found:
            yield found
