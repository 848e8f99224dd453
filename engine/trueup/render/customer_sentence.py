"""A sentence for the customer about a change of units, made from typed fields."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal

from trueup.model.change import Action, Change, RowRef
from trueup.render.belonging import name_of
from trueup.render.formatting import known_as, money
from trueup.render.pennies import penny
from trueup.render.sanitize import sanitize

_PERIODS = {1: "month", 3: "quarter", 6: "half-year", 12: "year"}
"""Months of a billing period → its name."""


ServiceOf = Callable[[Change], RowRef | None]
"""Returns the service whose units a change moves."""


def customer_sentence(
    changes: Sequence[Change],
    service_of: ServiceOf,
    invoice: Decimal | None,
    month: Decimal | None,
    currency: str,
) -> str:
    """The sentence about adjustments that are sent together, or about one; empty for other changes.

    An undo has none: it corrects what was sent, not what the customer has ordered. `invoice` and
    `month` are the amounts of these changes as the plan shows them; None: none, or not known. They
    are without the price of what else is billed: how much more, or less, these units cost. All
    amounts of a plan are in the internal currency of the tenant, and no plan knows in which one the
    customer is billed: the sentence names it, and has no amounts without a name.
    """
    moving = [
        change
        for change in changes
        if change.action is Action.ADJUST and change.adjustment and not change.is_undo
    ]
    if not moving or len({one.adjustment and one.adjustment.day for one in moving}) != 1:
        return ""
    first = moving[0].adjustment
    start = f"From {_day(first.day)}" if first else ""
    has = _has(moving, service_of)
    return f"{start} {has}{_amounts(moving, invoice, month, currency)}." if has else ""


def _has(moving: Sequence[Change], service_of: ServiceOf) -> str:
    """What the customer has then, and had before."""
    gains = [one for one in moving if one.unit_change > 0]
    loses = [one for one in moving if one.unit_change < 0]
    if len(moving) == 1:
        before, after = moving[0].units or (0, 0)
        service = _service(moving[0], service_of)
        if not after:
            return f"you no longer have {service}"
        return f"you have {after} {f'instead of {before} ' if before else ''}{service}"
    if len(gains) != 1 or len(loses) != 1:
        return ""
    new, old = gains[0], loses[0]
    (_, now), (had, left) = new.units or (0, 0), old.units or (0, 0)
    rest = f", and keep {left} of these" if left else ""
    return (
        f"you have {now} {_service(new, service_of)} in place of {had - left} "
        f"{_service(old, service_of)}{rest}"
    )


def _amounts(
    moving: Sequence[Change], invoice: Decimal | None, month: Decimal | None, currency: str
) -> str:
    if any(one.price_unknown for one in moving):
        return "; the price is not known yet"
    parts = []
    if invoice is not None:
        parts.append(f"your next invoice has {_more(invoice, currency)}")
    months = {one.adjustment.terms.months or 1 for one in moving if one.adjustment}
    if len(months) == 1 and month is not None:
        (many,) = months
        exact = sum((one.monthly or Decimal(0) for one in moving), Decimal(0)) * many
        amount = month if many == 1 else penny(exact)
        each = _PERIODS.get(many, f"{many} months")
        parts.append(f"each {each} {_more(amount, currency)}")
    return f"; counted in {sanitize(currency)}, {' and '.join(parts)}" if parts and currency else ""


def _more(amount: Decimal, currency: str) -> str:
    if not amount:
        return "nothing more"
    return f"{money(abs(amount), currency)} {'more' if amount > 0 else 'less'}"


def _service(change: Change, service_of: ServiceOf) -> str:
    return known_as(name_of(service_of(change)) or change.name)


def _day(day: date) -> str:
    """`10 November 2026`."""
    return f"{day.day} {day:%B} {day.year}"
