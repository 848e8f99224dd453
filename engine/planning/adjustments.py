"""Pending logs of one account become adjustments: merged by day, judged by rules, each in its turn."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from engine.model.finding import Finding, Severity
from engine.model.plan import Action, Change, FieldChange, Reason, Seen, UnitRow, Unknown
from engine.model.project import AppendSpec, MappingSpec, RuleOn, Verdict
from engine.model.units import DAY, units_on
from engine.model.work import Standing
from engine.planning.draft import Draft
from engine.planning.pending import Logs
from engine.stages import ledger as books
from engine.stages.append import Adjustment, Pending, correcting, days_of, merge
from engine.stages.diff import shown
from engine.stages.validate import STOPS, rule_findings

SHORTEST_MONTH = 28

_CORRECTS = "corrects the difference, as decided"


@dataclass(frozen=True, slots=True)
class Step:
    """One adjustment in its turn, and what stops it."""

    adjustment: Adjustment
    start: int  # units on its day before it
    said: Sequence[Finding]  # what rules on changes say of it
    stop: Finding | None  # its own, or that of an earlier one

    @property
    def corrects(self) -> Decimal:
        """How much of a correction is sent by it."""
        return Decimal(0) if self.stop else self.adjustment.correction


class Adjuster:
    """Makes the changes of one append-only mapping, account by account."""

    def __init__(self, draft: Draft, logs: Logs, spec: AppendSpec, owner: MappingSpec) -> None:
        self.draft, self.logs, self.spec, self.owner = draft, logs, spec, owner
        self.mapping, self.marks = logs.mapping, logs.marks
        self.standing: Standing = logs.standing
        self.accounts = draft.standings[owner.name]
        self.taken: dict[int, set[date]] = defaultdict(set)  # contract service → days that took an adjustment of ours
        for one in draft.memory.pushed.values():
            if one.units:
                self.taken[one.record].add(one.day)

    def keyed(self, account: books.Account, flowing: Sequence[str]) -> dict[str, int]:
        """Changes that Autotask seems to have already: on their day, units move by just as much, and not by us.

        Only where some go up and some go down: else the law of the ledger would not hold.
        """
        days: dict[date, Decimal] = defaultdict(Decimal)
        for key in flowing:
            days[self.logs.day(key)] += self.logs.units_of(key)
        if not _both_ways(days.values()):
            return {}
        ours = self._ours(account)
        found = {on: int(units) for on, units in days.items() if on not in ours and units == _step(account, on)}
        if not _both_ways(found.values()):
            return {}
        return {key: found[self.logs.day(key)] for key in flowing if self.logs.day(key) in found}

    def ahead(self, account: books.Account, day: date) -> tuple[tuple[date, int], ...]:
        """The steps that units take after `day` and that no run of ours made: keyed by hand, dated ahead.

        From one row to the next; where the rows end the contract does, and that is nobody's step.
        """
        ours = self._ours(account)
        return tuple(
            (later.start, later.units - earlier.units)
            for earlier, later in pairwise(account.rows)
            if later.start > day and later.units != earlier.units and later.start not in ours
        )

    def _ours(self, account: books.Account) -> set[date]:
        """Days of the account that took an adjustment of ours."""
        return set() if account.record is None else self.taken.get(account.record, set())

    def steps(self, account: books.Account, flowing: Sequence[str], correction: Decimal) -> list[Step]:
        """Adjustments of one account in turn. After one that a rule holds, all are held. Nothing is added yet."""
        taken = self._ours(account) | books.adjusted_days(account.rows)
        days = days_of(account.rows, taken)
        logs = [self._pending(one) for one in flowing]
        logs += correcting(logs, correction, days.open(max([self.draft.as_of, *(log.day for log in logs)])))
        rows, running, stop = account.rows, 0, None
        steps: list[Step] = []
        for adjustment in merge(logs, days):
            low = books.lowest(rows, adjustment.day, running) + adjustment.units
            start = units_on(rows, adjustment.day, running)
            said = () if stop else self._judged(adjustment, start, low, account.rows)
            stop = stop or next((finding for finding in said if finding.severity in STOPS), None)
            steps.append(Step(adjustment, start, said, stop))
            if not stop:
                rows, running = books.adjust(rows, adjustment.day, adjustment.units), running + adjustment.units
        return steps

    def adjust(self, key: str, account: books.Account, steps: Iterable[Step]) -> None:
        """Adds the changes of one account, each after the one before it; those that are stopped are held."""
        before = self.draft.anchors(self.owner.name, key)
        for step in steps:
            self.standing.findings += [finding for finding in step.said if finding.severity not in STOPS]
            if step.stop:
                self._stop(step.adjustment, step.stop)
                continue
            change = self._change(key, account, step.adjustment, step.start, before)
            if change and key in self.accounts.repeats and key not in self.accounts.changes:
                change = self._making(key, change)
            before = (change.id,) if change else before

    def _pending(self, key: str) -> Pending:
        decision = self.logs.decisions.get(key)
        forced = bool(decision and decision.verdict is Verdict.PUSH)
        return Pending(key, self.logs.day(key), self.logs.units_of(key), forced)

    def _judged(self, adjustment: Adjustment, start: int, low: int, rows: Sequence[UnitRow]) -> Sequence[Finding]:
        """What rules on changes say of it."""
        first = next((key for key in adjustment.keys if key), "")
        if not first or not adjustment.units:
            return ()
        names = self.draft.names(self.mapping.name, first)
        names["refs"] = self.draft.refs(self.mapping.name, first)
        names["change"] = {
            "action": "adjust",
            "values": self.logs.values.get(first, {}),
            "day": adjustment.day,
            "units": adjustment.units,
            "units_before": start,
            "units_after": start + adjustment.units,
            "lowest": low,
            "posted": books.is_posted(rows, adjustment.day),
            "first_open_day": books.first_open_day(rows, adjustment.day),
        }
        return rule_findings(self.draft.rules(self.mapping.name, RuleOn.CHANGE), names, first)

    def _stop(self, adjustment: Adjustment, stop: Finding) -> None:
        for key in adjustment.keys:
            if not key:
                continue
            own = stop.key in adjustment.keys
            text = stop.text if own else f"waits for an earlier change of the same service: {stop.text}"
            code = stop.code if own else "waits-its-turn"
            severity = stop.severity if own else Severity.HOLD
            self.standing.block(key, replace(stop, code=code, severity=severity, text=text, key=key))

    def _change(
        self,
        owner_key: str,
        account: books.Account,
        adjustment: Adjustment,
        start: int,
        before: tuple[str, ...],
    ) -> Change | None:
        keys = tuple(key for key in adjustment.keys if key)
        if not adjustment.units:
            self.marks.add(
                f"{self.mapping.name}:{keys[0]}:mark",
                keys,
                (),
                "the correction, as decided, cancels it: nothing is sent"
                if adjustment.correction
                else "the changes of that day cancel out: nothing is sent",
            )
            return None
        values = self._sent(owner_key, account, adjustment, keys)
        if account.record is None:
            self.draft.fresh[f"{self.owner.name}:{owner_key}"] = self._rows_to_come(owner_key, adjustment.day)
        price = account.price
        monthly = None if price is None else price * adjustment.units
        id_ = f"{self.mapping.name}:{keys[0]}" if keys else f"{self.mapping.name}:correct:{owner_key}"
        change = Change(
            id=id_,
            action=Action.ADJUST,
            mapping=self.mapping.name,
            keys=keys or (owner_key,),
            name=account.name,
            tab=self.mapping.tab,
            entity=self.mapping.target.entity,
            place=self.mapping.place,
            record=account.record,
            fields=self._fields(values),
            values=values,
            needs=before,
            seen=self._seen(keys, owner_key, account),
            monthly=monthly,
            one_off=books.one_off(monthly, adjustment.day, self.draft.as_of),
            price_unknown=price is None,
            notes=(*adjustment.notes, _CORRECTS) if adjustment.correction else adjustment.notes,
            units=(start, start + adjustment.units),
        )
        self.standing.changes[keys[0] if keys else id_] = [change]
        if keys:
            self.marks.add(f"{id_}:mark", keys, (id_,), "")
        return change

    def _rows_to_come(self, owner_key: str, since: date) -> int:
        """Unit rows that a new account will have at most: one a month up to the last day that its references name."""
        records = [self.draft.record_names(*row) or {} for row in self.draft.refers_to(self.owner.name, owner_key)]
        days = [value for record in records for value in record.values() if type(value) is date]
        return (max([since, *days]) - since).days // SHORTEST_MONTH + 2

    def _making(self, key: str, change: Change) -> Change:
        """The first adjustment of a second service of its kind on one contract: it creates that service as well."""
        repeat, owner = self.owner.repeat, self.owner
        references = {
            slot.name: self.accounts.repeats[key][slot.name]
            for slot in self.draft.compiled[owner.name].slots
            if slot.reference and slot.field.create_only
        }
        extra = {name: value.raw for name, value in repeat.set.items()} if repeat else {}
        kept = {name: value for name, value in change.values.items() if name != self.spec.merge_on[0]}
        needs = [need for other in self.draft.refers_to(owner.name, key) for need in self.draft.anchors(*other)]
        made = replace(
            change,
            id=f"{owner.name}:{key}",
            entity=repeat.by if repeat else change.entity,
            values={**references, **extra, **kept},
            needs=tuple(dict.fromkeys((*change.needs, *needs, *self._earlier_ones(references)))),
            seen=Seen(row=change.seen.row, absent=references),
            makes=(owner.name, key, owner.target.entity),
            notes=(*change.notes, "adds a further service of its kind to the contract"),
        )
        self.standing.changes.pop(change.id if change.id in self.standing.changes else change.keys[0])
        self.accounts.changes[key] = [made]
        for name, marks in self.standing.changes.items():
            self.standing.changes[name] = [
                replace(mark, needs=(made.id,)) if mark.needs == (change.id,) else mark for mark in marks
            ]
        return made

    def _earlier_ones(self, references: Mapping[str, Any]) -> Iterable[str]:
        """Changes that add a service of that kind too: the next one is known by not having been there before."""
        for group in self.accounts.changes.values():
            for change in group:
                creates = change.action is Action.CREATE and references.items() <= change.values.items()
                if creates or (change.makes and change.seen.absent == references):
                    yield change.id

    def _sent(
        self, owner_key: str, account: books.Account, adjustment: Adjustment, keys: tuple[str, ...]
    ) -> dict[str, Any]:
        last = self.logs.values[keys[-1]] if keys else {}
        usable = account.record if account.record is not None else Unknown(f"{self.owner.name}:{owner_key}")
        fixed = {
            self.spec.merge_on[0]: usable,
            self.spec.merge_on[1]: adjustment.day,
            self.spec.merge_sum: adjustment.units,
        }
        return {**{name: value for name, value in last.items() if value is not None}, **fixed}

    def _fields(self, values: Mapping[str, Any]) -> tuple[FieldChange, ...]:
        slots = {slot.name: slot for slot in self.draft.compiled[self.mapping.name].slots}
        return tuple(
            FieldChange(name, None, value, Reason.NEW, "–", shown(slots[name], value))
            for name, value in values.items()
            if name in slots
        )

    def _seen(self, keys: Sequence[str], owner_key: str, account: books.Account) -> Seen:
        rows: dict[str, str] = {}
        for key in keys:
            rows.update(self.draft.row_seen(self.mapping, key))
        if owner_key in self.accounts.rows:
            rows.update(self.draft.row_seen(self.owner, owner_key))
        return Seen(row=rows, units=account.rows if account.record is not None else None)


def _both_ways(units: Iterable[Decimal | int]) -> bool:
    """Do some go up and some go down?"""
    values = [*units]
    return any(value > 0 for value in values) and any(value < 0 for value in values)


def _step(account: books.Account, day: date) -> int:
    return units_on(account.rows, day, account.none) - units_on(account.rows, day - DAY, account.none)
