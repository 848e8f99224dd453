"""Ten thousand an hour, three at a time, slower on the way: in the texts and statuses that are known."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore

import pytest

from engine.sandbox import limits
from engine.sandbox.switches import Switches


def used(api):
    return api.get("ThresholdInformation").json["currentTimeframeRequestCount"]


@pytest.fixture
def spent(sandbox, api):
    """Says that so many calls were made at noon; the clock stands there."""
    api.control("POST", "clock", {"stands": "2026-11-20T12:00:00Z"})

    def spend(calls):
        minute = int(sandbox.service.tenant().now().timestamp() // 60)
        missing = calls - used(api)
        sandbox.service.hour._fresh[minute] += missing

    return spend


def test_the_threshold_is_told_and_counts_every_request_but_the_zone_lookup(api):
    before = used(api)
    api.get("Companies/0")
    api.get("ZoneInformation?user=api@tenant.example")
    api.patch("Companies/0", {})

    reply = api.get("ThresholdInformation").json

    assert reply == {
        "externalRequestThreshold": 10000,
        "requestThresholdTimeframe": 60,
        "currentTimeframeRequestCount": before + 3,
    }


def test_beyond_the_threshold_requests_are_refused_with_retry_after(api, spent):
    spent(10_000)

    reply = api.get("Companies/0")

    assert (reply.status, reply.headers["retry-after"]) == (429, "60")
    assert "threshold" in reply.errors
    api.switch("over_hourly_limit", "500")
    assert api.get("Companies/0").status == 500
    assert api.get("ZoneInformation?user=api@tenant.example").status == 200
    api.switch("hourly_limit", "off")
    assert api.get("Companies/0").status == 200


def test_an_hour_later_the_calls_are_forgotten(api, spent):
    spent(10_000)
    assert api.get("Companies/0").status == 429

    api.control("POST", "clock", {"stands": "2026-11-20T13:01:00Z"})

    assert api.get("Companies/0").status == 200
    assert used(api) == 2


@pytest.mark.parametrize(
    ("calls", "seconds"), [(0, 0.0), (4_999, 0.0), (5_000, 0.5), (7_499, 0.5), (7_500, 1.0), (9_999, 1.0)]
)
def test_from_half_of_the_threshold_on_each_request_is_slowed_down(calls, seconds):
    assert limits.delay(calls) == seconds


def test_the_delay_is_slept_unless_switched_off(sandbox, api, spent, monkeypatch):
    slept = []
    monkeypatch.setattr(sandbox.service.hour, "_pause", slept.append)
    spent(7_500)
    api.get("Companies/0")
    api.switch("hourly_delays", "on")
    api.get("Companies/0")

    assert slept == [1.0]


def test_calls_are_counted_for_the_database_over_all_processes_and_restarts(open_sandbox, api, sandbox):
    api.get("Companies/0")
    sandbox.close()

    api.url = open_sandbox().url

    assert used(api) == 2


class Crowd:
    """Requests sent at the same moment, each on its own connection; those that are let in stay until all are known."""

    def __init__(self, api):
        self.api = api
        self.known = Semaphore(0)
        self.over = Event()

    def stay(self, seconds):
        """In the place of a latency."""
        if seconds:
            self.known.release()
            self.over.wait(60)

    def send(self, path):
        reply = self.api.get(path)
        if reply.status != 200:
            self.known.release()
        return reply.status, reply.errors if reply.status != 200 else ""

    def together(self, paths):
        """Status and errors of each."""
        self.over.clear()
        with ThreadPoolExecutor(len(paths)) as pool:
            replies = [pool.submit(self.send, path) for path in paths]
            for _ in paths:
                assert self.known.acquire(timeout=60)
            self.over.set()
            return sorted(reply.result() for reply in replies)


@pytest.fixture
def together(sandbox, api, monkeypatch):
    crowd = Crowd(api)
    api.fault(kind="latency", seconds=1, times=0)
    monkeypatch.setattr(sandbox.service, "_pause", crowd.stay)
    yield crowd.together
    crowd.over.set()


def test_a_fourth_request_at_a_time_for_one_entity_fails_with_the_known_code(api, together):
    answers = together(["Companies/0"] * 4)

    assert [status for status, _ in answers] == [200, 200, 200, 500]
    assert "Itgenatr005" in answers[3][1]
    assert "Thread Threshold Exceeded" in answers[3][1]
    api.switch("thread_limit_status", "429")
    assert [status for status, _ in together(["Companies/0"] * 5)] == [200, 200, 200, 429, 429]


def test_three_at_a_time_are_for_each_entity_apart_children_under_their_own_name(together):
    paths = ["Companies/0"] * 3 + ["Contracts/400"] * 3 + ["Contracts/400/Services"] * 3

    assert {status for status, _ in together(paths)} == {200}


def test_places_are_given_back_when_a_request_fails(api):
    for _ in range(5):
        assert api.post("Companies/query", {"filter": []}).status == 500
    assert api.get("Companies/0").status == 200


def test_the_hourly_limit_can_be_off_from_the_start(open_sandbox, api, sandbox):
    sandbox.close()
    api.url = open_sandbox(switches=Switches({"hourly_limit": "off"})).url

    assert api.get("Companies/0").status == 200
