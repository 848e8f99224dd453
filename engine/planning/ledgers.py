"""The turn of an append-only mapping: what is pending, weighed against what Autotask bills, becomes adjustments."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import takewhile
from typing import Any

from engine.expressions import EVALUATION_ERRORS, evaluate
from engine.model.finding import Finding, Severity
from engine.model.plan import (
    Action,
    LedgerClass,
    LedgerLine,
    UnitRow,
)
from engine.model.project import AppendSpec, Decision, LedgerSpec, MappingSpec, RuleOn, Verdict
from engine.model.units import units_on
from engine.model.work import Standing
from engine.planning.adjustments import Adjuster
from engine.planning.align import scope
from engine.planning.doubt import held
from engine.planning.draft import Draft
from engine.planning.pending import Logs, Pile
from engine.planning.prices import unit_price
from engine.stages import ledger as books
from engine.stages.resolve import Resolver
from engine.stages.validate import rule_findings


def append(draft: Draft, mapping: MappingSpec) -> None:
    """The whole turn of an append-only mapping."""
    spec = mapping.append
    owner = next(one for one in draft.project.mappings.values() if one.ledger and one.ledger.pending == mapping.name)
    if spec is None or owner.ledger is None:
        return
    standing = scope(draft, mapping)
    draft.resolvers[mapping.name] = Resolver(draft.compiled[mapping.name], draft.standings, draft.reader.find)
    _Turn(draft, standing, spec, owner, owner.ledger).run()


class _Turn:
    """One append mapping against the mapping that keeps its ledger."""

    def __init__(
        self, draft: Draft, standing: Standing, spec: AppendSpec, owner: MappingSpec, ledger: LedgerSpec
    ) -> None:
        mapping = standing.mapping
        self.draft, self.mapping, self.spec = draft, mapping, spec
        self.owner, self.ledger, self.standing = owner, ledger, standing
        self.accounts = draft.standings[owner.name]
        self.logs = Logs(draft, mapping, spec, standing)
        self.adjuster = Adjuster(draft, self.logs, spec, owner)
        self.owner_decisions = draft.decisions(owner.name)
        self.decided = {key: decision.verdict.value for key, decision in self.logs.decisions.items()}
        self.units: dict[int, tuple[UnitRow, ...]] = {}

    def run(self) -> None:
        """Sort the logs into piles, read units, weigh, adjust, and look for orphans."""
        piles = self.logs.piles()
        ids = self.accounts.ids
        since = min([self.draft.as_of, *self._pending_days(piles)])
        every = {*ids.values(), *self.accounts.records}
        self.units = self.draft.reader.units(self.ledger, self.spec, every, since)
        for key in dict.fromkeys([*ids, *self.accounts.shadows, *piles, *self._expected()]):
            self._account(key, piles.get(key, Pile()))
        self._orphans()

    def _expected(self) -> Iterable[str]:
        """Rows that should have a contract service, linked or not."""
        yield from self.accounts.ready
        yield from self.accounts.blocked

    def _pending_days(self, piles: Mapping[str, Pile]) -> Iterable[date]:
        for pile in piles.values():
            for key in (*pile.flowing, *pile.stopped):
                day, _ = self.logs.told(key)
                if day is not None:
                    yield day

    def _account(self, key: str, pile: Pile) -> None:
        """One row's ledger line, and its adjustments where they may flow."""
        self._archive(pile)
        account = self._books(key, pile)
        if account is None:
            self._hold(pile.flowing, "ledger-differs", "the quantity of its subscription cannot be worked out")
            return
        own = self.owner_decisions.get(key)
        decided = {**self.decided, key: own.verdict.value} if own else self.decided
        weighed = books.weigh(account, self.draft.as_of, self.ledger.difference, decided)
        line = weighed.line
        flowing = self._may_flow(weighed, account, pile)
        linked = account.record is None or key in self.accounts.ids
        if weighed.correction and not linked:
            link = f"`trueup link {line.mapping} {key} {line.record}`"
            line = replace(line, text="cannot be corrected: its contract service is not linked yet", remedy=link)
        correction = weighed.correction if linked and not self._doubtful(account) else Decimal(0)
        held = self.adjuster.adjust(key, account, flowing, correction) if flowing or correction else False
        held = held or bool(pile.stopped) or len(flowing) < len(pile.flowing)
        if held and line.class_ is LedgerClass.MATCH:
            line = replace(line, class_=LedgerClass.HELD, text="its changes are held, see there")
        self._keep(line, key)

    def _may_flow(self, weighed: books.Weighed, account: books.Account, pile: Pile) -> list[str]:
        """The changes that may be pushed, the rest held: where the law does not hold, those that a person decided."""
        line = weighed.line
        if self._doubtful(account):
            for key in pile.flowing:
                self.standing.block(key, held(self.mapping.place, self.mapping.name, key))
            return []
        if not weighed.flows:
            text = f"the ledger differs by {line.difference:+f}: {line.text}"
            return self._only_decided(pile.flowing, "ledger-differs", text, line.remedy)
        return self._not_keyed(line, account, pile.flowing) if line.difference == 0 else pile.flowing

    def _not_keyed(self, line: LedgerLine, account: books.Account, flowing: list[str]) -> list[str]:
        """Those that nobody seems to have keyed by hand already: on the day of comparison the sum cannot tell."""
        ahead = self.adjuster.ahead(account, line.day) if flowing else None
        if ahead:
            said = (
                f"Autotask's units change by {ahead[1]:+d} on {ahead[0]}, later than any change, and by no run of ours"
            )
            return self._only_decided(flowing, "keyed-already", said)
        keyed = self.adjuster.keyed(account, flowing)
        for position, key in enumerate(flowing):
            if key in keyed:
                day = self.logs.day(key)
                said = f"Autotask's units change by {keyed[key]:+d} on {day} already, and by no run of ours"
                return [*flowing[:position], *self._only_decided(flowing[position:], "keyed-already", said)]
        return flowing

    def _doubtful(self, account: books.Account) -> bool:
        """Does nobody know what Autotask will bill, because an adjustment is in doubt?"""
        doubt = self.draft.in_doubt
        log_in_doubt = any((self.mapping.name, log.key) in doubt.rows for log in account.logs)
        return log_in_doubt or account.record in doubt.accounts

    def _only_decided(self, keys: Sequence[str], code: str, text: str, other: str = "") -> list[str]:
        """Those at the front that a person decided to push; the rest is held."""
        pushed = [*takewhile(lambda key: self.decided.get(key) == Verdict.PUSH.value, keys)]
        self._hold(keys[len(pushed) :], code, text, other)
        return pushed

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

    def _books(self, key: str, pile: Pile) -> books.Account | None:
        record = self.accounts.ids.get(key, self.accounts.shadows.get(key))
        known = self.accounts.records.get(record) if record is not None else None
        quantity = self._quantity(key)
        if quantity is None:
            return None
        creates = any(change.action is Action.CREATE for change in self.accounts.changes.get(key, ()))
        coming = creates or key in self.accounts.repeats
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
        day, units = self.logs.told(key)
        return books.Log(key, day or self.draft.as_of, units, stopped)

    def _hold(self, keys: Sequence[str], code: str, text: str, other: str = "") -> None:
        """`other` is a way out beside the two that each change has."""
        name = self.mapping.name
        for key in keys:
            remedy = f"`trueup decide {name} {key} archive --reason …` (Autotask has it already), or `… push`"
            remedy += f"; or {other}" if other else ""
            self.standing.block(key, self.logs.finding(code, Severity.HOLD, text, key, remedy))

    def _archive(self, pile: Pile) -> None:
        for key in pile.archive:
            self.standing.ready.pop(key, None)
            self.standing.blocked.pop(key, None)
            decision: Decision = self.logs.decisions[key]
            why = f"archived only, Autotask has it already: {decision.reason}"
            self.logs.marks.alone(key, why)

    def _orphans(self) -> None:
        """Contract services of ours with units, and no row behind them."""
        standing = self.accounts
        linked = {*standing.ids.values(), *standing.shadows.values()}
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
