"""Records that a row has left, on another contract or of another service.

A move takes the units of such a record along. If only half of the move was done, or its run was
undone, the record still has units. They belong to the row, even if the state has been lost since.
"""

from collections import defaultdict
from collections.abc import Mapping

from trueup.model.coerce import empty
from trueup.model.mapping import MappingSpec
from trueup.planning.context import PlanContext
from trueup.planning.records.key_values import KeyValues
from trueup.stages.diff import getter

Identity = tuple[object, ...]


def find_former_records(context: PlanContext, mapping: MappingSpec) -> None:
    """Adds the records without a row that carry the identity of a row, or of one before it."""
    if mapping.ledger is None or not mapping.identity:
        return
    free = _free_records(context, mapping)
    owners = _owners(context, mapping) if free else {}
    for identity, records in free.items():
        if identity in owners:
            context.states[mapping.name].former_records[owners[identity]] = tuple(sorted(records))


def _free_records(context: PlanContext, mapping: MappingSpec) -> Mapping[Identity, list[int]]:
    """Returns records that belong to no row, by the identity that they carry."""
    state, values = context.states[mapping.name], getter([*mapping.identity])
    inferred = state.inferred_links.items()
    taken = {*state.record_ids.values(), *state.left_records.values()}
    taken |= {record for key, record in inferred if key not in state.succeeded_by}
    free: defaultdict[Identity, list[int]] = defaultdict(list)
    for id_, record in state.records.items():
        if id_ not in taken:
            identity = tuple(values(record))
            if not any(map(empty, identity)):
                free[identity].append(id_)
    return free


def _owners(context: PlanContext, mapping: MappingSpec) -> Mapping[Identity, str]:
    """Rows by the identity that their record carries; also by that of a row before them."""
    state, values = context.states[mapping.name], getter([*mapping.identity])
    linked = [(key, state.records.get(id_)) for key, id_ in state.record_ids.items()]
    owners = {tuple(values(one)): key for key, one in linked if one is not None}  # not those gone
    keys = KeyValues(context, mapping)
    for predecessor, successor in state.succeeded_by.items():
        if predecessor in state.rows and successor in state.record_ids:
            looked_up = keys.lookup(predecessor, mapping.identity)
            if not (looked_up.unknown or looked_up.absent):
                owners.setdefault(tuple(looked_up.values.values()), successor)
    return owners
