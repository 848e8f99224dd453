"""Stores of each adapter, with a fake clock and processes whose fate the test decides."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from uuid import uuid4

import pytest
from trueup.state.process import Fate
from trueup.state.store import StoredState

from tests.state.stores import NOON, FakeProcesses, PostgresPlace, SqlitePlace, fill
from tests.support.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def fates() -> dict[int, Fate]:
    """Fates of processes by number."""
    return {}


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path) -> SqlitePlace | PostgresPlace:
    """Where the states of the test are."""
    if request.param == "sqlite":
        return SqlitePlace(tmp_path)
    return PostgresPlace(request.getfixturevalue("postgres_of_module"), uuid4().hex)


@pytest.fixture
def opened(place, clock, fates) -> Iterator[Callable[..., StoredState]]:
    """Opens the state of the test, or another one, as the process with this number."""
    with ExitStack() as stack:

        def store(pid: int = 1, name: str = "state") -> StoredState:
            processes = FakeProcesses(pid, fates)
            return stack.enter_context(
                place.store(name, clock=clock, lease_seconds=60, processes=processes)
            )

        yield store


@pytest.fixture
def state(opened) -> StoredState:
    return opened()


@pytest.fixture
def filled(state) -> StoredState:
    """A state with rows in each table; its lock is free."""
    fill(state)
    return state


@pytest.fixture
def tool(place):
    """Another program that uses the state of the test."""
    return place.tool("state")
