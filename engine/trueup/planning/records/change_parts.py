"""Makes the changes of records, and their values as display texts."""

from collections.abc import Mapping
from typing import Any

from trueup.expressions.compiled import Slot
from trueup.model.catalogue import Entity
from trueup.model.change import Action, Change, Preconditions, Unknown
from trueup.model.mapping import MappingSpec
from trueup.planning.change_ids import change_id, link_id
from trueup.planning.context import PlanContext
from trueup.planning.fingerprints import seen_row
from trueup.stages.diff import display_text


def change_of(
    context: PlanContext,
    mapping: MappingSpec,
    key: str,
    action: Action,
    **parts: Any,  # noqa: ANN401 -- parts of a Change
) -> Change:
    """Returns a change of one row to its record, with the parts that follow from the mapping."""
    return Change(
        id=parts.pop("id", change_id(mapping.name, key)),
        action=action,
        mapping=mapping.name,
        keys=(key,),
        name=context.label(mapping.name, key),
        tab=mapping.tab,
        entity=mapping.target.entity,
        place=mapping.place,
        **parts,
    )


def link_change(
    context: PlanContext,
    mapping: MappingSpec,
    key: str,
    how: str,
    owned_values: Mapping[str, Any],
) -> Change:
    """Returns the change that links the row to a record. Nothing is sent."""
    return change_of(
        context,
        mapping,
        key,
        Action.LINK,
        id=link_id(mapping.name, key),
        record=context.states[mapping.name].record_ids[key],
        owned=owned_values,
        seen=Preconditions(rows=(seen_row(context, mapping, key),)),
        how=how,
    )


def parent_values(entity: Entity, record: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the parent's id, if a write goes through the parent."""
    parent = entity.parent
    return {parent.key: record[parent.key]} if parent and entity.writes_via == "parent" else {}


def shown_value(context: PlanContext, slot: Slot, value: object) -> str:
    """Returns a value as display text: references by the row's name, look-ups by their text."""
    reference = slot.reference
    if reference and value is not None:
        key = context.labels.key_of(reference.mapping, value)
        if key is None:
            return "known after apply" if isinstance(value, Unknown) else str(value)
        name = context.label(reference.mapping, key)
        return f"{name} (new)" if isinstance(value, Unknown) else f"{name} ({value})"
    if slot.find and (name := context.reader.text_of(slot.find, value)):
        return f"{name} ({value})"
    return display_text(slot, value)
