"""The figures of a plan, for the fleet's records and its status."""

from collections.abc import Mapping
from decimal import Decimal

from trueup.model.fleet_run import PlanFigures
from trueup.model.plan import Plan


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
        left=abs(totals.held.monthly) + abs(totals.unexplained.monthly),
        unpriced=summary.prices_unknown + totals.under.unpriced + totals.over.unpriced,
        currency=currency,
    )


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
