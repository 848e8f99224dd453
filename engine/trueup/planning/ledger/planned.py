"""The plan of one service, before it is added to the plan: its adjustments in order."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from trueup.model.finding import Finding
from trueup.model.plan import LedgerLine
from trueup.stages.append import Correction, MergedAdjustment
from trueup.stages.ledger import ServiceLedger


class EndedUnits(NamedTuple):
    """Units that end with their contract, and continue on another service."""

    monthly: Decimal | None  # money; None: their price is unknown
    text: str  # whose they are


class EarlierDays(NamedTuple):
    """Days before a correction that stay as they are billed."""

    amount: Decimal  # lost on them; negative where a credit is owed
    since: date


class PlannedAdjustment(Struct, frozen=True):
    """One adjustment in its order, and the finding that stops it."""

    adjustment: MergedAdjustment
    units_before: int  # on its day
    findings: Sequence[Finding]  # of rules on changes
    stop: Finding | None  # its own, or that of an earlier one
    correction: Correction  # what of its units corrects a difference, or is moved
    takes_place_of: EndedUnits | None = None
    earlier: EarlierDays | None = None  # of its correction

    @property
    def correction_sent(self) -> Decimal:
        """The units of a correction that it sends."""
        return Decimal(0) if self.stop else self.adjustment.correction


class PlannedService(Struct):
    """The plan of one service."""

    ledger: ServiceLedger
    line: LedgerLine
    sendable: Sequence[str]  # changes that are not held
    corrects: Correction
    adjustments: Sequence[PlannedAdjustment]
    findings: Sequence[Finding] = ()  # of rules on the ledger
    stop: Finding | None = None  # stops all of its changes
    new: ServiceLedger | None = None  # of a row that moved: the service that gets its units
    old: ServiceLedger | None = None  # and the one that they leave
    leaving: Sequence[PlannedAdjustment] = ()  # adjustments of that one
    later: dict[str, date] = {}
    """Changes that go on a later day than their own, with it: other halves are on that day."""

    corrects_from: date | None = None  # for the same reason, the day of its correction

    @property
    def pending_sent(self) -> Decimal:
        """The pending units that its adjustments send, without corrections."""
        sent = (one.adjustment for one in self.sent)
        return sum((one.units - one.correction for one in sent), Decimal(0))

    @property
    def sent(self) -> Sequence[PlannedAdjustment]:
        """Its adjustments that nothing stops; if the row moves, also of its old service."""
        both = (*self.leaving, *self.adjustments)
        return () if self.stop else [one for one in both if not one.stop]

    def exchange(self, one: PlannedAdjustment, other: PlannedAdjustment) -> None:
        """Replaces one of its adjustments by another one."""
        self.adjustments = [other if each is one else each for each in self.adjustments]
        self.leaving = [other if each is one else each for each in self.leaving]

    def hold_from(self, first: PlannedAdjustment, stop: Finding) -> None:
        """Stops an adjustment and all later ones; the finding is about its first change."""
        start = self.adjustments.index(first)
        if first.adjustment.keys:
            key = first.adjustment.keys[0]
            stop = replace(stop, mapping=self.ledger.pending_mapping, key=key)
        later = (
            replace(adjustment, stop=adjustment.stop or stop, findings=())
            for adjustment in self.adjustments[start:]
        )
        self.adjustments = [*self.adjustments[:start], *later]
