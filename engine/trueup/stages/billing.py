"""What a change of units does to invoices, in the way that the target bills.

A service is billed by periods, counted from its contract's start in steps of so many months. A
period that units change in is prorated by days: units x price x days / days of the whole period.
Posted periods never change (docs/explanation/autotask.md, sections 5 and 7).

Amounts are exact to eight decimal places; only renderers round them to pennies.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from trueup.model.money import exact
from trueup.model.plan import InvoiceEffect, ServiceTerms
from trueup.model.units import DAY


def periods(terms: ServiceTerms, until: date) -> Iterator[tuple[date, date]]:
    """Whole billing periods from the contract's start on, up to the one that covers `until`.

    Both days are included; the last period may reach beyond the contract's end.
    """
    if terms.start is None or not terms.months:
        return
    number, first = 0, terms.start
    while first <= until:
        number += 1
        following = add_months(terms.start, number * terms.months)
        yield first, following - DAY
        first = following


def add_months(day: date, months: int) -> date:
    """The same day so many months later; the last day of the month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    month += 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def period_start(terms: ServiceTerms, day: date) -> date | None:
    """The first day of a billing period on or after the day; None where periods are unknown."""
    for first, last in periods(terms, day):
        if first >= day:
            return first
        following = last + DAY
        if following >= day:
            return following
    return terms.start if terms.start and terms.start >= day else None


def amount(units: int, first: date, last: date, terms: ServiceTerms) -> Decimal | None:
    """What so many units cost from `first` to `last`, both included, prorated by days.

    None where price or periods are unknown.
    """
    if terms.price is None or terms.start is None or not terms.months:
        return None
    last = min(last, terms.end) if terms.end else last
    total = Decimal(0)
    for start, end in periods(terms, last):
        days = (min(end, last) - max(start, first)).days + 1
        if days > 0:
            total += units * terms.price * days / ((end - start).days + 1)
    return total


def invoice_effect(
    units: int, day: date, terms: ServiceTerms, posted_until: date | None, as_of: date
) -> InvoiceEffect | None:
    """What `units` more, or less, from `day` on do to the contract's next invoice.

    The next invoice bills every open period that has begun by `as_of`; where all of these are
    posted, the first one that is open. Its first period is the present one, or the first one that
    the change is about. None where price or periods are unknown.
    """
    if terms.price is None or terms.start is None or not terms.months:
        return None
    horizon = max(day, as_of, posted_until or as_of) + DAY
    total, earlier = Decimal(0), Decimal(0)
    invoiced: tuple[date, date] | None = None
    first_billed: tuple[date, date] | None = None
    for start, end in periods(terms, horizon):
        is_posted = posted_until is not None and end <= posted_until
        if is_posted or end < min(day, as_of):  # the change adds nothing to earlier periods
            continue
        last = min(end, terms.end) if terms.end else end
        open_from = max(start, day, posted_until + DAY if posted_until else start)
        part = amount(units, open_from, last, terms) if open_from <= last else Decimal(0)
        if part and first_billed is None:
            first_billed = (start, last)
        if invoiced is None or start <= as_of:
            invoiced = (invoiced[0] if invoiced else start, last)
            total += part or Decimal(0)
            if end < as_of:  # a period before the present one
                earlier += part or Decimal(0)
    if invoiced is None:
        return None
    return InvoiceEffect(
        start=invoiced[0],
        end=invoiced[1],
        amount=exact(total),
        earlier=exact(earlier),
        first_billed=first_billed,
    )
