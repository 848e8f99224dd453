"""The figures at the head of each page: those of the reports, under the same names."""

from dataclasses import dataclass
from urllib.parse import urlencode

from trueup.render.formatting import money, sentence
from trueup.render.ledger import differs
from trueup.render.overview import lines_of, open_runs, waiting
from trueup.render.pennies import Spread
from trueup.render.report import Pieces, ReasonText, pieces, reason
from trueup.review.desk import Current

LOOK = "look"
"""Tone of a figure that needs a look."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with what it is about."""

    label: str
    figure: str
    note: Pieces = ()
    tone: str = ""  # good, look


@dataclass(frozen=True, slots=True)
class Head:
    """What stands at the head."""

    project: str
    about: tuple[tuple[str, str], ...]
    figures: tuple[Figure, ...]
    open_runs: tuple[ReasonText, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A tab with what stands beside its name."""

    label: str
    address: str
    count: str
    money: str = ""


def links_of(current: Current) -> tuple[Link, ...]:
    """The tabs that the mappings name; then ledger, findings and runs."""
    currency = current.plan.currency
    found = [
        Link(
            tab.name,
            f"/rows?{urlencode({'tab': tab.name})}",
            f"{tab.rows:,}",
            money(tab.month, currency, signed=True) if tab.month else "",
        )
        for tab in current.tabs
    ]
    ledger = current.seen.billing
    wrong = ledger.under - ledger.over
    differing = sum(1 for line in current.plan.ledger if differs(line))
    return (
        *found,
        Link(
            "Ledger",
            "/ledger",
            f"{differing:,}",
            money(wrong, currency, signed=True) if wrong else "",
        ),
        Link("Findings", "/findings", f"{len(current.findings):,}"),
        Link("Runs", "/runs", ""),
    )


def head_of(current: Current) -> Head:
    """The head for a plan."""
    plan, seen, currency = current.plan, current.seen, current.plan.currency
    many = len(seen.items)
    held, unexplained = seen.billing.held, seen.billing.unexplained
    figures = (
        _spread("This invoice run", seen.money.invoice, currency),
        _spread("A month", seen.money.month, currency),
        Figure(
            "Held or blocked, a month",
            money(held, currency, signed=True),
            pieces(lines_of(seen.ledger.held)),
            LOOK if seen.ledger.held.lines else "",
        ),
        Figure(
            "Unexplained, a month",
            money(unexplained, currency, signed=True),
            pieces(lines_of(seen.ledger.unexplained)),
            LOOK if seen.ledger.unexplained.lines else "",
        ),
        Figure(
            "Needs a person",
            f"{many:,}" if many else "Nothing",
            pieces(sentence(waiting(seen))),
            LOOK if many else "good",
        ),
    )
    about = (
        (plan.names.source, plan.source),
        (plan.names.target, plan.target),
        ("As of", plan.as_of.isoformat()),
        ("Planned", current.made.isoformat(" ", "minutes")),
    )
    runs = tuple(reason(finding, current.view) for finding in open_runs(plan))
    return Head(current.project.name, about, figures, runs)


def _spread(label: str, of: Spread, currency: str) -> Figure:
    """The net amount; beside it increases and decreases, where there are both."""
    sides = (money(part, currency, signed=True) for part in (of.more, of.less))
    note = pieces(" and ".join(sides)) if of.more and of.less else ()
    return Figure(label, money(of.net, currency, signed=True), note)
