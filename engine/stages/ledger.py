"""Quantity over time, on both sides, for one service on one contract: what is billed, what is pending, what differs.

The law: units in Autotask on the day of comparison, plus all that is pending, equal the quantity in
Work 365. Where they do not, nothing is pushed that a person has not decided on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from engine.model.plan import LedgerClass, LedgerLine, UnitRow
from engine.model.project import Difference
from engine.model.units import DAY, units_on

DAYS_A_MONTH = Decimal(365) / 12


@dataclass(frozen=True, slots=True)
class Log:
    """One pending change of a quantity, as the source says it."""

    key: str
    day: date
    units: Decimal
    stopped: bool = False  # held or blocked by a rule: pending all the same


@dataclass(frozen=True, slots=True)
class Account:
    """All that is known of one subscription and its contract service."""

    mapping: str
    key: str
    name: str
    customer: str
    record: int | None  # None: no contract service yet
    coming: bool  # it is about to be created by this plan
    quantity: Decimal
    rows: tuple[UnitRow, ...] = ()
    logs: tuple[Log, ...] = ()  # pending ones only, in their order
    last_day: date | None = None  # of all logs ever, pending or not
    price: Decimal | None = None  # per unit and month
    none: int = 0  # units where there is no row


@dataclass(frozen=True, slots=True)
class Weighed:
    """The law, applied: what differs, whether the pending changes may flow, and what to correct."""

    line: LedgerLine
    flows: bool
    correction: Decimal = field(default=Decimal(0))


def unit_rows(records: Iterable[Mapping[str, Any]], names: Sequence[str], posted: str) -> tuple[UnitRow, ...]:
    """Rows of ContractServiceUnits, by start; `names` are the fields of id, start, end and units."""
    id_, start, end, units = names
    rows = (
        UnitRow(record[id_], record[start], record[end], int(record[units] or 0), record.get(posted) is not None)
        for record in records
    )
    return tuple(sorted(rows, key=lambda row: (row.start, row.id)))


def first_open_day(rows: Sequence[UnitRow], day: date) -> date | None:
    """The first day from `day` on with no posted row on it or after it; None where the rows end before one."""
    posted = [row for row in rows if row.posted and row.end >= day]
    if not posted:
        return day
    after = max(row.end for row in posted) + DAY
    return after if any(row.end >= after for row in rows) else None


def is_posted(rows: Sequence[UnitRow], day: date) -> bool:
    """Does the day fall into a period that was approved and posted, or before one?"""
    return any(row.posted and row.end >= day for row in rows)


def adjusted_days(rows: Sequence[UnitRow]) -> set[date]:
    """Days on which units changed, as the rows show it: such a day has taken its adjustment."""
    return {
        later.start
        for earlier, later in pairwise(rows)
        if later.units != earlier.units and later.start == earlier.end + DAY
    }


def adjust(rows: Sequence[UnitRow], day: date, units: int) -> tuple[UnitRow, ...]:
    """The rows as they will be after an adjustment: split at the day, all later ones changed by `units`."""
    adjusted: list[UnitRow] = []
    for row in rows:
        if row.end < day:
            adjusted.append(row)
        elif row.start >= day:
            adjusted.append(replace(row, units=row.units + units))
        else:
            adjusted.append(replace(row, end=day - DAY))
            adjusted.append(replace(row, id=0, start=day, units=row.units + units))
    return tuple(adjusted)


def lowest(rows: Sequence[UnitRow], day: date, none: int = 0) -> int:
    """The fewest units on any day from `day` on."""
    return min((row.units for row in rows if row.end >= day), default=none)


def comparison_day(account: Account, as_of: date) -> date:
    """The later of as-of and the last day that a log is about; not before the contract begins."""
    days = [as_of, *(log.day for log in account.logs)]
    if account.last_day is not None:
        days.append(account.last_day)
    if account.rows:
        days.append(account.rows[0].start)
    return max(days)


def weigh(account: Account, as_of: date, difference: Difference, decided: Mapping[str, str]) -> Weighed:
    """The ledger line of an account, and what may be done. `decided`: key (log or account) → archive, push, correct."""
    day = comparison_day(account, as_of)
    units = units_on(account.rows, day, account.none)
    counted = [log for log in account.logs if decided.get(log.key) != "archive"]
    pending = sum((log.units for log in counted), Decimal(0))
    gap = account.quantity - units - pending
    whole = gap == gap.to_integral_value()
    there = account.record is not None or account.coming  # else there is nothing to adjust
    correct = there and whole and (difference is Difference.CORRECT or decided.get(account.key) == "correct")
    pushed = bool(counted) and all(decided.get(log.key) == "push" for log in counted)
    flows = gap == 0 or correct or pushed or difference is Difference.REPORT
    text, remedy = _way_out(account, counted, correct=correct, pushed=pushed)
    line = LedgerLine(
        mapping=account.mapping,
        key=account.key,
        name=account.name,
        record=account.record,
        customer=account.customer,
        day=day,
        quantity=account.quantity,
        units=units,
        pending=int(pending),
        difference=gap,
        class_=_class(account, gap, counted, flows=flows),
        monthly=None if account.price is None else gap * account.price,
        price=account.price,
        text="" if gap == 0 else text,
        remedy="" if gap == 0 else remedy,
    )
    return Weighed(line, flows, gap if correct else Decimal(0))


def _class(account: Account, gap: Decimal, pending: Sequence[Log], *, flows: bool) -> LedgerClass:
    if gap == 0:
        return LedgerClass.MATCH
    if account.record is None and not account.coming and account.quantity > 0:
        return LedgerClass.MISSING
    if pending and not flows:
        return LedgerClass.HELD
    return LedgerClass.UNDER_BILLED if gap > 0 else LedgerClass.OVER_BILLED


def _way_out(account: Account, pending: Sequence[Log], *, correct: bool, pushed: bool) -> tuple[str, str]:
    """Why the two differ, and what a person may do about it."""
    if correct:
        return "is corrected by this plan", ""
    if pushed:
        return "pushed all the same, as decided", ""
    if account.record is None and not account.coming:
        return "not in Autotask", ""
    by_hand = f"`trueup decide {account.mapping} {account.key} correct --reason …` adjusts Autotask to Work 365"
    if account.record is None:
        return "the logs do not give the quantity", by_hand
    return "what is pending does not explain it" if pending else "nothing pending explains it", by_hand


def orphan(mapping: str, record: int, name: str, units: int, as_of: date, price: Decimal | None) -> LedgerLine:
    """A contract service with units that no subscription stands behind."""
    return LedgerLine(
        mapping=mapping,
        key="",
        name=name,
        record=record,
        customer="",
        day=as_of,
        quantity=None,
        units=units,
        pending=0,
        difference=Decimal(-units),
        class_=LedgerClass.ORPHAN,
        monthly=None if price is None else -units * price,
        price=price,
        text="no subscription is linked to it",
        remedy="link one, or set its units to 0 in Autotask",
    )


def one_off(monthly: Decimal | None, day: date, as_of: date) -> Decimal | None:
    """An estimate of what a back-dated change bills for the days gone by."""
    if monthly is None or day >= as_of:
        return None
    return monthly * (as_of - day).days / DAYS_A_MONTH
