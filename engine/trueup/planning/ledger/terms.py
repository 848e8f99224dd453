"""Reads how one service is billed: its price, its period and its contract in the target."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.model.change import ServiceTerms
from trueup.model.coerce import label
from trueup.model.mapping import FieldPath, LedgerSpec, MappingSpec, PriceSpec, Reference
from trueup.model.record_value import RecordValue
from trueup.planning.context import PlanContext
from trueup.planning.references import record_after


class _Service(NamedTuple):
    """One service: its record, None if it is yet to be created, and its row's key."""

    record: Mapping[str, Any] | None
    key: str


class ServiceTermsReader:
    """Reads the terms of the services of one mapping."""

    def __init__(self, context: PlanContext, mapping: MappingSpec, ledger: LedgerSpec) -> None:
        self._context, self._mapping, self._ledger = context, mapping, ledger

    def terms(self, record: Mapping[str, Any] | None, key: str) -> ServiceTerms:
        """Returns the terms of a service; unknown terms are None.

        `record` is None for a service that is yet to be created, `key` is "" without a row.
        """
        service = _Service(record, key)
        price, months = self._price(service, self._ledger.price)
        periods = self._ledger.periods
        if periods is None:
            return ServiceTerms(price, months)
        return ServiceTerms(
            price=price,
            months=months,
            start=_day(self._value(service, periods.start)),
            end=_day(self._value(service, periods.end)),
            present_end=_day(self._value(service, periods.end, after=False)),
        )

    def record_value(
        self, record: Mapping[str, Any] | None, key: str, path: FieldPath
    ) -> RecordValue:
        """The value that a path of `ledger.price` has for a service, and the record that has it."""
        service, owner = _Service(record, key), path.mapping
        found = self._referred(service, owner, after=False) if owner else record
        mapping = self._context.project.mappings[owner] if owner else self._mapping
        value = self._value(service, path, after=False)
        return RecordValue(str(path), mapping.target.entity, (found or {}).get("id"), value)

    def _price(
        self, service: _Service, spec: PriceSpec | None
    ) -> tuple[Decimal | None, int | None]:
        """Returns the first known price of one unit and period, and the months of the period."""
        if spec is None:
            return None, None
        values = (self._value(service, path, after=False) for path in spec.values)
        price = next((value for value in values if value is not None), None)
        months = spec.months.get(str(self._value(service, spec.per, after=False)))
        return (None if price is None else Decimal(price)), months or None

    def _value(self, service: _Service, path: FieldPath, *, after: bool = True) -> Any:  # noqa: ANN401 -- any value of a record
        """Returns a field of the service, or through a reference: `contract.startDate`.

        `after`: as this plan leaves it, if it changes the record that is referred to.
        """
        owner, name = path
        if not owner:
            return (service.record or {}).get(name)
        record = self._referred(service, owner, after=after)
        if record is None:
            return None
        entity = self._context.entity(self._context.project.mappings[owner].target.entity)
        return label(record.get(name), entity.field(name))

    def _referred(self, service: _Service, owner: str, *, after: bool) -> Mapping[str, Any] | None:
        """Returns the record that the service refers to.

        By its own field if the service exists, else by its row's reference.
        """
        for slot in self._context.compiled[self._mapping.name].slots:
            if slot.reference and slot.reference.mapping == owner:
                records = self._context.states[owner].records
                id_ = service.record.get(slot.name) if service.record is not None else None
                if id_ in records:
                    return self._existing(owner, id_, after=after)
                key = self._referred_key(slot.reference, service.key)
                is_row = key in self._context.states[owner].rows
                return record_after(self._context, owner, key) if is_row else None
        return None

    def _existing(self, owner: str, id_: int, *, after: bool) -> Mapping[str, Any] | None:
        key = self._context.labels.key_of(owner, id_) if after else None
        if key is not None and self._context.states[owner].changes.get(key):
            return record_after(self._context, owner, key)
        return self._context.states[owner].records[id_]

    def _referred_key(self, reference: Reference, key: str) -> str:
        """Returns the key that a row refers to, also of a row that is kept out."""
        if key not in self._context.states[self._mapping.name].rows:
            return ""
        try:
            return str(evaluate(reference.of.raw, self._context.names(self._mapping.name, key)))
        except EVALUATION_ERRORS:  # the row is blocked already, with the reason
            return ""


def _day(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else None
