"""Runs that are killed or broken, taken up until nothing is left to do, and compared with the undisturbed one."""

import json
import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.model.run import RunStatus
from engine.state.sqlite import SqlState
from engine.wiring import SystemClock
from tests.chaos.dataverse import dataverse, rows
from tests.chaos.victim import COUNTS, PLACES, Kill, fork
from tests.chaos.world import SETTLE_AFTER, Picture, autotask, build, differences, picture

PLAN = "plan.json"
LIVE = Kill()
KINDS = (
    "drop before",
    "drop after",
    "late",
    "empty",
    "busy",
    "html",
    "error",
    "truncate",
    "latency",
    "page",
    "restart",
)
_TURNS = 60
"""Attempts at one story before it counts as one that does not end."""


@dataclass
class Figures:
    """What is printed in the end."""

    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    stories: int = 0
    attempts: int = 0
    duplicates: int = 0
    losses: int = 0
    wrong_units: int = 0
    told: list[str] = field(default_factory=list)

    def text(self) -> str:
        """The figures, a line each."""
        lines = [
            f"stories {self.stories}, attempts {self.attempts}",
            f"kills survived {sum(self.kills.values()):,}: " + _counts(self.kills),
            f"faults injected {sum(self.faults.values()):,}: " + _counts(self.faults),
            f"duplicates {self.duplicates}, losses {self.losses}, wrong units {self.wrong_units}",
        ]
        return "\n".join([*lines, *self.told[:20]])

    @property
    def clean(self) -> bool:
        """Nothing double, nothing lost, nothing that never ended."""
        return not (self.duplicates or self.losses or self.wrong_units or self.told)


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counter.items())) or "none"


class Harness:
    """One project, one sandbox, and as many stories as are told with them."""

    def __init__(self, folder: Path, seed: int, *, served: bool = False) -> None:
        """`served`: Work 365 is a Dataverse, a process of its own, not files."""
        self.random = random.Random(seed)
        self.folder, self.work = folder, folder / "work"
        self.figures = Figures()
        self.server = autotask(folder / "autotask.sqlite")
        self.source = dataverse(folder / "dataverse.sqlite", folder / "exports" / "examples" / "work365")
        self.servers = [self.server, self.source] if served else [self.server]
        try:
            self._open(folder, served=served)
        except BaseException:
            self.close()
            raise

    def _open(self, folder: Path, *, served: bool) -> None:
        (folder / "project").mkdir()
        self.server.start()
        if served:
            build(folder / "exports", self.server.port)
            self.source.start()
        build(folder / "project", self.server.port, self.source.port)
        for server in self.servers:
            server.snapshot()
        self.fresh()
        self._live("plan", "--out", PLAN)
        shutil.copy(self.work / PLAN, folder / "project" / PLAN)
        self.calls = self._reference()

    def close(self) -> None:
        """Ends what it started."""
        for server in self.servers:
            server.kill()

    def fresh(self) -> None:
        """Both sides as they were at first, no state."""
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.folder / "project", self.work)
        for server in self.servers:
            server.restore()

    def _picture(self) -> Picture:
        return picture(self.work, self.server, rows(self.source) if self.source in self.servers else None)

    def _reference(self) -> dict[str, int]:
        """The run that nobody disturbs, and how many places of each kind it has."""
        if self._run("apply", PLAN, "--yes", kill=Kill("count")):
            raise RuntimeError("the undisturbed run does not go through")
        self.wanted: Picture = self._picture()
        counts: dict[str, int] = json.loads((self.work / COUNTS).read_text(encoding="utf-8"))
        if self._run("plan", "--detailed-exitcode") != 0:
            raise RuntimeError("the undisturbed run leaves something to do")
        return counts

    def _state(self) -> SqlState:
        return SqlState(self.work / ".trueup" / "state.sqlite", clock=SystemClock())

    def _live(self, *arguments: str) -> None:
        code = self._run(*arguments)
        if code:
            raise RuntimeError(f"trueup {' '.join(arguments)} ended with {code}")

    def _run(self, *arguments: str, kill: Kill = LIVE, after: float = 0, broken: bool = False) -> int:
        """One `trueup`, to its end; its exit code, or minus the signal that ended it."""
        pid = fork(self.work, list(arguments), kill, broken=broken)
        if after:
            time.sleep(after)
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        self.figures.attempts += 1
        return os.waitstatus_to_exitcode(status)

    def killed(self, kills: Sequence[Kill | float], *, broken: bool = False) -> bool:
        """A story: one attempt for each kill (a float: after so many seconds), then as many as it takes."""
        self.fresh()
        for kill in kills:
            if isinstance(kill, float):
                code, what = self._attempt(after=kill, broken=broken), "any time"
            else:
                code, what = self._attempt(kill=kill, broken=broken), f"{kill.what} {kill.when}"
            if code == -signal.SIGKILL:
                self.figures.kills[what] += 1
        return self._end(broken=broken)

    def broken(self, faults: Sequence[dict[str, object]], kills: Sequence[Kill] = (), *, source: bool = False) -> bool:
        """A story of faults in the sandbox, or in the source, all of them set before it begins; kills come first."""
        self.fresh()
        for fault in faults:
            (self.source if source else self.server).control("POST", "/sandbox/faults", fault)
        for kill in kills:
            if self._attempt(kill=kill) == -signal.SIGKILL:
                self.figures.kills[f"{kill.what} {kill.when}, among faults"] += 1
        return self._end(watch=self._count_faults)

    def _count_faults(self) -> None:
        """Counts the faults that hit."""
        for server in self.servers:
            self.figures.faults.update(server.hits())

    def restarted(self, after: float, *, source: bool = False) -> bool:
        """A story in which the sandbox is killed, or the source, not trueup."""
        self.fresh()
        pid = fork(self.work, ["apply", PLAN, "--yes"], Kill())
        time.sleep(after)
        killed = self.source if source else self.server
        killed.kill()
        killed.start()
        os.waitpid(pid, 0)
        self.figures.kills["the source itself" if source else "the sandbox itself"] += 1
        return self._end()

    def _attempt(self, kill: Kill = LIVE, after: float = 0, *, broken: bool = False) -> int:
        """Applies, or takes up what is open, after the time that an unanswered write may take."""
        with self._state() as state:
            runs = state.runs(plans=False)
            still, doubt = bool(state.load().open_runs), bool(state.in_doubt())
        if still:
            time.sleep(SETTLE_AFTER * 1.1 + 0.02 if doubt else 0)
            return self._run("apply", "--resume", kill=kill, after=after, broken=broken)
        if runs and runs[-1].status in (RunStatus.DONE, RunStatus.PARTIAL):
            return 0
        return self._run("apply", PLAN, "--yes", kill=kill, after=after, broken=broken)

    def _end(self, *, broken: bool = False, watch: Callable[[], None] = lambda: None) -> bool:
        """Attempts until a plan finds nothing to do; then the comparison."""
        self.figures.stories += 1
        for turn in range(_TURNS):
            self._attempt(broken=broken)
            watch()
            if turn == _TURNS // 2:
                for server in self.servers:
                    server.control("DELETE", "/sandbox/faults")
            with self._state() as state:
                still = bool(state.load().open_runs)
            if still:
                continue
            code = self._run("plan", "--detailed-exitcode", "--out", PLAN)
            watch()
            if code == 0:
                return self._compare()
            if code == 2:
                self._run("apply", PLAN, "--yes")
        self.figures.told.append("a story did not end")
        return False

    def _compare(self) -> bool:
        wrong = differences(self.wanted, self._picture())
        self.figures.duplicates += len(wrong.get("too much", ()))
        self.figures.losses += len(wrong.get("lost", ()))
        self.figures.wrong_units += len(wrong.get("units", ()))
        self.figures.told += [f"{kind}: {text[:300]}" for kind, texts in wrong.items() for text in texts]
        return not wrong

    def some_kill(self) -> Kill | float:
        """A place to end at, drawn from all there are."""
        what = self.random.choice([*PLACES, "request", "journal", "time"])
        if what == "time":
            return self.random.uniform(0.02, 0.4)
        nth = self.random.randint(1, max(3, self.calls[what] // 5))  # early, so that many fit into one story
        return Kill(what, nth, self.random.choice(["before", "after"]))

    def some_fault(self) -> dict[str, object]:
        """A fault of the sandbox, drawn from all kinds."""
        kind = self.random.choice(KINDS)
        writes = self.random.random() < 0.7
        fault: dict[str, object] = {"nth": self.random.randint(1, 40 if writes else 25), "times": 1}
        if writes:
            fault["path"] = (
                "V1.0/(Companies|Services|Products|Contracts|ContractServiceAdjustments)(/[0-9]+/[A-Za-z]+)?$"
            )
        name, _, when = kind.partition(" ")
        fault["kind"] = name
        if when:
            fault["when"] = when
        elif name in ("empty", "html", "truncate", "restart", "latency"):
            fault["when"] = self.random.choice(["before", "after"])
        seconds = {"late": [0.02, 0.2], "latency": [0.05, 0.2], "busy": 1, "restart": 0.2}
        if name in seconds:
            fault["seconds"] = seconds[name]
        if name == "page":
            fault.update(page=self.random.choice(["twice", "skip", "empty", "half"]), path="/query", when="before")
        return fault


def systematic(harness: Harness, step: int = 1) -> list[Kill]:
    """Every journal write, every request, every file replacement, before and after; each `step`th of them."""
    return [
        Kill(what, nth, when)
        for what in PLACES
        for nth in range(1, harness.calls[what] + 1, step)
        for when in ("before", "after")
    ]
