"""Mishaps other than kills and faults: people, backups that are put back, two machines.

Scenarios of a harness, each compared with the undisturbed run.
"""

import json
import os
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.chaos.final_state import ALL_PARTS
from tests.chaos.harness import CHANGES_LEFT, DONE, EXPORT, NO_KILL, PLAN, STATE, Harness
from tests.chaos.person import Person
from tests.chaos.victim import Kill, fork

_PUSHED, _PUSHED_DAY = "bb547a70-5a1e-5cc8-ae05-58a09181b1d1", "2026-11-09"
"""A license change that the plan pushes, and its day."""


class MishapHarness(Harness):
    """A harness with these scenarios besides."""

    def run_after_a_person(
        self, act: Callable[[Person], None], kill: Kill = NO_KILL, *, defect: str = ""
    ) -> bool:
        """Runs a scenario in which a person writes to the target between plan and apply.

        With a kill, the person writes after it, before the run is resumed. Returns whether nothing
        is there twice, and nothing is missing without a question.
        """
        self.reset()
        self._count_kill(kill, "before a person writes", defect)
        act(Person(self.target))
        self.figures.faults["a person writes before apply"] += 1
        return self._finish(defect=defect, parts=("names",))

    def run_with_files_put_back(
        self, folders: Sequence[str], kill: Kill = NO_KILL, *, defect: str = ""
    ) -> bool:
        """Runs a scenario in which folders are put back to a copy from before the run.

        `folders` are STATE and EXPORT. The run ends before that, or is killed. Returns whether
        nothing is there twice, and nothing is missing without a question. The export alone must
        become what it was.
        """
        self.reset()
        self._count_kill(kill, "before files are put back", defect)
        if not kill.point:
            self._attempt(defect=defect)
        for name in folders:
            shutil.rmtree(self.work / name, ignore_errors=True)
            earlier = self.folder / "project" / name
            if earlier.exists():
                shutil.copytree(earlier, self.work / name)
            self.figures.faults[f"{name} put back"] += 1
        parts = ("records",) if STATE in folders else ALL_PARTS
        return self._finish(defect=defect, parts=parts)

    def run_with_cancelling_changes_put_back(self, *, defect: str = "") -> bool:
        """Runs a scenario in which state and export of yesterday are put back.

        Today two changes that cancel were pushed, one of them on another day, because an
        adjustment of yesterday has its own. Returns whether nothing is there twice, and nothing is
        missing without a question.
        """
        self.reset()
        self._attempt(defect=defect)
        self._add_changes({"2026-11-05": 5, _PUSHED_DAY: -5})
        yesterday = self.folder / "yesterday"
        for name in (STATE, EXPORT):
            shutil.rmtree(yesterday / name, ignore_errors=True)
            shutil.copytree(self.work / name, yesterday / name)
        self._run("apply", "--yes", defect=defect)
        undisturbed, self.expected = self.expected, self._final_state()
        if self.expected.units == undisturbed.units:
            raise RuntimeError("the changes of today are not pushed")
        try:
            for name in (STATE, EXPORT):
                shutil.rmtree(self.work / name)
                shutil.copytree(yesterday / name, self.work / name)
                self.figures.faults[f"{name} of yesterday put back"] += 1
            return self._finish(defect=defect, parts=("records",))
        finally:
            self.expected = undisturbed

    def _add_changes(self, units_by_day: Mapping[str, int]) -> None:
        """Adds license changes to the export: as one that the plan pushes, on other days."""
        exports = Path(EXPORT) / "work365" / "license_change.json"
        earlier = json.loads((self.folder / "project" / exports).read_text(encoding="utf-8"))
        like = next(row for row in earlier["value"] if row["work365_licensechangelogid"] == _PUSHED)
        document = json.loads((self.work / exports).read_text(encoding="utf-8"))
        document["value"] += [
            {
                **like,
                "work365_licensechangelogid": f"{_PUSHED[:-1]}{number}",
                "work365_lcl_effectivedate": day,
                "work365_lcl_quantity": units,
            }
            for number, (day, units) in enumerate(units_by_day.items(), start=2)
        ]
        (self.work / exports).write_text(json.dumps(document, indent=1), encoding="utf-8")

    def run_on_two_machines(self, *, together: bool, defect: str = "") -> bool:
        """Applies one plan on two machines with a state each, at the same time or in turn.

        Returns whether nothing is there twice, and nothing is missing without a question, after
        each machine has finished. What both created at the same instant must be reported.
        """
        self.reset()
        own, other = self.work, self.folder / "other"
        shutil.rmtree(other, ignore_errors=True)
        shutil.copytree(own, other)
        self.figures.faults["two machines"] += 1

        running = []
        for folder in (own, other):
            running.append(fork(folder, ["apply", PLAN, "--yes"], NO_KILL, defect=defect))
            if not together:
                os.waitpid(running.pop(), 0)
        for pid in running:
            os.waitpid(pid, 0)

        results = []
        for self.work in (other, own):
            results.append(self._finish(defect=defect, parts=("records",), may_collide=together))
        return all(results)

    def _count_kill(self, kill: Kill, when: str, defect: str) -> None:
        """Applies the plan until the kill, if there is one."""
        if kill.point and self._attempt(kill=kill, defect=defect) == -signal.SIGKILL:
            self.figures.kills[f"{kill.point} {kill.when}, {when}"] += 1

    def reports_after(self, fault: dict[str, object], code: str, *, defect: str = "") -> bool:
        """Returns whether a plan reports this code after an apply with a fault.

        If it does not, that is noted as a problem.
        """
        self.reset()
        self.target.control("POST", "/sandbox/faults", fault)
        self._attempt(defect=defect)
        self._count_faults()
        self.figures.scenarios += 1
        is_reported = code in self.reports(defect=defect)
        if not is_reported:
            self.figures.problems.append(f"no plan reports {code}")
        return is_reported

    def plans_despite(
        self, fault: dict[str, object], *, source: bool = False, defect: str = ""
    ) -> bool:
        """Returns whether one plan succeeds although a fault hits its log-in.

        A plan that fails is noted as a problem.
        """
        self.reset()
        server = self.source if source else self.target
        server.control("POST", "/sandbox/faults", fault)
        code = self._run("plan", "--detailed-exitcode", defect=defect)
        self._count_faults()
        self.figures.scenarios += 1
        if code not in (DONE, CHANGES_LEFT):
            self.figures.problems.append(f"a plan ends with {code} after a fault of the log-in")
        return code in (DONE, CHANGES_LEFT)
