"""Several threads of one process, and several processes, on one state."""

import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest

from engine.errors import EngineError, StateLocked
from engine.model.run import Entry, Run, Step

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

CONTENDER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from engine.errors import StateLocked
from engine.model.run import Effects, Link
from engine.state.sqlite import SqlState

class Now:
    def now(self):
        return datetime.now(UTC)

path, name, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
won = 0
with SqlState(path, clock=Now()) as state:
    for attempt in range(5000):
        if won == rounds:
            break
        try:
            lease = state.acquire(name)
        except StateLocked:
            time.sleep(0.005)
            continue
        links = state.load().links
        link = Link("customer", f"{len(links)}", "Companies", len(links), name)
        state.edit(lease, "link", Effects(links=(link,)))
        state.release(lease)
        won += 1
sys.exit(won != rounds)
"""


def test_a_heartbeat_goes_on_while_the_coordinator_writes(state):
    lease = state.acquire("apply (ann)")
    state.begin(Run("r1", "d", "{}", "ann", "host-1", NOON), lease)
    over, faults, beats = threading.Event(), [], []

    def heartbeat():
        try:
            while not over.is_set():
                state.check(state.renew(lease))
                beats.append(1)
        except EngineError as error:
            faults.append(error)

    beating = threading.Thread(target=heartbeat)
    beating.start()
    try:
        for number in range(100):
            state.record(lease, "r1", [Entry(f"a{number}", Step.STARTED, NOON)])
            state.load()
    finally:
        over.set()
        beating.join()

    assert faults == []
    assert beats
    assert [entry.change for entry in state.journal("r1")] == [f"a{number}" for number in range(100)]
    assert state.verify() == []


def test_the_coordinator_that_was_overtaken_is_stopped_in_every_thread(opened, state):
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


def test_processes_take_turns_and_none_of_their_writes_is_lost(path, opened):
    """They also race for who makes the file: it is not there when they start."""
    names = ["ann", "ben", "cyd"]
    contenders = [subprocess.Popen([sys.executable, "-c", CONTENDER, path, name, "8"]) for name in names]
    assert [contender.wait(60) for contender in contenders] == [0, 0, 0]

    state = opened()
    memory = state.load()
    assert memory.serial == 24
    assert sorted(link.record for link in memory.links.values()) == list(range(24))
    assert {link.how for link in memory.links.values()} == set(names)
    assert state.verify() == []
