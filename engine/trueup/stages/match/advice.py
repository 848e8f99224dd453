"""The remedies of findings about matching: commands that a person may choose from."""

from collections.abc import Sequence

from trueup.model.decision import Decision
from trueup.model.finding import Advice, Command, join_advice, named_apart
from trueup.model.mapping_state import MappingState
from trueup.model.verdict import Verdict
from trueup.stages.match.result import MatchInputs

MOST = 5
"""Records that are named where several fit."""


class MatchAdvice:
    """Remedies for one mapping."""

    def __init__(self, state: MappingState, inputs: MatchInputs) -> None:
        self._state, self._inputs = state, inputs
        self._mapping = state.mapping

    def link(self, key: str, record: int | None = None) -> Command:
        """The command that links the row to the record, or to one that a person names."""
        return Command.link(self._mapping.name, key, record)

    def links(self, key: str, records: Sequence[int]) -> Advice:
        """The commands that link the row to one of these records."""
        return join_advice(
            ", or ", [Advice.of(self.link(key, record)) for record in records[:MOST]]
        )

    def link_or_create(self, key: str, records: Sequence[int]) -> Advice:
        """Returns the commands that link the row to one of these records, or create a new one."""
        links = self.links(key, records) if records else Advice.of(self.link(key))
        create = Command.decide(self._mapping.name, key, Verdict.CREATE)
        return links + ", or " + Advice.of(create)

    def create_or_ignore(self, key: str) -> Advice:
        """Returns the commands that create a record for the row, or ignore the row."""
        commands = [
            Advice.of(Command.decide(self._mapping.name, key, verdict))
            for verdict in (Verdict.CREATE, Verdict.IGNORE)
        ]
        return join_advice(", or ", commands)

    def forget(self, key: str) -> Command:
        """The command that removes the row's link."""
        return Command.forget(self._mapping.name, key)

    def settle_claims(self, record: int, rows: Sequence[str]) -> Advice:
        """For each claiming row, the commands that give it to that row only."""
        ways, named = [], named_apart({key: self._inputs.label(key) for key in rows})
        for key in rows:
            steps = self._give(record, key, [other for other in rows if other != key])
            if steps and self._state.has(key):  # the link of a row that is gone can only be removed
                owner = f" if it is {named[key]}'s"
                ways.append(join_advice(" and ", steps) + owner)
        if any(self.is_decided(key, record) for key in rows) and self._mapping.identity:
            fields = ", ".join(self._mapping.identity)
            ways.append(
                Advice.of(f"give the other its own {fields} in {self._inputs.systems.source}")
            )
        return join_advice(", or ", ways)

    def _give(self, record: int, key: str, others: Sequence[str]) -> list[Advice]:
        """The steps that give the record to this row; none if a decision does it already."""
        linked = [other for other in others if self._is_linked(other, record)]
        undo = [Advice.of(self.forget(other)) for other in linked]
        undo += [
            Advice.of(f"remove the decision at {self._inputs.decisions[other].place}")
            for other in others
            if self.is_decided(other, record)
        ]
        only_forget = self._is_linked(key, record) and linked == [*others]
        if only_forget or self.is_decided(key, record):
            return undo
        return [Advice.of(self.link(key, record)), *undo]

    def _is_linked(self, key: str, record: int) -> bool:
        return self._inputs.links.get(key) == record

    def is_decided(self, key: str, record: int) -> bool:
        """Returns whether a decision in force links the row to this record."""
        decision = self.decision(key)
        return (
            decision is not None and decision.verdict is Verdict.LINK and decision.record == record
        )

    def decision(self, key: str) -> Decision | None:
        """Returns the decision about the row's record, if it is in force on the plan's day."""
        decision = self._inputs.decisions.get(key)
        if decision and decision.until and decision.until < self._inputs.as_of:
            return None
        return decision
