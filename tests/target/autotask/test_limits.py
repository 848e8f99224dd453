"""Slots, calls of a run, and the hourly threshold limit the requests."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from time import sleep

import pytest
from trueup.errors import CallsUsedUp
from trueup.ports.target import Threshold
from trueup.target.autotask.limits import CallBudget, Slots


class Gate:
    """Counts the threads inside at a time.

    They leave a moment after the allowed number is inside.
    """

    def __init__(self, may):
        self.may = may
        self.inside = self.most = 0
        self.changed = threading.Condition()

    def pass_through(self):
        with self.changed:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.most >= self.may, timeout=60)
            self.changed.wait_for(lambda: self.most > self.may, timeout=0.05)
            self.inside -= 1


def await_waiting(slots):
    """Returns when a request waits for a slot."""
    for _ in range(60_000):
        if slots._all._waiting:
            return
        sleep(0.001)
    pytest.fail("no request waits for a slot")


def hold(slots, gate, endpoints):
    def work(endpoint):
        with slots.hold(endpoint):
            gate.pass_through()

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, endpoints))


def test_at_most_three_requests_are_in_flight_at_an_endpoint_in_any_spelling():
    gate = Gate(may=3)

    hold(Slots(12), gate, ["Companies", "companies"] * 5)

    assert gate.most == 3


def test_endpoints_do_not_wait_for_each_other():
    gate = Gate(may=6)

    hold(Slots(12), gate, ["Companies"] * 3 + ["Contracts"] * 3)

    assert gate.most == 6


def test_at_most_as_many_requests_as_workers_are_in_flight_over_all():
    gate = Gate(may=2)

    hold(Slots(2), gate, ["Companies", "Contracts", "Services"] * 2)

    assert gate.most == 2


def test_who_waits_longest_gets_the_next_free_slot():
    """A thread that leaves a slot and comes back at once is behind those that wait."""
    slots, order = Slots(1), []
    has_slot, may_leave = threading.Event(), threading.Event()

    def come_twice():
        for _ in range(2):
            with slots.hold("Companies"):
                order.append("again")
                has_slot.set()
                may_leave.wait(60)

    def come_once():
        with slots.hold("Companies"):
            order.append("once")

    first = threading.Thread(target=come_twice)
    first.start()
    has_slot.wait(60)
    second = threading.Thread(target=come_once)
    second.start()
    await_waiting(slots)
    may_leave.set()
    for thread in (first, second):
        thread.join(60)

    assert order == ["again", "once", "again"]


@pytest.fixture
def interruptible():
    """Ctrl-C interrupts, also where the tests run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_a_slot_is_not_given_to_a_request_that_was_interrupted_while_it_waited():
    slots = Slots(1)
    has_slot, may_leave = threading.Event(), threading.Event()

    def occupy():
        with slots.hold("Companies"):
            has_slot.set()
            may_leave.wait(60)

    def interrupt():
        await_waiting(slots)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    with ThreadPoolExecutor(2) as pool:
        pool.submit(occupy)
        has_slot.wait(60)
        pool.submit(interrupt)
        with pytest.raises(KeyboardInterrupt), slots.hold("Companies"):
            pass
        may_leave.set()

    later = threading.Thread(target=occupy, daemon=True)
    later.start()
    later.join(30)
    assert not later.is_alive()


def test_calls_are_counted_up_to_the_limit_of_the_run(clock):
    budget = CallBudget(clock, 2)
    budget.take()
    budget.take()

    with pytest.raises(CallsUsedUp, match="all 2 calls"):
        budget.take()
    assert budget.count == 2


def test_the_count_is_right_under_threads(clock):
    budget = CallBudget(clock, 500)

    def take(_):
        try:
            budget.take()
        except CallsUsedUp:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(600))) == 500
    assert budget.count == 500


def spread(budget, clock, number):
    """Seconds between so many requests."""
    times = []
    for _ in range(number):
        clock.sleep(budget.turn())
        budget.take()
        times.append(clock.now())
    return [(after - before).total_seconds() for before, after in pairwise(times)]


@pytest.mark.parametrize("used", [0, 5_000, 8_990])
def test_far_from_the_threshold_no_request_waits(clock, used):
    budget = CallBudget(clock, None)
    budget.learn(Threshold(used, 10_000))

    assert spread(budget, clock, 5) == [0.0] * 4


def test_near_the_threshold_the_calls_left_last_for_an_hour(clock):
    budget = CallBudget(clock, None)
    budget.learn(Threshold(9_000, 10_000))

    gaps = spread(budget, clock, 900)

    assert gaps[0] == pytest.approx(3.6)
    assert gaps == sorted(gaps)
    assert sum(gaps) > 3_600


def test_beyond_the_threshold_one_request_is_sent_each_minute(clock):
    budget = CallBudget(clock, None)
    budget.learn(Threshold(12_000, 10_000))

    assert spread(budget, clock, 3) == [60.0] * 2


def test_the_runs_own_calls_count_towards_the_threshold(clock):
    budget = CallBudget(clock, None)
    budget.learn(Threshold(8_998, 10_000))

    assert [gap > 0 for gap in spread(budget, clock, 5)] == [False, False, True, True]


def test_without_a_limit_no_request_waits_and_the_threshold_is_not_read_again(clock):
    budget = CallBudget(clock, None)
    budget.learn(Threshold(0, 0))

    assert spread(budget, clock, 100) == [0.0] * 99
    assert not budget.due()


@pytest.mark.parametrize(
    ("used", "calls_until"), [(0, 2_500), (9_000, 250), (9_990, 25), (11_000, 25)]
)
def test_the_threshold_is_read_again_earlier_the_nearer_it_is(clock, used, calls_until):
    budget = CallBudget(clock, None)
    assert budget.due()
    budget.learn(Threshold(used, 10_000))

    for _ in range(calls_until - 1):
        budget.take()
    assert not budget.due()
    budget.take()
    assert budget.due()


def test_when_the_service_asks_to_wait_all_requests_wait(clock):
    budget = CallBudget(clock, None)
    budget.learn(Threshold(0, 10_000))
    budget.hold_back(12)
    budget.hold_back(5)

    assert budget.turn() == 12.0
