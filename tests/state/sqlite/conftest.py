"""Stores on a file of the test."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from trueup.state.sqlite.store import SqliteState

from tests.state.stores import NOON, FakeProcesses, fill
from tests.support.fakes import FakeClock


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
