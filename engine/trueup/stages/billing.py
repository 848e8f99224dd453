"""Computes the effect of a change of units on invoices, by the rules of the target.

A service is billed by periods, counted from its contract's start in steps of so many months. A
period that units change in is prorated by days: units x price x days / days of the whole period.
Posted periods never change (docs/explanation/autotask.md, sections 5 and 7).

Amounts are exact to eight decimal places; only renderers round them to pennies.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from msgspec import Struct

from trueup.model.change import InvoiceEffect, ServiceTerms
from trueup.model.days import add_months
from trueup.model.money import exact
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


def period_start(terms: ServiceTerms, day: date) -> date | None:
    """The first day of a billing period on or after the day; None if periods are unknown."""
    for first, last in periods(terms, day):
        if first >= day:
            return first
        following = last + DAY
        if following >= day:
            return following
    return terms.start if terms.start and terms.start >= day else None


def amount(units: int, first: date, last: date, terms: ServiceTerms) -> Decimal | None:
    """Returns the cost of units from `first` to `last`, both included, prorated by days.

    None if price or periods are unknown.
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


def lost(units: int, due: date, billed: date, terms: ServiceTerms) -> Decimal | None:
    """Returns what is lost where units are billed from another day than they are due.

    Every day between the two counts, posted or not. Negative if a credit is owed; None if price or
    periods are unknown.
    """
    if due > billed:
        units, due, billed = -units, billed, due
    return amount(units, due, billed - DAY, terms)


class OpenPart(Struct, frozen=True):
    """The cost of a change of units in one period that is not posted yet."""

    start: date  # of the whole period
    end: date
    first: date  # the days of it that the change is about; none if `last` is earlier
    last: date
    amount: Decimal
    is_invoiced: bool  # it is on the contract's next invoice


def open_parts(
    units: int, day: date, terms: ServiceTerms, posted_until: date | None, as_of: date
) -> Iterator[OpenPart]:
    """Yields the cost of `units` more, or less, from `day` on, by open period.

    The next invoice bills every open period that has begun by `as_of`, or by the day after the last
    one that is posted on its contract; if all of these are posted, the first one that is open. Its
    first period is the present one, or the first one that the change is about. Yields nothing if
    price or periods are unknown.
    """
    if terms.price is None or terms.start is None or not terms.months:
        return
    run = max(as_of, terms.posted_until + DAY) if terms.posted_until else as_of
    # At least the first period, also of a contract that begins after all of these days.
    horizon = max(day, run, posted_until or run, terms.start) + DAY
    is_first = True
    for start, end in periods(terms, horizon):
        is_posted = posted_until is not None and end <= posted_until
        if is_posted or end < min(day, as_of):  # the change adds nothing to earlier periods
            continue
        last = min(end, terms.end) if terms.end else end
        first = max(start, day, posted_until + DAY if posted_until else start)
        part = amount(units, first, last, terms) if first <= last else None
        yield OpenPart(start, end, first, last, part or Decimal(0), is_first or start <= run)
        is_first = False


def invoice_effect(
    units: int, day: date, terms: ServiceTerms, posted_until: date | None, as_of: date
) -> InvoiceEffect | None:
    """Returns the effect of `units` more, or less, from `day` on on the contract's next invoice.

    None if price or periods are unknown. See `open_parts` for the periods of that invoice.
    """
    parts = [*open_parts(units, day, terms, posted_until, as_of)]
    invoiced = [part for part in parts if part.is_invoiced]
    if not invoiced:
        return None
    billed = next((part for part in parts if part.amount), None)
    total = sum((part.amount for part in invoiced), Decimal(0))
    earlier = sum((part.amount for part in invoiced if part.end < as_of), Decimal(0))
    return InvoiceEffect(
        start=invoiced[0].start,
        end=invoiced[-1].last,
        amount=exact(total),
        earlier=exact(earlier),
        first_billed=(billed.start, billed.last) if billed else None,
    )
