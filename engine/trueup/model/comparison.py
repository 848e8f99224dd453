"""Two plans of the same rows and records, made with two configurations, and their differences."""

from msgspec import Struct

from trueup.model.change import Change, FieldChange
from trueup.model.plan import Blocked, GuardExceeded, LedgerLine, Plan


class FieldPair(Struct, frozen=True):
    """One field of a change in both plans; None if a plan does not write it."""

    before: FieldChange | None
    after: FieldChange | None


class ChangePair(Struct, frozen=True):
    """A change in both plans; None if a plan does not have it."""

    before: Change | None
    after: Change | None
    fields: tuple[FieldPair, ...] = ()  # those that differ; empty unless both plans have it
    facts: tuple[str, ...] = ()  # of `planning.comparison.FACTS`: those that differ

    @property
    def change(self) -> Change:
        """The change as the second plan has it, otherwise as the first has it."""
        found = self.after or self.before
        if found is None:
            raise ValueError("a pair of no changes")
        return found


class LedgerPair(Struct, frozen=True):
    """A line of the ledger in both plans; None if a plan does not have it."""

    before: LedgerLine | None
    after: LedgerLine | None

    @property
    def line(self) -> LedgerLine:
        """The line as the second plan has it, otherwise as the first has it."""
        found = self.after or self.before
        if found is None:
            raise ValueError("a pair of no lines")
        return found


class LeftOutRows(Struct, frozen=True):
    """Rows of one mapping that only one plan leaves out on purpose, by the reason."""

    mapping: str
    reason: str
    names: tuple[str, ...]
    keys: tuple[str, ...]  # in the order of `names`


class Comparison(Struct, frozen=True):
    """The effect of a change of configuration: `before` is the plan without it."""

    other: str  # the configuration of `before`, as a person named it
    before: Plan
    after: Plan
    calls: int  # requests to the target for both plans
    extra_calls: int  # of them: made for `before` alone
    changes: tuple[ChangePair, ...]  # those that differ
    newly_blocked: tuple[Blocked, ...]
    released: tuple[Blocked, ...]
    newly_left_out: tuple[LeftOutRows, ...]
    no_longer_left_out: tuple[LeftOutRows, ...]
    ledger: tuple[LedgerPair, ...]  # lines that differ
    newly_exceeded: tuple[GuardExceeded, ...]
    no_longer_exceeded: tuple[GuardExceeded, ...]
    notes: tuple[str, ...] = ()  # what both plans share although the configurations differ in it

    @property
    def differs(self) -> bool:
        """Whether the two configurations plan anything different."""
        rows = (self.newly_blocked, self.released, self.newly_left_out, self.no_longer_left_out)
        limits = (self.newly_exceeded, self.no_longer_exceeded)
        return any((self.changes, self.ledger, *rows, *limits))
