"""What every state store must do: one suite, run on the fake and on each adapter.

A store is a function that takes a folder and a clock and returns an opener. Each call of the opener
stands for another process on another host that uses the same store.
"""

import inspect
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace
from trueup.errors import StateError, StateLocked
from trueup.model.approval import ApprovalStated, Statement
from trueup.model.audit import (
    ChangesSettled,
    LinkForgotten,
    LockTaken,
    RunClosed,
    SettledChange,
    SystemsAdopted,
)
from trueup.model.run import OPEN, Effects, Entry, Lease, Link, Pushed, Run, RunStatus, Step
from trueup.ports.state import State, StateSnapshot
from trueup.state.postgres.store import PostgresState
from trueup.state.process import Fate, Process
from trueup.state.sqlite.store import SqliteState

from tests.support.fakes import FakeClock, FakeState

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY = ("customer", "7f3a")
APPROVED = ApprovalStated(Statement.YES, "d1g3st", Decimal("120.505"), unknown=2)
EDIT = LinkForgotten("customer", "7f3a")
LINK = Link("customer", "7f3a", "Companies", 29683, "created")
LOG_KEY = ("license_change", "c01")
LOG = Pushed(
    *("license_change", "c01", 51, date(2026, 11, 15), 3, "a1", "r1"),
    proof=({"id": 9, "startDate": date(2026, 11, 15), "endDate": date(2026, 12, 14), "units": 15},),
)
VALUES = {
    "companyName": "Alpine Dental AG",
    "phone": None,
    "isActive": True,
    "rate": Decimal("10.50"),
    "startDate": date(2026, 1, 31),
    "seen": datetime(2026, 11, 20, 8, 30, tzinfo=UTC),
    "ids": [1, 2, {"$date": "not a day"}],
}

Opener = Callable[[], State]


class OtherHosts:
    """Each opened store belongs to a process on a host of its own, of which others know nothing."""

    def __init__(self, number: int) -> None:
        self.number = number

    def mine(self) -> Process:
        return Process(f"host-{self.number}", 100 + self.number)

    def fate(self, process: Process) -> Fate:
        return Fate.UNKNOWN


def sqlite_store(folder: Path, clock: FakeClock, stack: ExitStack) -> Opener:
    numbers = count(1)

    def opened() -> State:
        store = SqliteState(
            folder / "state.sqlite",
            clock=clock,
            lease_seconds=60,
            processes=OtherHosts(next(numbers)),
        )
        return stack.enter_context(store)

    return opened


def postgres_store(tenant: str, address: str, clock: FakeClock, stack: ExitStack) -> Opener:
    numbers = count(1)

    def opened() -> State:
        store = PostgresState(
            address,
            tenant,
            clock=clock,
            lease_seconds=60,
            processes=OtherHosts(next(numbers)),
        )
        return stack.enter_context(store)

    return opened


def fake_store(folder: Path, clock: FakeClock, stack: ExitStack) -> Opener:
    store = FakeState(clock)
    return lambda: store


STORES: dict[str, Callable[..., Any]] = {
    "fake": fake_store,
    "sqlite": sqlite_store,
    "postgres": postgres_store,
}
ADAPTERS = {"fake": FakeState, "sqlite": SqliteState, "postgres": PostgresState}
METHODS = [name for name in dir(State) if not name.startswith("_")]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture(params=STORES)
def new_store(request, tmp_path, clock) -> Iterator[Callable[[], Opener]]:
    """Makes the opener of a new store."""
    numbers = count(1)
    with ExitStack() as stack:
        if request.param == "postgres":  # tenants of one database; the tests of this file share it
            address = request.getfixturevalue("postgres_of_module")
            yield lambda: postgres_store(uuid4().hex, address, clock, stack)
        else:
            yield lambda: STORES[request.param](tmp_path / f"{next(numbers)}", clock, stack)


@pytest.fixture
def opened(new_store) -> Opener:
    return new_store()


@pytest.fixture
def state(opened) -> State:
    return opened()


@pytest.fixture
def empty(new_store) -> State:
    """Another store, in which nothing was written."""
    return new_store()()


@pytest.fixture
def lease(state) -> Lease:
    return state.acquire("apply (ann)")


def a_run(known: str = "r1", **more: object) -> Run:
    run = Run(known, "d1g3st", '{"plan": "…"}', "ann", "host-1", NOON)
    return replace(run, **more)


def contents(state: State) -> tuple:
    """All that can be read from a store, without its lock."""
    runs = state.runs()
    journals = [state.journal(run.id) for run in runs]
    return state.load(), runs, journals, state.in_doubt(), state.audit(), state.head()


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_adapter_has_each_method_of_the_port_with_its_parameters(adapter, name):
    def parameters(owner: type) -> list[tuple]:
        signature = inspect.signature(getattr(owner, name))
        return [(one.name, one.kind) for one in signature.parameters.values()]

    assert parameters(ADAPTERS[adapter]) == parameters(State)


def test_this_suite_calls_each_method_of_the_port():
    suite = Path(__file__).read_text(encoding="utf-8")

    assert [name for name in METHODS if f".{name}(" not in suite] == []


# An absent store


def test_an_absent_store_reads_as_an_empty_one(state):
    assert state.load() == StateSnapshot()
    assert contents(state) == (StateSnapshot(), [], [], [], [], (0, ""))
    assert list(state.journal("r1")) == []
    assert state.holder() is None
    assert list(state.verify()) == []


def test_an_absent_store_has_no_run_and_no_export(state):
    with pytest.raises(StateError, match="r1"):
        state.run("r1")
    with pytest.raises(StateError):
        state.export()


# Lineage and serial


def test_the_first_run_gives_the_state_its_lineage_and_later_runs_keep_it(state, lease):
    state.begin(a_run("r1"), lease)
    first = state.load().lineage
    state.finish(lease, "r1", RunStatus.DONE, NOON)
    state.begin(a_run("r2"), lease)

    assert first
    assert state.load().lineage == first


def test_the_serial_goes_up_with_each_finished_run_and_each_manual_edit_only(state, lease):
    state.begin(a_run(), lease)
    state.record(lease, "r1", [Entry("a1", Step.STARTED, NOON)], Effects(links=(LINK,)))
    assert state.load().serial == 0

    state.finish(lease, "r1", RunStatus.PARTIAL, NOON)
    assert state.load().serial == 1

    state.edit(lease, EDIT, Effects(unlink=(KEY,)))
    assert state.load().serial == 2

    state.settle(lease, "r1", [Entry("a1", Step.DONE, NOON)], reason="seen in Autotask")
    assert state.load().serial == 3

    state.adopt(lease, {"target": "b"}, reason="renamed")
    assert state.load().serial == 4

    state.record_statement(lease, APPROVED)
    assert state.load().serial == 4


# Links, applied values and pushed changes


def test_another_process_reads_values_with_their_types(opened, state, lease):
    state.begin(a_run(), lease)
    state.record(lease, "r1", [], Effects(links=(LINK,), applied={KEY: VALUES}, pushed=(LOG,)))

    snapshot = opened().load()

    assert snapshot.links == {KEY: LINK}
    assert snapshot.applied == {KEY: VALUES}
    assert [type(value) for _, value in sorted(snapshot.applied[KEY].items())] == [
        type(value) for _, value in sorted(VALUES.items())
    ]
    assert snapshot.pushed == {LOG_KEY: LOG}


def test_later_effects_replace_earlier_ones(state, lease):
    moved, marked = replace(LINK, record=7, how="decision"), replace(LOG, marked=True)
    first = Effects(links=(LINK,), applied={KEY: {"a": 1, "b": 2}}, pushed=(LOG,))
    second = Effects(links=(moved,), applied={KEY: {"a": 3}}, pushed=(marked,))
    state.edit(lease, EDIT, first)
    state.edit(lease, EDIT, second)

    snapshot = state.load()

    assert snapshot.links == {KEY: moved}
    assert snapshot.applied == {KEY: {"a": 3}}
    assert snapshot.pushed == {LOG_KEY: marked}


def test_unlinking_removes_the_applied_values_too_and_leaves_other_rows_alone(state, lease):
    other_key = ("customer", "8b1c")
    other = replace(LINK, key="8b1c", record=5)
    applied = {KEY: {"a": 1}, other_key: {"a": 2}}
    state.edit(lease, EDIT, Effects(links=(LINK, other), applied=applied))
    state.edit(lease, EDIT, Effects(unlink=(KEY,)))

    snapshot = state.load()

    assert snapshot.links == {other_key: other}
    assert snapshot.applied == {other_key: {"a": 2}}


def test_a_pushed_change_can_be_removed(state, lease):
    state.edit(lease, EDIT, Effects(pushed=(LOG, replace(LOG, key="c02"))))
    state.edit(lease, EDIT, Effects(unpush=(LOG_KEY,)))

    assert list(state.load().pushed) == [("license_change", "c02")]


def test_effects_remove_before_they_add(state, lease):
    state.edit(lease, EDIT, Effects(links=(LINK,), applied={KEY: {"a": 1}}, pushed=(LOG,)))
    moved, again = replace(LINK, record=7), replace(LOG, units=4)
    state.edit(
        lease,
        EDIT,
        Effects(
            links=(moved,),
            unlink=(KEY,),
            applied={KEY: {"b": 2}},
            pushed=(again,),
            unpush=(LOG_KEY,),
        ),
    )

    snapshot = state.load()

    assert snapshot.links == {KEY: moved}
    assert snapshot.applied == {KEY: {"b": 2}}
    assert snapshot.pushed == {LOG_KEY: again}


# Systems


def test_the_state_is_about_the_systems_of_its_latest_run_or_those_adopted_later(
    opened, state, lease
):
    state.begin(a_run(systems={"target": "a", "source": "o"}), lease)
    state.edit(lease, EDIT, Effects())
    assert opened().load().systems == {"target": "a", "source": "o"}

    state.adopt(lease, {"target": "b", "source": "o"}, reason="renamed")
    assert opened().load().systems == {"target": "b", "source": "o"}


# Journal


def test_entries_are_read_in_order_with_their_data(state, lease):
    state.begin(a_run("r1"), lease)
    state.begin(a_run("r2"), lease)
    started = Entry("a1", Step.STARTED, NOON)
    data = {"id": 51, "proof": [{"day": date(2026, 1, 1)}]}
    done = Entry("a1", Step.DONE, NOON + timedelta(seconds=1), data)
    state.record(lease, "r1", [started])
    state.record(lease, "r2", [Entry("a1", Step.HELD, NOON)])
    state.record(lease, "r1", [Entry("a2", Step.STARTED, NOON), done])

    entries = state.journal("r1")

    assert [(entry.change, entry.step) for entry in entries] == [
        ("a1", Step.STARTED),
        ("a2", Step.STARTED),
        ("a1", Step.DONE),
    ]
    assert replace(entries[2], seq=0) == done
    assert sorted({entry.seq for entry in entries}) == [entry.seq for entry in entries]
    assert [entry.step for entry in state.journal("r2")] == [Step.HELD]


@pytest.mark.parametrize("step", Step)
def test_each_step_is_kept(state, lease, step):
    state.begin(a_run(), lease)
    state.record(lease, "r1", [Entry("a1", step, NOON)])

    assert [entry.step for entry in state.journal("r1")] == [step]


@pytest.mark.parametrize("step", Step)
def test_the_last_entry_of_a_change_decides_whether_it_is_in_doubt(state, lease, step):
    state.begin(a_run("r1"), lease)
    state.begin(a_run("r2"), lease)
    state.record(lease, "r1", [Entry("a1", Step.STARTED, NOON), Entry("a2", Step.STARTED, NOON)])
    state.record(lease, "r2", [Entry("a2", Step.DONE, NOON)])  # the same id in another run
    state.record(lease, "r1", [Entry("a1", step, NOON, {"why": "…"})])

    in_doubt = [(run, entry.change, entry.step, entry.data) for run, entry in state.in_doubt()]

    expected = [("r1", "a2", Step.STARTED, {})]
    if step in OPEN:
        expected.append(("r1", "a1", step, {"why": "…"}))
    assert in_doubt == expected


# Runs


def test_runs_are_read_oldest_first_and_whole(state, lease):
    later = a_run("r0", undo_of="r1")
    state.begin(a_run("r1"), lease)
    state.finish(lease, "r1", RunStatus.PARTIAL, NOON + timedelta(minutes=1))
    state.begin(later, lease)
    first = replace(a_run("r1"), status=RunStatus.PARTIAL, ended=NOON + timedelta(minutes=1))

    assert list(state.runs()) == [first, later]
    assert state.run("r1") == first


def test_a_run_is_read_as_it_was_begun(state, lease):
    run = a_run(status=RunStatus.INTERRUPTED, ended=NOON, undo_of="r0")
    state.begin(run, lease)

    assert state.run("r1") == run
    assert list(state.verify()) == []


def test_runs_can_be_read_without_their_plans(state, lease):
    state.begin(a_run("r1"), lease)

    assert list(state.runs(plans=False)) == [a_run("r1", plan="")]


def test_the_rows_that_the_last_whole_run_kept_out_are_known(state, lease):
    rows = [{"mapping": "contract", "key": "c-1"}, {"mapping": "contract", "key": "c-2"}]
    whole = json.dumps({"blocked": rows, "selection": ""})
    for run in (
        a_run("r1", plan='{"blocked": [{"mapping": "contract", "key": "c-0"}]}'),
        a_run("r2", plan=whole),
        a_run("r3", plan='{"blocked": [], "selection": "customer Brook"}'),
        a_run("r4", plan='{"blocked": []}', undo_of="r2"),
        a_run("r5", plan="cut sho"),
    ):
        state.begin(run, lease)
        state.finish(lease, run.id, RunStatus.DONE, NOON)
    assert state.load().last_blocked == {("contract", "c-1"), ("contract", "c-2")}


def test_interrupted_and_unfinished_runs_are_open(state, lease):
    for known, status in (
        ("r1", RunStatus.DONE),
        ("r2", RunStatus.INTERRUPTED),
        ("r3", RunStatus.PARTIAL),
    ):
        state.begin(a_run(known), lease)
        state.finish(lease, known, status, NOON)
    state.begin(a_run("r4"), lease)

    assert [(run.id, run.status) for run in state.load().open_runs] == [
        ("r2", RunStatus.INTERRUPTED),
        ("r4", RunStatus.OPEN),
    ]


@pytest.mark.parametrize("step", Step)
def test_a_finished_run_with_changes_in_doubt_is_open(state, lease, step):
    state.begin(a_run(), lease)
    state.record(lease, "r1", [Entry("a1", Step.STARTED, NOON), Entry("a1", step, NOON)])
    state.finish(lease, "r1", RunStatus.PARTIAL, NOON)

    assert [run.id for run in state.load().open_runs] == (["r1"] if step in OPEN else [])


def test_a_run_is_open_until_its_last_change_in_doubt_is_settled(state, lease):
    state.begin(a_run(), lease)
    state.record(lease, "r1", [Entry("a1", Step.UNCLEAR, NOON), Entry("a2", Step.IN_DOUBT, NOON)])
    state.finish(lease, "r1", RunStatus.PARTIAL, NOON)

    state.record(lease, "r1", [Entry("a1", Step.NOT_LANDED, NOON)])
    assert [run.id for run in state.load().open_runs] == ["r1"]

    state.record(lease, "r1", [Entry("a2", Step.DONE, NOON)])
    assert list(state.load().open_runs) == []


@pytest.mark.parametrize("status", [RunStatus.INTERRUPTED, RunStatus.PARTIAL])
def test_a_run_that_is_not_done_can_continue_and_finish_again(state, lease, status):
    state.begin(a_run(), lease)
    state.finish(lease, "r1", status, NOON)
    state.record(lease, "r1", [Entry("a1", Step.DONE, NOON)])
    state.finish(lease, "r1", RunStatus.DONE, NOON + timedelta(hours=1))

    assert [(run.status, run.ended) for run in state.runs()] == [
        (RunStatus.DONE, NOON + timedelta(hours=1))
    ]
    assert state.load().serial == 2


def test_a_run_begins_once(state, lease):
    state.begin(a_run(), lease)

    with pytest.raises(StateError, match="r1"):
        state.begin(a_run(who="ben"), lease)
    assert [run.who for run in state.runs()] == ["ann"]


def test_a_run_that_is_done_is_not_finished_again(state, lease):
    state.begin(a_run(), lease)
    state.finish(lease, "r1", RunStatus.DONE, NOON)

    with pytest.raises(StateError, match="r1"):
        state.finish(lease, "r1", RunStatus.DONE, NOON)
    assert state.load().serial == 1


def test_a_call_about_an_unknown_run_is_refused_and_writes_nothing(state, lease):
    entries, effects = [Entry("a1", Step.DONE, NOON)], Effects(links=(LINK,))

    with pytest.raises(StateError, match="r9"):
        state.run("r9")
    with pytest.raises(StateError, match="r9"):
        state.record(lease, "r9", entries, effects)
    with pytest.raises(StateError, match="r9"):
        state.finish(lease, "r9", RunStatus.DONE, NOON)
    with pytest.raises(StateError, match="r9"):
        state.settle(lease, "r9", entries, effects, reason="seen in Autotask")

    assert contents(state) == (StateSnapshot(), [], [], [], [], (0, ""))


# Manual edits


def test_a_manual_edit_is_audited_with_who_when_and_why(state, lease):
    forgotten = LinkForgotten("customer", "A, B-7", "Alpine, Dental")

    state.edit(lease, forgotten, Effects(), reason="keyed twice")

    (entry,) = state.audit()
    assert entry.event == forgotten
    assert (entry.who, entry.host) == (lease.holder, lease.host)
    assert (entry.at, entry.reason, entry.run) == (NOON, "keyed twice", "")


def test_settling_writes_entries_effects_and_the_audit(state, lease):
    state.begin(a_run(), lease)
    state.record(lease, "r1", [Entry("a1", Step.IN_DOUBT, NOON), Entry("a2", Step.IN_DOUBT, NOON)])
    outcomes = [Entry("a1", Step.DONE, NOON), Entry("a2", Step.NOT_LANDED, NOON)]

    state.settle(lease, "r1", outcomes, Effects(pushed=(LOG,)), reason="seen in Autotask")

    assert list(state.in_doubt()) == []
    assert state.load().pushed == {LOG_KEY: LOG}
    assert [entry.step for entry in state.journal("r1")][2:] == [Step.DONE, Step.NOT_LANDED]
    (entry,) = state.audit()
    assert (entry.run, entry.reason) == ("r1", "seen in Autotask")
    assert entry.event == ChangesSettled(
        (SettledChange("a1", landed=True), SettledChange("a2", landed=False))
    )


@pytest.mark.parametrize("entries", [[], [Entry("a1", Step.SKIPPED, NOON)]])
def test_settling_without_an_outcome_closes_the_run(state, lease, entries):
    state.begin(a_run(), lease)

    state.settle(lease, "r1", entries, reason="planned again")

    assert [(entry.run, entry.event) for entry in state.audit()] == [("r1", RunClosed())]


def test_statements_about_a_plan_are_audited_and_part_of_the_chain(state, lease):
    before = state.load()
    state.record_statement(lease, APPROVED, reason="seen")

    (entry,) = state.audit()
    assert (entry.who, entry.at, entry.reason, entry.event) == (
        "apply (ann)",
        NOON,
        "seen",
        APPROVED,
    )
    assert state.load() == before
    assert state.head()[0] == 1
    assert list(state.verify([state.head()[1]])) == []


def test_adopted_systems_are_audited(state, lease):
    state.adopt(lease, {"target": "b"}, reason="renamed")

    (entry,) = state.audit()
    assert (entry.event, entry.reason) == (SystemsAdopted({"target": "b"}), "renamed")


# Verification


def test_the_head_moves_with_each_write_and_every_head_stays_known(state, lease):
    heads = [state.head()]
    for write in (
        lambda: state.begin(a_run(), lease),
        lambda: state.record(lease, "r1", [Entry("a1", Step.STARTED, NOON)]),
        lambda: state.finish(lease, "r1", RunStatus.PARTIAL, NOON),
        lambda: state.edit(lease, EDIT, Effects()),
        lambda: state.settle(lease, "r1", [Entry("a1", Step.DONE, NOON)], reason="seen"),
        lambda: state.adopt(lease, {"target": "b"}, reason="renamed"),
    ):
        write()
        heads.append(state.head())

    lines, hashes = zip(*heads, strict=True)
    assert list(lines) == sorted(set(lines))
    assert len(set(hashes)) == len(hashes)
    assert list(state.verify(hashes[1:])) == []


def test_a_head_that_the_journal_does_not_have_is_found(state, lease):
    state.begin(a_run(), lease)

    assert [finding.code for finding in state.verify(["0" * 64])] == ["history-rewritten"]


# Export and import


def test_an_import_restores_all_that_was_exported_but_the_lock(state, lease, empty):
    state.begin(a_run("r1", systems={"target": "a"}), lease)
    state.record(lease, "r1", [Entry("a1", Step.STARTED, NOON)], Effects(links=(LINK,)))
    state.edit(lease, EDIT, Effects(applied={KEY: VALUES}, pushed=(LOG,)), reason="keyed twice")
    state.record_statement(lease, APPROVED, reason="seen")

    empty.import_(state.export())

    assert contents(empty) == contents(state)
    assert empty.export() == state.export()
    assert list(empty.verify([state.head()[1]])) == []
    assert empty.holder() is None


def test_an_imported_state_can_be_written_to(state, lease, empty):
    state.begin(a_run(), lease)
    empty.import_(state.export())

    empty.edit(empty.acquire("apply (ben)"), EDIT, Effects(links=(LINK,)))

    assert empty.load().serial == state.load().serial + 1
    assert list(empty.verify()) == []


def test_a_store_that_is_not_empty_is_not_overwritten(state, lease, empty):
    state.begin(a_run(), lease)
    other = empty.acquire("apply (ben)")
    empty.edit(other, EDIT, Effects(links=(LINK,)))
    empty.release(other)
    before = contents(empty)

    with pytest.raises(StateError):
        empty.import_(state.export())
    assert contents(empty) == before


def test_a_store_whose_lock_is_held_is_not_filled(state, lease, empty):
    state.begin(a_run(), lease)
    empty.acquire("apply (ben)")

    with pytest.raises(StateLocked, match=r"apply \(ben\)"):
        empty.import_(state.export())


def test_a_text_that_is_no_export_is_refused_and_writes_nothing(empty):
    with pytest.raises(StateError):
        empty.import_("{}")

    assert contents(empty) == (StateSnapshot(), [], [], [], [], (0, ""))


# Lock


@pytest.mark.usefixtures("lease")
def test_a_second_holder_is_refused_with_the_name_of_the_first_and_since_when(opened):
    with pytest.raises(StateLocked, match=r"apply \(ann\).*2026-11-20 12:00:00"):
        opened().acquire("apply (ben)")


def test_a_lease_has_a_holder_and_an_end(lease):
    assert (lease.holder, lease.since, lease.expires) == (
        "apply (ann)",
        NOON,
        NOON + timedelta(seconds=60),
    )


def test_the_holder_is_visible_until_the_lock_is_given_back(opened, state, clock):
    lease = state.acquire("apply (ann)")
    clock.sleep(3600)
    assert opened().holder() == lease

    state.release(lease)
    assert opened().holder() is None


def test_a_lock_that_was_given_back_is_free(opened, state, lease):
    state.release(lease)

    assert opened().acquire("apply (ben)").token > lease.token
    assert list(state.audit()) == []


def test_a_lease_is_taken_over_once_it_has_expired(opened, clock, lease):
    clock.sleep(59.9)
    with pytest.raises(StateLocked):
        opened().acquire("apply (ben)")

    clock.sleep(0.1)
    assert opened().acquire("apply (ben)").token > lease.token


def test_the_heartbeat_extends_the_lease(opened, state, clock, lease):
    clock.sleep(50)
    renewed = state.renew(lease)
    clock.sleep(50)

    assert (renewed.token, renewed.since) == (lease.token, lease.since)
    assert renewed.expires == NOON + timedelta(seconds=110)
    with pytest.raises(StateLocked):
        opened().acquire("apply (ben)")


def test_a_reason_takes_the_lock_from_a_holder_whose_lease_still_runs(opened, state, lease):
    taken = opened().acquire("apply (ben)", reason="ann's laptop was stolen")

    assert taken.token > lease.token
    with pytest.raises(StateLocked):
        state.renew(lease)


@pytest.mark.parametrize("forced", [True, False])
def test_a_lock_takeover_is_audited(opened, clock, lease, forced):
    clock.sleep(0 if forced else 60)
    reason = "ann's laptop was stolen" if forced else ""
    taken = opened().acquire("apply (ben)", reason=reason)

    (entry,) = opened().audit()
    assert (entry.who, entry.host, entry.reason) == ("apply (ben)", taken.host, reason)
    assert entry.event == LockTaken("apply (ann)", lease.host, forced=forced)


def test_the_check_before_a_write_passes_while_the_lease_runs(state, clock, lease):
    clock.sleep(59.9)
    state.check(lease)

    clock.sleep(0.1)
    with pytest.raises(StateLocked):
        state.check(lease)


WRITES: dict[str, Callable[[State, Lease], object]] = {
    "renew": lambda state, lease: state.renew(lease),
    "check": lambda state, lease: state.check(lease),
    "begin": lambda state, lease: state.begin(a_run("r2"), lease),
    "record": lambda state, lease: state.record(
        lease, "r1", [Entry("a1", Step.DONE, NOON)], Effects(links=(LINK,))
    ),
    "finish": lambda state, lease: state.finish(lease, "r1", RunStatus.DONE, NOON),
    "edit": lambda state, lease: state.edit(lease, EDIT, Effects(links=(LINK,))),
    "settle": lambda state, lease: state.settle(
        lease, "r1", [Entry("a1", Step.DONE, NOON)], Effects(links=(LINK,)), reason="seen"
    ),
    "adopt": lambda state, lease: state.adopt(lease, {"target": "b"}, reason="renamed"),
    "record_statement": lambda state, lease: state.record_statement(lease, APPROVED),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("how", ["taken over", "given back"])
def test_a_process_that_lost_the_lock_writes_nothing(opened, state, clock, write, how):
    lease = state.acquire("apply (ann)")
    state.begin(a_run(), lease)
    if how == "given back":
        state.release(lease)
    else:
        clock.sleep(60)
        opened().acquire("apply (ben)")
    before = contents(state)

    with pytest.raises(StateLocked):
        WRITES[write](state, lease)

    assert contents(state) == before


def test_a_lock_that_another_process_holds_by_now_cannot_be_given_back(opened, state, clock, lease):
    clock.sleep(60)
    other = opened()
    theirs = other.acquire("apply (ben)")

    state.release(lease)

    other.edit(theirs, EDIT, Effects(links=(LINK,)))
    with pytest.raises(StateLocked, match="ben"):
        state.acquire("apply (ann)")
