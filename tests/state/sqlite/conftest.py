"""A clock that stands still, processes whose fate is told, stores that are closed in the end."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from engine.model.run import Effects, Entry, Link, Pushed, Run, RunStatus, Step
from engine.state.process import Fate, Process
from engine.state.sqlite import SqlState

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class MovedClock:
    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class ToldProcesses:
    """This process is who it says; what becomes of the others is set by the test."""

    def __init__(self, pid: int, fates: dict[int, Fate]) -> None:
        self.pid = pid
        self.fates = fates

    def mine(self) -> Process:
        return Process("host-1", self.pid, "12345", "boot-1")

    def fate(self, process: Process) -> Fate:
        return self.fates.get(process.pid, Fate.ALIVE)


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def fates() -> dict[int, Fate]:
    """By process number; alive unless told otherwise."""
    return {}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


@pytest.fixture
def opened(path, clock, fates) -> Iterator[Callable[..., SqlState]]:
    """Opens a store as a process of this number, on the file of the test or another one."""
    with ExitStack() as stack:

        def store(pid: int = 1, where: Path = path) -> SqlState:
            processes = ToldProcesses(pid, fates)
            return stack.enter_context(SqlState(where, clock=clock, lease_seconds=60, processes=processes))

        yield store


@pytest.fixture
def state(opened) -> SqlState:
    return opened()


@pytest.fixture
def told(state, tmp_path, told_once) -> SqlState:
    """A state with something of everything, its lock given back."""
    shutil.copytree(told_once, tmp_path, dirs_exist_ok=True)
    return state


@pytest.fixture(scope="session")
def told_once(tmp_path_factory) -> Path:
    """A folder with the file of such a state and what goes with it."""
    folder = tmp_path_factory.mktemp("told")
    with SqlState(folder / "state.sqlite", clock=MovedClock(), processes=ToldProcesses(1, {})) as state:
        tell(state)
    return folder


def tell(state: SqlState) -> None:
    """Two runs, a change by hand between them; the second goes on."""
    lease = state.acquire("apply (ann)")
    state.begin(Run("r1", "d1g3st", '{"plan": 1}', "ann", "host-1", NOON), lease)
    state.record(lease, "r1", [Entry("a1", Step.STARTED, NOON), Entry("a2", Step.STARTED, NOON)])
    log = Pushed("license_change", "c1", 51, date(2026, 11, 15), 3, "a2", "r1", ({"id": 9, "units": 15},))
    links = tuple(Link("customer", key, "Companies", record, "created") for key, record in (("x", 1), ("y", 2)))
    effects = Effects(links=links, applied={("customer", "x"): {"name": "Zoë"}, ("customer", "y"): {}}, pushed=(log,))
    state.record(lease, "r1", [Entry("a1", Step.DONE, NOON, {"id": 1})], effects)
    state.finish(lease, "r1", RunStatus.PARTIAL, NOON + timedelta(minutes=1))
    state.edit(lease, "forget", Effects(unlink=(("customer", "y"),)), reason="keyed twice")
    state.begin(Run("r2", "d1g3st", '{"plan": 2}', "ben", "host-1", NOON), lease)
    state.release(lease)
