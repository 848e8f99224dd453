"""The lock as a run holds it: what the heartbeat does when the state is out of reach."""

from datetime import timedelta
from threading import Event

import pytest
from trueup.applying import lock
from trueup.errors import StateError, StateLocked
from trueup.ports.world import World

from tests.support.fakes import FakeClock, FakeState


@pytest.fixture
def holder():
    clock = FakeClock()
    state = FakeState(clock)
    return lock.LockHolder(World(None, None, state, clock), state.acquire("ann"))


def beats(holder, answers):
    """The answers that the heartbeat waits for, until it ends or has had all of them."""
    ended, given = Event(), []

    def renew():
        given.append(answers[len(given)])
        if len(given) == len(answers):
            ended.set()
        if given[-1]:
            raise given[-1]

    holder.beat, holder.renew = 0, renew
    lock._beat(holder, ended)
    return given


def test_the_heartbeat_goes_on_when_the_state_was_out_of_reach(holder):
    answers = [None, StateError("lost its connection"), None]

    assert beats(holder, answers) == answers


def test_the_heartbeat_ends_with_the_lock(holder):
    assert len(beats(holder, [None, StateLocked("taken over"), None])) == 2


@pytest.mark.parametrize("skew", [timedelta(days=-40), timedelta(days=40)])
def test_a_lease_lasts_as_long_by_this_clock_as_by_the_states(skew):
    clock = FakeClock()
    state = FakeState(clock)
    own = FakeClock(clock.now() + skew)
    holder = lock.LockHolder(World(None, None, state, own), state.acquire("ann"))
    first, length = holder.lease, (holder.lease.expires - holder.lease.since).total_seconds()

    assert holder.beat == length / 3
    for one in (clock, own):
        one.sleep(length / 2)
    holder.guard()
    assert holder.lease == first
    for one in (clock, own):
        one.sleep(length / 2)
    holder.guard()
    assert holder.lease.expires > first.expires
