"""Finds records with the same parents: the target refuses a second one, or creates it again."""

from collections.abc import Mapping, Sequence
from typing import Any

from trueup.expressions import evaluate
from trueup.model.finding import Advice, Command, Finding, Severity, join_advice, named_apart
from trueup.model.mapping import MappingSpec
from trueup.planning.context import PlanContext
from trueup.planning.records.renewal_order import RenewalOrder, Succession

SERVICE_TAKEN = "service-taken"
"""Code of the finding of a row whose references are those of another record."""


def repeats_are_allowed(context: PlanContext, mapping: MappingSpec) -> bool:
    """Whether the project allows a second record with the same references."""
    if mapping.repeat is None:
        return False
    return bool(evaluate(mapping.repeat.when.raw, context.namespaces[mapping.name].base()))


class Repeats:
    """Finds rows whose new record would have the references of another one.

    `names` are the fields by which a record belongs to others, fixed at its creation.
    """

    def __init__(self, context: PlanContext, mapping: MappingSpec, names: Sequence[str]) -> None:
        self._context, self._mapping, self._names = context, mapping, names
        self._state = context.states[mapping.name]
        self._order = RenewalOrder(context, mapping)
        self._owners: dict[tuple[Any, ...], int | str] | None = None
        """References of records, and of those that this plan creates → record, or row."""

    @property
    def are_allowed(self) -> bool:
        """Whether the project allows a second record with the same references."""
        return repeats_are_allowed(self._context, self._mapping)

    def is_one(self, key: str, values: Mapping[str, Any]) -> bool:
        """Whether a record with the same references exists or will: then a create is refused."""
        names = self._names
        if not names or self._mapping.repeat is None:
            return False
        if self._owners is None:
            self._owners = {}
            for id_, record in self._state.records.items():
                self._owners.setdefault(tuple(record.get(name) for name in names), id_)
        mine = tuple(values[name] for name in names)
        return self._owners.setdefault(mine, key) != key

    def owners(self, values: Mapping[str, Any]) -> list[str]:
        """Returns the rows whose record, or new record, has the same references."""
        owner = (self._owners or {})[tuple(values[name] for name in self._names)]
        if isinstance(owner, str):
            return [owner]
        return [row for row, record in self._state.record_ids.items() if record == owner]

    def finding(self, key: str, values: Mapping[str, Any]) -> Finding:
        """The finding of a row whose references are those of another record, also a new one."""
        owner = (self._owners or {})[tuple(values[name] for name in self._names)]
        rows, name, ways = self.owners(values), self._mapping.name, []
        if isinstance(owner, int):
            what = f"{self._mapping.target.entity} {owner}"
            if not rows:  # made by hand, perhaps in the place of the row's own record
                ways = [Advice.of(Command.link(name, key, owner), " if it is this row's")]
        else:
            what = "a new record"
        candidates = self._order.candidates(key, rows)
        order = self._order.successions(key, candidates)
        each = order or [self._order.either_way(key, row) for row in candidates]
        pairs = [row for one in each for row in (one.key, one.of)]
        named = named_apart({row: self._context.label(name, row) for row in (key, *rows, *pairs)})
        labels = " and ".join(named[row] for row in rows)
        text = f"its references are those of {what}" + (f", which is {labels}'s" if rows else "")
        ways += self._succeed(key, each, named, in_order=len(order) > 1)
        ways.append(Advice("bring the two together in " + self._context.systems.source))
        remedy = join_advice(", or ", ways)
        return Finding(
            SERVICE_TAKEN,
            Severity.HOLD,
            text,
            remedy.text,
            self._mapping.repeat.place if self._mapping.repeat else self._mapping.place,
            commands=remedy.commands,
        )

    def _succeed(
        self, key: str, each: Sequence[Succession], named: Mapping[str, str], *, in_order: bool
    ) -> list[Advice]:
        """The rows whose place the row may take, in the order of their days if that is known."""
        if in_order:
            commands = join_advice(" and ", [Advice.of(self._take_place(*one)) for one in each])
            return [commands + " if each takes the place of the one before it, as their days are"]
        return [
            Advice.of(
                self._take_place(*way),
                f" if {'it' if way.key == key else named[way.key]} "
                f"takes the place of {named[way.of]}",
            )
            for way in each
        ]

    def _take_place(self, key: str, predecessor: str) -> Command:
        return Command.succeed(self._mapping.name, key, predecessor)
