"""A model of the invariants that hold under any order of edits, faults and crashes."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    RULE_MARKER,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from msgspec.structs import replace
from trueup.errors import EngineError
from trueup.model.change import Action, Change, Unknown
from trueup.model.decision import Decision
from trueup.model.document import loads
from trueup.model.finding import Place
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.model.run import OPEN, Run, Step
from trueup.model.verdict import Verdict

from tests.support.crashing import killed
from tests.support.scene import START, Fault, Scene, account, contract, log, product, subscription
from tests.support.small_project import project as small
from tests.support.small_project import settings

AS_OF = date(2026, 11, 15)
CREATED = ("Companies", "Services", "Contracts", "ContractServices")
IDENTITY = {"Companies": "udf.Work 365 Id", "Services": "externalID", "Contracts": "contractNumber",
            "ContractServices": "internalDescription"}  # fmt: skip
KINDS = ("lost", "unheard", "late", "refused", "down", "used up")


def project() -> Project:
    return small(settings(allow_duplicated_services="true"))


class Books(RuleBasedStateMachine):
    """One customer, one contract, two products; subscriptions whose quantities move."""

    def __init__(self) -> None:
        super().__init__()
        tables = {
            "account": [account()],
            "product": [product(), product("yea", name="Backup", unit="Annual")],
            "billing_contract": [contract()],
            "subscription": [
                subscription("s0", 0),
                subscription("s1", 0, name="Backup", product="yea"),
            ],
            "license_change": [],
        }
        self.scene = Scene(project=project(), tables=tables)
        self.kept: Plan | None = None
        self.count = 0
        self.past: list[
            tuple[int, date, int]
        ] = []  # adjustments of ours that a lost state no longer knows
        self.exempt: set[str] = set()  # logs that were archived before the state was lost
        self.live: Counter[str] = Counter()  # log → pushes that stand, before the state was lost
        self.touched = False  # a person moved units by hand, or decided
        self.decided = False
        self.lost = False
        self.seen: tuple[list[tuple[int, date, int]], dict[int, str]] = (
            [],
            {},
        )  # when the kept plan was made

    # What people do in Work 365

    @initialize(units=st.integers(1, 9))
    def begin(self, units: int) -> None:
        self.more_or_less(0, -20, units)

    @rule(
        which=st.integers(0, 3), offset=st.integers(-30, 40), units=st.integers(-6, 9).filter(bool)
    )
    def more_or_less(self, which: int, offset: int, units: int) -> None:
        """A quantity changes, and a log says so."""
        rows = self.scene.source.tables["subscription"]
        key = [*rows][which % len(rows)]
        row = rows[key]
        units = units if row["quantity"] + units >= 0 else -units
        row["quantity"] += units
        self.count += 1
        self.scene.add(
            "license_change",
            log(f"l{self.count}", AS_OF + timedelta(offset), units, subscription=key),
        )

    @rule(which=st.integers(0, 3), offset=st.integers(-9, 9), units=st.integers(1, 4))
    def change_their_mind(self, which: int, offset: int, units: int) -> None:
        """Up and down again on one day."""
        self.more_or_less(which, offset, units)
        self.more_or_less(which, offset, -units)

    @rule()
    @precondition(lambda self: len(self.scene.source.tables["subscription"]) < 3)
    def one_more_of_a_kind(self) -> None:
        """A second subscription of the first product."""
        self.scene.add("subscription", subscription("s2", 0, name="Mail (reception)"))
        self.more_or_less(2, -3, 2)

    @rule(phone=st.sampled_from("123"))
    def edit_the_account(self, phone: str) -> None:
        self.scene.row("account")["phone"] = phone

    @rule(pick=st.integers(0, 50))
    def restore_an_old_export(self, pick: int) -> None:
        """A log that was archived is Active again."""
        logs = [*self.scene.source.tables["license_change"].values()]
        logs[pick % len(logs)]["status"] = "Active"

    # What people do in Autotask

    @rule(phone=st.sampled_from("789"))
    def edit_the_company(self, phone: str) -> None:
        for company in self.scene.target.records["Companies"].values():
            company["phone"] = phone

    @rule(
        which=st.integers(0, 3), offset=st.integers(-30, 40), units=st.integers(-4, 4).filter(bool)
    )
    def adjust_by_hand(self, which: int, offset: int, units: int) -> None:
        services = [*self.scene.target.records["ContractServices"]]
        if services:
            try:
                self.scene.target.by_hand(
                    services[which % len(services)], AS_OF + timedelta(offset), units
                )
            except EngineError:  # that day is taken, or posted
                return
            self.touched = True

    @rule(offset=st.integers(-40, -5))
    def post(self, offset: int) -> None:
        for service in self.scene.target.records["ContractServices"]:
            self.scene.target.post(service, AS_OF + timedelta(offset))

    # What goes wrong

    @rule(
        kind=st.sampled_from(KINDS),
        entity=st.sampled_from((*CREATED, "ContractServiceAdjustments", "", "")),
    )
    def break_the_next_write(self, kind: str, entity: str) -> None:
        self.scene.target.faults = [Fault(kind, entity)]

    @rule(seconds=st.sampled_from([10, 299, 300, 301]))
    def wait(self, seconds: int) -> None:
        """What was under way takes effect within five minutes."""
        self.scene.target.land()
        self.scene.wait(seconds)

    @rule()
    @precondition(lambda self: not self.scene.state.load().open_runs and not self.scene.target.late)
    def lose_the_state(self) -> None:
        self.live = self.pushes()
        self.exempt = {
            key
            for key, row in self.scene.source.tables["license_change"].items()
            if row["status"] == "Archived"
        }
        self.past = [*self.scene.target.effects]
        self.lost = True
        self.scene.lose_state()

    # What the tool does

    @rule()
    def keep_a_plan(self) -> None:
        self.kept = self.plan()
        self.seen = ([*self.scene.target.hand], self.phones())

    @rule()
    @precondition(lambda self: self.kept is not None)
    def apply_the_kept_plan(self) -> None:
        """What has moved since is left alone."""
        kept, self.kept = self.kept, None
        before, phones, sent = (
            [*self.scene.target.hand],
            self.phones(),
            len(self.scene.target.effects),
        )
        try:
            self.scene.apply(kept)
        except EngineError:  # stale, applied before, or a run is open
            return
        moved = {service for service, _, _ in before[len(self.seen[0]) :]}
        pushed = {service for service, _, _ in self.scene.target.effects[sent:]}
        assert not moved & pushed, "units were pushed on top of what somebody did meanwhile"
        for company, phone in phones.items():
            if phone != self.seen[1].get(company, phone):
                assert self.phones()[company] == phone, (
                    "what somebody typed meanwhile was overwritten"
                )

    @rule(
        which=st.integers(0, 3), offset=st.integers(-30, 40), units=st.integers(-4, 4).filter(bool)
    )
    def adjust_by_hand_between_plan_and_apply(self, which: int, offset: int, units: int) -> None:
        self.more_or_less(which, -offset, abs(units))
        self.keep_a_plan()
        self.adjust_by_hand(which, offset, units)
        self.apply_the_kept_plan()

    @rule(theirs=st.sampled_from("789"), ours=st.sampled_from("123"))
    def edit_between_plan_and_apply(self, theirs: str, ours: str) -> None:
        self.edit_the_account(ours)
        self.keep_a_plan()
        self.edit_the_company(theirs)
        self.apply_the_kept_plan()

    def phones(self) -> dict[int, str]:
        return {
            id_: record["phone"] for id_, record in self.scene.target.records["Companies"].items()
        }

    def plan(self) -> Plan:
        """A plan that pushes nothing that is billed already, and creates nothing that is there."""
        made = self.scene.plan()
        for change in made.changes:
            if change.action is Action.CREATE and change.entity in IDENTITY:
                field = IDENTITY[change.entity]
                there = {
                    record.get(field)
                    for record in self.scene.target.records[change.entity].values()
                }
                assert change.values[field] not in there, f"{change.id} is there already"
        for change in made.changes:
            if change.action is Action.ADJUST and not self.decided:
                assert self.law_holds(change), (
                    f"{change.keys} is pushed although the ledger differs"
                )
        return made

    def law_holds(self, change: Change) -> bool:
        """Units plus all that is pending are the quantity, for the subscription of that change."""
        log = self.scene.row("license_change", change.keys[0])
        row = self.scene.source.tables["subscription"][log["subscription"]]
        pushed = self.scene.state.pushed
        logs = [
            one
            for one in self.scene.source.tables["license_change"].values()
            if one["subscription"] == row["id"] and one["status"] == "Active"
        ]
        pending = sum(
            one["quantity"]
            for one in logs
            if ("license_change", one["id"]) not in pushed
            or pushed["license_change", one["id"]].undone
        )
        days = (self.weighed_on(row["id"]), date(2028, 1, 1))
        billed = {self.scene.units(on, change.record) if change.record else 0 for on in days}
        return {units + pending for units in billed} == {row["quantity"]}

    def weighed_on(self, key: str) -> date:
        """The later of as-of and the last day that a log of it is about."""
        logs = [
            one
            for one in self.scene.source.tables["license_change"].values()
            if one["subscription"] == key
        ]
        pushed = [self.scene.state.pushed.get(("license_change", one["id"])) for one in logs]
        days = [
            one.day if one else log["effective_date"] for one, log in zip(pushed, logs, strict=True)
        ]
        records = {one.record for one in pushed if one}
        days += [
            one.day
            for one in self.scene.state.pushed.values()
            if one.units and one.record in records
        ]
        return max(
            [AS_OF, *days, *(log["effective_date"] for log in logs if log["status"] == "Active")]
        )

    @rule(nth=st.integers(1, 14), after=st.booleans())
    def apply_and_be_killed(self, nth: int, after: bool) -> None:  # noqa: FBT001 -- drawn
        made = self.plan()
        if not self.scene.state.load().open_runs:
            killed(self.scene, lambda: self.scene.apply(made), nth=nth, after=after)

    @rule(nth=st.integers(1, 9), after=st.booleans())
    @precondition(lambda self: self.scene.state.load().open_runs)
    def resume_and_be_killed(self, nth: int, after: bool) -> None:  # noqa: FBT001 -- drawn
        killed(self.scene, self.scene.resume, nth=nth, after=after)

    @rule()
    @precondition(lambda self: self.scene.state.load().open_runs)
    def resume(self) -> None:
        self.scene.resume()

    @rule(
        which=st.integers(0, 3),
        nth=st.integers(1, 9),
        after=st.booleans(),
        seconds=st.sampled_from([10, 300]),
    )
    def change_be_killed_and_resume(self, which: int, nth: int, after: bool, seconds: int) -> None:  # noqa: FBT001
        self.more_or_less(which, nth, nth)
        self.apply_and_be_killed(nth, after)
        self.wait(seconds)
        if self.scene.state.load().open_runs:
            self.resume()

    @rule(kind=st.sampled_from(KINDS))
    @precondition(lambda self: len(self.scene.source.tables["account"]) < 4)
    def one_more_customer_and_hear_nothing(self, kind: str) -> None:
        key = f"c{len(self.scene.source.tables['account'])}"
        self.scene.add("account", account(key, name=key, number=key))
        self.scene.add("billing_contract", contract(f"k{key}", name=key, number=key, customer=key))
        self.break_the_next_write(kind, "")
        self.synchronise()

    @rule(which=st.integers(0, 3), units=st.integers(1, 3), kind=st.sampled_from(KINDS))
    def change_and_hear_nothing(self, which: int, units: int, kind: str) -> None:
        self.more_or_less(which, -units, units)
        self.break_the_next_write(kind, "ContractServiceAdjustments")
        self.synchronise()

    @rule()
    def synchronise(self) -> None:
        made = self.plan()
        if self.scene.state.load().open_runs:
            return
        outcome = self.scene.apply(made)
        if outcome.complete:
            assert outcome.calls <= made.summary.apply_calls, f"{outcome.calls} calls"
            again = self.plan()
            assert not again.changes, (
                f"after a clean apply there is more to do: {[one.id for one in again.changes]}"
            )
            self.check_quantities(again)

    @rule(back=st.integers(0, 4))
    @precondition(lambda self: self.scene.state.runs() and not self.scene.state.load().open_runs)
    def undo_one(self, back: int) -> None:
        """One of the latest runs, be it an undo itself, or undone before."""
        runs = self.scene.state.runs()
        self.scene.apply(self.scene.plan(undo=runs[-1 - back % len(runs)].id))
        self.touched = True

    @rule(verdict=st.sampled_from([Verdict.PUSH, Verdict.ARCHIVE]))
    @precondition(lambda self: not self.scene.state.load().open_runs)
    def decide(self, verdict: Verdict) -> None:
        """Everything that is held is decided, one way or the other."""
        held = {
            (one.mapping, one.key) for one in self.plan().blocked if one.mapping == "license_change"
        }
        decisions = tuple(
            Decision(*row, verdict, Place("decisions.yaml"), reason="r") for row in sorted(held)
        )
        decided = (
            *(one for one in self.scene.project.decisions if (one.mapping, one.key) not in held),
            *decisions,
        )
        self.decided = True
        self.scene.project = replace(
            self.scene.project, decisions=decided, digest=f"{len(decided)} {verdict}"
        )
        self.touched = True

    # What must hold

    def check_quantities(self, made: Plan) -> None:
        """After a clean apply with nothing held, units are what Work 365 says."""
        held = {key for one in made.blocked for key in [one.key]}
        if self.past or held:
            return
        for key, row in self.scene.source.tables["subscription"].items():
            link = self.scene.state.links.get(("subscription", key))
            if link and not self.touched:
                assert self.scene.units(date(2028, 1, 1), link.record) == row["quantity"], key

    @invariant()
    def nothing_is_there_twice(self) -> None:
        for entity, field in IDENTITY.items():
            values = [
                record[field]
                for record in self.scene.target.records[entity].values()
                if record.get(field)
            ]
            assert len(values) == len(set(values)), f"{entity} is there twice: {values}"

    @invariant()
    def units_are_what_the_journal_says(self) -> None:
        known = Counter(self.past) + Counter(pushed for pushed, _ in self.done())
        effects = Counter(self.scene.target.effects)
        open_runs = self.scene.state.load().open_runs
        hand = Counter(
            self.scene.target.hand
        )  # the same on the same day while ours was in doubt: one of them, not both
        assert not known - effects - hand, (
            f"the journal says what never happened: {known - effects - hand}"
        )
        assert open_runs or not effects - known, (
            f"adjustments that the journal does not know: {effects - known}"
        )

    @invariant()
    def units_are_the_sum_of_all_adjustments(self) -> None:
        everything = [*self.scene.target.effects, *self.scene.target.hand]
        for service in self.scene.target.records["ContractServices"]:
            for offset in (-40, -10, 0, 10, 60):
                on = AS_OF + timedelta(offset)
                wanted = sum(
                    units
                    for one, since, units in everything
                    if one == service and START <= since <= on
                )
                assert self.scene.target.units(service, on) == wanted

    @invariant()
    def a_log_is_pushed_once(self) -> None:
        for key, times in self.pushes().items():
            by_leave = (
                self.touched and self.lost
            )  # a person moved units, or decided, and nobody remembers
            assert 0 <= times <= 1 or by_leave, f"{key} was pushed {times} times"

    @invariant()
    def a_log_is_archived_only_with_its_proof(self) -> None:
        for key, row in self.scene.source.tables["license_change"].items():
            if row["status"] == "Archived" and key not in self.exempt:
                pushed = self.scene.state.pushed.get(("license_change", key))
                assert pushed or key in self.marks_in_doubt(), (
                    f"{key} is archived, and nobody knows why"
                )
                assert not pushed or pushed.proof or not pushed.units, (
                    f"{key} is archived without a proof"
                )

    def marks_in_doubt(self) -> set[str]:
        """Logs whose mark was about to be set when the process was killed."""
        return {
            key
            for run in self.scene.state.load().open_runs
            for change in loads(run.plan).changes
            if change.action is Action.WRITE_BACK and self.last_step(run, change) in OPEN
            for key in change.keys
        }

    def last_step(self, run: Run, change: Change) -> Step | None:
        steps = [
            entry.step for entry in self.scene.state.journal(run.id) if entry.change == change.id
        ]
        return steps[-1] if steps else None

    @invariant()
    def state_remembers_every_log_that_was_pushed(self) -> None:
        for _, change in self.done():
            for key in (
                change.keys if change.id.startswith(("license_change:", "subscription:")) else ()
            ):
                if key in self.scene.source.tables["license_change"]:
                    assert self.scene.state.pushed["license_change", key].units, (
                        f"{key} was pushed and is forgotten"
                    )

    def pushes(self) -> Counter[str]:
        """Log → adjustments that carry it, less those that took it back."""
        counted = Counter(self.live)
        for _, change in self.done():
            for key in change.keys:
                counted[key] += -1 if change.takes_back else 1
        return counted

    def done(self) -> Iterator[tuple[tuple[int, Any, int], Change]]:
        """Adjustments that took effect, as the journals tell it."""
        for run in self.scene.state.runs():
            yield from _done(run, self.scene)


def _done(run: Run, scene: Scene) -> Iterator[tuple[tuple[int, Any, int], Change]]:
    entries = [entry for entry in scene.state.journal(run.id) if entry.step is Step.DONE]
    ids = {entry.change: entry.data["id"] for entry in entries if "id" in entry.data}
    landed = {entry.change for entry in entries}
    for change in _adjustments(run.plan):
        if change.id in landed:
            before, after = change.units or (0, 0)
            yield (_record(change, ids), change.values["effectiveDate"], after - before), change


@lru_cache(maxsize=2_000)
def _adjustments(document: str) -> list[Change]:
    return [change for change in loads(document).changes if change.action is Action.ADJUST]


def _record(change: Change, ids: dict[str, Any]) -> int:
    if change.makes:
        return ids[change.id]
    if change.record is not None:
        return change.record
    return ids[next(value.change for value in change.values.values() if isinstance(value, Unknown))]


def only(*names: str) -> type[Books]:
    """The same model with these rules alone: what a planted bug is about comes up sooner."""
    others = [
        name
        for name, value in vars(Books).items()
        if hasattr(value, RULE_MARKER) and name not in names
    ]
    quiet = {name: _without_rule(name) for name in others}
    return type("Focused", (Books,), quiet)


def _without_rule(name: str) -> Callable[..., Any]:
    def plain(self: Books, *given: Any, **more: Any) -> Any:
        return getattr(Books, name)(self, *given, **more)

    return plain


__all__ = ["Books", "only"]
