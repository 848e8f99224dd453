"""What Autotask bills, computed from the sandbox's unit rows and nothing else.

It shares no code with the engine: price x units x days / days of the whole period, by periods that
are counted from the contract's start.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from tests.scenarios.beginnings import PERIODS, Row


class Billed(NamedTuple):
    """Money of unit rows."""

    invoice: Decimal
    run_rate: Decimal

    def __add__(self, other: "Billed") -> "Billed":  # type: ignore[override]
        return Billed(self.invoice + other.invoice, self.run_rate + other.run_rate)


def all_billed(records: Mapping[str, list[Row]], as_of: str) -> Billed:
    """The next invoices of all contract services, and their run rate, in the tenant's currency."""
    return sum(billed_by_service(records, as_of).values(), Billed(Decimal(0), Decimal(0)))


def billed_by_service(records: Mapping[str, list[Row]], as_of: str) -> dict[int, Billed]:
    """The next invoice of each contract service and its run rate, by the service's id.

    All contract services are needed at once: what is posted for one tells the day of the invoice
    run of the customer's others.
    """
    contracts = {row["id"]: row for row in records["Contracts"]}
    services = {row["id"]: row for row in records["Services"]}
    rows: dict[int, list[Row]] = {}
    for row in records["ContractServiceUnits"]:
        rows.setdefault(row["contractServiceID"], []).append(row)
    months = dict(PERIODS.values())
    found: dict[int, Billed] = {}
    runs = {
        (contracts[one["contractID"]]["companyID"], services[one["serviceID"]]["periodType"]): last
        for one in sorted(records["ContractServices"], key=lambda one: last_posted(rows, one))
        if (last := last_posted(rows, one))
    }
    for service in records["ContractServices"]:
        contract, kind = contracts[service["contractID"]], services[service["serviceID"]]
        run = (
            ""
            if last_posted(rows, service)
            else runs.get((contract["companyID"], kind["periodType"]), "")
        )
        next_day = date.fromisoformat(run) + timedelta(days=1) if run else date.min
        found[service["id"]] = billed(
            rows=by_day(rows.get(service["id"], ())),
            price=Decimal(str(service["internalCurrencyAdjustedPrice"])),
            months=months[kind["periodType"]],
            start=date.fromisoformat(contract["startDate"][:10]),
            as_of=max(date.fromisoformat(as_of), next_day),
        )
    return found


def last_posted(rows: Mapping[int, list[Row]], service: Row) -> str:
    """The last day of a contract service that is posted; empty where none is."""
    posted = (
        str(row["endDate"])[:10]
        for row in rows.get(service["id"], ())
        if row.get("approveAndPostDate") is not None
    )
    return max(posted, default="")


def by_day(rows: Iterable[Row]) -> list[Row]:
    """Unit rows in the order of their days."""
    return sorted(rows, key=lambda row: str(row["startDate"]))


def billed(rows: Iterable[Row], price: Decimal, months: int, start: date, as_of: date) -> Billed:
    """The next invoice of one contract service, and its run rate at the contract's end.

    The invoice has every period that is not posted and has begun by `as_of`; where there is none,
    the first one that is not posted. Periods are counted from the contract's start. `as_of` is the
    day of the next invoice run, where the customer's other services show it.
    """
    spans = [
        (date.fromisoformat(row["startDate"][:10]), date.fromisoformat(row["endDate"][:10]), row)
        for row in rows
    ]
    by_period: dict[date, Decimal] = {}
    for first, last, row in spans:
        if row.get("approveAndPostDate") is not None:
            continue
        number = 0
        while month_later(start, (number + 1) * months) <= first:
            number += 1
        period = month_later(start, number * months)
        days = (month_later(start, (number + 1) * months) - period).days
        amount = price * int(row["units"]) * ((last - first).days + 1) / days
        by_period[period] = by_period.get(period, Decimal(0)) + amount
    invoiced = [period for period in by_period if period <= as_of] or [*by_period][:1]
    last_units = spans[-1][2]["units"] if spans else 0
    total = sum((by_period[period] for period in invoiced), Decimal(0))
    return Billed(total, price * int(last_units) / months)


def month_later(day: date, months: int) -> date:
    """The same day of a later month, or the last day of that month."""
    total = day.year * 12 + day.month - 1 + months
    for last in (day.day, 30, 29, 28):
        try:
            return date(total // 12, total % 12 + 1, min(day.day, last))
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")
