"""Finds days on which both halves of a succession can be sent.

The source dates both halves. If the day of one of them is posted or taken, or a correction replaces
a change, both move by the same number of days. So no day is billed twice, or not at all, that is
not so in the source too.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from msgspec import Struct

from trueup.planning.ledger.halves import Half, Pair, changed_since, first_day_alike
from trueup.planning.ledger.service_plans import ServicePlanner

_LONGEST = timedelta(days=366)
"""Two services that have no free day in common for a year have none at all."""


def on_common_days(planner: ServicePlanner, pair: Pair) -> bool:
    """Plans both halves again if their days are not as far apart as in the source.

    This plan sends both. If only one of them is a change with a day, the other one uses that day.
    Days only become later, so that several pairs of one service come to an end. Returns whether
    such days are found; rules may stop a half on its new day.
    """
    begins, ends = pair.new.begins, pair.old.ends
    day = begins.day or ends.day or max(one.planned_day or date.min for one in (begins, ends))
    halves = _Dated(begins, day, begins.day is None), _Dated(ends, ends.day or day, not ends.day)
    if _fit(halves):
        return True
    wait = timedelta(0)
    for half in halves:
        if half.is_correction:
            half.put(planner, wait)
    while not _fit(halves):
        longest = max(half.wait for half in halves)
        if not wait < longest <= _LONGEST:
            return False
        wait = longest
        for half in halves:
            half.put(planner, wait)
    return True


class _Dated(Struct, frozen=True):
    """A half with its day in the source; a correction has that of the other half."""

    half: Half
    day: date
    is_correction: bool

    @property
    def wait(self) -> timedelta:
        """How much later than its day it is planned."""
        return (self.half.planned_day or self.day) - self.day

    def put(self, planner: ServicePlanner, wait: timedelta) -> None:
        """Plans the half, and later changes of its service, at least `wait` after their day."""
        service, day = self.half.service, self.day + wait
        if self.is_correction:
            first = first_day_alike(service.ledger, day, service.corrects.day)
            service.corrects_from = max(first, service.corrects_from or first)
        for one in service.ledger.changes if not self.is_correction else ():
            if self.day <= (one.due or one.day) and one.day < day:
                service.later[one.key] = max(day, service.later.get(one.key, day))
        planner.plan_again(service)


def _fit(halves: Sequence[_Dated]) -> bool:
    """Whether all have the same delay, or one is stopped."""
    return len({dated.wait for dated in halves}) == 1 or not all(
        dated.half.is_sent for dated in halves
    )


def follow(planner: ServicePlanner, pair: Pair) -> None:
    """Plans a correction in the place of one half from the day on that the other took effect.

    The other half was sent by an earlier run; the units of its service show the day.
    """
    begins, ends = pair.new.begins, pair.old.ends
    if begins.is_sent and begins.day is None and not pair.new.service.line.units:
        half, other, is_billed = begins, pair.old.service, False
    elif ends.is_sent and ends.day is None and not pair.old.service.ledger.quantity:
        half, other, is_billed = ends, pair.new.service, True
    else:
        return  # a change has a day of its own, and another correction is no half
    seen = half.service.corrects.day
    since = changed_since(other.ledger, seen)
    if since is not None and bool(other.ledger.units(seen)) is is_billed:
        _Dated(half, since, is_correction=True).put(planner, timedelta(0))
