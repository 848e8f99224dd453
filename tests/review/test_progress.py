"""The events of a run over a real port: what they show, and that each stream ends."""

import http.client
import json
from http import HTTPStatus
from threading import Event
from types import SimpleNamespace

import pytest
from trueup.operations.listener import Progress
from trueup.review.active_run import ActiveRun
from trueup.review.progress import seen_of
from trueup.review.streams import MOST, Streams

from tests.support.browser import PATIENCE, Serving

SET = Event()
SET.set()


class Stream:
    """One stream of events, as a browser holds it open."""

    def __init__(self, browser):
        self._connection = http.client.HTTPConnection(browser.login.netloc, timeout=PATIENCE)
        headers = {"Host": browser.host, "Cookie": browser.cookie}
        self._connection.request("GET", "/progress", headers=headers)
        self.response = self._connection.getresponse()
        self.status = self.response.status

    def take(self):
        """The next event; None after the last."""
        lines = [self.response.readline().decode("utf-8") for _ in range(2)]
        return json.loads(lines[0].removeprefix("data: ")) if lines[0] else None

    def leave(self):
        """Closes it, as a browser does that goes to another page."""
        self.response.close()
        self._connection.close()


@pytest.fixture
def open_stream():
    """Opens streams; whoever forgets one, it is closed after the test."""
    opened = []

    def open_one(browser):
        opened.append(Stream(browser))
        return opened[-1]

    yield open_one
    for one in opened:
        one.leave()


@pytest.fixture
def serving(work):
    with Serving(work) as one:
        yield one
    assert one.faults == []


@pytest.fixture
def begun(serving, held):
    """The browser of a desk whose run is held at its first change, and what lets the run go on."""
    browser = serving.browser()
    reached, go = held
    everything = browser.get("/rows", tab="Changes").form("/preview")
    page = browser.post("/preview", everything, ("what", "everything"))
    browser.hold("/apply", page.form("/apply"))
    assert reached.wait(PATIENCE)
    return browser, go


def none_left(serving):
    """Whether the streams end that nobody reads any more."""
    streams = serving.server.desk.streams
    waited = Event()
    for _ in range(PATIENCE * 10):
        if not streams.count:
            return True
        waited.wait(0.1)
    return False


def test_the_events_follow_a_run_to_its_end(begun, open_stream):
    browser, go = begun
    stream = open_stream(browser)
    first = stream.take()
    go.set()
    seen = [first]
    while (event := stream.take()) is not None:
        seen.append(event)

    assert stream.response.getheader("Content-Type") == "text/event-stream; charset=utf-8"
    assert first["state"] == "runs"
    assert first["text"].startswith(f"{first['done']} of {first['total']} changes. Last: ")
    assert 0 < first["done"] < first["total"]
    assert seen[-1]["state"] == "ended"
    assert seen[-1]["done"] == seen[-1]["total"]
    assert [one["done"] for one in seen] == sorted(one["done"] for one in seen)


def test_a_stream_ends_when_the_browser_goes_away(serving, begun, open_stream):
    browser, _go = begun
    stream = open_stream(browser)
    assert stream.take()["state"] == "runs"
    assert serving.server.desk.streams.count == 1
    stream.leave()

    assert none_left(serving)


def test_a_session_has_a_few_streams_and_no_more(serving, begun, open_stream):
    browser, _go = begun
    streams = [open_stream(browser) for _ in range(MOST + 1)]
    assert [one.status for one in streams] == [HTTPStatus.OK] * MOST + [HTTPStatus.NO_CONTENT]
    for one in streams:
        one.leave()

    assert none_left(serving)
    assert open_stream(browser).status == HTTPStatus.OK


def test_a_stream_ends_when_the_desk_ends(work, held, open_stream):
    reached, go = held
    with Serving(work) as serving:
        browser = serving.browser()
        everything = browser.get("/rows", tab="Changes").form("/preview")
        page = browser.post("/preview", everything, ("what", "everything"))
        browser.hold("/apply", page.form("/apply"))
        assert reached.wait(PATIENCE)
        stream = open_stream(browser)
        assert stream.take()["state"] == "runs"
        go.set()

    while stream.take() is not None:
        pass
    assert serving.faults == []


def test_without_a_run_there_are_no_events(desk, browser):
    assert browser.send("GET", "/progress").status == HTTPStatus.NO_CONTENT


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, "begins"),
        ({"progress": Progress(1, 2, "<b>\u202ename")}, "runs"),
        ({"stop": SET}, "stops"),
        ({"outcome": SimpleNamespace()}, "plans"),
    ],
)
def test_what_is_seen_of_a_run(change, state):
    run = ActiveRun("Applying")
    for name, value in change.items():
        setattr(run, name, value)
    seen = seen_of(run)

    assert seen.state == state
    assert "\u202e" not in seen.text


def test_a_stream_that_was_given_back_can_be_taken_again():
    streams = Streams()
    assert [streams.take("one") for _ in range(MOST + 1)] == [True] * MOST + [False]
    assert streams.take("other")
    streams.give_back("one")

    assert streams.take("one")
    assert streams.count == MOST + 1
