"""A part of the plan: what was asked for, with what it needs, said in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from engine.model.finding import Finding
from engine.model.plan import Change, LedgerLine
from engine.planning import asked
from engine.planning.draft import Draft
from engine.planning.kin import Key, Kin
from engine.stages.order import needed


@dataclass(frozen=True, slots=True)
class Part:
    """What a selection keeps of a plan."""

    said: str  # in words
    changes: frozenset[str]  # ids
    rows: frozenset[Key]
    records: frozenset[tuple[str, int | None]]  # mapping and id of records that no row stands behind
    strangers: frozenset[str]  # keys of rows of which it says nothing
    outside: tuple[int, int]  # rows and changes that are left out of it

    def tells(self, finding: Finding) -> bool:
        """Is it about one of the rows, or about the project as a whole? What could not be read may be anybody's."""
        if finding.mapping and finding.key:
            return (finding.mapping, finding.key) in self.rows
        return finding.key not in self.strangers

    def weighs(self, line: LedgerLine) -> bool:
        """Is it the ledger line of one of the rows or records?"""
        return (line.mapping, line.key) in self.rows if line.key else (line.mapping, line.record) in self.records


def select(draft: Draft, targets: Sequence[str], exclude: Sequence[str], customer: str) -> Part | None:
    """What is kept; None where everything is.

    Raises EngineError for a mapping or row that is not there, and for a name that several rows have.
    """
    if not (targets or exclude or customer):
        return None
    return _Selection(draft, targets, exclude, customer).part()


class _Selection:
    """One selection, step by step."""

    def __init__(self, draft: Draft, targets: Sequence[str], exclude: Sequence[str], customer: str) -> None:
        self.draft = draft
        self.targets = [asked.asked(draft, one) for one in targets]
        self.excluded = [asked.asked(draft, one) for one in exclude]
        self.customer = asked.customer(draft, customer) if customer else None
        self.kin = Kin(draft, self.customer[0] if self.customer else "")
        standings = draft.standings.values()
        self.changes = [change for one in standings for group in one.changes.values() for change in group]
        self.about = {change.id: draft.rows_of(change) for change in self.changes}
        said = [f"only {', '.join(targets)}"] if targets else []
        said += [f"only customer {customer}"] if customer else []
        said += [f"without {', '.join(exclude)}"] if exclude else []
        self.said = "; ".join(said)

    def part(self) -> Part:
        """All of it."""
        kept, wanted = self._changes()
        rows = self._rows(kept)
        also = len(kept - wanted)
        known = {key for standing in self.draft.standings.values() for key in standing.rows}
        return Part(
            said=self.said + (f", with {also} that they need" if also else ""),
            changes=frozenset(kept),
            rows=frozenset(rows),
            records=frozenset((line.mapping, line.record) for line in self.draft.ledger if self._is_ours(line)),
            strangers=frozenset(known.difference(key for _, key in rows)),
            outside=(len(self.rows - rows), len(self.changes) - len(kept)),
        )

    @cached_property
    def rows(self) -> set[Key]:
        """Every row that the plan may have something to say of."""
        found = {row for rows in self.about.values() for row in rows}
        found |= {(line.mapping, line.key) for line in self.draft.ledger if line.key}
        standings = self.draft.standings
        for name, one in standings.items():
            found |= {(name, key) for key in chain(one.ready, one.blocked, one.left, one.ids)}
        said = chain(self.draft.findings, *(one.findings for one in standings.values()))
        return found | {(one.mapping, one.key) for one in said if one.key and one.mapping in standings}

    @cached_property
    def members(self) -> set[Key]:
        """The customer, and every row that refers to it, directly or through others."""
        return self.kin.under(self.rows, [self.customer]) if self.customer else self.rows

    @cached_property
    def dropped(self) -> set[Key]:
        """The rows that are excluded by key, with all that refer to them."""
        keyed = [(one.mapping, one.key) for one in self.excluded if one.key]
        return self.kin.under(self.rows, keyed) if keyed else set()

    def _changes(self) -> tuple[set[str], set[str]]:
        """Ids of the changes that are kept, and of those among them that were asked for."""
        wanted = {change.id for change in self.changes if self._is_wanted(change)}
        dropped = {change.id for change in self.changes if self._is_dropped(change)}
        wanted &= _without_dependants(self.changes, needed(self.changes, wanted), dropped)
        return needed(self.changes, wanted), wanted

    def _is_wanted(self, change: Change) -> bool:
        about = self.about[change.id]
        targeted = not self.targets or any(one.hits(change, about) for one in self.targets)
        return targeted and not self.members.isdisjoint(about)

    def _is_dropped(self, change: Change) -> bool:
        about = self.about[change.id]
        return not self.dropped.isdisjoint(about) or any(one.hits(change, about) for one in self.excluded)

    def _rows(self, kept: set[str]) -> set[Key]:
        """The rows that were asked for, and those that they need."""
        rows = {row for row in self.members if not self.targets or any(one.names(row) for one in self.targets)}
        changed = {row for id_ in kept for row in self.about[id_]}
        if self.targets:
            rows = self.kin.every(rows)
        rows |= {step for row in rows for step in self._chain(row)}
        without = {row for row in self.rows if any(one.names(row) for one in self.excluded)} | self.dropped
        if self.excluded:
            waiting = {row for rows in self.about.values() for row in rows} - changed
            without |= {row for row in rows if row in waiting or not without.isdisjoint(self._chain(row))}
        return ((rows - without) | changed) & self.rows

    def _chain(self, row: Key) -> list[Key]:
        """The rows through which a blocked row is blocked, up to the one at fault."""
        found: list[Key] = []
        standings = self.draft.standings
        step = standings[row[0]].because.get(row[1])
        while step and step not in found:
            found.append(step)
            step = standings[step[0]].because.get(step[1])
        return found

    def _is_ours(self, line: LedgerLine) -> bool:
        """Does the line of a record that no row stands behind belong to the part?"""
        if line.key or line.record is None:
            return False
        row, above = (line.mapping, line.key), self.kin.of_record(line.mapping, line.record)
        if self.targets and not any(one.names(row) and not one.key for one in self.targets):
            return False
        if any(one.names(row) or (one.mapping, one.key) in above for one in self.excluded):
            return False
        return self.customer is None or self.customer in above


def _without_dependants(changes: Sequence[Change], kept: set[str], dropped: set[str]) -> set[str]:
    """What needs an excluded change cannot be done either."""
    left = kept - dropped
    while True:
        broken = {change.id for change in changes if change.id in left and dropped.intersection(change.needs)}
        if not broken:
            return left
        left -= broken
        dropped = dropped | broken
