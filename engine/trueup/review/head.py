"""The figures at the head of each page, with the same names as in the reports."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode

from msgspec import Struct

from trueup.render.attention import Item, NeedKind
from trueup.render.formatting import count, marked, money
from trueup.render.ledger import differs
from trueup.render.overview import lines_of, open_runs
from trueup.render.partial_reads import LABEL as IN_PART
from trueup.render.partial_reads import brief
from trueup.render.pennies import Spread
from trueup.render.report import Pieces, ReasonText, net_note, pieces, reason
from trueup.review.current_plan import CurrentPlan

LOOK = "look"
"""Tone of a figure that needs attention."""

STOP = "stop"
"""Tone of a fact that makes the figures unreliable."""

WAITING = "/waiting"
"""The address of the list of all rows that need a person."""

STALE = timedelta(hours=1)
"""A reading that is older is marked.

People work in both systems all day, so an hour is as long as figures can be taken for today's while
a person decides. It costs nothing to be early: what is applied is checked against both systems
again, whatever its age.
"""


class HeadFigure(Struct, frozen=True):
    """One figure, and what it counts."""

    label: str
    figure: str
    note: Pieces = ()
    tone: str = ""  # good, look
    address: str = ""  # to its parts


class Fact(Struct, frozen=True):
    """A fact on which all figures depend."""

    label: str
    text: str
    note: str = ""
    tone: str = ""  # stop


class Head(Struct, frozen=True):
    """The content of the head."""

    project: str
    about: tuple[Fact, ...]
    planned: str  # when the plan was made
    figures: tuple[HeadFigure, ...]
    open_runs: tuple[ReasonText, ...]


class TabLink(Struct, frozen=True):
    """A tab with the figures beside its name."""

    label: str
    address: str
    count: str
    money: str = ""


def links_of(current: CurrentPlan) -> tuple[TabLink, ...]:
    """Returns the tabs of the mappings, then ledger, findings, runs, approvals and setup."""
    currency = current.plan.currency
    found = [
        TabLink(
            tab.name,
            f"/rows?{urlencode({'tab': tab.name})}",
            f"{tab.rows:,}",
            marked(_sum(tab.month, currency), price_unknown=tab.price_unknown),
        )
        for tab in current.tabs
    ]
    ledger = current.seen.billing
    wrong = ledger.under - ledger.over
    unpriced = current.seen.ledger.under.unpriced + current.seen.ledger.over.unpriced
    differing = sum(1 for line in current.plan.ledger if differs(line))
    approvals = [TabLink("Approvals", "/approvals", "")] if current.project.approval else []
    return (
        *found,
        TabLink(
            "Ledger",
            "/ledger",
            f"{differing:,}",
            marked(_sum(wrong, currency), price_unknown=unpriced > 0),
        ),
        TabLink("Findings", "/findings", f"{len(current.findings):,}"),
        TabLink("Runs", "/runs", ""),
        *approvals,
        TabLink("Setup", "/setup", ""),
    )


def _sum(amount: Decimal, currency: str) -> str:
    return money(amount, currency, signed=True) if amount else ""


def head_of(current: CurrentPlan, now: datetime) -> Head:
    """Returns the head for a plan at a moment."""
    plan, seen, currency = current.plan, current.seen, current.plan.currency
    many = seen.needy_rows
    held, unexplained = seen.billing.held, seen.billing.unexplained
    figures = (
        _spread("This invoice run", seen.money.invoice, current),
        _spread("A month", seen.money.month, current),
        HeadFigure(
            "Held or blocked, a month",
            money(held, currency, signed=True),
            pieces(lines_of(seen.ledger.held)),
            LOOK if seen.ledger.held.lines else "",
            "/ledger?class=held",
        ),
        HeadFigure(
            "Unexplained, a month",
            money(unexplained, currency, signed=True),
            pieces(lines_of(seen.ledger.unexplained)),
            LOOK if seen.ledger.unexplained.lines else "",
            "/ledger?class=unexplained",
        ),
        HeadFigure(
            "Needs a person",
            f"{many:,}" if many else "Nothing",
            pieces(_waiting(seen.items)),
            LOOK if many else "good",
            WAITING if many else "",
        ),
    )
    runs = tuple(reason(finding, current.view) for finding in open_runs(plan))
    planned = current.made.isoformat(" ", "minutes")
    return Head(current.project.name, _about(current, now), planned, figures, runs)


def _waiting(items: Sequence[Item]) -> str:
    """Returns how many rows of each kind need a person; their money is in the other figures."""
    rows = {(item.identity, item.kind) for item in items}
    kinds = Counter(kind for _, kind in rows)
    text = ", ".join(f"{kind} {kinds[kind]:,}" for kind in NeedKind if kinds[kind])
    several = sum(many > 1 for many in Counter(row for row, _ in rows).values())
    return f"{text}; {several:,} of them twice" if several else text


def _about(current: CurrentPlan, now: datetime) -> tuple[Fact, ...]:
    plan, project = current.plan, current.project
    today = now.astimezone(project.zone).date()
    is_of_today = project.as_of is not None or plan.as_of == today
    day = Fact("As of", plan.as_of.isoformat())
    in_part = (Fact(IN_PART, brief(plan)),) if plan.partial_reads else ()
    return (
        Fact(plan.names.source, plan.source),
        Fact(plan.names.target, plan.target),
        day if is_of_today else Fact(day.label, day.text, "not today: plan again", STOP),
        _read(plan.names.source, current.reads.source, now),
        _read(plan.names.target, current.reads.target, now),
        *in_part,
    )


def read_text(at: datetime, now: datetime) -> str:
    """Returns when something was read, in the zone of `at`: with its day if that is not today."""
    is_today = at.date() == now.astimezone(at.tzinfo).date()
    return f"{at:%H:%M}" if is_today else f"{at:%Y-%m-%d %H:%M}"


def _read(system: str, at: datetime, now: datetime) -> Fact:
    """Returns when a system was read, with a warning if that was long ago."""
    age, shown = now - at, read_text(at, now)
    if age <= STALE:
        return Fact(f"{system} read", shown)
    hours = int(age / timedelta(hours=1))
    return Fact(f"{system} read", shown, f"{count(hours, 'hour')} ago: plan again", STOP)


def _spread(label: str, of: Spread, current: CurrentPlan) -> HeadFigure:
    """Returns the net amount, with increases and decreases if there are both."""
    note = net_note(of, current.view, price_unknown=current.seen.money.price_unknown)
    address = f"/explanation?{urlencode({'total': label})}"
    net = money(of.net, current.plan.currency, signed=True)
    return HeadFigure(label, net, note, address=address)
