"""The figures of a plan, for the fleet's records and its status."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from trueup.model.fleet_run import PlanFigures
from trueup.model.plan import LedgerLine, Plan
from trueup.stages.ledger_totals import parts_of


def figures_of(plan: Plan, currency: str) -> PlanFigures:
    """Returns the figures of a plan."""
    summary = plan.summary
    totals = summary.ledger
    return PlanFigures(
        changes=sum(summary.actions.values()),
        blocked=summary.blocked,
        held=summary.held,
        more=summary.run_rate.more,
        less=summary.run_rate.less,
        one_off=summary.one_off.net + summary.credit - summary.lost,
        under=totals.under.monthly,
        over=totals.over.monthly,
        left=_left(plan.ledger),
        unpriced=summary.prices_unknown + totals.under.unpriced + totals.over.unpriced,
        currency=currency,
    )


def _left(lines: Iterable[LedgerLine]) -> Decimal:
    """Returns what stays billed wrongly after applying, too little and too much added up.

    What one customer is billed too much makes up for nothing that another is billed too little.
    Lines without a price count nothing.
    """
    left = Decimal(0)
    for line in lines:
        parts = parts_of(line)
        if parts and parts.gap_money is not None and parts.moved_money is not None:
            left += abs(parts.gap_money - parts.moved_money)
    return left


def figures_to_json(figures: PlanFigures) -> Mapping[str, object]:
    """Returns the figures for JSON; amounts are texts, so that no digit is lost."""
    return {
        "changes": figures.changes,
        "blocked": figures.blocked,
        "held": figures.held,
        "more": str(figures.more),
        "less": str(figures.less),
        "one_off": str(figures.one_off),
        "under": str(figures.under),
        "over": str(figures.over),
        "left": str(figures.left),
        "unpriced": figures.unpriced,
        "currency": figures.currency,
    }


def figures_from_json(data: Mapping[str, object]) -> PlanFigures:
    """Reads the figures from JSON."""
    return PlanFigures(
        changes=int(str(data["changes"])),
        blocked=int(str(data["blocked"])),
        held=int(str(data["held"])),
        more=Decimal(str(data["more"])),
        less=Decimal(str(data["less"])),
        one_off=Decimal(str(data["one_off"])),
        under=Decimal(str(data["under"])),
        over=Decimal(str(data["over"])),
        left=Decimal(str(data["left"])),
        unpriced=int(str(data["unpriced"])),
        currency=str(data["currency"]),
    )
