"""The figures of a fleet under kills, and the checks that they come from."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from trueup.fleet.connection import Connection

from tests.chaos.figures import Figures

TAKEOVER = 3.0
"""Seconds without a heartbeat after which a worker of these tests counts as dead."""

GOAL = TAKEOVER + 10
"""Seconds from a kill until another worker goes on. On a busy machine processes take longer to
start, so this is shown and fails nothing."""

OVERLAPS = """
SELECT first.tenant, first.id, second.id FROM trueup_fleet.attempts AS first
  JOIN trueup_fleet.attempts AS second
    ON first.tenant = second.tenant AND first.id < second.id AND first.left_at > second.began
"""
"""Processes that took a tenant up before another one had left it."""

_RUNS = """
SELECT count(*), sum(begins), count(*) FILTER (WHERE ended IS NULL) FROM trueup_fleet.runs
"""
_ENDS = "SELECT status, count(*) FROM trueup_fleet.runs GROUP BY 1 ORDER BY 2 DESC"
_SCHEDULED = (
    "SELECT tenant, due, count(*) FROM trueup_fleet.runs WHERE kind = 'scheduled' GROUP BY 1, 2"
)
_LAST = """
SELECT tenant.name, run.status, COALESCE((run.figures ->> 'changes')::integer, -1)
  FROM trueup_fleet.tenants AS tenant LEFT JOIN trueup_fleet.runs AS run ON run.id = tenant.last_run
"""
_CUT_SHORT = """
SELECT cut.tenant, cut.run, (
           SELECT min(later.began) FROM trueup_fleet.attempts AS later
            WHERE later.run = cut.run AND later.id > cut.id
       )
  FROM trueup_fleet.attempts AS cut
 WHERE starts_with(cut.worker, %s) AND cut.began < %s
   AND (cut.left_at IS NULL OR cut.how = 'left')
"""


@dataclass
class Writes:
    """The writes that runs have sent, in their order."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    read: int = 0  # bytes

    def read_on(self, file: Path) -> None:
        """Reads what has come since."""
        with file.open("rb") as stream:
            stream.seek(self.read)
            while (line := stream.readline()).endswith(b"\n"):
                self.read += len(line)
                self.lines.append(json.loads(line))

    def unanswered(self) -> Mapping[str, int]:
        """How many writes of each process have no answer."""
        found: dict[str, int] = defaultdict(int)
        for line in self.lines:
            found[line["process"]] += 1 if line["what"] == "sent" else -1
        return {process: number for process, number in found.items() if number}

    def under_way(self) -> set[str]:
        """The processes that wait for an answer, or were killed while they did."""
        return {*self.unanswered()}

    def returned(self) -> list[str]:
        """Processes that wrote to a tenant after a later one had begun to."""
        last: dict[int, str] = {}
        gone: dict[int, set[str]] = defaultdict(set)
        found = []
        for line in self.lines:
            tenant, process = line["tenant"], line["process"]
            if line["what"] != "sent":
                continue
            if process in gone[tenant]:
                found.append(f"process {process} wrote to {tenant} again at {line['at']}")
            if last.get(tenant, process) != process:
                gone[tenant].add(last[tenant])
            last[tenant] = process
        return found


@dataclass
class FleetFigures(Figures):
    """Counts of what was killed, how long it took until another worker went on, and problems."""

    rounds: int = 0  # of something new in Work 365, over all tenants
    ticks: int = 0  # times of schedules
    again: int = 0  # ticks that a tenant needed besides, because its run had failed for good
    runs: int = 0
    ends: dict[str, int] = field(default_factory=dict)  # of runs, by status
    overlaps: int = 0
    unanswered: int = 0  # writes whose answer nobody was there to take
    takeovers: list[float] = field(default_factory=list)  # seconds
    _killed: list[tuple[str, float]] = field(default_factory=list)  # worker, when
    _disturbed: list[float] = field(default_factory=list)
    _writes: Writes = field(default_factory=Writes)

    def killed(self, worker: str, at: float) -> None:
        """Notes the kill of a worker."""
        self._killed.append((worker, at))

    def disturbed(self, at: float) -> None:
        """Notes that the database or the network went away, or came back."""
        self._disturbed.append(at)

    def read_writes(self, file: Path) -> Writes:
        """The writes until now."""
        self._writes.read_on(file)
        return self._writes

    def check_log(self, connection: Connection, ticks: Sequence[tuple[str, datetime]]) -> None:
        """Checks the fleet's own records."""
        [(runs, begins, still_open)] = connection.execute(_RUNS).fetchall()
        self.runs, self.attempts = int(runs), int(begins or 0)
        if still_open:
            self.problems.append(f"{still_open} runs never ended")
        self.ends = {str(status): int(n) for status, n in connection.execute(_ENDS)}
        overlaps = connection.execute(OVERLAPS.encode()).fetchall()
        self.overlaps = len(overlaps)
        self.problems += [f"two runs at once: {row}" for row in overlaps]

        known = {(str(name), due): int(n) for name, due, n in connection.execute(_SCHEDULED)}
        self.problems += [f"{one} ran {n} times" for one, n in known.items() if n != 1]
        self.problems += [f"{name} at {due} never ran" for name, due in {*ticks} - known.keys()]
        self.problems += [f"{one} is no tick" for one in known.keys() - {*ticks}]
        for name, status, changes in connection.execute(_LAST.encode()):
            if (status, changes) != ("done", 0):
                self.problems.append(f"{name}: its last run is {status}, with {changes} changes")
        self._measure(connection)

    def _measure(self, connection: Connection) -> None:
        """How long it took until another worker went on, where nothing else was in its way."""
        for worker, at in self._killed:
            when = datetime.fromtimestamp(at).astimezone()
            for _, _, began in connection.execute(_CUT_SHORT.encode(), [worker, when]):
                # Of a run that was taken over before the kill, nobody had to take it over then.
                after = 0.0 if began is None else began.timestamp() - at
                if after <= 0 or any(at - 15 < one < at + after for one in self._disturbed):
                    continue
                self.takeovers.append(after)

    def check_writes(self, file: Path) -> None:
        """Checks, apart from the fleet's records, that no two runs of a tenant wrote in turns."""
        writes = self.read_writes(file)
        self.unanswered = sum(writes.unanswered().values())
        self.problems += [f"two at once: {text}" for text in writes.returned()]

    def check_tenant(self, name: str, wrong: Mapping[str, list[str]]) -> None:
        """Notes what is duplicated, lost or wrong in a tenant."""
        self.duplicates += len(wrong.get("duplicated", ()))
        self.losses += len(wrong.get("lost", ()))
        self.wrong_units += len(wrong.get("units", ()))
        self.problems += [
            f"{name}, {kind}: {text[:300]}" for kind, texts in wrong.items() for text in texts
        ]

    def text(self) -> str:
        """Returns the figures, a line each."""
        ends = ", ".join(f"{name} {number}" for name, number in self.ends.items())
        lines = [
            f"rounds {self.rounds}, times of schedules {self.ticks}, of them besides {self.again}",
            f"runs {self.runs}, taken up {self.attempts} times; how they ended: {ends}",
            f"writes that nobody was left to take the answer of {self.unanswered}",
            f"two runs of a tenant at once {self.overlaps}",
        ]
        if self.takeovers:
            late = sum(1 for seconds in self.takeovers if seconds > GOAL)
            lines.append(
                f"taken over {len(self.takeovers)} times, after {median(self.takeovers):.1f} s "
                f"(median), {max(self.takeovers):.1f} s at most; goal {GOAL:.0f} s, missed "
                f"{late} times"
            )
        head = super().text().splitlines()[1:]
        return "\n".join([*lines, *(line for line in head if not line.startswith("faults"))])
