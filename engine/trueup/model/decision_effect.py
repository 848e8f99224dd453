"""The effect of decisions: the plan with them compared with the plan without them."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from trueup.model.change import Change, RowRef
from trueup.model.decision import Decision
from trueup.model.plan import Summary
from trueup.model.verdict import Verdict


class RowOutlook(Struct, frozen=True):
    """What a plan does with one row."""

    changes: tuple[Change, ...] = ()
    state: str = ""  # blocked or held; empty if nothing stops it
    reason: str = ""  # then: why

    @property
    def monthly(self) -> Decimal:
        """The effect of its changes on the run rate per month, as far as prices are known."""
        return sum((change.monthly or Decimal(0) for change in self.changes), Decimal(0))


class RowEffect(Struct, frozen=True):
    """One decided row, without and with the decision."""

    row: RowRef
    verdict: Verdict
    before: RowOutlook
    after: RowOutlook


class Effect(Struct, frozen=True):
    """The differences between the next plan with the decisions and without them."""

    rows: tuple[RowEffect, ...]
    before: Summary
    after: Summary
    left_out: int  # rows that are left out besides; negative: fewer

    @property
    def actions(self) -> Mapping[str, int]:
        """The number of changes more or fewer, by action; only where it differs."""
        names = {**self.before.actions, **self.after.actions}
        found = {
            name: self.after.actions.get(name, 0) - self.before.actions.get(name, 0)
            for name in names
        }
        return {name: many for name, many in found.items() if many}

    @property
    def blocked(self) -> int:
        """The number of rows more that are blocked or held; negative: fewer."""
        before, after = self.before, self.after
        return after.blocked + after.held - before.blocked - before.held

    @property
    def units(self) -> Decimal:
        """The units more that the plan moves; negative: fewer."""
        return self.after.ledger.moved.units - self.before.ledger.moved.units

    @property
    def monthly(self) -> Decimal:
        """The money a month more that the plan adds to the run rate; negative: less."""
        return self.after.run_rate.net - self.before.run_rate.net

    @property
    def invoice(self) -> Decimal:
        """The money more on the next invoices; negative: less."""
        return self.after.invoice.net - self.before.invoice.net

    @property
    def prices_unknown(self) -> int:
        """The number of adjustments more without a known price; no figure includes their money."""
        return self.after.prices_unknown - self.before.prices_unknown


class Standing(StrEnum):
    """Whether a decision still has an effect."""

    WORKS = "works"  # the next plan would be another one without it
    DONE = "done"  # a run did what it asks for
    NOTHING = "nothing"  # the next plan is the same without it
    ENDED = "ended"  # its last day is past
    GONE = "gone"  # no row has its key
    UNKNOWN = "unknown"  # no plan could be made


class StandingDecision(Struct, frozen=True):
    """A decision of the project, and what it still affects."""

    decision: Decision
    name: str  # of the row; empty if it is unknown
    standing: Standing
    effect: RowEffect | None = None  # WORKS: on its own row
    left: int = 0  # ignore: changes of the row and of rows under it that are not made
    left_monthly: Decimal = Decimal(0)  # their effect on the run rate per month


class StandingDecisions(Struct, frozen=True):
    """All decisions of a project, in the order of the file."""

    decisions: tuple[StandingDecision, ...]
    effect: Effect | None  # of all together; None: unknown
    unknown: str = ""  # then: why
