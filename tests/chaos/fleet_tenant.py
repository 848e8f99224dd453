"""A tenant of a fleet under test: its sandbox, its Work 365, and what must come of both."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from trueup.sandbox.autotask.dump import dump_database
from trueup.state.postgres.store import PostgresState
from trueup.state.sqlite.store import SqliteState
from trueup.wiring import SystemClock

from tests.chaos.final_state import FinalState, differences, final_state
from tests.chaos.project import autotask
from tests.scenarios.beginnings import Service, edit, work365
from tests.scenarios.world import World

SETTLE_AFTER = 6
"""Seconds; longer than a request to the sandbox may take on a busy machine."""

_SLOW = [0.1, 0.6]  # seconds that the sandbox takes over a write, so that kills hit some
_TABLES = ("product", "billing_contract", "subscription", "license_change")
_EXPORTS = "work365"
_TARGET = f"""target:
  connector: autotask
  url: http://127.0.0.1:{{port}}
  username: api@demo.example
  secret: demo
  integration_code: DEMO
  timeout: {SETTLE_AFTER - 1}
  deadline: {3 * SETTLE_AFTER}
"""
_STATE = re.compile(r"^state:\n(?:  .*\n)+", re.MULTILINE)
_OLD_TARGET = re.compile(r"^target:\n(?:  .*\n)+", re.MULTILINE)

Edit = Callable[[World], None]
"""Something that happens in Work 365."""


def base(folder: Path) -> World:
    """What all tenants begin with."""
    world = World(folder, Service(seats=13, changes={"2026-11-10": 3}))
    edit(folder / "trueup.yaml", "settle_after: 300", f"settle_after: {SETTLE_AFTER}")
    return world


class ChaosTenant:
    """A tenant, and its twin, which nothing ever disturbs."""

    def __init__(self, name: str, start: World, fleet: Path, twins: Path, seed: int) -> None:
        """`fleet` is the folder of the fleet, `twins` that of the twins."""
        self.name, self.rounds = name, 0
        self._random = Random(f"{seed} {name}")
        self._edits: list[Sequence[Edit]] = [[]]
        self.twin = start.copy(twins / name)
        self.folder = fleet / name
        self._world = start.copy(self.folder)
        self.sandbox = autotask(fleet / f"{name}.sqlite", self.folder / "autotask.json")

    def start(self) -> None:
        """Starts the sandbox, and tells the project where it is."""
        self.sandbox.start()
        fault = {"kind": "latency", "verb": "POST|PATCH|PUT", "seconds": _SLOW, "times": 0}
        unlike_reads = "V1.0/(?!.*/query)"
        self.sandbox.control("POST", "/sandbox/faults", {**fault, "path": unlike_reads})
        file = self.folder / "trueup.yaml"
        text = file.read_text(encoding="utf-8")
        text, targets = _OLD_TARGET.subn(_TARGET.format(port=self.sandbox.port), text)
        text, states = _STATE.subn("", text)
        assert (targets, states) == (1, 1)
        file.write_text(text, encoding="utf-8")

    def go_on(self) -> None:
        """Something new comes up in Work 365. No run may be at work: it writes the same files."""
        edits = self._drawn(len(self._edits))
        self._edits.append(edits)
        for one in edits:
            one(self._world)

    def _drawn(self, number: int) -> Sequence[Edit]:
        """Draws a round: seats come and go, and sometimes there is a new subscription."""
        random = self._random
        found: list[Edit] = []
        for nth in range(random.randint(1, 3)):
            day = f"2026-{random.choice(['10', '11'])}-{random.randint(2, 28):02}"
            units, id_ = random.choice([1, 2, 3]), f"log-{number}-{nth}"
            found.append(_changed(day, units, id_))
        if random.random() < 0.3:
            found.append(_subscribed(f"new-{number}", random.randint(1, 9)))
        return found

    def wrong(self, database: str) -> dict[str, list[str]]:
        """What is duplicated, lost or wrong, compared with the twin; empty if nothing is."""
        return differences(self._wanted(), self._actual(database))

    def _wanted(self) -> FinalState:
        for edits in self._edits:
            for one in edits:
                one(self.twin)
            self.twin.sync()
        self.twin.close()
        entities = self.twin.project.catalogue.entities
        dump = dump_database(self.twin.folder / "autotask.sqlite", entities)
        with SqliteState(self.twin.folder / "state.sqlite", clock=SystemClock()) as state:
            return final_state(self.twin.folder, state.load(), dump, exports=_EXPORTS)

    def _actual(self, database: str) -> FinalState:
        dump = self.sandbox.control("GET", "/sandbox/dump")
        with PostgresState(database, self.name) as state:
            return final_state(self.folder, state.load(), dump, exports=_EXPORTS)


def _changed(day: str, units: int, id_: str) -> Edit:
    return lambda world: world.add_change("sub", day, units, id_)


def _subscribed(key: str, seats: int) -> Edit:
    def act(world: World) -> None:
        service = Service(key=key, seats=seats, billed=None, in_autotask=False)
        more = work365([service], {})
        with world.work365() as tables:
            for name in _TABLES:
                tables[name] += more[name]

    return act
