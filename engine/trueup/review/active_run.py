"""Starts, watches and stops the run of the desk; there is one at a time."""

import secrets
from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock, Thread

from msgspec import Struct, field

from trueup.errors import EngineError, RunLeftOpen
from trueup.model.outcome import Outcome
from trueup.operations import apply as applying
from trueup.operations.listener import Listener, Progress
from trueup.operations.project import load_project
from trueup.operations.user import current_user
from trueup.pipeline import ApplyOptions
from trueup.render.report import ReasonText
from trueup.review.background_tasks import BackgroundTask, Failures
from trueup.review.previews import Preview
from trueup.review.recent_items import RecentItems

POLL = 0.2
"""Seconds between checks whether the desk is being closed."""

AT_WORK = "a run is at work: wait until it has ended, or stop it. Nothing was done"


class ActiveRun(Struct):
    """A run of this desk, running or ended. Written by its thread, read by pages.

    It ends with the plan that is made after it: until then the current plan is outdated.
    """

    title: str
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))  # of its pages
    progress: Progress | None = None
    stop: Event = field(default_factory=Event)
    ended: Event = field(default_factory=Event)
    outcome: Outcome | None = None
    reasons: tuple[ReasonText, ...] = ()  # why it was refused, or failed
    has_begun: bool = False  # where it failed: something may have been sent
    notes: list[str] = []  # such as a notice that could not be sent


class RunControl:
    """Starts runs, and knows the latest ones. Any thread may use it."""

    def __init__(
        self, folder: Path, failures: Failures, plan_again: Callable[[str], BackgroundTask]
    ) -> None:
        """`plan_again` makes a new plan and takes the address of the page after it."""
        self._folder, self._failures, self._plan_again = folder, failures, plan_again
        self.latest: ActiveRun | None = None
        self._kept = RecentItems[ActiveRun]()
        self._lock = Lock()
        self._is_closing = False
        self._threads: list[Thread] = []

    @property
    def is_at_work(self) -> bool:
        """Whether a run of this desk has not ended yet."""
        run = self.latest
        return run is not None and not run.ended.is_set()

    def find(self, id_: str) -> ActiveRun | None:
        """Returns the run with this id, or the latest one without an id; None if there is none.

        A start that is refused is the latest one too: a person follows their own run by its id.
        """
        return self._kept.get(id_) if id_ else self.latest

    def apply(self, preview: Preview, over: frozenset[str]) -> ActiveRun:
        """Applies the previewed plan, and no other.

        Raises EngineError if a run is active.
        """
        return self._start(
            "Applying",
            lambda options, listener: applying.apply(
                load_project(self._folder), preview.text, options, listener
            ),
            over,
        )

    def resume(self) -> ActiveRun:
        """Continues the open run. Raises EngineError if a run of this desk is active."""
        return self._start(
            "Resuming",
            lambda options, listener: applying.resume(
                load_project(self._folder), options, listener
            ),
        )

    def close(self) -> None:
        """Stops the active run: sends nothing more, and waits for what is in flight."""
        with self._lock:
            self._is_closing = True
            now, threads = self.latest, [*self._threads]
        if now:
            now.stop.set()
        for thread in threads:
            thread.join()

    def _start(
        self,
        title: str,
        do: Callable[[ApplyOptions, Listener], Outcome],
        over: frozenset[str] = frozenset(),
    ) -> ActiveRun:
        run = ActiveRun(title)
        options = ApplyOptions(over=over, who=current_user(), stop=run.stop)
        thread = Thread(target=self._carry_out, args=(run, do, options), name="apply")
        with self._lock:
            if self._is_closing or self.is_at_work:
                raise EngineError(AT_WORK)
            self.latest = run
            self._kept.put(run.id, run)
            self._threads = [one for one in self._threads if one.is_alive()] + [thread]
            thread.start()
        return run

    def _carry_out(
        self,
        run: ActiveRun,
        do: Callable[[ApplyOptions, Listener], Outcome],
        options: ApplyOptions,
    ) -> None:
        def watch(progress: Progress) -> None:
            run.progress = progress

        try:
            run.outcome = do(options, Listener(progress=watch, notice=run.notes.append))
        except Exception as error:  # noqa: BLE001 -- shown on the page, and a defect on stderr too
            run.has_begun = isinstance(error, RunLeftOpen) or run.progress is not None
            run.reasons = self._failures.of(error)
        try:
            self._plan_after_run()
        finally:
            run.ended.set()

    def _plan_after_run(self) -> None:
        """Plans again and waits for the plan, unless the desk is closed meanwhile."""
        if self._is_closing:
            return
        work = self._plan_again("/applying")
        while not (self._is_closing or work.ended.wait(POLL)):
            pass
