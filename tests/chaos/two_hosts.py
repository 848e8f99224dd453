"""Two hosts with one state on PostgreSQL: killed, frozen, cut off; they never write twice."""

import os
import re
import signal
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from trueup.state.postgres.store import PostgresState
from trueup.state.store import StoredState

from tests.chaos.harness import NO_KILL, Harness
from tests.chaos.victim import LEASE, Kill, fork

HOSTS = ("host-1", "host-2")

_ADDRESS = "CHAOS_STATE"
_FILE = re.compile(r"state:\n  connector: sqlite\n  path: .*\n")
_STATE = """state:
  connector: postgres
  url: "{{{{ env.CHAOS_STATE }}}}"
  tenant: {tenant}
"""
_OF_OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
_OTHERS = f"SELECT EXISTS (SELECT 1 {_OF_OTHERS})"
_CUT = f"SELECT pg_terminate_backend(pid) {_OF_OTHERS}"


class TwoHosts(Harness):
    """A harness whose processes run on two hosts that know nothing of each other's processes.

    Each scenario has a tenant of its own: a journal cannot be emptied.
    """

    def __init__(self, folder: Path, seed: int, address: str) -> None:
        """`address` is that of an empty database."""
        self.address, self._tenants, self._tenant = address, count(1), ""
        self.host = HOSTS[0]
        os.environ[_ADDRESS] = address
        super().__init__(folder, seed)

    def reset(self) -> None:
        """Restores both sides and begins with an empty state."""
        super().reset()
        self._tenant = f"scenario-{next(self._tenants)}"
        file = self.work / "trueup.yaml"
        text, found = _FILE.subn(
            _STATE.format(tenant=self._tenant), file.read_text(encoding="utf-8")
        )
        assert found == 1
        file.write_text(text, encoding="utf-8")

    def run_on_both(self, kills: Sequence[Kill | float], *, defect: str = "") -> bool:
        """Runs a scenario in which both hosts begin at once again and again; a kill hits one.

        A point of a run is reached by the host alone that got the lock, whichever that is.

        Returns whether the final state is that of the undisturbed run.
        """
        self.reset()
        for kill in kills:
            arguments = self._next()
            if not arguments:
                break
            self._change_host()
            at = kill if isinstance(kill, Kill) else NO_KILL
            first = self._start(arguments, at, defect=defect)
            self._change_host()
            second = self._start(arguments, at, defect=defect)
            if isinstance(kill, float):
                time.sleep(kill)
                os.kill(first, signal.SIGKILL)
            codes = (self._end(first), self._end(second))
            if -signal.SIGKILL in codes:
                name = f"{at.point} {at.when}" if at.point else "any time"
                self.figures.kills[f"one of two hosts, {name}"] += 1
        return self._finish(defect=defect)

    def run_with_freeze(self, point: Kill, *, defect: str = "") -> bool:
        """Runs a scenario in which a host freezes, the other takes over, and the first wakes up.

        No request may be about to be sent at that point: nothing can stop one whose process froze
        after its last look at the lock.

        Returns whether the final state is that of the undisturbed run.
        """
        self.reset()
        at = Kill(point.point, point.nth, point.when, signal.SIGSTOP)
        frozen = self._start(self._next(), at, defect=defect)
        _, status = os.waitpid(frozen, os.WUNTRACED)
        if not os.WIFSTOPPED(status):  # the run has fewer such points
            return self._finish(defect=defect)
        self._change_host()
        try:
            is_same = self._finish(defect=defect)
        finally:
            os.kill(frozen, signal.SIGCONT)
            code = self._end(frozen)
        self.figures.faults["a host freezes and wakes up"] += 1
        if code == 0:
            self.figures.problems.append("a host that lost the lock went on")
        return is_same and self._finish(defect=defect)

    def run_with_cuts(self, cuts: int) -> bool:
        """Runs a scenario in which all connections to the database are cut so often.

        Returns whether the final state is that of the undisturbed run.
        """
        self.reset()
        for _ in range(cuts):
            arguments = self._next()
            if not arguments:
                break
            self._change_host()
            pid = self._start(arguments)
            self._cut(pid, self.random.uniform(0, 0.3))
        return self._finish()

    def _cut(self, pid: int, after: float) -> None:
        """Cuts the connections of a process, so long after the first was there; waits for its end.

        Ends as well when it has none for so long as it runs.
        """
        with psycopg.connect(self.address, autocommit=True) as connection:
            while os.waitpid(pid, os.WNOHANG) == (0, 0):
                if connection.execute(_OTHERS).fetchone() == (True,):
                    time.sleep(after)
                    self.figures.faults["connections cut"] += connection.execute(_CUT).rowcount
                    os.waitpid(pid, 0)
                    return
                time.sleep(0.01)

    def _change_host(self) -> None:
        self.host = HOSTS[self.host == HOSTS[0]]

    def _next(self) -> Sequence[str]:
        """Waits until the lease of a host that was killed has expired, then as elsewhere."""
        state: Any
        with self._state() as state:
            while (lease := state.holder()) and lease.expires > state._access.server_time():
                time.sleep(LEASE / 10)
        return super()._next()

    def _state(self) -> StoredState:
        return PostgresState(self.address, self._tenant)

    def _start(self, arguments: Sequence[str], kill: Kill = NO_KILL, *, defect: str = "") -> int:
        self.figures.attempts += 1
        return fork(self.work, [*arguments], kill, defect=defect, host=self.host)
