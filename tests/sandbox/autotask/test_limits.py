"""Limits: 10,000 requests in an hour with delays before that, and three at a time."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore

import pytest
from trueup.sandbox.autotask import limits
from trueup.sandbox.autotask.switches import Switches


def used(api):
    """The requests that Autotask has counted in the last hour."""
    return api.get("ThresholdInformation").json["currentTimeframeRequestCount"]


@pytest.fixture
def spent(sandbox, api):
    """Sets the number of requests in the last hour; the clock is stopped at noon."""
    api.control("POST", "clock", {"stands": "2026-11-20T12:00:00Z"})

    def spend(requests):
        minute = int(sandbox.api.tenant().now().timestamp() // 60)
        missing = requests - used(api)
        sandbox.api.hourly_calls._unsaved[minute] += missing

    return spend


def test_thresholdinformation_counts_every_request_but_the_zone_look_up(api):
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


def test_requests_are_not_counted_after_an_hour(api, spent):
    spent(10_000)
    assert api.get("Companies/0").status == 429

    api.control("POST", "clock", {"stands": "2026-11-20T13:01:00Z"})

    assert api.get("Companies/0").status == 200
    assert used(api) == 2


@pytest.mark.parametrize(
    ("calls", "seconds"),
    [(0, 0.0), (4_999, 0.0), (5_000, 0.5), (7_499, 0.5), (7_500, 1.0), (9_999, 1.0)],
)
def test_each_request_is_delayed_from_half_of_the_threshold_on(calls, seconds):
    assert limits.delay(calls) == seconds


def test_the_delay_can_be_switched_off(sandbox, api, spent, monkeypatch):
    slept = []
    monkeypatch.setattr(sandbox.api.hourly_calls, "_sleep", slept.append)
    spent(7_500)
    api.get("Companies/0")
    api.switch("hourly_delays", "on")
    api.get("Companies/0")

    assert slept == [1.0]


def test_requests_are_counted_in_the_database_and_survive_a_restart(open_sandbox, api, sandbox):
    api.get("Companies/0")
    sandbox.close()

    api.url = open_sandbox().url

    assert used(api) == 2


class Crowd:
    """Sends requests at the same moment, each on its own connection.

    Requests that get a slot hold it until all requests have either a slot or a refusal.
    """

    def __init__(self, api):
        self.api = api
        self.decided = Semaphore(0)  # requests that have a slot or a refusal
        self.over = Event()

    def hold(self, seconds):
        """Takes the place of the sandbox's sleep for a latency."""
        if seconds:
            self.decided.release()
            self.over.wait(60)

    def send(self, path):
        reply = self.api.get(path)
        if reply.status != 200:
            self.decided.release()
        return reply.status, reply.errors if reply.status != 200 else ""

    def together(self, paths):
        """Sends a request to each path; returns the statuses and errors in ascending order."""
        self.over.clear()
        with ThreadPoolExecutor(len(paths)) as pool:
            replies = [pool.submit(self.send, path) for path in paths]
            for _ in paths:
                assert self.decided.acquire(timeout=60)
            self.over.set()
            return sorted(reply.result() for reply in replies)


@pytest.fixture
def together(sandbox, api, monkeypatch):
    crowd = Crowd(api)
    api.fault(kind="latency", seconds=1, times=0)
    monkeypatch.setattr(sandbox.api, "_sleep", crowd.hold)
    yield crowd.together
    crowd.over.set()


def test_a_fourth_concurrent_request_for_one_entity_fails_with_autotasks_code(api, together):
    replies = together(["Companies/0"] * 4)

    assert [status for status, _ in replies] == [200, 200, 200, 500]
    assert "Itgenatr005" in replies[3][1]
    assert "Thread Threshold Exceeded" in replies[3][1]
    api.switch("thread_limit_status", "429")
    assert [status for status, _ in together(["Companies/0"] * 5)] == [200, 200, 200, 429, 429]


def test_each_entity_has_its_own_three_slots_and_children_have_theirs(together):
    paths = ["Companies/0"] * 3 + ["Contracts/400"] * 3 + ["Contracts/400/Services"] * 3

    assert {status for status, _ in together(paths)} == {200}


def test_a_failed_request_releases_its_slot(api):
    for _ in range(5):
        assert api.post("Companies/query", {"filter": []}).status == 500
    assert api.get("Companies/0").status == 200


def test_the_hourly_limit_can_be_off_from_the_start(open_sandbox, api, sandbox):
    sandbox.close()
    api.url = open_sandbox(switches=Switches({"hourly_limit": "off"})).url

    assert api.get("Companies/0").status == 200
