"""Finds rows of two mappings that would have one record, or two records with one identity.

Matching looks at the rows of one mapping. Two mappings that write one entity need this check as
well: each would create the record of the same row, or write its own values to one record at each
run. The row of the mapping that is planned later is blocked.
"""

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from trueup.expressions.value_filters import fold
from trueup.model.change import Action, Unknown
from trueup.model.coerce import empty
from trueup.model.finding import Finding, Severity
from trueup.model.mapping import MappingSpec, value_key
from trueup.model.mapping_state import MappingState, RowKey
from trueup.planning.context import PlanContext

_Identity = frozenset[tuple[str, object]]


def block_shared_records(context: PlanContext, mapping: MappingSpec) -> None:
    """Blocks rows whose record, or whose identity, a row of an earlier mapping has.

    Costs nothing where no earlier mapping writes the entity.
    """
    earlier = [
        state
        for name, state in context.states.items()
        if name != mapping.name
        and not state.mapping.append
        and state.mapping.target.entity == mapping.target.entity
    ]
    if not earlier:
        return
    records = _records(mapping, earlier)
    identities = _identities(earlier)
    state = context.states[mapping.name]
    for key in [*state.ready]:
        record = state.record_ids.get(key)
        other = records.get(record) if record is not None else None
        if other is not None:
            text = f"claims {mapping.target.entity} {record}, and so does {_row(context, other)}"
            _block(context, mapping, key, "claimed-twice", text)
    for key, identity in [*_created(state)]:
        other = identities.get(identity)
        if other is not None:
            fields = ", ".join(sorted(name for name, _ in identity))
            text = f"has the same identity ({fields}) as {_row(context, other)}"
            _block(context, mapping, key, "identity-shared", text)


def _records(mapping: MappingSpec, earlier: list[MappingState]) -> dict[int, RowKey]:
    """Returns the records of rows of the earlier mappings.

    Two mappings may write different fields of one record: neither changes what the other writes.
    They may also give it the same identity, and deactivate it alike. A row that is out of scope or
    left out has its link only, and writes nothing.
    """
    return {
        record: (state.mapping.name, key)
        for state in reversed(earlier)
        if _contradict(state.mapping, mapping)
        for key, record in state.record_ids.items()
        if key in state.ready or key in state.blocked or key in state.changes
    }


def _contradict(one: MappingSpec, other: MappingSpec) -> bool:
    """Returns whether two mappings write a field of one record, perhaps with different values."""
    own, others = _marks(one), _marks(other)
    alike = {name for name, how in own.items() if others.get(name) == how}
    written = own.keys() | one.fields.keys()
    written_there = others.keys() | other.fields.keys()
    return bool(one.fields.keys() & other.fields.keys() or (written & written_there) - alike)


def _marks(mapping: MappingSpec) -> dict[str, Hashable]:
    """Returns how a mapping identifies and deactivates its records, by field."""
    deactivated = {name: repr(value.raw) for name, value in mapping.deactivate.items()}
    return {name: value_key(spec) for name, spec in mapping.identity.items()} | deactivated


def _identities(earlier: list[MappingState]) -> dict[_Identity, RowKey]:
    """Returns the identities of records that the earlier mappings create."""
    return {
        identity: (state.mapping.name, key)
        for state in reversed(earlier)
        for key, identity in _created(state)
    }


def _created(state: MappingState) -> Iterator[tuple[str, _Identity]]:
    """Yields the rows of a mapping that get a record, with its identity."""
    for key, changes in state.changes.items():
        for change in changes:
            if change.action is Action.CREATE and (identity := _identity(change.seen.absent)):
                yield key, identity
    for key, values in state.repeats.items():
        names = state.mapping.identity
        if identity := _identity({name: values.get(name) for name in names}):
            yield key, identity


def _identity(values: Mapping[str, Any]) -> _Identity:
    """Returns an identity that can be compared; empty if a part of it is missing."""
    if any(map(empty, values.values())):
        return frozenset()
    return frozenset(
        (name, value if isinstance(value, Unknown) else fold(value))
        for name, value in values.items()
    )


def _row(context: PlanContext, row: RowKey) -> str:
    mapping, key = row
    return f"{mapping} {key} ({context.label(mapping, key)})"


def _block(context: PlanContext, mapping: MappingSpec, key: str, code: str, text: str) -> None:
    remedy = "remove one of the two mappings, or give each its own rows with `where`"
    place = mapping.target.place
    finding = Finding(code, Severity.ERROR, text, remedy, place, mapping.name, key)
    context.states[mapping.name].block(key, finding)
