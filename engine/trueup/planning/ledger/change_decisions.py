"""The decisions about the changes of an append-only mapping that are in force."""

from collections.abc import Iterator, Mapping
from datetime import date

from trueup.model.decision import Decision
from trueup.model.mapping import MappingSpec
from trueup.model.pushed_keys import undo_key
from trueup.model.run import Pushed
from trueup.model.verdict import Topic, Verdict
from trueup.planning.context import PlanContext

NAMED_AFTER_UNDO = frozenset(one for one in Verdict if "after" in one.parts)
"""Decisions about a change that was undone count only if they name the run that undid it."""


class ChangeDecisions:
    """Decisions about single changes, by key.

    A decision from before an undo does not count for what that undo reversed.
    """

    def __init__(self, context: PlanContext, mapping: MappingSpec) -> None:
        self._context, self._mapping = context, mapping
        self.outdated: dict[str, Decision] = {}
        """From before the change was undone."""

        self.by_key: Mapping[str, Decision] = self._current()
        self.pushed = frozenset(
            key for key, one in self.by_key.items() if one.verdict is Verdict.PUSH
        )
        """Changes that a person decided to push."""

        self.named: Mapping[str, date] = {
            key: one.on for key, one in self.by_key.items() if one.on is not None
        }
        """Changes with the day that a decision names for them."""

        self.taken_back: Mapping[str, date] = dict(self._undo_days())
        """Changes that are pushed again after an undo, with its day: they are billed until then."""

    def get(self, key: str) -> Decision | None:
        """The decision about a change, if it counts."""
        return self.by_key.get(key)

    def _undo_days(self) -> Iterator[tuple[str, date]]:
        for key in self.pushed:
            day = self._taken_back(key)
            if day is not None:
                yield key, day

    def _taken_back(self, key: str) -> date | None:
        """Returns the day from which an undo reversed the units of a change; None without an undo.

        The state keeps the undo under the first of the changes that one adjustment had sent.
        """
        pushed = self._context.snapshot.pushed
        undone = pushed_change(self._context, self._mapping, key)
        if undone is None or not undone.undone:
            return None
        sent_together = [one.key for one in pushed.values() if one.change == undone.change]
        return max(
            (
                one.day
                for one in pushed.values()
                if one.run == undone.run and one.record == undone.record
                if one.key in {undo_key(together, one.day) for together in sent_together}
            ),
            default=None,
        )

    def _current(self) -> dict[str, Decision]:
        decisions = self._context.decisions(self._mapping.name, Topic.UNITS)
        for key, decision in decisions.items():
            pushed = pushed_change(self._context, self._mapping, key)
            if (
                pushed
                and pushed.undone
                and decision.verdict in NAMED_AFTER_UNDO
                and decision.after != pushed.run
            ):
                self.outdated[key] = decision
        return {key: one for key, one in decisions.items() if key not in self.outdated}


def pushed_change(context: PlanContext, mapping: MappingSpec, key: str) -> Pushed | None:
    """Returns what the state has of a change that was pushed before, or None."""
    return context.snapshot.pushed.get((mapping.name, key))
