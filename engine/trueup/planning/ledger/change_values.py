"""The values of license changes, and of other changes that only add or take units."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.model.finding import NO_ADVICE, Advice, Finding, Severity
from trueup.model.mapping import AppendSpec, MappingSpec, Reference
from trueup.model.mapping_state import MappingState
from trueup.planning.context import PlanContext


class ChangeValues:
    """Day, units and owning row of each change of one append-only mapping, by its key."""

    def __init__(self, context: PlanContext, mapping: MappingSpec, spec: AppendSpec) -> None:
        self._context, self._mapping, self._spec = context, mapping, spec
        self._coerced: dict[str, Mapping[str, Any]] = {}

    def keep(self, key: str, values: Mapping[str, Any]) -> None:
        """Stores the values of a change that could be resolved, by their field."""
        self._coerced[key] = values

    def of(self, key: str) -> Mapping[str, Any]:
        """Returns the values of a change that could be resolved; none for any other one."""
        return self._coerced.get(key, {})

    def day(self, key: str) -> date:
        """The day on which a sendable change takes effect."""
        day: date = self._value(key, self._spec.day_field)
        return day

    def units(self, key: str) -> Decimal:
        """Returns the units that a sendable change adds; negative if it takes units away."""
        return Decimal(self._value(key, self._spec.units_field) or 0)

    def day_or_none(self, key: str) -> date | None:
        """The day of any change, also of a blocked one."""
        try:
            value = self._value(key, self._spec.day_field)
        except EVALUATION_ERRORS:  # the row is blocked already, with the reason
            return None
        if isinstance(value, datetime):
            return value.date()
        return value if isinstance(value, date) else None

    def units_or_zero(self, key: str) -> Decimal:
        """The units of any change, also of a blocked one."""
        try:
            return self.units(key)
        except EVALUATION_ERRORS:  # the row is blocked already, with the reason
            return Decimal(0)

    def _value(self, key: str, field_name: str) -> Any:  # noqa: ANN401 -- any value of a row
        """The value for a field: coerced if the row was resolved, else as the source has it."""
        coerced = self.of(key)
        if field_name in coerced:
            return coerced[field_name]
        raw = getattr(self._mapping.fields[field_name].value, "raw", None)
        return evaluate(raw, self._context.names(self._mapping.name, key))

    def owner_of(self, key: str) -> str | None:
        """The key of the row whose ledger the change moves; None if it is unknown."""
        row = self.row_of(key)
        return None if row is None else self._succeeded_by.get(row, row)

    def row_of(self, key: str) -> str | None:
        """The key of the row that the change is about, even if another row has taken its place."""
        reference = self._mapping.fields[self._spec.in_turn].value
        if not isinstance(reference, Reference):
            return None
        try:
            value = evaluate(reference.of.raw, self._context.names(self._mapping.name, key))
        except EVALUATION_ERRORS:  # the row is blocked already, with the reason
            return None
        return None if value is None else str(value)

    @cached_property
    def successors(self) -> frozenset[str]:
        """Rows that took over the record of another one, with its changes."""
        return frozenset(self._succeeded_by.values())

    @property
    def _succeeded_by(self) -> Mapping[str, str]:
        return self.owner_state.succeeded_by if self.owner_state else {}

    @property
    def owner_state(self) -> MappingState | None:
        """The rows whose ledger the changes move."""
        reference = self._mapping.fields[self._spec.in_turn].value
        if not isinstance(reference, Reference):
            return None
        return self._context.states[reference.mapping]


def change_finding(
    mapping: MappingSpec,
    code: str,
    severity: Severity,
    text: str,
    key: str,
    remedy: Advice = NO_ADVICE,
) -> Finding:
    """A finding about a change of the mapping."""
    return Finding(
        code,
        severity,
        text,
        remedy.text,
        mapping.place,
        mapping.name,
        key,
        commands=remedy.commands,
    )
