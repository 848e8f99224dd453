"""What one unit costs in a month, at Autotask's own price."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from engine.expressions import EVALUATION_ERRORS, evaluate
from engine.model.fit import label
from engine.model.project import PriceSpec, Reference
from engine.planning.draft import Draft


def unit_price(
    draft: Draft, spec: PriceSpec | None, mapping: str, record: Mapping[str, Any] | None, key: str
) -> Decimal | None:
    """The first known price over the months of its period, unrounded; None where none is known.

    `record` is the contract service, None for one that is yet to be created.
    """
    if spec is None:
        return None
    price = next(
        (value for path in spec.values if (value := _value(draft, mapping, record, key, path)) is not None),
        None,
    )
    period = _value(draft, mapping, record, key, spec.per)
    months = spec.months.get(str(period), 0)
    if price is None or not months:
        return None
    return Decimal(price) / months


def _value(draft: Draft, mapping: str, record: Mapping[str, Any] | None, key: str, path: str) -> Any:  # noqa: ANN401
    owner, _, field = path.rpartition(".")
    if not owner:
        return (record or {}).get(field)
    other = _referred(draft, mapping, record, key, owner)
    if other is None:
        return None
    entity = draft.entity(draft.project.mappings[owner].target.entity)
    return label(other.get(field), entity.field(field))


def _referred(
    draft: Draft, mapping: str, record: Mapping[str, Any] | None, key: str, owner: str
) -> Mapping[str, Any] | None:
    """The record that ours refers to, by its own field where it exists, else by the row's reference."""
    for slot in draft.compiled[mapping].slots:
        if slot.reference and slot.reference.mapping == owner:
            standing = draft.standings[owner]
            if record is not None and record.get(slot.name) in standing.records:
                return standing.records[record[slot.name]]
            other_key = _key(draft, slot.reference, mapping, key)
            return draft.record_names(owner, other_key) if other_key in draft.standings[owner].rows else None
    return None


def _key(draft: Draft, reference: Reference, mapping: str, key: str) -> str:
    """The key that a row refers to, also of a row that is kept out."""
    if key not in draft.standings[mapping].rows:
        return ""
    try:
        return str(evaluate(reference.of.raw, draft.names(mapping, key)))
    except EVALUATION_ERRORS:  # the row is blocked already, with the reason
        return ""
