"""The cycle collector leaves large values alone."""

import atexit
import gc
import runpy

import pytest
from trueup.model import gc_pause
from trueup.model.gc_pause import collect_rarely, gc_spared


class Made:
    """What is made."""


@pytest.fixture
def _nothing_frozen():
    """The tests freeze what they have loaded; see the conftest of all tests."""
    gc.unfreeze()
    gc_pause._had_frozen_objects.cache_clear()
    yield
    gc.freeze()
    gc_pause._had_frozen_objects.cache_clear()


@pytest.mark.usefixtures("_nothing_frozen")
def test_what_is_made_is_left_alone_until_the_block_ends():
    with gc_spared(Made) as made:
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
        del made
        assert not any(isinstance(one, Made) for one in gc.get_objects())

    assert gc.get_freeze_count() == 0


@pytest.mark.usefixtures("_nothing_frozen")
def test_objects_that_the_process_froze_stay_frozen():
    gc.freeze()

    with gc_spared(Made) as made:
        assert any(one is made for one in gc.get_objects())

    assert gc.get_freeze_count() > 0


@pytest.fixture
def _threshold_restored():
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("_threshold_restored")
def test_a_process_that_collects_rarely_looks_at_many_new_objects_at_once(monkeypatch):
    at_exit = []
    monkeypatch.setattr(atexit, "register", at_exit.append)
    gc.set_threshold(700, 10, 10)

    collect_rarely()

    assert gc.get_threshold() == (50_000, 10, 10)
    assert at_exit == [gc.freeze]


def test_the_command_has_its_process_collect_rarely(monkeypatch):
    called = []
    monkeypatch.setattr(gc_pause, "collect_rarely", lambda: called.append(True))

    runpy.run_module("trueup.__main__")

    assert called == [True]
