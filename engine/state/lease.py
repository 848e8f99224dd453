"""The lock: a lease with a heartbeat and a token that only ever grows.

Who may take it: anybody while it is free; anybody once its holder is dead for certain (same host); anybody
once it ran out, unless its holder is known to be alive (a paused process would write on as soon as it wakes);
anybody who says why. Every writing call compares tokens in its own transaction, so a holder that was
overtaken writes nothing more into the state. Between hosts, expiry compares their clocks: they must agree
to well within the lease.
"""

import sqlite3
from datetime import datetime, timedelta
from typing import NamedTuple

from engine.errors import StateLocked
from engine.model.run import Lease
from engine.state.journal import Kind, News, append
from engine.state.process import Fate, Process, Processes
from engine.state.statements import statement
from engine.state.values import encode

HOW_TO_FORCE = "take the lock over with --force-lock --reason WHY"
"""What a locked state advises; the command line has this option."""


class Held(NamedTuple):
    """The lock's row; `holder` is empty while it is free."""

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
        """As the port has it."""
        since, expires = datetime.fromisoformat(self.since), datetime.fromisoformat(self.expires)
        return Lease(self.token, self.holder, self.host, self.pid, since, expires)

    @property
    def process(self) -> Process:
        """The process that took it."""
        return Process(self.host, self.pid, self.born, self.realm)


class Taker(NamedTuple):
    """Who asks for the lock, when, for how long, and why although somebody holds it."""

    holder: str
    at: datetime
    seconds: float
    reason: str


def held(connection: sqlite3.Connection) -> Held:
    """The lock as it stands; free where another program took its row out."""
    return Held(*(connection.execute(statement("read_lock")).fetchone() or _GONE))


_GONE = (-1, "", "", 0, "", "", "", "")


def take(connection: sqlite3.Connection, taker: Taker, processes: Processes, name: str) -> Lease:
    """Takes the lock inside a transaction; whoever held it is named in the journal. Raises StateLocked."""
    current, mine = held(connection), processes.mine()
    if current.holder:
        fate = processes.fate(current.process)
        free = fate is Fate.DEAD or (fate is Fate.UNKNOWN and current.lease.expires <= taker.at)
        if not (free or taker.reason):
            raise StateLocked(_refusal(current.lease, taker.at, name))
        append(connection, [_taken_over(current, taker, mine, how="taken over" if free else "forced")])
    if current == _GONE:
        connection.execute(statement("restore_lock"), {"token": int(taker.at.timestamp())})
    connection.execute(
        statement("take_lock"),
        {
            "holder": taker.holder,
            "host": mine.host,
            "pid": mine.pid,
            "born": mine.born,
            "realm": mine.realm,
            "since": taker.at.isoformat(),
            "expires": (taker.at + timedelta(seconds=taker.seconds)).isoformat(),
        },
    )
    return held(connection).lease


def extend(connection: sqlite3.Connection, at: datetime, seconds: float) -> Lease:
    """The lease runs from now on for its full time again."""
    connection.execute(statement("extend_lock"), {"expires": (at + timedelta(seconds=seconds)).isoformat()})
    return held(connection).lease


def check(connection: sqlite3.Connection, lease: Lease, name: str) -> Held:
    """The lock, if it is still this lease's; raises StateLocked otherwise."""
    current = held(connection)
    if current.holder and current.token == lease.token:
        return current
    if current.holder:
        by = f"{_who(current.lease)} took it over at {_instant(current.lease.since)}"
    else:
        by = "it was given back"
    raise StateLocked(f"the lock of {name} is no longer held by {lease.holder}: {by}; nothing more was written")


def _taken_over(current: Held, taker: Taker, mine: Process, how: str) -> News:
    told = {
        "how": how,
        "reason": taker.reason,
        "by": {"holder": taker.holder, "host": mine.host, "pid": mine.pid},
        "from": {
            "holder": current.holder,
            "host": current.host,
            "pid": current.pid,
            "since": current.since,
            "expires": current.expires,
        },
    }
    return News(Kind.LOCK, taker.at, encode(told))


def _refusal(lease: Lease, now: datetime, name: str) -> str:
    locked = f"{name} is locked by {_who(lease)} since {_instant(lease.since)}"
    if lease.expires > now:
        return f"{locked}; its lease runs until {_instant(lease.expires)}. Wait for it to end, or {HOW_TO_FORCE}"
    return (
        f"{locked}; its lease ran out at {_instant(lease.expires)}, but that process is still there. "
        f"End that process, or {HOW_TO_FORCE}"
    )


def _who(lease: Lease) -> str:
    return f"{lease.holder} (host {lease.host}, process {lease.pid})"


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S %Z}".strip()
