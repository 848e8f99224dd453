"""The turn of an append-only mapping: what is pending, weighed against what Autotask bills, becomes adjustments."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import takewhile

from engine.expressions import EVALUATION_ERRORS, evaluate
from engine.model.finding import Finding, Severity
from engine.model.plan import (
    Action,
    LedgerClass,
    LedgerLine,
    UnitRow,
)
from engine.model.project import About, AppendSpec, Decision, LedgerSpec, MappingSpec, RuleOn, Verdict
from engine.model.units import units_on
from engine.model.work import Standing
from engine.planning.adjustments import Adjuster
from engine.planning.align import scope
from engine.planning.doubt import held
from engine.planning.draft import Draft
from engine.planning.likely import Likely
from engine.planning.pending import Logs, Pile
from engine.planning.prices import unit_price
from engine.planning.unread import MAY_BE
from engine.stages import ledger as books
from engine.stages.resolve import Resolver
from engine.stages.validate import STOPS, rule_findings


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
        self.owner_decisions = draft.decisions(owner.name, About.UNITS)
        self.decided = {key: decision.verdict.value for key, decision in self.logs.decisions.items()}
        self.units: dict[int, tuple[UnitRow, ...]] = {}
        self.stray = ""

    def run(self) -> None:
        """Sort the logs into piles, read units, weigh, adjust, and look for orphans."""
        piles = self.logs.piles()
        ids = self.accounts.ids
        since = min([self.draft.as_of, *self._pending_days(piles)])
        self.stray = self._stray()
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
        own = self.owner_decisions.get(key)
        decided = {**self.decided, key: own.verdict.value} if own else self.decided
        weighed = books.weigh(account, self.draft.as_of, self.ledger.difference, decided)
        flowing = self._may_flow(weighed, account, pile)
        line, correction = self._correction(weighed, account)
        steps = self.adjuster.steps(account, flowing, correction) if flowing or correction else []
        if sum(step.corrects for step in steps) != correction:
            line = replace(line, text="is corrected after an earlier change that is held, see there", remedy="")
        held = any(step.stop for step in steps) or bool(pile.stopped) or len(flowing) < len(pile.flowing)
        line = _waiting(line) if held else line
        said = self._said(line, key)
        stop = next((finding for finding in said if finding.severity in STOPS), None)
        if stop:
            line = self._stopped(line, stop, flowing, correction)
        else:
            self.adjuster.adjust(key, account, steps)
        told = [finding for finding in said if not flowing or finding is not stop]  # what a change tells is told
        self._keep(line, told)

    def _said(self, line: LedgerLine, key: str) -> Sequence[Finding]:
        """What rules on the ledger say of the line."""
        rules = self.draft.rules(self.owner.name, RuleOn.LEDGER)
        if not rules or not _matters(line) or key not in self.accounts.rows or line.difference is None:
            return ()
        names = self.draft.names(self.owner.name, key)
        names["ledger"] = {
            "quantity": line.quantity, "units": line.units, "pending": line.pending,
            "difference": line.difference, "class": str(line.class_), "day": line.day,
        }  # fmt: skip
        return rule_findings(rules, names, key)

    def _stopped(self, line: LedgerLine, stop: Finding, flowing: Sequence[str], correction: Decimal) -> LedgerLine:
        """Nothing is sent of an account that a rule on the ledger stops: its changes wait, and its correction."""
        for key in flowing:
            self.standing.block(key, replace(stop, mapping=self.mapping.name, key=key))
        if correction:
            line = replace(line, text=f"is not corrected: {stop.text}", remedy=stop.remedy)
        return _waiting(line) if flowing else line

    def _correction(self, weighed: books.Weighed, account: books.Account) -> tuple[LedgerLine, Decimal]:
        """How much is sent to correct a difference, and the line that says so."""
        line = weighed.line
        if not weighed.correction:
            return line, Decimal(0)
        if self._doubtful(account):
            doubt = held(self.mapping.place, line.mapping, line.key)
            return replace(line, text=f"is not corrected: {doubt.text}", remedy=doubt.remedy), Decimal(0)
        return line, weighed.correction

    def _may_flow(self, weighed: books.Weighed, account: books.Account, pile: Pile) -> list[str]:
        """The changes that may be pushed, the rest held: where the law does not hold, those that a person decided."""
        line = weighed.line
        if self._doubtful(account):
            for key in pile.flowing:
                self.standing.block(key, held(self.mapping.place, self.mapping.name, key))
            return []
        if line.difference is None:
            for key in pile.flowing:
                finding = self.logs.finding("ledger-untold", Severity.HOLD, line.text, key, line.remedy)
                self.standing.block(key, finding)
            return []
        if not weighed.flows:
            text = f"the ledger differs by {line.difference:+f}: {line.text}"
            return self._only_decided(pile.flowing, "ledger-differs", text, line.remedy)
        return self._not_keyed(account, pile.flowing) if line.difference == 0 else pile.flowing

    def _not_keyed(self, account: books.Account, flowing: list[str]) -> list[str]:
        """Those that nobody seems to have keyed by hand already: on the day of comparison the sum cannot tell."""
        if flowing and account.ahead:
            day, units = account.ahead[0]
            said = f"Autotask's units change by {units:+d} on {day}, later than any change, and by no run of ours"
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

    def _keep(self, line: LedgerLine, told: Iterable[Finding]) -> None:
        if _matters(line):
            self.draft.ledger.append(line)
            self.draft.findings.extend(told)

    def _books(self, key: str, pile: Pile) -> books.Account:
        record = self.accounts.ids.get(key, self.accounts.shadows.get(key))
        known = self.accounts.records.get(record) if record is not None else None
        creates = any(change.action is Action.CREATE for change in self.accounts.changes.get(key, ()))
        coming = creates or key in self.accounts.repeats
        quantity, untold, remedy = self._quantity(key)
        if pile.unread and not untold:
            untold, remedy = self._unread_logs(pile)
        account = books.Account(
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
            changes=self.mapping.name,
            untold=untold,
            remedy=remedy,
            stray=self.stray,
            loose=record is not None and key not in self.accounts.ids,
            kept=self._kept(key),
        )
        return replace(account, ahead=self.adjuster.ahead(account, books.comparison_day(account, self.draft.as_of)))

    def _kept(self, key: str) -> str:
        """Is the row blocked, or held? What is left out on purpose is neither: it counts as 0, and that is known."""
        stops = self.accounts.blocked.get(key)
        if not stops:
            return ""
        return "held" if all(one.severity is Severity.HOLD for one in stops) else "blocked"

    def _unread_logs(self, pile: Pile) -> tuple[str, str]:
        many = len(pile.unread)
        first = self.standing.blocked[pile.unread[0]][0]
        said = "one of its changes" if many == 1 else f"{many} of its changes"
        return f"what is pending cannot be told: {said} cannot be read", first.remedy

    def _stray(self) -> str:
        """What to do about a change that cannot be read, if nobody knows whose it is; nothing if there is none."""
        gaps = self.draft.gaps.get(self.mapping.source.table)
        nameless = gaps.nameless if gaps else ()
        first = next(iter([*(self.standing.blocked[key][0] for key in self.logs.stray), *nameless]), None)
        where = f" ({first.place})" if first and first.place else ""
        return f"correct {self.mapping.source.table} in Work 365 first{where}" if first else ""

    def _customer(self, key: str) -> str:
        """The first part of what people call the row; orphans and lists are sorted by it."""
        return self.draft.label(self.owner.name, key).split(",")[0]

    def _quantity(self, key: str) -> tuple[Decimal | None, str, str]:
        """What the source says should be billed; where nobody can tell, why, and what to do.

        A linked row that is gone counts as 0; one that cannot be read, or may be there, is not gone.
        """
        if key in self.accounts.unread:
            first = next(iter(self.accounts.blocked.get(key, self.accounts.unread[key].findings)))
            why = "its row may be one that has no key" if first.code == MAY_BE else "its row cannot be read"
            return None, f"its quantity cannot be told: {why}", first.remedy
        if key not in self.accounts.rows:
            return Decimal(0), "", ""
        try:
            return Decimal(evaluate(self.ledger.quantity.raw, self.draft.names(self.owner.name, key))), "", ""
        except (TypeError, *EVALUATION_ERRORS) as fault:
            text, remedy = f"its quantity cannot be worked out: {fault}", "mend the row"
            self.draft.findings.append(
                Finding("expression-failed", Severity.ERROR, text, remedy, self.ledger.quantity.place,
                        self.owner.name, key)
            )  # fmt: skip
            return None, text, remedy

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
        unread, likely = self._unread_rows(), Likely(self.draft, self.owner)
        for id_ in loose:
            on_day = units_on(self.units.get(id_, ()), self.draft.as_of)
            if on_day:
                price = unit_price(self.draft, self.ledger.price, self.owner.name, standing.records[id_], "")
                name = self.draft.record_name(self.owner.name, id_) or f"{self.owner.target.entity} {id_}"
                line = books.orphan(self.owner.name, id_, name, on_day, self.draft.as_of, price)
                if keys := likely.rows(id_):
                    ways = books.orphan_ways(line, {key: self.draft.label(self.owner.name, key) for key in keys})
                    line = replace(line, remedy=ways)
                if unread:
                    those = "the one" if unread == 1 else f"one of the {unread}"
                    text = f"{line.text}; {those} that cannot be read may be its own"
                    line = replace(line, text=text, remedy=f"correct what cannot be read first; then {line.remedy}")
                self.draft.ledger.append(line)

    def _unread_rows(self) -> int:
        """Rows that cannot be read and are no record that we know of."""
        standing, gaps = self.accounts, self.draft.gaps.get(self.owner.source.table)
        unknown = [key for key in standing.unread if key not in standing.ids and key not in standing.shadows]
        return len(unknown) + (len(gaps.nameless) if gaps else 0)


def _matters(line: LedgerLine) -> bool:
    """Is there anything on one of the two sides?"""
    return bool(line.record is not None or line.quantity or line.pending)


def _waiting(line: LedgerLine) -> LedgerLine:
    """What is held is no difference: the line says that something waits, where it has nothing else to say."""
    if line.class_ is not LedgerClass.MATCH:
        return line
    return replace(line, class_=LedgerClass.HELD, text="its changes are held, see there")
