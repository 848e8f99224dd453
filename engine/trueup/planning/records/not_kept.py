"""Finds values that the target accepts and does not keep, so that they are not written again."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from trueup.expressions.compiled import Slot
from trueup.model.finding import Command, Finding, Severity
from trueup.model.mapping import Manage, MappingSpec
from trueup.planning.context import PlanContext
from trueup.planning.records.change_parts import shown_value
from trueup.stages.diff import NOT_KEPT, is_known_not_kept


def not_kept_finding(
    context: PlanContext,
    mapping: MappingSpec,
    key: str,
    slot: Slot,
    wanted: object,
    kept: object,
) -> Finding:
    """The finding, without a remedy, of a value that the target accepts and does not keep."""
    target = context.systems.target
    text = (
        f"{target} does not keep this value of {slot.name}: it was written as "
        f"{shown_value(context, slot, wanted)}, and {target} holds "
        f"{shown_value(context, slot, kept)}"
    )
    place = slot.spec.place
    return Finding("not-kept", Severity.WARNING, text, "", place, mapping.name, key)


class NotKept:
    """Finds values of one mapping's rows that the target did not keep, and reports each."""

    def __init__(self, context: PlanContext, mapping: MappingSpec, slots: Iterable[Slot]) -> None:
        self._context, self._mapping, self._slots = context, mapping, tuple(slots)
        self._state = context.states[mapping.name]

    def values(
        self, key: str, values: Mapping[str, Any], record: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Returns values of the record in place of those that the target did not keep.

        They were written, the target kept others, and neither has changed since: writing them again
        would change nothing.
        """
        last = self._context.last_written(self._mapping.name, key) or {}
        kept: dict[str, Any] = {}
        if not any(name.startswith(NOT_KEPT) for name in last):
            return kept
        for slot in self._slots:
            if slot.spec.manage is Manage.CREATE:  # it is not written again anyway
                continue
            name, now = slot.name, record.get(slot.name)
            if is_known_not_kept(last, name, values.get(name), now):
                kept[name] = now
                self._note(key, slot, last[f"{NOT_KEPT}{name}"], now)
        return kept

    def _note(self, key: str, slot: Slot, wanted: object, kept: object) -> None:
        target = self._context.systems.target
        command = Command.forget(self._mapping.name, key)
        remedy = (
            f"give {slot.name} the value that {target} keeps, or write `manage: create` there; "
            f"`{command}` has it written again"
        )
        finding = not_kept_finding(self._context, self._mapping, key, slot, wanted, kept)
        self._state.findings.append(replace(finding, remedy=remedy, commands=(command,)))
