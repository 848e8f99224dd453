"""Stores on a file of the test, with a fake clock and processes whose fate the test decides."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from trueup.model.history import LinkForgotten
from trueup.model.run import Effects, Entry, Link, Pushed, Run, RunStatus, Step
from trueup.state.process import Fate, Process
from trueup.state.sqlite.store import SqliteState

from tests.support.fakes import FakeClock

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
EDIT = LinkForgotten("customer", "y")
"""The event of edits of which only the effects matter."""


class FakeProcesses:
    """Processes of one host; each is alive unless the test decides otherwise."""

    def __init__(self, pid: int, fates: dict[int, Fate]) -> None:
        self.pid = pid
        self.fates = fates

    def mine(self) -> Process:
        return Process("host-1", self.pid, "12345", "boot-1")

    def fate(self, process: Process) -> Fate:
        return self.fates.get(process.pid, Fate.ALIVE)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def fates() -> dict[int, Fate]:
    """Fates of processes by number."""
    return {}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


@pytest.fixture
def opened(path, clock, fates) -> Iterator[Callable[..., SqliteState]]:
    """Opens a store as the process with this number, on the file of the test or another one."""
    with ExitStack() as stack:

        def store(pid: int = 1, where: Path = path) -> SqliteState:
            processes = FakeProcesses(pid, fates)
            return stack.enter_context(
                SqliteState(where, clock=clock, lease_seconds=60, processes=processes)
            )

        yield store


@pytest.fixture
def state(opened) -> SqliteState:
    return opened()


@pytest.fixture
def filled(state, tmp_path, filled_folder) -> SqliteState:
    """A state with rows in each table; its lock is free."""
    shutil.copytree(filled_folder, tmp_path, dirs_exist_ok=True)
    return state


@pytest.fixture(scope="session")
def filled_folder(tmp_path_factory) -> Path:
    """A folder with the files of such a state."""
    folder = tmp_path_factory.mktemp("filled")
    processes = FakeProcesses(1, {})
    with SqliteState(folder / "state.sqlite", clock=FakeClock(NOON), processes=processes) as state:
        fill(state)
    return folder


def fill(state: SqliteState) -> None:
    """Writes two runs with a manual edit between them; the second run stays open."""
    lease = state.acquire("apply (ann)")
    state.begin(Run("r1", "d1g3st", '{"plan": 1}', "ann", "host-1", NOON), lease)
    state.record(lease, "r1", [Entry("a1", Step.STARTED, NOON), Entry("a2", Step.STARTED, NOON)])
    proof = ({"id": 9, "units": 15},)
    pushed = Pushed("license_change", "c1", 51, date(2026, 11, 15), 3, "a2", "r1", proof)
    links = tuple(
        Link("customer", key, "Companies", record, "created")
        for key, record in (("x", 1), ("y", 2))
    )
    effects = Effects(
        links=links,
        applied={("customer", "x"): {"name": "Zoë"}, ("customer", "y"): {}},
        pushed=(pushed,),
    )
    state.record(lease, "r1", [Entry("a1", Step.DONE, NOON, {"id": 1})], effects)
    state.finish(lease, "r1", RunStatus.PARTIAL, NOON + timedelta(minutes=1))
    state.edit(lease, EDIT, Effects(unlink=(("customer", "y"),)), reason="keyed twice")
    state.begin(Run("r2", "d1g3st", '{"plan": 2}', "ben", "host-1", NOON), lease)
    state.release(lease)
