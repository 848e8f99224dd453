"""Time is the server's: the clocks of the machines that share a state may be wrong."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from trueup.applying.lock import LockHolder
from trueup.errors import StateError, StateLocked
from trueup.ports.world import World
from trueup.state.postgres.store import PostgresState
from trueup.state.process import Fate, Process

from tests.support.fakes import FakeClock

CLOCKS = [datetime(2001, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)]


class OtherHosts:
    """A process on a host of its own, of which others know nothing."""

    def __init__(self, number):
        self.number = number

    def mine(self):
        return Process(f"host-{self.number}", self.number)

    def fate(self, process):
        return Fate.UNKNOWN


@pytest.fixture
def server(postgres_of_module):
    """The server's time."""

    def now():
        with psycopg.connect(postgres_of_module) as connection:
            return connection.execute("SELECT clock_timestamp()").fetchone()[0]

    return now


@pytest.mark.parametrize("own", CLOCKS)
def test_the_clock_of_a_run_is_the_servers_whatever_this_machines_clock(
    postgres_of_module, server, own
):
    with PostgresState(postgres_of_module, "clock") as state:
        clock = state.server_clock(FakeClock(own))
        before = server()
        now = clock.now()

        assert before <= now <= server()
        clock.sleep(30)
        assert clock.now() == now + timedelta(seconds=30)


def test_a_clock_that_was_set_is_measured_again(postgres_of_module, server):
    own = FakeClock(CLOCKS[0])
    with PostgresState(postgres_of_module, "clock") as state:
        clock = state.server_clock(own)
        clock.now()
        own.instant = CLOCKS[1]

        before = server()
        assert before <= clock.now() <= server()


def test_a_clock_goes_on_while_the_server_is_out_of_reach(postgres_of_module):
    own = FakeClock(CLOCKS[0])
    state = PostgresState(postgres_of_module, "clock")
    clock, unknown = state.server_clock(own), state.server_clock(own)
    now = clock.now()
    state.close()
    own.sleep(3600)

    assert clock.now() == now + timedelta(hours=1)
    with pytest.raises(StateError):
        unknown.now()


def test_a_lease_begins_and_ends_by_the_clock_of_the_server(postgres_of_module, server):
    with PostgresState(postgres_of_module, "lease", processes=OtherHosts(1)) as state:
        before = server()
        lease = state.acquire("ann")

        assert before <= lease.since <= server()
        assert lease.expires - lease.since == timedelta(seconds=60)
        assert state.renew(lease).expires > lease.expires


def test_another_host_takes_over_when_the_servers_clock_has_passed_the_end(postgres_of_module):
    with (
        PostgresState(
            postgres_of_module, "over", lease_seconds=0.2, processes=OtherHosts(1)
        ) as state,
        PostgresState(postgres_of_module, "over", processes=OtherHosts(2)) as other,
    ):
        lease = state.acquire("ann")
        while True:
            try:
                taken = other.acquire("ben")
            except StateLocked:
                continue
            break

        assert taken.since >= lease.expires
        with pytest.raises(StateLocked, match="ben"):
            state.renew(lease)


@pytest.mark.parametrize("own", CLOCKS)
def test_the_heartbeat_of_a_machine_whose_clock_is_wrong_is_as_usual(postgres_of_module, own):
    clock = FakeClock(own)
    with PostgresState(postgres_of_module, f"beat-{own.year}") as state:
        holder = LockHolder(World(None, None, state, clock), state.acquire("ann"))
        assert holder.beat == 20

        first = holder.lease
        clock.sleep(30)
        holder.guard()
        assert holder.lease == first
        clock.sleep(30)
        holder.guard()
        assert holder.lease.expires > first.expires
