"""The units of a service over time, as billed now and after the plan."""

from collections.abc import Iterable, Sequence
from datetime import date

from msgspec import Struct

from trueup.model.change import Action, Change, RowRef


class UnitLevel(Struct, frozen=True):
    """Units from a day on, until the next step."""

    day: date
    before: int  # as they are billed now
    after: int  # with the changes of the plan


class ServiceUnits(Struct, frozen=True):
    """The steps of one service, from the step before the first change on."""

    row: RowRef  # whose ledger is moved
    changes: tuple[Change, ...]
    steps: tuple[UnitLevel, ...]


def units_over_time(changes: Iterable[Change]) -> list[ServiceUnits]:
    """Returns the services whose units the changes move, in their order."""
    by_row: dict[tuple[str, str], list[Change]] = {}
    for change in changes:
        if change.action is Action.ADJUST and change.adjustment:
            by_row.setdefault(change.adjustment.row[:2], []).append(change)
    return [_service(moving) for moving in by_row.values()]


def _service(moving: Sequence[Change]) -> ServiceUnits:
    """Returns the steps at each adjustment and each later change of the billed units.

    The level before the first adjustment comes first, if there is one; equal levels are one step.
    """
    adjusted = [(one.adjustment, one) for one in moving if one.adjustment]
    first = min(adjustment.day for adjustment, _ in adjusted)
    seen = next((one.seen.units for one in moving if one.seen.units is not None), ())
    billed = sorted((row.start, row.units) for row in seen or ())
    days = {adjustment.day for adjustment, _ in adjusted}
    days |= {day for day, _ in billed if day > first}
    earlier = [day for day, _ in billed if day < first]
    days |= {max(earlier)} if earlier else set()
    steps: list[UnitLevel] = []
    for day in sorted(days):
        before = _on(billed, day)
        more = sum(one.unit_change for adjustment, one in adjusted if adjustment.day <= day)
        step = UnitLevel(day, before, before + more)
        if not steps or (steps[-1].before, steps[-1].after) != (step.before, step.after):
            steps.append(step)
    return ServiceUnits(adjusted[0][0].row, tuple(moving), tuple(steps))


def _on(billed: Sequence[tuple[date, int]], day: date) -> int:
    """Returns the units of the last row that has begun by then; 0 before the first."""
    return next((units for start, units in reversed(billed) if start <= day), 0)
