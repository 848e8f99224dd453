"""The ways out of a question about a succession: the commands that answer it."""

from collections.abc import Sequence
from itertools import pairwise

from trueup.model.finding import Advice, Command, join_advice
from trueup.model.mapping import MappingSpec
from trueup.model.verdict import Verdict
from trueup.planning.context import PlanContext
from trueup.planning.records.renewal_order import RenewalOrder
from trueup.planning.records.repeats import repeats_are_allowed
from trueup.planning.records.unit_days import UnreadChange


class SuccessionRemedies:
    """The remedies of questions about the rows of one mapping.

    That a row replaces no other one is offered only where the target takes its record, too.
    """

    def __init__(self, context: PlanContext, mapping: MappingSpec, renewals: RenewalOrder) -> None:
        self._context, self._mapping, self._renewals = context, mapping, renewals

    def of_one(self, key: str, predecessor: str, unread: UnreadChange | None) -> Advice:
        """Returns the decisions about a row that may succeed another one.

        `unread` is the change that is to be corrected for the days to tell.
        """
        source = self._context.systems.source
        remedy = self._succeed(key, predecessor) + " if it takes its place"
        if unread:
            where = f" ({unread.place})" if unread.place else ""
            remedy = Advice(f"correct {unread.name} in {source}{where}; or ") + remedy
        if self._may_have_own(key, predecessor):
            return remedy + "; or " + self._create(key) + " if it replaces no other row"
        return remedy if unread else remedy + f"; or bring the two together in {source}"

    def of_several(
        self, predecessor: str, keys: Sequence[str], undecided: Sequence[str], *, is_given: bool
    ) -> Advice:
        """Returns the decisions about rows that succeed the same row.

        `undecided` are the open ones; `is_given`: the mapping's expression names all of them.
        """
        renewals = self._renewals
        order, firm = renewals.in_order(keys), [key for key in keys if key not in undecided]
        if order and firm in ([], order[:1]):
            pairs = pairwise([predecessor, *order])
            steps = [self._succeed(one, of) for of, one in pairs if one in undecided]
            advice = join_advice(" and ", steps)
            advice += " if each takes the place of the one before it, as their days are"
        elif firm or not is_given:
            between = [
                renewals.either_way(key, other) for other, key in pairwise([*firm, *undecided])
            ]
            steps = [self._succeed(one.key, one.of) for one in between]
            advice = join_advice(" and ", steps) + " if they take the place of each other"
        else:
            steps = [self._succeed(key, predecessor) for key in undecided]
            advice = Advice("decide which: ") + join_advice(", or ", steps)
        create = [self._create(key) for key in undecided if self._may_have_own(key, predecessor)]
        if not create:
            return advice + f"; or bring them together in {self._context.systems.source}"
        own = join_advice(", or ", create) + " for a row that replaces no other row"
        return advice + "; or " + own

    def _may_have_own(self, key: str, predecessor: str) -> bool:
        """Whether the target takes a record of the row besides that of the other one."""
        return (
            self._mapping.repeat is None
            or repeats_are_allowed(self._context, self._mapping)
            or not self._renewals.refer_alike(key, predecessor)
        )

    def _create(self, key: str) -> Advice:
        return Advice.of(Command.decide(self._mapping.name, key, Verdict.CREATE))

    def _succeed(self, key: str, predecessor: str) -> Advice:
        return Advice.of(Command.succeed(self._mapping.name, key, predecessor))
