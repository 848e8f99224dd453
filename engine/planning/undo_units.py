"""Units taken back: opposing adjustments, each on the next free open day after the one that it opposes.

A day takes one adjustment, ever, and a posted period none: the days between stay as they were billed. Of one
contract service the latest goes first, so that units pass no day that they never passed; where somebody moved
them since so that less than none would be left on any day, none of them is taken back.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from engine.errors import StateError
from engine.model.plan import UNDO, Action, Change, FieldChange, Seen, UnitRow
from engine.model.project import About, AppendSpec, Difference, LedgerSpec, Project, Verdict
from engine.model.units import DAY, units_on
from engine.planning.reading import Records
from engine.planning.undoing import Undoing
from engine.stages import ledger as books
from engine.stages.ledger import DAYS_A_MONTH


@dataclass(frozen=True, slots=True)
class _Ledger:
    """How one mapping appends, and the mapping whose units that moves."""

    append: AppendSpec
    spec: LedgerSpec
    owner: str

    def day(self, change: Change) -> date:
        value = change.values[self.append.merge_on[1]]
        return value if isinstance(value, date) else date.max


def units(work: Undoing) -> None:
    """Adds the opposing adjustments of all that the run adjusted, mapping by mapping."""
    groups: dict[str, list[Change]] = defaultdict(list)
    for change in work.done:
        if change.action is Action.ADJUST:
            groups[change.mapping].append(change)
    for mapping, changes in groups.items():
        _mapping(work, _ledger(work.project, mapping), changes)


def _ledger(project: Project, mapping: str) -> _Ledger:
    append = project.mappings[mapping].append
    owner = next((one for one in project.mappings.values() if one.ledger and one.ledger.pending == mapping), None)
    if append is None or owner is None or owner.ledger is None:
        raise StateError(f"the mapping {mapping} no longer appends: the run cannot be undone with this configuration")
    return _Ledger(append, owner.ledger, owner.name)


def _mapping(work: Undoing, ledger: _Ledger, changes: Sequence[Change]) -> None:
    accounts: dict[int, list[Change]] = defaultdict(list)
    for change in changes:
        record = work.record_of(change)
        if record is None:
            work.say(change, "its contract service is not known any more")
        else:
            accounts[record].append(change)
    reader = Records(work.project, work.world.target, {})
    since = min((ledger.day(change) for change in changes), default=work.as_of)
    rows = reader.units(ledger.spec, ledger.append, accounts, since)
    work.records += reader.count
    for record, own in accounts.items():
        found = _Account(work, ledger, record, rows.get(record, ()), own).opposites()
        work.changes += found


class _Account:
    """One contract service, and what the run adjusted of it."""

    def __init__(
        self, work: Undoing, ledger: _Ledger, record: int, rows: Sequence[UnitRow], changes: Sequence[Change]
    ) -> None:
        self.work, self.ledger, self.record, self.rows = work, ledger, record, tuple(rows)
        self.changes = sorted(changes, key=ledger.day, reverse=True)
        self.days = {ledger.day(change) for change in changes}
        self.pushed = {one.day: one for one in work.memory.pushed.values() if one.units and one.record == record}
        first = min([*self.pushed, *self.days])
        upto = (max(self.days) - first).days
        self.taken = {first + timedelta(days=number) for number in range(upto + 1)}  # nothing goes before the latest
        self.taken |= {*self.pushed, *books.adjusted_days(rows)}

    def opposites(self) -> list[Change]:
        """An adjustment for each, the latest first; none at all where less than no units would be left."""
        found: list[Change] = []
        running = self.rows
        for change in self.changes:
            again = self._again(change)
            if again:
                self.work.say(change, f"was pushed again since, by run {again}: it is not done once more")
                continue
            day, units = self._free(self.ledger.day(change)), -_units(change)
            if not any(row.start <= day <= row.end for row in self.rows):
                text = f"no open day is left for {units:+d} units: its periods are posted, or the contract has ended"
                self.work.say(change, text)
                continue
            opposite = self._opposite(change, day, units_on(running, day), found)
            running = books.adjust(running, day, units)
            if units < 0 and books.lowest(running, day) < 0:
                self._too_few(change, units, next(row for row in running if row.end >= day and row.units < 0))
                return []
            self.taken.add(day)
            found.append(opposite)
        return found

    def _again(self, change: Change) -> str:
        """The run that pushed what an undo had taken back: the undo of that undo must not do it too."""
        if not change.takes_back:
            return ""
        known = [self.work.memory.pushed.get((change.mapping, key)) for key in change.keys]
        runs = [one.run for one in known if one and not one.undone]
        corrected = f"correct:{change.keys[0]}:"
        runs += [
            one.run
            for one in self.work.memory.pushed.values()
            if one.mapping == change.mapping and one.key.startswith(corrected) and self.work.is_later(one.run)
        ]
        return next(iter(runs), "")

    def _free(self, first: date) -> date:
        """The next day after `first` that no adjustment took and no posted row covers."""
        posted = self._posted()
        day = posted + DAY if posted >= first else first
        while day in self.taken:
            day += DAY
        return day

    def _posted(self) -> date:
        return max((row.end for row in self.rows if row.posted), default=date.min)

    def _opposite(self, change: Change, day: date, start: int, found: Sequence[Change]) -> Change:
        append, units = self.ledger.append, -_units(change)
        between = (day - self.ledger.day(change)).days
        kept = {} if change.makes else change.values
        return replace(
            change,
            id=f"{UNDO}{change.id}",
            record=self.record,
            entity=self.work.project.mappings[change.mapping].target.entity,
            values={**kept, append.merge_on[0]: self.record, append.merge_on[1]: day, append.merge_sum: units},
            fields=tuple(self._field(one, day, units) for one in change.fields),
            needs=(found[-1].id,) if found else (),
            seen=Seen(units=self.rows),
            monthly=None if change.monthly is None else -change.monthly,
            one_off=None if change.monthly is None else change.monthly * between / DAYS_A_MONTH,
            units=(start, start + units),
            makes=None,
            notes=(*self._notes(change, day), *(() if found else self._others())),
        )

    def _field(self, change: FieldChange, day: date, units: int) -> FieldChange:
        append = self.ledger.append
        after = {append.merge_on[0]: self.record, append.merge_on[1]: day, append.merge_sum: units}.get(change.field)
        return change if after is None else replace(change, after=after, shown_after=str(after))

    def _notes(self, change: Change, day: date) -> Iterable[str]:
        first, units = self.ledger.day(change), _units(change)
        between = (day - first).days
        days, stay = ("that day", "stays") if between == 1 else (f"the {between} days from then to {day}", "stay")
        posted = f"; {first} is posted, {day} is the next open day" if self._posted() >= first else ""
        without = "" if units > 0 else " without them"
        yield f"takes back {units:+d} of {first}{posted}; {days} {stay} billed{without}, prorated"
        yield from self._afterwards(change)

    def _afterwards(self, change: Change) -> Iterable[str]:
        """What becomes of the logs that it carried, or of the difference that it corrected."""
        logs = [key for key in change.keys if (change.mapping, key) in self.work.memory.pushed]
        many = len(logs) > 1
        if change.takes_back:
            said = "count" if many else "counts"
            yield from [f"{', '.join(logs)} {said} as pushed again"] if logs else []
        elif logs:
            said = "wait for a new decision before they" if many else "waits for a new decision before it"
            yield f"{', '.join(logs)} {said} can be pushed again"
        elif self._is_corrected_again(change.keys[0]):
            yield "a correction that still stands as decided: the next plan makes it again"

    def _is_corrected_again(self, key: str) -> bool:
        decision = self.work.project.decided(self.ledger.owner, key, About.UNITS)
        decided = decision is not None and decision.verdict is Verdict.CORRECT
        return decided or self.ledger.spec.difference is Difference.CORRECT

    def _others(self) -> Iterable[str]:
        """Steps after the first of the run's that are not the run's own: an undo leaves them alone."""
        steps = [
            f"{step:+d} on {row.start} ({self._whose(row.start)})"
            for row in self.rows
            if row.start > min(self.days)
            and row.start not in self.days
            and (step := row.units - units_on(self.rows, row.start - DAY))
        ]
        if steps:
            yield f"its units change by {', '.join(steps)} besides, which stays"

    def _whose(self, day: date) -> str:
        one = self.pushed.get(day)
        if one is None:
            return "by no run of ours"
        return f"taken back later by run {one.run}" if one.undone else f"run {one.run}"

    def _too_few(self, change: Change, units: int, row: UnitRow) -> None:
        """Somebody else took units away since: what the run added is not there any more to be taken back."""
        others = "".join(f"; {one}" for one in self._others())
        text = (
            f"{units:+d} would leave {row.units} units from {row.start}{others}: what the run changed is left as it is"
        )
        self.work.say(change, text, self._remedy())

    def _remedy(self) -> str:
        links = self.work.memory.links.values()
        key = next((one.key for one in links if one.mapping == self.ledger.owner and one.record == self.record), "KEY")
        return f"`trueup decide {self.ledger.owner} {key} correct --reason …` adjusts Autotask to Work 365"


def _units(change: Change) -> int:
    before, after = change.units or (0, 0)
    return after - before
