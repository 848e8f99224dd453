"""A small tenant behind a desk on a real port; its customer has a hostile name."""

import shutil
from threading import Event

import pytest
from msgspec.structs import replace
from trueup.operations import apply as operations

from tests.support.browser import Serving
from tests.support.desk_world import desk_world

HOSTILE = "<img src=x onerror=alert(1)> {{ 7 * 7 }} \u202eDental"


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The project: one line agrees, one differs, one is new, one has a change that waits.

    Its sandbox holds its seed already. Only read: tests that write take a copy.
    """
    folder = tmp_path_factory.mktemp("made") / "work"
    desk_world(folder, HOSTILE).plan()
    return folder


@pytest.fixture
def work(made, tmp_path):
    """A copy of the project, to be changed."""
    return shutil.copytree(made, tmp_path / "work")


@pytest.fixture(scope="module")
def desk(made, tmp_path_factory):
    """A desk that tests of one module share; they change nothing."""
    folder = shutil.copytree(made, tmp_path_factory.mktemp("desk") / "work")
    with Serving(folder) as serving:
        serving.folder = folder
        yield serving
    assert serving.faults == []


@pytest.fixture(scope="module")
def browser(desk):
    """The browser that has logged in there."""
    return desk.browser()


@pytest.fixture
def held(monkeypatch):
    """Holds a run at its first change, until it is let go."""
    reached, go = Event(), Event()
    real = operations.apply

    def slow(project, plan, options, listener):
        def watch(progress):
            listener.progress(progress)
            reached.set()
            assert go.wait(60)

        return real(project, plan, options, replace(listener, progress=watch))

    monkeypatch.setattr(operations, "apply", slow)
    yield reached, go
    go.set()
