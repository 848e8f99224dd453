"""The turn of an append-only mapping: what is pending, weighed against what Autotask bills, becomes adjustments."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from engine.expressions import EVALUATION_ERRORS, evaluate
from engine.model.finding import Finding, Severity
from engine.model.plan import (
    Action,
    Change,
    FieldChange,
    LedgerClass,
    LedgerLine,
    Reason,
    Seen,
    UnitRow,
    Unknown,
)
from engine.model.project import AppendSpec, Decision, LedgerSpec, MappingSpec, RuleOn, Verdict
from engine.model.run import Pushed
from engine.model.units import units_on
from engine.model.work import Standing
from engine.planning.align import scope
from engine.planning.draft import Draft
from engine.planning.prices import unit_price
from engine.stages import ledger as books
from engine.stages.append import Adjustment, Pending, days_of, merge
from engine.stages.diff import shown
from engine.stages.resolve import Resolver
from engine.stages.validate import STOPS, rule_findings


@dataclass(slots=True)
class _Pile:
    """The logs of one account: pending in their order, with their fitted values, and where the first stop is."""

    flowing: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    archive: list[str] = field(default_factory=list)
    last_day: date | None = None


def append(draft: Draft, mapping: MappingSpec) -> None:
    """The whole turn of an append-only mapping."""
    spec = mapping.append
    owner = next(one for one in draft.project.mappings.values() if one.ledger and one.ledger.pending == mapping.name)
    if spec is None or owner.ledger is None:
        return
    standing = scope(draft, mapping)
    draft.resolvers[mapping.name] = Resolver(draft.compiled[mapping.name], draft.standings, draft.reader.find)
    _Turn(draft, mapping, spec, owner, owner.ledger, standing).run()


class _Turn:
    """One append mapping against the mapping that keeps its ledger."""

    def __init__(
        self, draft: Draft, mapping: MappingSpec, spec: AppendSpec, owner: MappingSpec, ledger: LedgerSpec, standing: Standing
    ) -> None:  # fmt: skip
        self.draft, self.mapping, self.spec = draft, mapping, spec
        self.owner, self.ledger, self.standing = owner, ledger, standing
        self.accounts = draft.standings[owner.name]
        self.values: dict[str, dict[str, Any]] = {}  # log key → fitted values
        self.decisions = draft.decisions(mapping.name)
        self.owner_decisions = draft.decisions(owner.name)
        self.units: dict[int, tuple[UnitRow, ...]] = {}
        self.taken: dict[int, set[date]] = defaultdict(set)  # contract service → days that took an adjustment of ours
        for one in draft.memory.pushed.values():
            if one.units:
                self.taken[one.record].add(one.day)

    def run(self) -> None:
        """Sort the logs into piles, read units, weigh, adjust, and look for orphans."""
        piles = self._piles()
        ids = self.accounts.ids
        since = min([self.draft.as_of, *self._pending_days(piles)])
        every = {*ids.values(), *self.accounts.records}
        self.units = self.draft.reader.units(self.ledger, self.spec, every, since)
        for key in dict.fromkeys([*ids, *piles, *self._expected()]):
            self._account(key, piles.get(key, _Pile()))
        self._orphans()

    def _expected(self) -> Iterable[str]:
        """Rows that should have a contract service, linked or not."""
        yield from self.accounts.ready
        yield from self.accounts.blocked

    def _pending_days(self, piles: Mapping[str, _Pile]) -> Iterable[date]:
        for pile in piles.values():
            for key in (*pile.flowing, *pile.stopped):
                yield self._day(key)

    def _day(self, key: str) -> date:
        day: date = self._log_value(key, self.spec.merge_on[1])
        return day

    def _units_of(self, key: str) -> Decimal:
        return Decimal(self._log_value(key, self.spec.merge_sum) or 0)

    def _log_value(self, key: str, name: str) -> Any:  # noqa: ANN401 -- any value of a row
        """A log's value by the mapping's own field, fitted where it fits, as the source has it where not."""
        if key in self.values and name in self.values[key]:
            return self.values[key][name]
        spec = self.mapping.fields[name]
        return evaluate(getattr(spec.value, "raw", None), self.draft.names(self.mapping.name, key))

    def _account_of(self, key: str) -> str | None:
        """The key of the row that a log belongs to."""
        spec = self.mapping.fields[self.spec.in_turn].value
        value = evaluate(getattr(getattr(spec, "of", None), "raw", None), self.draft.names(self.mapping.name, key))
        return None if value is None else str(value)

    def _piles(self) -> dict[str, _Pile]:
        piles: dict[str, _Pile] = defaultdict(_Pile)
        order = self.mapping.source.order
        rows = self.standing.rows
        column = self.draft.key_column(self.mapping)
        pushed = self.draft.memory.pushed
        ordered = sorted(rows.values(), key=lambda row: tuple(str(row.get(name) or "") for name in (*order, column)))
        for row in ordered:
            key = str(row[column])
            owner = self._safe_account(key)
            if owner is None:
                continue
            pile = piles[owner]
            self._note_day(key, pile)
            remembered = pushed.get((self.mapping.name, key))
            if remembered and remembered.undone:
                self._undone(key, pile, remembered)
            elif remembered:
                self._remembered(key)
            elif key in self.standing.ready or key in self.standing.blocked:
                self._sort(key, pile)
        return piles

    def _safe_account(self, key: str) -> str | None:
        try:
            return self._account_of(key)
        except EVALUATION_ERRORS:  # the row is blocked already, with the reason
            return None

    def _note_day(self, key: str, pile: _Pile) -> None:
        """The last day that any log, pending or not, or a push on a later day, is about."""
        remembered = self.draft.memory.pushed.get((self.mapping.name, key))
        try:
            day = remembered.day if remembered else self._day(key)
        except EVALUATION_ERRORS:
            return
        if isinstance(day, date):
            pile.last_day = max(day, pile.last_day or day)

    def _undone(self, key: str, pile: _Pile, remembered: Pushed) -> None:
        """A log whose units an undo took back: pending again, and held until a person says what to do with it."""
        decision = self.decisions.get(key)
        if key in self.standing.ready and not (decision and decision.verdict in (Verdict.PUSH, Verdict.ARCHIVE)):
            name = self.mapping.name
            text = f"was pushed by run {remembered.run} and undone: it waits for a decision"
            remedy = f"`trueup decide {name} {key} push --reason …`, or archive"
            self.standing.block(key, self._finding("undone", Severity.HOLD, text, key, remedy))
        if key in self.standing.ready or key in self.standing.blocked:
            self._sort(key, pile)

    def _remembered(self, key: str) -> None:
        """A log that was pushed before: never again; only its mark is repeated where the source lacks it."""
        if key in self.standing.ready or key in self.standing.blocked:
            for place in (self.standing.ready, self.standing.blocked):
                place.pop(key, None)
            self._mark(self._mark_id(key), (key,), (), "pushed before; only its mark is repeated")

    def _sort(self, key: str, pile: _Pile) -> None:
        decision = self.decisions.get(key)
        if decision and decision.verdict is Verdict.IGNORE:
            text = f"ignored: {decision.reason}"
            self.standing.leave(key, self._finding("ignored", Severity.SKIP, text, key))
        elif decision and decision.verdict is Verdict.ARCHIVE:
            pile.archive.append(key)
        elif key in self.standing.blocked:
            pile.stopped.append(key)
        elif self._resolved(key):
            (pile.stopped or pile.flowing).append(key)
        elif key in self.standing.blocked:
            pile.stopped.append(key)

    def _resolved(self, key: str) -> bool:
        """Fits the log's values; blocks it or leaves it out where they cannot be."""
        resolved = self.draft.resolvers[self.mapping.name].slow(key, self.standing.ready[key])
        if resolved.left:
            self.standing.leave(key, replace(resolved.left, mapping=self.mapping.name))
            return False
        for finding in resolved.findings:
            self.standing.block(key, finding, resolved.because)
        self.values[key] = resolved.values
        return not resolved.findings

    def _account(self, key: str, pile: _Pile) -> None:
        """One row's ledger line, and its adjustments where they may flow."""
        account = self._books(key, pile)
        if account is None:
            return
        decided = {one: decision.verdict.value for one, decision in self.decisions.items()}
        own = self.owner_decisions.get(key)
        if own:
            decided[key] = own.verdict.value
        weighed = books.weigh(account, self.draft.as_of, self.ledger.difference, decided)
        line = weighed.line
        self._archive(pile)
        if weighed.flows:
            held = self._adjust(key, account, pile, weighed.correction)
            if held and line.class_ is LedgerClass.MATCH:
                line = replace(line, class_=LedgerClass.HELD, text="its changes are held, see there")
        else:
            self._hold_all(pile.flowing, line.text, line.difference)
        self._keep(line, key)

    def _keep(self, line: LedgerLine, key: str) -> None:
        if line.record is None and not line.quantity and not line.pending:
            return
        self.draft.ledger.append(line)
        rules = self.draft.rules(self.owner.name, RuleOn.LEDGER)
        if rules and key in self.accounts.rows:
            names = self.draft.names(self.owner.name, key)
            names["ledger"] = {
                "quantity": line.quantity, "units": line.units, "pending": line.pending,
                "difference": line.difference, "class": str(line.class_), "day": line.day,
            }  # fmt: skip
            self.draft.findings.extend(rule_findings(rules, names, key))

    def _books(self, key: str, pile: _Pile) -> books.Account | None:
        record = self.accounts.ids.get(key)
        known = self.accounts.records.get(record) if record is not None else None
        quantity = self._quantity(key)
        if quantity is None:
            return None
        coming = any(change.action is Action.CREATE for change in self.accounts.changes.get(key, ()))
        return books.Account(
            mapping=self.owner.name,
            key=key,
            name=self.draft.label(self.owner.name, key),
            customer=self._customer(key),
            record=record,
            coming=coming,
            quantity=quantity,
            rows=self.units.get(record, ()) if record is not None else (),
            logs=tuple(self._log(one, stopped=one in pile.stopped) for one in (*pile.flowing, *pile.stopped)),
            last_day=pile.last_day,
            price=unit_price(self.draft, self.ledger.price, self.owner.name, known, key),
            none=self.ledger.units.none,
        )

    def _customer(self, key: str) -> str:
        """The first part of what people call the row; orphans and lists are sorted by it."""
        return self.draft.label(self.owner.name, key).split(",")[0]

    def _quantity(self, key: str) -> Decimal | None:
        """What the source says should be billed; a linked row that is gone counts as 0."""
        if key not in self.accounts.rows:
            return Decimal(0)
        try:
            return Decimal(evaluate(self.ledger.quantity.raw, self.draft.names(self.owner.name, key)))
        except (TypeError, *EVALUATION_ERRORS) as fault:
            text = f"its quantity cannot be worked out: {fault}"
            self.draft.findings.append(
                Finding("expression-failed", Severity.ERROR, text, "mend the row", self.ledger.quantity.place,
                        self.owner.name, key)
            )  # fmt: skip
            return None

    def _log(self, key: str, *, stopped: bool) -> books.Log:
        try:
            return books.Log(key, self._day(key), self._units_of(key), stopped)
        except (
            TypeError,
            *EVALUATION_ERRORS,
        ):  # blocked already, with the reason; without a number it adds nothing
            return books.Log(key, self.draft.as_of, Decimal(0), stopped=True)

    def _hold_all(self, keys: Sequence[str], why: str, difference: Decimal) -> None:
        text = f"the ledger differs by {difference:+f}: {why}"
        name = self.mapping.name
        for key in keys:
            remedy = f"`trueup decide {name} {key} archive --reason …` (Autotask has it already), or push"
            self.standing.block(key, self._finding("ledger-differs", Severity.HOLD, text, key, remedy))

    def _archive(self, pile: _Pile) -> None:
        for key in pile.archive:
            self.standing.ready.pop(key, None)
            self.standing.blocked.pop(key, None)
            decision: Decision = self.decisions[key]
            why = f"archived only, Autotask has it already: {decision.reason}"
            self._mark(self._mark_id(key), (key,), (), why)

    def _adjust(self, key: str, account: books.Account, pile: _Pile, correction: Decimal) -> bool:
        """Adjustments of one account in turn; True where one of them is held."""
        taken = self.taken.get(account.record or -1, set()) | books.adjusted_days(account.rows)
        days = days_of(account.rows, taken)
        logs = [self._pending(one) for one in pile.flowing]
        if correction:
            logs.append(Pending("", days.open(max([self.draft.as_of, *(log.day for log in logs)])), correction))
        rows, running, before, held = (
            account.rows,
            0,
            self.draft.anchors(self.owner.name, key),
            bool(pile.stopped),
        )
        stop: Finding | None = None
        for adjustment in merge(logs, days):
            low = books.lowest(rows, adjustment.day, running) + adjustment.units
            start = units_on(rows, adjustment.day, running)
            stop = stop or self._judged(adjustment, start, low, account.rows)
            if stop:
                held = True
                self._stop(adjustment, stop)
                continue
            change = self._change(key, account, adjustment, start, before)
            rows, running = books.adjust(rows, adjustment.day, adjustment.units), running + adjustment.units
            before = (change.id,) if change else before
        return held

    def _pending(self, key: str) -> Pending:
        decision = self.decisions.get(key)
        forced = bool(decision and decision.verdict is Verdict.PUSH)
        return Pending(key, self._day(key), self._units_of(key), forced)

    def _judged(self, adjustment: Adjustment, start: int, low: int, rows: Sequence[UnitRow]) -> Finding | None:
        """What rules on changes have against it."""
        first = adjustment.keys[0]
        if not first or not adjustment.units:
            return None
        names = self.draft.names(self.mapping.name, first)
        names["refs"] = self.draft.refs(self.mapping.name, first)
        names["change"] = {
            "action": "adjust",
            "values": self.values.get(first, {}),
            "day": adjustment.day,
            "units": adjustment.units,
            "units_before": start,
            "units_after": start + adjustment.units,
            "lowest": low,
            "posted": books.is_posted(rows, adjustment.day),
            "first_open_day": books.first_open_day(rows, adjustment.day),
        }
        findings = rule_findings(self.draft.rules(self.mapping.name, RuleOn.CHANGE), names, first)
        self.standing.findings += [finding for finding in findings if finding.severity not in STOPS]
        return next((finding for finding in findings if finding.severity in STOPS), None)

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
            self._mark(
                f"{self.mapping.name}:{keys[0]}:mark",
                keys,
                (),
                "the changes of that day cancel out: nothing is sent",
            )
            return None
        values = self._sent(owner_key, account, adjustment, keys)
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
            notes=adjustment.notes if keys else ("corrects the difference, as decided",),
            units=(start, start + adjustment.units),
        )
        self.standing.changes[keys[0] if keys else id_] = [change]
        if keys:
            self._mark(f"{id_}:mark", keys, (id_,), "")
        return change

    def _sent(
        self, owner_key: str, account: books.Account, adjustment: Adjustment, keys: tuple[str, ...]
    ) -> dict[str, Any]:
        last = self.values[keys[-1]] if keys else {}
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

    def _mark_id(self, key: str) -> str:
        return f"{self.mapping.name}:{key}:mark"

    def _mark(self, id_: str, keys: tuple[str, ...], needs: tuple[str, ...], why: str) -> None:
        """The write-back of these logs, if the mapping has one."""
        spec = self.mapping.write_back
        if spec is None or not keys:
            return
        names = self.draft.names(self.mapping.name, keys[0])
        values = {name: evaluate(value.raw, names) for name, value in spec.set.items()}
        row = self.standing.rows[keys[0]]
        change = Change(
            id=id_,
            action=Action.WRITE_BACK,
            mapping=self.mapping.name,
            keys=keys,
            name=self.draft.label(self.mapping.name, keys[0]),
            tab=self.mapping.tab,
            entity=self.mapping.source.table,
            place=spec.place,
            values=values,
            fields=tuple(
                FieldChange(name, row.get(name), value, Reason.NEW, str(row.get(name)), str(value))
                for name, value in values.items()
            ),
            needs=needs,
            seen=Seen(record={name: row.get(name) for name in values}),
            notes=(why,) if why else (),
        )
        self.standing.changes.setdefault(id_, []).append(change)

    def _finding(self, code: str, severity: Severity, text: str, key: str, remedy: str = "") -> Finding:
        return Finding(code, severity, text, remedy, self.mapping.place, self.mapping.name, key)

    def _orphans(self) -> None:
        """Contract services of ours with units, and no row behind them."""
        standing = self.accounts
        linked = set(standing.ids.values())
        loose = [id_ for id_ in standing.records if id_ not in linked]
        for id_ in loose:
            on_day = units_on(self.units.get(id_, ()), self.draft.as_of)
            if on_day:
                record = standing.records[id_]
                price = unit_price(self.draft, self.ledger.price, self.owner.name, record, "")
                name = self._orphan_name(record)
                self.draft.ledger.append(books.orphan(self.owner.name, id_, name, on_day, self.draft.as_of, price))

    def _orphan_name(self, record: Mapping[str, Any]) -> str:
        """By the rows that its references are."""
        parts = []
        for slot in self.draft.compiled[self.owner.name].slots:
            if slot.reference:
                key = self.draft.key_of(slot.reference.mapping, record.get(slot.name))
                if key:
                    parts.append(self.draft.label(slot.reference.mapping, key))
        return ", ".join(parts) or f"{self.owner.target.entity} {record['id']}"
