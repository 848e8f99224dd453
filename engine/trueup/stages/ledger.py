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
    quantity: Decimal | None  # None: cannot be told
    rows: tuple[UnitRow, ...] = ()
    logs: tuple[Log, ...] = ()  # pending ones only, in their order
    last_day: date | None = None  # of all logs ever, pending or not
    price: Decimal | None = None  # per unit and month
    none: int = 0  # units where there is no row
    changes: str = ""  # the mapping of its logs
    untold: str = ""  # why nobody can tell the quantity, or what is pending
    remedy: str = ""  # what to do about that
    ahead: tuple[tuple[date, int], ...] = ()  # steps of its units after the day of comparison, by no run of ours
    stray: str = ""  # a change that may be this account's, and that nobody can read
    loose: bool = False  # its record only fits it: nobody said yet that it is the one
    kept: str = ""  # blocked or held: its row is not to be trusted by itself


@dataclass(frozen=True, slots=True)
class Weighed:
    """The law, applied: what differs, whether the pending changes may flow, and what to correct."""

    line: LedgerLine
    flows: bool
    correction: Decimal = field(default=Decimal(0))  # to be sent by this plan


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
    counted = [log for log in account.logs if decided.get(log.key) != "archive"]
    pending = sum((log.units for log in counted), Decimal(0))
    line = _line(account, comparison_day(account, as_of), pending)
    if account.quantity is None or account.untold:
        return Weighed(
            replace(line, class_=LedgerClass.UNKNOWN, text=account.untold, remedy=account.remedy), flows=False
        )
    gap = account.quantity - line.units - pending
    decision = decided.get(account.key) == "correct"
    bar = _bar(account, gap, automatic=difference is Difference.CORRECT, decision=decision)
    correct = bar is None and (decision or difference is Difference.CORRECT)
    correction = sendable(gap, counted) if correct else Decimal(0)
    pushed = bool(counted) and all(decided.get(log.key) == "push" for log in counted)
    flows = gap == 0 or correct or pushed or difference is Difference.REPORT
    text, remedy = "", ""
    if correct:
        text, remedy = _corrected(account, gap, correction, counted)
    elif gap:
        text, remedy = _way_out(account, counted, bar, pushed=pushed)
    line = replace(
        line,
        difference=gap,
        class_=_class(account, gap, counted, flows=flows),
        monthly=None if account.price is None else gap * account.price,
        text=text if gap else "",
        remedy=remedy if gap else "",
    )
    return Weighed(line, flows, correction)


def _line(account: Account, day: date, pending: Decimal) -> LedgerLine:
    """What is known of both sides; nothing is said of a difference yet."""
    return LedgerLine(
        mapping=account.mapping,
        key=account.key,
        name=account.name,
        record=account.record,
        customer=account.customer,
        day=day,
        quantity=account.quantity,
        units=units_on(account.rows, day, account.none),
        pending=int(pending),
        difference=None,
        class_=LedgerClass.MATCH,
        monthly=None,
        price=account.price,
    )


def sendable(gap: Decimal, pending: Sequence[Log]) -> Decimal:
    """As much of a correction as no held change takes back once it flows: that much waits for it."""
    back = sum((log.units for log in pending if log.stopped and log.units * gap < 0), Decimal(0))
    return gap + back if abs(back) < abs(gap) else Decimal(0)


def _corrected(account: Account, gap: Decimal, now: Decimal, pending: Sequence[Log]) -> tuple[str, str]:
    """What becomes of a correction."""
    if now == gap:
        return "is corrected by this plan", ""
    held = [log for log in pending if log.stopped and log.units * gap < 0]
    units = sum((log.units for log in held), Decimal(0))
    first = f"is corrected by {now:+f} in this plan; {gap - now:+f} more" if now else f"a correction by {gap:+f}"
    verb = "waits" if not now else "wait"
    text = f"{first} {verb} for what is held: {units:+f} would take {'it' if not now else 'them'} back"
    remedy = (
        f"wait for it, or `trueup decide {account.changes} {held[0].key} archive --reason …` if it is not to be sent"
    )
    return text, remedy


def _class(account: Account, gap: Decimal, pending: Sequence[Log], *, flows: bool) -> LedgerClass:
    if gap == 0:
        return LedgerClass.MATCH
    if account.record is None and not account.coming and account.quantity and account.quantity > 0:
        return LedgerClass.MISSING
    if pending and not flows:
        return LedgerClass.HELD
    return LedgerClass.UNDER_BILLED if gap > 0 else LedgerClass.OVER_BILLED


@dataclass(frozen=True, slots=True)
class _Bar:
    """Why a difference is not corrected, and what a person may do about it."""

    why: str
    remedy: str
    wanted: bool  # it would be corrected but for this


def _way_out(account: Account, pending: Sequence[Log], bar: _Bar | None, *, pushed: bool) -> tuple[str, str]:
    """Why the two differ, and what a person may do about it."""
    if pushed:
        return "pushed all the same, as decided", ""
    if account.record is None and not account.coming:
        return "not in Autotask", ""
    if account.record is None:
        text = "the logs do not give the quantity"
    else:
        text = "what is pending does not explain it" if pending else "nothing pending explains it"
    if bar is None:
        return text, _by_hand(account)
    return (f"is not corrected: {bar.why}" if bar.wanted else f"{text}; {bar.why}"), bar.remedy


def _by_hand(account: Account, *, link: bool = False, decide: bool = True) -> str:
    """The decisions that correct the difference."""
    ways = [f"`trueup link {account.mapping} {account.key} {account.record}`"] if link else []
    ways += [f"`trueup decide {account.mapping} {account.key} correct --reason …`"] if decide else []
    return f"{' and '.join(ways)} {'adjust' if len(ways) > 1 else 'adjusts'} Autotask to Work 365"


def _bar(account: Account, gap: Decimal, *, automatic: bool, decision: bool) -> _Bar | None:
    """Why no correction would be right now. `automatic`: the project corrects; `decision`: a person said so."""
    wanted = automatic or decision
    if account.record is None and not account.coming:
        return _Bar("there is nothing to adjust", "", wanted)
    if barred := _wrong(account, gap):
        return _Bar(*barred, wanted)
    undecided = not decision and (bool(account.kept) or not automatic)
    if account.loose:
        why = "its contract service is not linked yet"
        return _Bar(why, _by_hand(account, link=True, decide=undecided), wanted)
    if wanted and undecided:
        return _Bar(f"its row is {account.kept}, see there", _by_hand(account), wanted)
    return None


def _wrong(account: Account, gap: Decimal) -> tuple[str, str] | None:
    """Why no correction would be right, whoever wants it, and what to do."""
    if gap != gap.to_integral_value():
        return "Autotask counts whole units", "correct the quantity, or the changes of it, in Work 365"
    if account.quantity is not None and account.quantity < 0:
        return "its quantity is less than nothing", "correct the quantity in Work 365"
    if account.ahead:
        (day, units), last = account.ahead[0], account.ahead[-1][0]
        why = f"Autotask's units change by {units:+d} on {day}, later than any change, and by no run of ours"
        remedy = f"`trueup plan --as-of {last}` compares both on that day, with it; or set the units right in Autotask"
        return why, remedy
    if account.stray:
        return "a change that cannot be read may explain it", account.stray
    return None


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
        remedy=f"`trueup link {mapping} KEY {record}` with the row that it is, or set its units to 0 in Autotask",
    )


def orphan_ways(line: LedgerLine, rows: Mapping[str, str]) -> str:
    """What to do about an orphan that one of these rows may be, given by key with their names."""
    ways = [f"`trueup link {line.mapping} {key} {line.record}` if it is {name}" for key, name in rows.items()]
    return ", or ".join([*ways, "set its units to 0 in Autotask"])


def one_off(monthly: Decimal | None, day: date, as_of: date) -> Decimal | None:
    """An estimate of what a back-dated change bills for the days gone by."""
    if monthly is None or day >= as_of:
        return None
    return monthly * (as_of - day).days / DAYS_A_MONTH
