"""The lock: a lease with a heartbeat and a token that only grows.

A process may take the lock

- while it is free,
- if its holder is known to be dead (a process of this host),
- if the lease has expired and nothing is known of its holder (a process of another host),
- with a reason, from any holder.

An expired lease of a process that is alive stays: a paused process would continue to write as soon
as it wakes. Each writing call compares the token in its own transaction, so a holder that lost the
lock writes nothing more into the state. Expiry is by the clock of the store. Where that is the
clock of each host, as with a file, they must agree to well within the time of a lease.
"""

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from trueup.errors import StateLocked
from trueup.model.run import Lease
from trueup.state.access import Access, Transaction
from trueup.state.audit import lock_line
from trueup.state.journal import append
from trueup.state.process import Fate, Process, Processes
from trueup.state.values import ForeignValue

HOW_TO_FORCE = "take the lock over: `trueup apply … --force-lock --reason WHY`"
"""The remedy in the message of a locked state, which is shown in the desk and to Python, too."""

LEASE_SECONDS = 60.0
"""Seconds after which a holder without a heartbeat does not hold the lock any more."""


class LockRow(NamedTuple):
    """The row of the lock; `holder` is empty while it is free."""

    token: int
    holder: str
    host: str
    pid: int
    born: str
    realm: str
    since: str
    expires: str

    @property
    def lease(self) -> Lease:
        """Returns the lease of the holder. Raises `ForeignValue` for times without an offset."""
        try:
            since = datetime.fromisoformat(self.since)
            expires = datetime.fromisoformat(self.expires)
        except ValueError as error:
            raise ForeignValue("the times of the lock") from error
        if since.tzinfo is None or expires.tzinfo is None:  # they are compared with ones that have
            raise ForeignValue("the times of the lock")
        return Lease(self.token, self.holder, self.host, self.pid, since, expires)

    @property
    def process(self) -> Process:
        """Returns the process of the holder."""
        return Process(self.host, self.pid, self.born, self.realm)


_MISSING = LockRow(-1, "", "", 0, "", "", "", "")
"""The lock is free if another program deleted its row."""


def lock_row(transaction: Transaction) -> LockRow:
    """The current row of the lock."""
    row = transaction.one("read_lock")
    if not row:
        return _MISSING
    types = (int, str, str, int, str, str, str, str)
    if not all(map(isinstance, row, types)):
        raise ForeignValue("the row of the lock")
    return LockRow(*row)


def require_holder(transaction: Transaction, lease: Lease, name: str) -> LockRow:
    """The row of the lock. Raises `StateLocked` unless the lease is the holder's."""
    current = lock_row(transaction)
    if current.holder and current.token == lease.token:
        return current
    if current.holder:
        holder = _holder(current.lease)
        reason = f"{holder} took it over at {_instant(current.lease.since)}"
    else:
        reason = "it was given back"
    raise StateLocked(
        f"the lock of {name} is no longer held by {lease.holder}: {reason}; "
        "nothing more was written"
    )


@contextlib.contextmanager
def writing(access: Access, lease: Lease) -> Iterator[Transaction]:
    """A writing transaction of the lock's holder. Raises `StateLocked` for any other lease."""
    with access.writing() as transaction:
        require_holder(transaction, lease, access.name)
        yield transaction


class LockCalls:
    """The calls of `ports.State` that take, keep and give back the lock."""

    _access: Access
    _processes: Processes
    _lease_seconds: float

    def acquire(self, holder: str, *, reason: str = "") -> Lease:
        """Takes the lock; creates the store if there is none.

        Raises `StateLocked` with the holder and the end of its lease. A `reason` takes the lock
        from a holder that is alive. Lock takeovers are audited.
        """
        with self._access.writing(create=True) as transaction:
            before, now = lock_row(transaction), transaction.now()
            released = self._is_released(before, now)
            if not (released or reason):
                refusal = _refusal(before.lease, now, self._access.name)
                raise StateLocked(refusal, before.lease.expires)
            if before == _MISSING:  # a new row with a token that no process can have had
                transaction.do("restore_lock", {"token": int(now.timestamp())})
            mine = self._processes.mine()
            row = {
                "holder": holder,
                "host": mine.host,
                "pid": mine.pid,
                "born": mine.born,
                "realm": mine.realm,
                "since": now.isoformat(),
                "expires": self._end_of_lease(now),
            }
            transaction.do("take_lock", row)
            lease = lock_row(transaction).lease
            if before.holder:
                line = lock_line(now, reason, lease, before.lease, forced=not released)
                append(transaction, [line])
            return lease

    def renew(self, lease: Lease) -> Lease:
        """The heartbeat: the lease runs for its full time again."""
        with writing(self._access, lease) as transaction:
            end = self._end_of_lease(transaction.now())
            transaction.do("extend_lock", {"expires": end})
            return lock_row(transaction).lease

    def check(self, lease: Lease) -> None:
        """Raises `StateLocked` unless the lease is the holder's and has not expired."""
        name = self._access.name
        with self._access.reading() as transaction:
            if transaction is None:
                raise StateLocked(f"{name} is gone, and the lock of {lease.holder} with it")
            current, now = require_holder(transaction, lease, name).lease, transaction.now()
        if current.expires <= now:
            raise StateLocked(
                f"the lock of {name} held by {lease.holder} has expired: it was not renewed in time"
            )

    def release(self, lease: Lease) -> None:
        """Gives the lock back; has no effect if the lease is no longer the holder's."""
        with self._access.writing() as transaction:
            transaction.do("free_lock", {"token": lease.token})

    def _is_released(self, row: LockRow, now: datetime) -> bool:
        """Whether the lock may be taken without a reason."""
        if not row.holder:
            return True
        fate = self._processes.fate(row.process)
        return fate is Fate.DEAD or (fate is Fate.UNKNOWN and row.lease.expires <= now)

    def _end_of_lease(self, start: datetime) -> str:
        return (start + timedelta(seconds=self._lease_seconds)).isoformat()


def _refusal(lease: Lease, now: datetime, name: str) -> str:
    locked = f"{name} is locked by {_holder(lease)} since {_instant(lease.since)}"
    if lease.expires > now:
        end = _instant(lease.expires)
        return f"{locked}; its lease runs until {end}. Wait for it to end, or {HOW_TO_FORCE}"
    return (
        f"{locked}; its lease expired at {_instant(lease.expires)}, but that process is still "
        f"running. End that process, or {HOW_TO_FORCE}"
    )


def _holder(lease: Lease) -> str:
    return f"{lease.holder} (host {lease.host}, process {lease.pid})"


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S %Z}".strip()
