"""What a scenario expects of a plan: adjustments, findings, ledger and money."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from trueup.model.change import Change
from trueup.model.finding import Finding
from trueup.model.plan import LedgerClass, LedgerLine, Plan


class Line(NamedTuple):
    """A line of the ledger, in seats: `billed` and what should be, and what becomes of the rest."""

    class_: str
    seats: Decimal | int | None
    billed: int | None
    moved: int = 0  # by the plan
    held: Decimal | int = 0
    left: Decimal | int | None = 0  # after apply, explained by nothing

    @classmethod
    def of(cls, line: LedgerLine) -> "Line":
        return cls(
            str(line.class_),
            line.quantity,
            line.units,
            line.moved,
            line.held_units,
            line.unexplained,
        )


def agrees(seats: int) -> Line:
    """A line of the ledger where both sides have so many seats."""
    return Line("match", seats, seats)


@dataclass
class PlanFigures:
    """The figures of a plan that a scenario compares. Money in pounds, to the penny."""

    adjusts: list[tuple[str, str, int]]  # key of the subscription, day, units
    findings: set[str]  # codes, of all rows; notes on single changes are not among them
    ledger: dict[str, Line]
    invoice: str = "0.00"  # effect on the next invoices
    run_rate: str = "0.00"  # per month
    one_off: str = "0.00"
    lost: str = "0.00"
    credit: str = "0.00"  # owed
    held: dict[str, str] = field(default_factory=dict)  # by code, per month
    exceeded: set[str] = field(default_factory=set)  # limits

    @classmethod
    def of(cls, made: Plan) -> "PlanFigures":
        money = made.summary
        return cls(
            adjusts=[
                (one.adjustment.row.key, str(one.adjustment.day), one.unit_change)
                for one in adjusting(made)
                if one.adjustment
            ],
            findings={one.code for one in findings(made)},
            ledger={line.key or "orphan": Line.of(line) for line in made.ledger},
            invoice=pounds(money.invoice.net),
            run_rate=pounds(money.run_rate.net),
            one_off=pounds(money.one_off.net),
            lost=pounds(money.lost),
            credit=pounds(money.credit),
            held={one.code: pounds(one.amount.monthly) for one in money.ledger.held_by_reason},
            exceeded={one.limit for one in made.exceeded},
        )


def expect(
    made: Plan,
    *,
    ledger: Mapping[str, Line],
    adjusts: Iterable[tuple[str, str, int]] = (),
    findings: Iterable[str] = (),
    **money: Any,
) -> None:
    """Asserts all that a plan says; money that is not named must be 0."""
    expected = PlanFigures([*adjusts], {*findings}, dict(ledger), **money)
    assert PlanFigures.of(made) == expected
    assert_sums(made)


def assert_sums(made: Plan) -> None:
    """Asserts that each seat and penny stands in one total, and that parts sum to the whole."""
    known = [line for line in made.ledger if line.class_ is not LedgerClass.UNKNOWN]
    for line in known:
        gap = (line.quantity or Decimal(0)) - (line.units or 0)
        assert gap == line.moved + line.held_units + (line.unexplained or 0), line
    totals, monthly = made.summary.ledger, made.summary.run_rate
    for part in ("units", "monthly"):
        under, over, moved, held, left = (
            getattr(one, part)
            for one in (totals.under, totals.over, totals.moved, totals.held, totals.unexplained)
        )
        assert under - over == moved + held + left
    assert sum(one.amount.monthly for one in totals.held_by_reason) == totals.held.monthly
    assert monthly.net == sum((one.monthly or Decimal(0)) for one in made.changes)
    assert made.summary.monthly == monthly.net


def adjusting(made: Plan) -> list[Change]:
    """The adjustments of a plan, in its order."""
    return [change for change in made.changes if change.adjustment]


def findings(made: Plan) -> Iterator[Finding]:
    """All findings of a plan, of blocked and held rows too."""
    yield from made.findings
    for blocked in made.blocked:
        yield from blocked.findings


def finding(made: Plan, code: str) -> Finding:
    """The one finding with that code."""
    [found] = [one for one in findings(made) if one.code == code]
    return found


def line_of(made: Plan, key: str = "sub") -> LedgerLine:
    """The ledger's line of a subscription."""
    return next(line for line in made.ledger if line.key == key)


def pounds(amount: Decimal) -> str:
    """An amount as an invoice has it: rounded to the penny, half up."""
    return str(amount.quantize(Decimal("0.01"), ROUND_HALF_UP) + 0)
