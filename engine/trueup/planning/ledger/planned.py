"""One adjustment of a plan in the making, before it is added to the plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from trueup.model.finding import Finding
from trueup.stages.append import Correction, MergedAdjustment


class EndedUnits(NamedTuple):
    """Units that end with their contract, and go on with another service."""

    monthly: Decimal | None  # money; None: their price is unknown
    text: str  # whose they are


class EarlierDays(NamedTuple):
    """Days before a correction that stay as they are billed."""

    amount: Decimal  # lost on them; negative where a credit is owed
    since: date


@dataclass(frozen=True, slots=True)
class PlannedAdjustment:
    """One adjustment in its order, and what stops it."""

    adjustment: MergedAdjustment
    units_before: int  # on its day
    findings: Sequence[Finding]  # of rules on changes
    stop: Finding | None  # its own, or that of an earlier one
    correction: Correction  # what of its units corrects a difference, or is moved
    takes_place_of: EndedUnits | None = None
    earlier: EarlierDays | None = None  # of its correction

    @property
    def correction_sent(self) -> Decimal:
        """Units of a correction that it sends."""
        return Decimal(0) if self.stop else self.adjustment.correction
