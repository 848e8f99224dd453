"""Runs scenarios: an apply is disturbed, resumed until nothing is left to do, and compared.

The comparison is with the undisturbed run of the same plan.
"""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random

from trueup.model.run import RunStatus
from trueup.planning.records.duplicates import IDENTITY_TWICE
from trueup.state.sqlite.store import SqliteState
from trueup.state.store import StoredState
from trueup.wiring import SystemClock

from tests.chaos.figures import Figures
from tests.chaos.final_state import ALL_PARTS, FinalState, differences, final_state
from tests.chaos.project import SETTLE_AFTER, autotask, build, dataverse
from tests.chaos.victim import COUNTS, KILL_POINTS, Kill, fork

PLAN = "plan.json"
STATE, EXPORT = ".trueup", "examples"
"""Folders of a project with its state, and with the exports of Work 365."""

NO_KILL = Kill()
_HELD = "ledger-differs"
DONE, CHANGES_LEFT = 0, 2  # exit codes of `trueup plan --detailed-exitcode`
_MOST_ATTEMPTS = 60  # at one scenario, before it counts as one that does not end


class Harness:
    """One project with its sandboxes, for any number of scenarios."""

    def __init__(self, folder: Path, seed: int, *, served: bool = False) -> None:
        """Starts the sandboxes, plans, and records the undisturbed run.

        `served`: Work 365 is a Dataverse sandbox in a process, not files.
        """
        self.random = Random(seed)
        self.folder, self.work = folder, folder / "work"
        self.figures = Figures()
        self.target = autotask(folder / "autotask.sqlite")
        exports = folder / "exports" / "examples" / "work365"
        self.source = dataverse(folder / "dataverse.sqlite", exports)
        self.servers = [self.target, self.source] if served else [self.target]
        try:
            self._prepare(folder, served=served)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends the sandboxes."""
        for server in self.servers:
            server.kill()

    def reset(self) -> None:
        """Restores both sides and removes the state."""
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.folder / "project", self.work)
        for server in self.servers:
            server.restore()

    def run_with_kills(self, kills: Sequence[Kill | float], *, defect: str = "") -> bool:
        """Runs a scenario with one attempt for each kill; a number is the seconds before it.

        Returns whether the final state is that of the undisturbed run.
        """
        self.reset()
        for kill in kills:
            if isinstance(kill, float):
                code, name = self._attempt(after=kill, defect=defect), "any time"
            else:
                code = self._attempt(kill=kill, defect=defect)
                name = f"{kill.point} {kill.when}"
            if code == -signal.SIGKILL:
                self.figures.kills[name] += 1
        return self._finish(defect=defect)

    def run_with_faults(
        self,
        faults: Sequence[Mapping[str, object]],
        kills: Sequence[Kill] = (),
        *,
        source: bool = False,
        defect: str = "",
        may_collide: bool = False,
    ) -> bool:
        """Runs a scenario with faults of the target, or of the source, that are set before it.

        Kills come first. Returns whether the final state is that of the undisturbed run. With
        `may_collide`, records that are there twice must be reported instead.
        """
        self.reset()
        server = self.source if source else self.target
        for fault in faults:
            server.control("POST", "/sandbox/faults", fault)
        for kill in kills:
            if self._attempt(kill=kill, defect=defect) == -signal.SIGKILL:
                self.figures.kills[f"{kill.point} {kill.when}, among faults"] += 1
        parts = ("records",) if may_collide else ALL_PARTS
        return self._finish(
            watch=self._count_faults, defect=defect, parts=parts, may_collide=may_collide
        )

    def run_with_restart(self, after: float, *, source: bool = False) -> bool:
        """Runs a scenario in which a sandbox is killed after some seconds, and started again.

        Returns whether the final state is that of the undisturbed run.
        """
        self.reset()
        pid = fork(self.work, ["apply", PLAN, "--yes"], NO_KILL)
        time.sleep(after)
        server = self.source if source else self.target
        server.kill()
        server.start()
        os.waitpid(pid, 0)
        self.figures.kills["the source itself" if source else "the sandbox itself"] += 1
        return self._finish()

    def reports(self, *, defect: str = "") -> set[str]:
        """Plans, and returns the codes of what the plan reports or asks."""
        (self.work / PLAN).unlink(missing_ok=True)
        self._run("plan", "--out", PLAN, defect=defect)
        document = json.loads((self.work / PLAN).read_text(encoding="utf-8"))
        asked = [finding for row in document["blocked"] for finding in row["findings"]]
        return {finding["code"] for finding in (*document["findings"], *asked)}

    def random_kill(self) -> Kill | float:
        """Draws a kill point of any kind, or a number of seconds."""
        point = self.random.choice([*KILL_POINTS, "request", "journal", "time"])
        if point == "time":
            return self.random.uniform(0.02, 0.4)
        early = max(3, self.calls[point] // 5)  # so that many kills fit into one scenario
        return Kill(point, self.random.randint(1, early), self.random.choice(["before", "after"]))

    def _prepare(self, folder: Path, *, served: bool) -> None:
        (folder / "project").mkdir()
        self.target.start()
        if served:
            build(folder / "exports", self.target.port)
            self.source.start()
        build(folder / "project", self.target.port, self.source.port)
        for server in self.servers:
            server.snapshot()

        self.reset()
        if self._run("plan", "--out", PLAN):
            raise RuntimeError("the project cannot be planned")
        shutil.copy(self.work / PLAN, folder / "project" / PLAN)
        self.calls = self._undisturbed_run()

    def _undisturbed_run(self) -> dict[str, int]:
        """Records the undisturbed run; returns its number of kill points by kind."""
        if self._run("apply", PLAN, "--yes", kill=Kill("count")):
            raise RuntimeError("the undisturbed run does not succeed")
        self.expected: FinalState = self._final_state()
        counts: dict[str, int] = json.loads((self.work / COUNTS).read_text(encoding="utf-8"))
        if self._run("plan", "--detailed-exitcode") != DONE:
            raise RuntimeError("the undisturbed run leaves something to do")
        return counts

    def _final_state(self) -> FinalState:
        source = self.source if self.source in self.servers else None
        with self._state() as state:
            stored = state.load()
        return final_state(self.work, stored, self.target.control("GET", "/sandbox/dump"), source)

    def _state(self) -> StoredState:
        return SqliteState(self.work / ".trueup" / "state.sqlite", clock=SystemClock())

    def _run(
        self, *arguments: str, kill: Kill = NO_KILL, after: float = 0, defect: str = ""
    ) -> int:
        """Runs `trueup` to its end; returns its exit code, or minus the signal that killed it."""
        pid = self._start(arguments, kill, defect=defect)
        if after:
            time.sleep(after)
            os.kill(pid, signal.SIGKILL)
        return self._end(pid)

    def _start(self, arguments: Sequence[str], kill: Kill = NO_KILL, *, defect: str = "") -> int:
        """Starts `trueup`; returns the number of its process."""
        self.figures.attempts += 1
        return fork(self.work, [*arguments], kill, defect=defect)

    def _end(self, pid: int) -> int:
        """Returns the exit code of a process, or minus the signal that killed it."""
        _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status)

    def _attempt(self, kill: Kill = NO_KILL, after: float = 0, *, defect: str = "") -> int:
        """Applies the plan, or resumes an open run after the time of unanswered writes."""
        arguments = self._next()
        return self._run(*arguments, kill=kill, after=after, defect=defect) if arguments else 0

    def _next(self) -> Sequence[str]:
        """Returns the command that goes on; none where the plan was applied.

        Waits until unanswered writes can be settled.
        """
        with self._state() as state:
            runs = state.runs(plans=False)
            has_open_run, in_doubt = bool(state.load().open_runs), bool(state.in_doubt())
        if has_open_run:
            time.sleep(SETTLE_AFTER * 1.1 + 0.02 if in_doubt else 0)
            return ("apply", "--resume")
        if runs and runs[-1].status in (RunStatus.DONE, RunStatus.PARTIAL):
            return ()
        return ("apply", PLAN, "--yes")

    def _finish(
        self,
        *,
        defect: str = "",
        watch: Callable[[], None] = lambda: None,
        parts: Sequence[str] = ALL_PARTS,
        may_collide: bool = False,
    ) -> bool:
        """Applies and plans until a plan has no changes, then compares parts of the final states.

        Faults are removed after half of the attempts.
        """
        self.figures.scenarios += 1
        for attempt in range(_MOST_ATTEMPTS):
            self._attempt(defect=defect)
            watch()
            if attempt == _MOST_ATTEMPTS // 2:
                for server in self.servers:
                    server.control("DELETE", "/sandbox/faults")
            with self._state() as state:
                has_open_run = bool(state.load().open_runs)
            if has_open_run:
                continue

            code = self._run("plan", "--detailed-exitcode", "--out", PLAN, defect=defect)
            watch()
            if code == DONE:
                return self._compare(parts, defect, may_collide=may_collide)
            if code == CHANGES_LEFT:
                self._run("apply", PLAN, "--yes", defect=defect)
        self.figures.problems.append("a scenario did not end")
        return False

    def _count_faults(self) -> None:
        for server in self.servers:
            self.figures.faults.update(server.take_hits())

    def _compare(self, parts: Sequence[str], defect: str, *, may_collide: bool) -> bool:
        """Compares parts of the final states; what the last plan asks about is not lost.

        With `may_collide`, two machines may have created a record at one instant: the plan must
        report it.
        """
        found = differences(self.expected, self._final_state(), parts)
        if parts != ALL_PARTS and found:
            reported = self.reports(defect=defect)
            excused = {"lost", "units"} if _HELD in reported else set()
            if may_collide and IDENTITY_TWICE in reported:  # what hangs under it waits
                excused = {*found}
            found = {kind: texts for kind, texts in found.items() if kind not in excused}
        self.figures.duplicates += len(found.get("duplicated", ()))
        self.figures.losses += len(found.get("lost", ()))
        self.figures.wrong_units += len(found.get("units", ()))
        self.figures.problems += [
            f"{kind}: {text[:300]}" for kind, texts in found.items() for text in texts
        ]
        return not found


def all_kills(harness: Harness) -> list[Kill]:
    """Returns a kill before and after each kill point of the undisturbed run."""
    return [
        Kill(point, nth, when)
        for point in KILL_POINTS
        for nth in range(1, harness.calls[point] + 1)
        for when in ("before", "after")
    ]
