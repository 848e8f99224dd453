"""Values of plans and records beside those that a test expects."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from msgspec import Struct

from trueup.config.testing.expectations import UNITS
from trueup.model.catalogue import Field
from trueup.model.change import Unknown
from trueup.model.coerce import label
from trueup.model.plan import Plan


class RowNames(Struct, frozen=True):
    """The rows behind records, and behind those that a plan will create."""

    rows: Mapping[object, tuple[str, str]]  # mapping and key, by record or by change

    @classmethod
    def of(cls, plan: Plan, records: Mapping[tuple[str, str], int]) -> "RowNames":
        """Returns the names for a plan's values."""
        rows: dict[object, tuple[str, str]] = {record: row for row, record in records.items()}
        for change in plan.changes:
            rows[change.id] = (change.mapping, change.keys[0])
            if change.record is not None:
                rows.setdefault(change.record, (change.mapping, change.keys[0]))
        return cls(rows)

    def row(self, value: object) -> tuple[str, str] | None:
        """The row that a value of a reference stands for."""
        if isinstance(value, Unknown):
            return self.rows.get(value.change)
        return self.rows.get(value) if type(value) is int else None

    def text(self, value: object, shown: str) -> str:
        """A value as a difference shows it."""
        row = self.row(value)
        return f"{shown} ({row[0]} {row[1]})" if row and shown else shown or text_of(value)


NO_NAMES = RowNames({})


def holds(expected: object, actual: object, shown: str, names: RowNames = NO_NAMES) -> bool:
    """Whether a value is the expected one: itself, as people read it, or the row it stands for."""
    if isinstance(expected, Mapping):
        row = names.row(actual)
        return row is not None and {row[0]: row[1]} == {
            mapping: str(key) for mapping, key in expected.items()
        }
    if expected is None or isinstance(expected, bool):
        return expected == actual or (expected is None and actual == "")
    if isinstance(expected, int | Decimal):
        if isinstance(actual, int | Decimal) and not isinstance(actual, bool):
            return Decimal(str(expected)) == Decimal(str(actual))
        return text_of(expected) in {shown, text_of(actual)}
    if isinstance(expected, date):
        day = actual.date() if isinstance(actual, datetime) else actual
        return expected == day
    text = _unspaced(str(expected))
    row = names.row(actual)
    return text in {_unspaced(shown), _unspaced(text_of(actual)), row[1] if row else None}


def _unspaced(text: str) -> str:
    """`10 -> 12` as a plan writes it; any other text as it is."""
    units = UNITS.fullmatch(text)
    return f"{units[1]} → {units[2]}" if units else text


def text_of(value: object) -> str:
    """A value in one line."""
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case Decimal():
            return f"{value:f}"
        case Mapping():
            return ", ".join(f"{name} {part}" for name, part in value.items())
        case _:
            return str(value)


def labelled(value: object, field: Field | None) -> str:
    """A value of a record as people read it: the label of a picklist's number."""
    return text_of(label(value, field))


def in_cents(amount: Decimal) -> Decimal:
    """An amount as an invoice has it: two places, half up."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP) + 0
