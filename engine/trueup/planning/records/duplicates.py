"""Finds linked rows whose identity a second record carries as well.

A request that a gateway delivered twice creates two records, and so do two machines with a state of
their own each. The link names one of them, so only this check finds the other one.
"""

from collections import Counter
from collections.abc import Sequence

from trueup.expressions.value_filters import as_text
from trueup.model.coerce import empty
from trueup.model.finding import Advice, Command, Finding, Severity, join_advice
from trueup.model.mapping import MappingSpec, Reference
from trueup.model.verdict import Topic, Verdict
from trueup.planning.context import PlanContext
from trueup.stages.diff import getter

Identity = tuple[object, ...]

IDENTITY_TWICE = "identity-twice"
"""Code of the finding that more than one record carries the identity of a row."""


def block_duplicates(context: PlanContext, mapping: MappingSpec) -> None:
    """Blocks rows whose identity a second record carries.

    With a decision that names the record there is only a warning.
    """
    records = _with_same_identity(context, mapping)
    if not records:
        return
    state = context.states[mapping.name]
    rows = {record: key for key, record in state.record_ids.items()}
    decisions = context.decisions(mapping.name, Topic.RECORD)
    for group in records:
        for record in group:
            key = rows.get(record)
            if key is None or key not in state.ready:
                continue
            others = [one for one in group if one not in rows]
            decision = decisions.get(key)
            is_chosen = decision is not None and decision.verdict is Verdict.LINK
            if others and is_chosen:
                state.findings.append(_finding(context, mapping, key, record, others))
            elif others:
                state.block(key, _question(context, mapping, key, [record, *others]))


def _with_same_identity(context: PlanContext, mapping: MappingSpec) -> list[list[int]]:
    """Returns groups of records with one identity and the same parents; one or more have no row.

    There are nearly always none. A row that moved has left one with its identity behind: that one
    belongs to something else.
    """
    if not mapping.identity:
        return []
    entity, state = context.entity(mapping.target.entity), context.states[mapping.name]
    records, taken = state.records, {*state.record_ids.values()}
    free = [record for id_, record in records.items() if id_ not in taken]
    if not free:
        return []
    references = [
        name
        for name, spec in mapping.fields.items()
        if isinstance(spec.value, Reference)
        and (field := entity.field(name)) is not None
        and field.create_only
    ]
    names = [*mapping.identity, *(name for name in references if name not in mapping.identity)]
    values = getter(names)
    # Where all hashes differ, all values do; and hashes take less memory, for a million records.
    wanted = {hash(tuple(values(record))) for record in free}
    hashes = (hash(tuple(values(record))) for record in records.values())
    counts = Counter(value for value in hashes if value in wanted)
    if len(counts) == counts.total():
        return []
    groups: dict[Identity, list[int]] = {}
    for id_, record in records.items():
        identity = tuple(values(record))
        is_known = not any(map(empty, identity[: len(mapping.identity)]))
        if is_known and counts[hash(identity)] > 1:
            groups.setdefault(identity, []).append(id_)
    return [sorted(group) for group in groups.values() if len(group) > 1]


def _question(
    context: PlanContext, mapping: MappingSpec, key: str, records: Sequence[int]
) -> Finding:
    links = [Advice.of(Command.link(mapping.name, key, record)) for record in records]
    remedy = join_advice(" or ", links) + " keeps that one; then clear the identity of the other"
    return _described(context, mapping, key, records, remedy, Severity.ERROR)


def _finding(
    context: PlanContext, mapping: MappingSpec, key: str, record: int, others: Sequence[int]
) -> Finding:
    names = ", ".join(mapping.identity)
    target = context.systems.target
    remedy = Advice(f"clear {names} of {_named(mapping, others)} in {target}, or merge the two")
    return _described(context, mapping, key, [record, *others], remedy, Severity.WARNING)


def _described(
    context: PlanContext,
    mapping: MappingSpec,
    key: str,
    records: Sequence[int],
    remedy: Advice,
    severity: Severity,
) -> Finding:
    value = context.states[mapping.name].records[records[0]]
    identity = ", ".join(f"{name} {as_text(value[name])}" for name in mapping.identity)
    text = (
        f"{_named(mapping, records)} carry its identity ({identity}): a create was delivered "
        "twice, or another state was used for the same tenant"
    )
    return Finding(
        IDENTITY_TWICE,
        severity,
        text,
        remedy.text,
        mapping.target.place,
        mapping.name,
        key,
        commands=remedy.commands,
    )


def _named(mapping: MappingSpec, records: Sequence[int]) -> str:
    ids = [str(record) for record in records]
    shown = ids[0] if len(ids) == 1 else f"{', '.join(ids[:-1])} and {ids[-1]}"
    return f"{mapping.target.entity} {shown}"
