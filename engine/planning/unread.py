"""Rows that are there and cannot be read: what their absence must not be taken for.

Such a row is blocked with what the source has to say of it, and what refers to it is blocked because of it. It is
never gone: its record stays as it is. Where a row has no key at all, any row that is not found may be that one.
"""

from collections.abc import Iterable, Iterator

from engine.expressions import EVALUATION_ERRORS, evaluate
from engine.expressions.unread import NEEDS_UNREAD, PartialRow
from engine.model.finding import Finding, Severity
from engine.model.project import MappingSpec
from engine.model.work import Gaps, Standing, Unread
from engine.planning.draft import Draft
from engine.stages.resolve import blocked_unread

MAY_BE = "may-be-unread"
"""The finding of a linked row that is not found, where a row of its table has no key."""


def place_unread(draft: Draft, standing: Standing) -> None:
    """Gives each row that cannot be read its place: blocked, or out where what can be read of it says so."""
    mapping = standing.mapping
    gaps = draft.gaps.get(mapping.source.table)
    if gaps is None:
        return
    for key, unread in gaps.rows.items():
        standing.unread[key] = unread
        if _is_out(draft, mapping, unread):
            standing.out.add(key)
            continue
        for finding in dict.fromkeys(_said(mapping, key, finding) for finding in unread.findings):
            standing.block(key, finding)
    _tell_once(draft, standing)
    for key in draft.links(mapping.name) if gaps.nameless else ():
        if not standing.has(key):
            row = PartialRow({}, f"{mapping.name} {key} is not found", (mapping.source.table, key))
            standing.unread[key] = Unread(row, gaps.nameless)
            standing.block(key, _may_be(mapping, key, gaps))


def _is_out(draft: Draft, mapping: MappingSpec, unread: Unread) -> bool:
    where = mapping.source.where
    try:
        return where is not None and not evaluate(where.raw, draft.contexts[mapping.name].names(unread.row))
    except EVALUATION_ERRORS:  # nobody knows
        return False


def _said(mapping: MappingSpec, key: str, finding: Finding) -> Finding:
    text = f"cannot be read: {finding.text.removeprefix(f'{mapping.source.table} {key}, ')}"
    return Finding(finding.code, Severity.ERROR, text, finding.remedy, finding.place, mapping.name, key)


def _tell_once(draft: Draft, standing: Standing) -> None:
    """What is said of a blocked row is not said a second time."""
    told = {finding for key in standing.unread if key in standing.blocked for finding in standing.unread[key].findings}
    if told:
        draft.findings[:] = [finding for finding in draft.findings if finding not in told]


def _may_be(mapping: MappingSpec, key: str, gaps: Gaps) -> Finding:
    first, more = gaps.nameless[0], len(gaps.nameless) - 1
    one = f"the row of {mapping.source.table} that has no key"
    said = f"{one} ({first.text})" if not more else f"{one} ({first.text}), or one of {more} more such rows"
    text = f"its row is not found, and may be {said}: its record is left as it is"
    return Finding(MAY_BE, Severity.HOLD, text, first.remedy, first.place, mapping.name, key)


def explain(draft: Draft, standing: Standing, suspects: Iterable[str]) -> None:
    """Of rows that are blocked because they use one that cannot be read: which one, if a mapping is about it."""
    if not draft.gaps:
        return
    for key in suspects:
        if key in standing.blocked and any(one.code == NEEDS_UNREAD for one in standing.blocked[key]):
            _trace(draft, standing, key)


def _trace(draft: Draft, standing: Standing, key: str) -> None:
    because = next(_needed(draft, standing, key), None)
    if because is None:
        return
    mapping, other = because
    text = f"depends on {mapping} {other}, which is blocked"
    finding = Finding(
        "depends-on-blocked", Severity.ERROR, text, "", standing.mapping.place, standing.mapping.name, key
    )
    rest = [one for one in standing.blocked[key] if one.code != NEEDS_UNREAD]
    standing.blocked[key] = [finding, *rest]
    standing.because.setdefault(key, because)


def _needed(draft: Draft, standing: Standing, key: str) -> Iterator[tuple[str, str]]:
    """Blocked rows that cannot be read and that this one refers to, or is joined to."""
    name, names = standing.mapping.name, draft.names(standing.mapping.name, key)
    for slot in draft.compiled[name].slots:
        if slot.reference:
            try:
                row = slot.reference.mapping, str(evaluate(slot.reference.of.raw, names))
            except EVALUATION_ERRORS:  # it stands in the row that cannot be read
                continue
            other = draft.standings[row[0]]
            if row[1] in other.unread and row[1] in other.blocked:
                yield row
    said = {finding.text for finding in standing.blocked[key]}
    for why, row in draft.contexts[name].unread(standing.rows[key], standing.mapping.source.joins):
        found = blocked_unread(draft.standings, row) if why in said else None
        if found:
            yield found
