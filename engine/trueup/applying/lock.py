"""The state's lock as a run holds it: renewed by a heartbeat, checked right before each send."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from threading import Event, Thread

from trueup.errors import StateError, StateLocked
from trueup.model.run import Lease
from trueup.ports.world import World

LOCK_RECHECK = timedelta(seconds=1)
"""For how long the state's answer about the lock is cached."""

MINIMUM_BEAT = 0.05
"""Seconds between heartbeats at least; tests use short leases."""


class LockHolder:
    """A lease with its heartbeat.

    The lease runs by the clock of the state, which may be that of a server. This machine's clock
    measures only the time since the last renewal.
    """

    def __init__(self, world: World, lease: Lease) -> None:
        """`lease` is new."""
        self._world, self.lease = world, lease
        self._length = lease.expires - lease.since
        now = world.clock.now()
        self._ends, self._checked = now + self._length, now - LOCK_RECHECK
        self.beat = max(MINIMUM_BEAT, self._length.total_seconds() / 3)  # seconds

    def renew(self) -> None:
        """The heartbeat. Raises StateLocked."""
        now = self._world.clock.now()
        self.lease = self._world.state.renew(self.lease)
        self._ends = now + self._length

    def guard(self) -> None:
        """Raises StateLocked if the lock is lost; for right before each send.

        The state is read again only after `LOCK_RECHECK`: STARTED was recorded under the same token
        a moment ago, and reading for each send would make workers wait for the commits of the main
        thread.
        """
        now = self._world.clock.now()
        if now >= self._ends:
            self.renew()
        if now - self._checked >= LOCK_RECHECK:
            self._world.state.check(self.lease)
            self._checked = now


@contextmanager
def hold_lock(world: World, who: str, force_reason: str = "") -> Iterator[LockHolder]:
    """Holds the lock, kept alive by a heartbeat, until the block ends. Raises StateLocked."""
    holder = LockHolder(world, world.state.acquire(who or "an unnamed user", reason=force_reason))
    ended = Event()
    heartbeat = Thread(target=_beat, args=(holder, ended), name="heartbeat", daemon=True)
    heartbeat.start()
    try:
        yield holder
    finally:
        ended.set()
        heartbeat.join()
        # Where it cannot be given back, its lease runs out; the error of the run must be seen.
        with suppress(StateError):
            world.state.release(holder.lease)


def _beat(holder: LockHolder, ended: Event) -> None:
    """Renews at a third of the lease's length. `guard` notices a lost lock before the next send."""
    while not ended.wait(holder.beat):
        try:
            holder.renew()
        except StateLocked:
            return
        except StateError:  # out of reach; the next beat may find it, and `guard` asks as well
            continue
