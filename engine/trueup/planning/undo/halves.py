"""Undoes the two halves of a succession or a move on one day, or neither.

What the run added to one service it took from another one. If only one half were undone, units
would be billed twice or not at all on the days between. The increase goes first, so that no day is
unbilled if the run ends between the two.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

from msgspec.structs import replace

from trueup.model.change import Change

Days = Mapping[str, date]
"""Change of the run → the day of the adjustment that takes it back."""

_MOST_ROUNDS = 366
"""Two pairs that cross each other never meet on a day; all others meet far sooner."""


class Halves:
    """The halves among what a run adjusted by one mapping."""

    def __init__(self, services: Mapping[int, Sequence[Change]], done: Iterable[Change]) -> None:
        """`services`: by service, the changes to undo; `done`: all changes that may be undone."""
        self._done = {change.id: change for change in done}
        self._service = {one.id: id_ for id_, changes in services.items() for one in changes}

    def common_days(self, days_from: Callable[[Days], Days]) -> Days:
        """Returns the days on which the halves meet, and the days of all other changes.

        `days_from` gives the first days that are possible, none before those that it is given.
        """
        pairs = self._pairs()
        first: dict[str, date] = {}
        for _ in range(_MOST_ROUNDS):
            days = days_from(first)
            for pair in pairs:
                known = [days[id_] for id_ in pair if id_ in days]
                first |= dict.fromkeys(pair, max(known, default=date.min))
            if all(days[id_] == first.get(id_, days[id_]) for id_ in days):
                break
        return days

    def _pairs(self) -> list[tuple[str, ...]]:
        """Ids of the changes that meet on a day: of several of one service, the earliest."""
        found: dict[frozenset[str], dict[int, Change]] = {}
        for id_, service in self._service.items():
            change = self._done[id_]
            others = self._others(change)
            if others:
                pair = found.setdefault(frozenset((*change.together, *others[0].together)), {})
                pair[service] = min(pair.get(service, change), change, key=day_of)
        return [tuple(one.id for one in pair.values()) for pair in found.values()]

    def _others(self, change: Change) -> list[Change]:
        return [self._done[id_] for id_ in change.together if id_ in self._done]

    def alone(self, opposites: Iterable[Change]) -> dict[str, str]:
        """Ids of changes that would be undone without one of their halves, with its name."""
        planned = {opposite.undoes for opposite in opposites}
        return {
            id_: other.name
            for id_ in planned
            for other in self._others(self._done[id_])
            if other.id not in planned
        }

    def joined(self, opposites: Sequence[Change]) -> list[Change]:
        """The adjustments, each with the ids of its own halves; decreases wait for increases."""
        by_original = {opposite.undoes: opposite for opposite in opposites}
        found = []
        for opposite in opposites:
            others = [by_original[id_] for id_ in opposite.together if id_ in by_original]
            increases = [
                other.id for other in others if other.unit_change > 0 > opposite.unit_change
            ]
            needs = tuple(dict.fromkeys((*opposite.needs, *increases)))
            found.append(
                replace(opposite, together=tuple(other.id for other in others), needs=needs)
            )
        return found


def day_of(change: Change) -> date:
    """Returns the day from which its units change; the last day there is for other changes."""
    return change.adjustment.day if change.adjustment else date.max
