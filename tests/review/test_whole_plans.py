"""Several people at once: whoever asks while a new plan is made sees the old one or the new one."""

import json
import re
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from threading import Event

import pytest

from tests.support.browser import Browser, Serving

PAGES = ("/rows?tab=Changes", "/ledger", "/row?mapping=subscription&key=sub", "/findings")
OF_THE_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d\S*|\b\d\d:\d\d\b")
"""When a plan was made, and when a system was read."""

SEATS = (13, 17)  # in Work 365, in turn
TIMES = 6


@pytest.fixture
def serving(work):
    with Serving(work) as one:
        yield one
    assert one.faults == []


def another(browser):
    """Another window of the same person."""
    window = Browser(browser.login.geturl())
    window.cookie = browser.cookie
    return window


def set_seats(folder, seats):
    """Somebody changes a quantity in Work 365, and its pending change with it."""
    for name, key, column, value in (
        ("subscription", "sub", "quantity", seats),
        ("license_change", "log-sub", "quantity", seats - 10),
    ):
        file = folder / "work365" / f"{name}.json"
        rows = json.loads(file.read_text(encoding="utf-8"))
        next(row for row in rows if row["id"] == key)[column] = value
        file.write_text(json.dumps(rows), encoding="utf-8")


def read(window, ended):
    """All that a page showed, until it is over."""
    seen = defaultdict(set)
    while not ended.is_set():
        for page in PAGES:
            answer = window.get(page)
            assert answer.status == HTTPStatus.OK
            seen[page].add(OF_THE_MOMENT.sub("", answer.body.decode("utf-8")))
    return seen


def test_two_people_never_see_half_a_plan(work, serving):
    first = serving.browser()
    whole = defaultdict(set)
    for seats in SEATS:
        set_seats(work, seats)
        first.post("/plan", first.get("/ledger").form("/plan"))
        for page in PAGES:
            whole[page].add(OF_THE_MOMENT.sub("", first.get(page).body.decode("utf-8")))
    assert [len(whole[page]) for page in PAGES[:3]] == [2, 2, 2]

    ended = Event()
    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read, another(first), ended) for _ in range(2)]
        try:
            for number in range(TIMES):
                set_seats(work, SEATS[number % 2])
                first.post("/plan", first.get("/ledger").form("/plan"))
        finally:
            ended.set()

    for reader in readers:
        for page, seen in reader.result().items():
            assert seen <= whole[page], page
    assert any(len(seen) == 2 for reader in readers for seen in reader.result().values())
