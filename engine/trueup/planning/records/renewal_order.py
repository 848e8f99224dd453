"""Orders rows of one service by the days of their changes.

A question about a succession names the rows in that order, each with the one directly before it. If
the order is unclear, it names them all: it is never guessed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.model.mapping import MappingSpec, Reference
from trueup.planning.context import PlanContext
from trueup.planning.records.handovers import SUCCEEDED, ancestors
from trueup.planning.records.unit_days import Span, UnitDays
from trueup.stages.match import NEVER_CREATED

LONGEST_OVERLAP = timedelta(days=31)
"""A renewal that is bought early begins up to so many days before the row that it renews ends."""


class Succession(NamedTuple):
    """A row and the one directly before it."""

    key: str
    of: str


class RenewalOrder:
    """The order of the rows of one mapping with a ledger."""

    def __init__(self, context: PlanContext, mapping: MappingSpec) -> None:
        self._context, self._mapping = context, mapping
        self._state = context.states[mapping.name]
        self.days = UnitDays(context, mapping)

    def candidates(self, key: str, owners: Iterable[str]) -> list[str]:
        """Returns rows whose place the row may take: of each succession, the last one.

        They refer to the same others as the row, and have a record or pending changes; `owners`
        have the record.
        """
        alike = filter(self._is_open, self._by_references.get(self._reference_keys(key), ()))
        found = dict.fromkeys(map(self._last_of, (*owners, *alike)))
        return [one for one in found if one != self._last_of(key)]

    def successions(self, key: str, candidates: Iterable[str]) -> list[Succession]:
        """Returns which row directly follows which, up to the row; none if it is unclear."""
        last = self._last_of(key)
        order = self.in_order([last, *candidates])
        if not order:
            return []
        return [
            Succession(self._first_of(later), earlier)
            for earlier, later in pairwise(order[: max(order.index(last), 1) + 1])
        ]

    def in_order(self, keys: Iterable[str]) -> list[str]:
        """Returns rows, each with all that it succeeds, by their days; none if that is unclear.

        It is clear if each begins after the one before it has begun, and not before that one ends.
        """
        spans: dict[str, Span] = {}
        for key in keys:
            span = self._span_of_chain(key)
            if span is None:
                return []
            spans[key] = span
        order = sorted(spans, key=lambda one: spans[one].first)
        for earlier, later in pairwise(order):
            end = spans[earlier].end
            if end is None or not spans[earlier].first < end <= spans[later].first:
                return []
        return order

    def either_way(self, key: str, other: str) -> Succession:
        """Returns the two in the order of their ends; as they are given, if that is unknown."""
        first, second = (self._span_of_chain(one) for one in (other, key))
        if first and second and second.end and (first.end is None or first.end > second.end):
            key, other = other, key
        return Succession(self._first_of(key), other)

    def days_together(self, key: str, predecessor: str) -> timedelta | None:
        """Returns how long both rows had units, where the predecessor's end is known.

        None where days are not known, or where they do not overlap.
        """
        own, other = self.days.span(key), self.days.span(predecessor)
        if own is None or other is None or other.end is None or own.first >= other.end:
            return None
        return other.end - max(own.first, other.first)

    def begins_after(self, key: str, predecessor: str) -> bool:
        """Whether the row begins on a later day than the predecessor; both days are known."""
        own, other = self.days.span(key), self.days.span(predecessor)
        return own is not None and other is not None and own.first > other.first

    def refer_alike(self, key: str, other: str) -> bool:
        """Whether both rows refer to the same rows, so that one record serves both."""
        return self._reference_keys(key) == self._reference_keys(other)

    def _chain(self, key: str) -> list[str]:
        """The row and those before it, the nearest one first."""
        return [key, *ancestors(self._state.predecessors, key)]

    def _first_of(self, key: str) -> str:
        """The first row of the succession that the source still has: it may take a place."""
        return [one for one in self._chain(key) if one in self._state.rows][-1]

    def _last_of(self, key: str) -> str:
        """The last row of the succession that the row is in."""
        after = self._successors
        return [key, *ancestors(after, key)][-1]

    @cached_property
    def _successors(self) -> Mapping[str, str]:
        return {of: key for key, of in self._state.predecessors.items()}

    def _is_open(self, key: str) -> bool:
        """Whether the row has no record, and is not left out on purpose."""
        state = self._state
        skipped = state.skipped.get(key)
        is_left_out = skipped is not None and skipped.code not in (NEVER_CREATED, SUCCEEDED)
        is_ours = key not in state.out_of_scope and not is_left_out
        return is_ours and key not in state.record_ids

    @cached_property
    def _by_references(self) -> Mapping[tuple[object, ...], list[str]]:
        """Rows with pending changes, by what they refer to."""
        found: defaultdict[tuple[object, ...], list[str]] = defaultdict(list)
        for key in self.days.with_pending():
            if key in self._state.rows:
                found[self._reference_keys(key)].append(key)
        return dict(found)

    def _reference_keys(self, key: str) -> tuple[object, ...]:
        """Returns the keys of the rows that the row refers to; none if one cannot be evaluated."""
        names = self._context.names(self._mapping.name, key)
        try:
            return tuple(
                evaluate(spec.value.of.raw, names)
                for spec in self._mapping.fields.values()
                if isinstance(spec.value, Reference)
            )
        except EVALUATION_ERRORS:  # the row is blocked already, with the reason
            return (key,)

    def _span_of_chain(self, key: str) -> Span | None:
        """The days of the row and those before it; None if its own are not known."""
        last = self.days.span(key)
        spans = [self.days.span(one) for one in self._chain(key)]
        firsts = [span.first for span in spans if span]
        return Span(min(firsts), last.end) if last else None
