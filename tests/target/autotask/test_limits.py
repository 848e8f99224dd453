import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from engine.errors import CallsUsedUp
from engine.ports import Threshold
from engine.target.limits import Calls, Slots


class Gate:
    """Counts who is inside at a time; lets nobody out before as many have come as may, and a while for one more."""

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


def hold(slots, gate, endpoints):
    def one(endpoint):
        with slots.hold(endpoint):
            gate.pass_through()

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(one, endpoints))


def test_at_most_three_are_in_flight_at_an_endpoint_in_whatever_case_it_is_spelled():
    gate = Gate(may=3)

    hold(Slots(12), gate, ["Companies", "companies"] * 5)

    assert gate.most == 3


def test_endpoints_do_not_wait_for_each_other():
    gate = Gate(may=6)

    hold(Slots(12), gate, ["Companies"] * 3 + ["Contracts"] * 3)

    assert gate.most == 6


def test_at_most_as_many_as_there_are_workers_are_in_flight_over_all():
    gate = Gate(may=2)

    hold(Slots(2), gate, ["Companies", "Contracts", "Services"] * 2)

    assert gate.most == 2


def test_calls_are_counted_up_to_the_limit_of_the_run(clock):
    calls = Calls(clock, 2)
    calls.take()
    calls.take()

    with pytest.raises(CallsUsedUp, match="all 2 calls"):
        calls.take()
    assert calls.count == 2


def test_the_count_is_right_under_threads(clock):
    calls = Calls(clock, 500)

    def take(_):
        try:
            calls.take()
        except CallsUsedUp:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(600))) == 500
    assert calls.count == 500


def spread(calls, clock, number):
    """When each of so many requests may go."""
    times = []
    for _ in range(number):
        clock.sleep(calls.turn())
        calls.take()
        times.append(clock.now())
    return [(after - before).total_seconds() for before, after in pairwise(times)]


@pytest.mark.parametrize("used", [0, 5_000, 8_990])
def test_far_from_the_threshold_nothing_waits(clock, used):
    calls = Calls(clock, None)
    calls.learn(Threshold(used, 10_000))

    assert spread(calls, clock, 5) == [0.0] * 4


def test_near_the_threshold_what_is_left_lasts_for_an_hour(clock):
    calls = Calls(clock, None)
    calls.learn(Threshold(9_000, 10_000))

    gaps = spread(calls, clock, 900)

    assert gaps[0] == pytest.approx(3.6)
    assert gaps == sorted(gaps)
    assert sum(gaps) > 3_600


def test_past_the_threshold_a_request_goes_each_minute_to_see(clock):
    calls = Calls(clock, None)
    calls.learn(Threshold(12_000, 10_000))

    assert spread(calls, clock, 3) == [60.0] * 2


def test_its_own_count_brings_a_run_near_the_threshold(clock):
    calls = Calls(clock, None)
    calls.learn(Threshold(8_998, 10_000))

    assert [gap > 0 for gap in spread(calls, clock, 5)] == [False, False, True, True]


def test_a_service_without_a_limit_is_never_waited_for_nor_asked_again(clock):
    calls = Calls(clock, None)
    calls.learn(Threshold(0, 0))

    assert spread(calls, clock, 100) == [0.0] * 99
    assert not calls.due()


@pytest.mark.parametrize(("used", "calls_until"), [(0, 2_500), (9_000, 250), (9_990, 25), (11_000, 25)])
def test_the_threshold_is_asked_first_and_again_the_sooner_the_nearer_it_is(clock, used, calls_until):
    calls = Calls(clock, None)
    assert calls.due()
    calls.learn(Threshold(used, 10_000))

    for _ in range(calls_until - 1):
        calls.take()
    assert not calls.due()
    calls.take()
    assert calls.due()


def test_when_the_service_asks_to_wait_all_wait(clock):
    calls = Calls(clock, None)
    calls.learn(Threshold(0, 10_000))
    calls.hold_back(12)
    calls.hold_back(5)

    assert calls.turn() == 12.0
