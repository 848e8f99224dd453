"""Real processes killed within and between calls: each call took effect whole or not at all, none was lost."""

import random
import runpy
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.model.run import Effects, Link
from engine.state.sqlite import SqlState

VICTIM = Path(__file__).with_name("victim.py")
WITHIN = 8  # kills at a statement
BETWEEN = 4  # kills at some moment


def seen(state) -> tuple:
    """What tells the states between the victim's calls apart."""
    memory = state.load()
    runs = [(run.id, run.status, len(state.journal(run.id))) for run in state.runs()]
    return (
        bool(memory.lineage),
        memory.serial,
        sorted(memory.links),
        sorted(memory.applied),
        sorted(memory.pushed),
        runs,
    )


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> list[tuple]:
    """What is seen after each call when nobody is killed, the state before the first one included."""
    victim = runpy.run_path(str(VICTIM))
    with SqlState(tmp_path_factory.mktemp("calm") / "state.sqlite", clock=victim["StillClock"]()) as state:
        return [seen(state), *(seen(state) for _ in victim["work"](state))]


def outcome(path, clock, said: list[str], expected: list[tuple]) -> None:
    """The file that a killed process left: its last call there or not, everything before it there."""
    answered = int(said[-1]) if said else 0
    with SqlState(path, clock=clock) as state:
        assert seen(state) in expected[answered : answered + 2]
        assert state.verify() == []
        lease = state.acquire("apply (ben)")
        state.edit(lease, "link", Effects(links=(Link("customer", "after", "Companies", 1, "decision"),)))
        assert ("customer", "after") in state.load().links
        assert state.verify() == []
        state.release(lease)
    left = {
        found.name for found in path.parent.iterdir() if ".new" not in found.name
    }  # of a state that was never begun
    assert left <= {path.name, f"{path.name}.open"}


def run(path, *more: object) -> list[str]:
    done = subprocess.run([sys.executable, VICTIM, path, *map(str, more)], stdout=subprocess.PIPE, check=False)
    return done.stdout.decode().splitlines()


def test_a_process_killed_within_a_call_leaves_it_whole_or_not_done_at_all(tmp_path, clock, expected):
    *_, last = run(tmp_path / "calm.sqlite")
    total = int(last.removeprefix("statements "))

    for kill in range(WITHIN):
        at = 1 + kill * (total - 1) // (WITHIN - 1)
        path = tmp_path / f"{at}" / "state.sqlite"
        said = run(path, at)
        assert f"statements {total}" not in said
        outcome(path, clock, said, expected)


def test_a_process_killed_at_any_moment_has_lost_nothing_that_it_was_told(tmp_path, clock, expected):
    chance = random.Random(20261120)
    for kill in range(BETWEEN):
        path = tmp_path / f"{kill}" / "state.sqlite"
        with subprocess.Popen([sys.executable, VICTIM, path], stdout=subprocess.PIPE) as victim:
            said = [victim.stdout.readline() for _ in range(chance.randrange(1, len(expected)))]
            time.sleep(chance.random() / 300)
            victim.kill()
            said += victim.stdout.readlines()
        calls = [line.decode().strip() for line in said if line.strip().isdigit()]
        outcome(path, clock, calls, expected)
