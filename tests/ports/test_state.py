"""What every state store must do; one suite, so that a fake is held to what the real one does.

A store is given to the suite as a function: folder and clock in, an opener out. Each call of the opener
stands for another process on another host that comes to the same store.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest

from engine.errors import StateError, StateLocked
from engine.model.run import OPEN, Effects, Entry, Lease, Link, Pushed, Run, RunStatus, Step
from engine.ports import Memory, State
from engine.state.process import Fate, Process
from engine.state.sqlite import SqlState

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY = ("customer", "7f3a")
LINK = Link("customer", "7f3a", "Companies", 29683, "created")
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


class MovedClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class ElsewhereProcesses:
    """Every opened store belongs to a process on a host of its own, of which nobody else knows anything."""

    def __init__(self, number: int) -> None:
        self.number = number

    def mine(self) -> Process:
        return Process(f"host-{self.number}", 100 + self.number)

    def fate(self, process: Process) -> Fate:
        del process
        return Fate.UNKNOWN


def sqlite_store(folder: Path, clock: MovedClock, stack: ExitStack) -> Callable[[], State]:
    numbers = count(1)

    def opened() -> State:
        processes = ElsewhereProcesses(next(numbers))
        return stack.enter_context(
            closing(SqlState(folder / "state.sqlite", clock=clock, lease_seconds=60, processes=processes))
        )

    return opened


STORES = {"sqlite": sqlite_store}


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture(params=STORES)
def opened(request, tmp_path, clock) -> Iterator[Callable[[], State]]:
    with ExitStack() as stack:
        yield STORES[request.param](tmp_path, clock, stack)


@pytest.fixture
def state(opened) -> State:
    return opened()


@pytest.fixture
def lease(state) -> Lease:
    return state.acquire("apply (ann)")


def a_run(known: str = "r1", **more: object) -> Run:
    run = Run(known, "d1g3st", '{"plan": "…"}', "ann", "host-1", NOON)
    return replace(run, **more)


def test_an_absent_store_is_an_empty_one(state):
    assert state.load() == Memory()
    assert list(state.runs()) == []
    assert list(state.journal("r1")) == []


def test_the_first_run_gives_the_state_its_lineage_and_later_ones_keep_it(state, lease):
    state.begin(a_run("r1"), lease)
    born = state.load().lineage
    state.finish(lease, "r1", RunStatus.DONE, NOON)
    state.begin(a_run("r2"), lease)

    assert born
    assert state.load().lineage == born


def test_the_serial_goes_up_with_each_finished_run_and_each_edit_and_with_nothing_else(state, lease):
    state.begin(a_run(), lease)
    state.record(lease, "r1", [Entry("a1", Step.STARTED, NOON)], Effects(links=(LINK,)))
    assert state.load().serial == 0

    state.finish(lease, "r1", RunStatus.DONE, NOON)
    assert state.load().serial == 1

    state.edit(lease, "forget", Effects(unlink=(KEY,)))
    assert state.load().serial == 2


def test_what_one_process_wrote_another_one_reads_with_its_types(opened, state, lease):
    state.begin(a_run(), lease)
    state.record(lease, "r1", [], Effects(links=(LINK,), applied={KEY: VALUES}, pushed=(LOG,)))

    memory = opened().load()

    assert memory.links == {KEY: LINK}
    assert memory.applied == {KEY: VALUES}
    assert [type(value) for _, value in sorted(memory.applied[KEY].items())] == [
        type(value) for _, value in sorted(VALUES.items())
    ]
    assert memory.pushed == {("license_change", "c01"): LOG}


def test_the_newest_word_counts(state, lease):
    moved, marked = replace(LINK, record=7, how="decision"), replace(LOG, marked=True)
    state.edit(lease, "link", Effects(links=(LINK,), applied={KEY: {"a": 1, "b": 2}}, pushed=(LOG,)))
    state.edit(lease, "link", Effects(links=(moved,), applied={KEY: {"a": 3}}, pushed=(marked,)))

    memory = state.load()

    assert memory.links == {KEY: moved}
    assert memory.applied == {KEY: {"a": 3}}
    assert memory.pushed == {("license_change", "c01"): marked}


def test_unlinking_forgets_the_applied_values_too_and_leaves_other_rows_alone(state, lease):
    other = replace(LINK, key="8b1c", record=5)
    state.edit(lease, "link", Effects(links=(LINK, other), applied={KEY: {"a": 1}, ("customer", "8b1c"): {"a": 2}}))
    state.edit(lease, "forget", Effects(unlink=(KEY,)))

    memory = state.load()

    assert memory.links == {("customer", "8b1c"): other}
    assert memory.applied == {("customer", "8b1c"): {"a": 2}}


def test_a_log_that_is_no_longer_pushed_is_forgotten(state, lease):
    state.edit(lease, "settle", Effects(pushed=(LOG, replace(LOG, key="c02"))))
    state.edit(lease, "undo", Effects(unpush=(("license_change", "c01"),)))

    assert list(state.load().pushed) == [("license_change", "c02")]


def test_what_goes_is_written_before_what_comes(state, lease):
    state.edit(lease, "link", Effects(links=(LINK,), applied={KEY: {"a": 1}}, pushed=(LOG,)))
    moved, again = replace(LINK, record=7), replace(LOG, units=4)
    state.edit(
        lease,
        "link",
        Effects(
            links=(moved,),
            unlink=(KEY,),
            applied={KEY: {"b": 2}},
            pushed=(again,),
            unpush=(("license_change", "c01"),),
        ),
    )

    memory = state.load()

    assert memory.links == {KEY: moved}
    assert memory.applied == {KEY: {"b": 2}}
    assert memory.pushed == {("license_change", "c01"): again}


def test_entries_come_back_in_their_order_with_all_that_is_known(state, lease):
    state.begin(a_run("r1"), lease)
    state.begin(a_run("r2"), lease)
    started = Entry("a1", Step.STARTED, NOON)
    done = Entry("a1", Step.DONE, NOON + timedelta(seconds=1), {"id": 51, "proof": [{"day": date(2026, 1, 1)}]})
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
def test_every_step_is_kept(state, lease, step):
    state.begin(a_run(), lease)
    state.record(lease, "r1", [Entry("a1", step, NOON)])

    assert [entry.step for entry in state.journal("r1")] == [step]


def test_runs_come_back_oldest_first_and_whole(state, lease):
    later = a_run("r0", undo_of="r1")
    state.begin(a_run("r1"), lease)
    state.finish(lease, "r1", RunStatus.PARTIAL, NOON + timedelta(minutes=1))
    state.begin(later, lease)

    assert list(state.runs()) == [
        replace(a_run("r1"), status=RunStatus.PARTIAL, ended=NOON + timedelta(minutes=1)),
        later,
    ]


def test_runs_that_can_be_resumed_are_open_and_the_others_are_not(state, lease):
    for known, status in (("r1", RunStatus.DONE), ("r2", RunStatus.INTERRUPTED), ("r3", RunStatus.PARTIAL)):
        state.begin(a_run(known), lease)
        state.finish(lease, known, status, NOON)
    state.begin(a_run("r4"), lease)

    assert [(run.id, run.status) for run in state.load().open_runs] == [
        ("r2", RunStatus.INTERRUPTED),
        ("r4", RunStatus.OPEN),
    ]


@pytest.mark.parametrize("step", Step)
def test_a_run_with_changes_in_doubt_is_open_however_it_was_finished(state, lease, step):
    state.begin(a_run(), lease)
    state.record(lease, "r1", [Entry("a1", Step.STARTED, NOON), Entry("a1", step, NOON)])
    state.finish(lease, "r1", RunStatus.PARTIAL, NOON)

    assert [run.id for run in state.load().open_runs] == (["r1"] if step in OPEN else [])


def test_a_run_is_open_until_the_last_of_its_changes_in_doubt_is_settled(state, lease):
    state.begin(a_run(), lease)
    state.record(lease, "r1", [Entry("a1", Step.UNCLEAR, NOON), Entry("a2", Step.IN_DOUBT, NOON)])
    state.finish(lease, "r1", RunStatus.PARTIAL, NOON)

    state.record(lease, "r1", [Entry("a1", Step.NOT_LANDED, NOON)])
    assert [run.id for run in state.load().open_runs] == ["r1"]

    state.record(lease, "r1", [Entry("a2", Step.DONE, NOON)])
    assert list(state.load().open_runs) == []


@pytest.mark.parametrize("status", [RunStatus.INTERRUPTED, RunStatus.PARTIAL])
def test_a_run_that_was_not_done_goes_on_and_is_finished_again(state, lease, status):
    state.begin(a_run(), lease)
    state.finish(lease, "r1", status, NOON)
    state.record(lease, "r1", [Entry("a1", Step.DONE, NOON)])
    state.finish(lease, "r1", RunStatus.DONE, NOON + timedelta(hours=1))

    assert [(run.status, run.ended) for run in state.runs()] == [(RunStatus.DONE, NOON + timedelta(hours=1))]
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


def test_an_unknown_run_is_refused(state, lease):
    with pytest.raises(StateError, match="r9"):
        state.record(lease, "r9", [Entry("a1", Step.STARTED, NOON)], Effects(links=(LINK,)))
    with pytest.raises(StateError, match="r9"):
        state.finish(lease, "r9", RunStatus.DONE, NOON)

    assert state.load() == Memory()


@pytest.mark.usefixtures("lease")
def test_a_second_holder_is_refused_and_told_who_has_the_lock_since_when(opened):
    with pytest.raises(StateLocked, match=r"apply \(ann\).*2026-11-20 12:00:00"):
        opened().acquire("apply (ben)")


def test_a_lease_says_who_holds_it_and_how_long(lease):
    assert (lease.holder, lease.since, lease.expires) == ("apply (ann)", NOON, NOON + timedelta(seconds=60))


def test_a_lock_that_was_given_back_is_free(opened, state, lease):
    state.release(lease)

    assert opened().acquire("apply (ben)").token > lease.token


def test_a_lease_that_ran_out_is_taken_over_and_not_before(opened, clock, lease):
    clock.sleep(59.9)
    with pytest.raises(StateLocked):
        opened().acquire("apply (ben)")

    clock.sleep(0.1)
    assert opened().acquire("apply (ben)").token > lease.token


def test_the_heartbeat_keeps_the_lease(opened, state, clock, lease):
    clock.sleep(50)
    renewed = state.renew(lease)
    clock.sleep(50)

    assert (renewed.token, renewed.since) == (lease.token, lease.since)
    assert renewed.expires == NOON + timedelta(seconds=110)
    with pytest.raises(StateLocked):
        opened().acquire("apply (ben)")


def test_a_reason_takes_the_lock_from_a_living_holder(opened, state, lease):
    taken = opened().acquire("apply (ben)", reason="ann's laptop was stolen")

    assert taken.token > lease.token
    with pytest.raises(StateLocked):
        state.renew(lease)


WRITES: dict[str, Callable[[State, Lease], object]] = {
    "renew": lambda state, lease: state.renew(lease),
    "begin": lambda state, lease: state.begin(a_run("r2"), lease),
    "record": lambda state, lease: state.record(lease, "r1", [Entry("a1", Step.DONE, NOON)], Effects(links=(LINK,))),
    "finish": lambda state, lease: state.finish(lease, "r1", RunStatus.DONE, NOON),
    "edit": lambda state, lease: state.edit(lease, "link", Effects(links=(LINK,))),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("how", ["taken over", "given back"])
def test_who_no_longer_holds_the_lock_writes_nothing(opened, state, clock, write, how):
    lease = state.acquire("apply (ann)")
    state.begin(a_run(), lease)
    if how == "given back":
        state.release(lease)
    else:
        clock.sleep(60)
        opened().acquire("apply (ben)")
    before = state.load(), state.runs(), state.journal("r1")

    with pytest.raises(StateLocked):
        WRITES[write](state, lease)

    assert (state.load(), state.runs(), state.journal("r1")) == before


def test_giving_back_a_lock_that_is_another_ones_by_now_changes_nothing(opened, state, clock, lease):
    clock.sleep(60)
    other = opened()
    theirs = other.acquire("apply (ben)")

    state.release(lease)

    other.edit(theirs, "link", Effects(links=(LINK,)))
    with pytest.raises(StateLocked, match="ben"):
        state.acquire("apply (ann)")
