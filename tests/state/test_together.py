"""Several threads of one process, and several processes, use one state."""

import threading
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from trueup.errors import EngineError, StateLocked
from trueup.model.audit import LinkForgotten
from trueup.model.run import Effects, Entry, Link, Run, Step
from trueup.operating_system import process_context

from tests.state.stores import opened_by

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_a_heartbeat_in_another_thread_runs_while_entries_are_written(state):
    lease = state.acquire("apply (ann)")
    state.begin(Run("r1", "d", "{}", "ann", "host-1", NOON), lease)
    stop, errors, beats = threading.Event(), [], []

    def heartbeat():
        try:
            while not stop.is_set():
                state.check(state.renew(lease))
                beats.append(1)
        except EngineError as error:
            errors.append(error)

    thread = threading.Thread(target=heartbeat)
    thread.start()
    try:
        for number in range(100):
            state.record(lease, "r1", [Entry(f"a{number}", Step.STARTED, NOON)])
            state.load()
    finally:
        stop.set()
        thread.join()

    assert errors == []
    assert beats
    assert [entry.change for entry in state.journal("r1")] == [
        f"a{number}" for number in range(100)
    ]
    assert state.verify() == []


def test_a_process_that_lost_the_lock_is_refused_in_each_thread(opened, state):
    lease = state.acquire("apply (ann)")
    opened(2).acquire("apply (ben)", reason="stolen laptop")
    refused = []

    def write():
        with pytest.raises(StateLocked):
            state.renew(lease)
        refused.append(1)

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 3


def test_processes_take_turns_and_no_write_is_lost(place, opened):
    """The processes also compete to create the state: it does not exist when they start."""
    names = ["ann", "ben", "cyd"]
    processes: Any = process_context()
    contenders = [
        processes.Process(target=contend, args=(name, 8, place.argument("state"))) for name in names
    ]
    for contender in contenders:
        contender.start()
    for contender in contenders:
        contender.join()
    assert [contender.exitcode for contender in contenders] == [0, 0, 0]

    state = opened()
    snapshot = state.load()
    assert snapshot.serial == 24
    assert sorted(link.record for link in snapshot.links.values()) == list(range(24))
    assert {link.how for link in snapshot.links.values()} == set(names)
    assert state.verify() == []


def contend(name, rounds, argument):
    """In a process of its own: takes the lock so often, and writes a link each time."""
    won = 0
    with opened_by(argument) as state:
        for _ in range(5000):
            if won == rounds:
                return
            try:
                lease = state.acquire(name)
            except StateLocked:
                time.sleep(0.005)
                continue
            links = state.load().links
            link = Link("customer", f"{len(links)}", "Companies", len(links), name)
            state.edit(lease, LinkForgotten("customer", "x"), Effects(links=(link,)))
            state.release(lease)
            won += 1
    raise AssertionError(f"{name} got the lock {won} times only")
