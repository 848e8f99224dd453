"""Real processes are killed in and between calls. A call takes effect whole or not at all."""

import random
import runpy
import time
from pathlib import Path

import pytest
from trueup.model.run import Effects, Link
from trueup.state.sqlite.store import SqliteState

from tests.state.stores import EDIT
from tests.support.forked import call

VICTIM = runpy.run_path(str(Path(__file__).with_name("victim.py")))
WITHIN = 8  # processes killed at a statement
BETWEEN = 4  # processes killed at a random moment


def contents(state) -> tuple:
    """What differs between the states after each call of the victim."""
    snapshot = state.load()
    runs = [(run.id, run.status, len(state.journal(run.id))) for run in state.runs()]
    return (
        bool(snapshot.lineage),
        snapshot.serial,
        sorted(snapshot.links),
        sorted(snapshot.applied),
        sorted(snapshot.pushed),
        runs,
    )


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> list[tuple]:
    """The contents before the first call and after each call of a victim that is not killed."""
    file = tmp_path_factory.mktemp("undisturbed") / "state.sqlite"
    with SqliteState(file, clock=VICTIM["StillClock"]()) as state:
        return [contents(state), *(contents(state) for _ in VICTIM["work"](state))]


def check_file(path, clock, printed: list[str], expected: list[tuple]) -> None:
    """The file has all calls that returned, and the next one whole or not at all."""
    returned = int(printed[-1]) if printed else 0
    with SqliteState(path, clock=clock) as state:
        assert contents(state) in expected[returned : returned + 2]
        assert state.verify() == []
        lease = state.acquire("apply (ben)")
        state.edit(
            lease, EDIT, Effects(links=(Link("customer", "after", "Companies", 1, "decision"),))
        )
        assert ("customer", "after") in state.load().links
        assert state.verify() == []
        state.release(lease)
    # A process killed while it creates the state leaves a file whose name ends in `.new`.
    files = {file.name for file in path.parent.iterdir() if ".new" not in file.name}
    assert files <= {path.name, f"{path.name}.open"}


def run(path, *more: object) -> list[str]:
    victim, printed = call(lambda: VICTIM["main"](str(path), *map(str, more)))
    with printed:
        lines = printed.read().decode().splitlines()
    victim.wait()
    return lines


def test_a_call_in_which_the_process_is_killed_takes_effect_whole_or_not_at_all(
    tmp_path, clock, expected
):
    *_, last = run(tmp_path / "undisturbed.sqlite")
    total = int(last.removeprefix("statements "))

    for kill in range(WITHIN):
        at = 1 + kill * (total - 1) // (WITHIN - 1)
        path = tmp_path / f"{at}" / "state.sqlite"
        printed = run(path, at)
        assert f"statements {total}" not in printed
        check_file(path, clock, printed, expected)


def test_a_process_killed_at_any_moment_loses_no_call_that_returned(tmp_path, clock, expected):
    chance = random.Random(20261120)
    for kill in range(BETWEEN):
        path = tmp_path / f"{kill}" / "state.sqlite"
        victim, printed = call(lambda: VICTIM["main"](str(path)))  # noqa: B023 -- called at once
        with printed:
            lines = [printed.readline() for _ in range(chance.randrange(1, len(expected)))]
            time.sleep(chance.random() / 300)
            victim.kill()
            lines += printed.readlines()
        victim.wait()
        calls = [line.decode().strip() for line in lines if line.strip().isdigit()]
        check_file(path, clock, calls, expected)
