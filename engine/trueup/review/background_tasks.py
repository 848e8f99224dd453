"""Tasks that take longer than a page, such as planning; one at a time, in threads."""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from threading import Event, Lock, Thread

from trueup.errors import ConfigError, EngineError, PlanRefused
from trueup.model.finding import Finding
from trueup.render.report import ReasonText, pieces

KEPT = 32
"""Finished tasks whose result is kept."""


class Failure(Exception):
    """Why a task failed, as text without secrets."""

    def __init__(self, reasons: tuple[ReasonText, ...]) -> None:
        self.reasons = reasons
        super().__init__(reasons[0].text[0].text if reasons and reasons[0].text else "")


FAULT = (
    "This is a fault in trueup, not in your project. The terminal in which `trueup review` runs "
    "shows what to report. Nothing is lost: the journal holds every write that was begun."
)


class Failures:
    """Turns errors into what a page shows."""

    def __init__(
        self, scrub: Callable[[str], str], report_fault: Callable[[Exception], None]
    ) -> None:
        """`scrub` removes secrets from a text; `report_fault` reports a defect to the operator."""
        self._scrub, self.report = scrub, report_fault

    def of(self, error: Exception) -> tuple[ReasonText, ...]:
        """Returns the reasons, each with its remedy and its place."""
        match error:
            case Failure():
                return error.reasons
            case ConfigError() | PlanRefused():
                return tuple(
                    self._reason(finding.text, finding.remedy, str(finding.place or ""))
                    for finding in error.findings
                    if isinstance(finding, Finding)
                ) or (self._reason(str(error)),)
            case EngineError():
                return (self._reason(str(error)),)
            case OSError():
                return (self._reason(f"{error.filename or 'a file'}: {error.strerror}"),)
            case _:
                self.report(error)
                return (self._reason(FAULT),)

    def text(self, text: str) -> str:
        """Returns the first line of a text, without secrets."""
        return next(iter(self._scrub(text).splitlines()), "")

    def exact(self, line: str) -> str:
        """Returns a line of a file with every space as it is, without secrets."""
        return self._scrub(line)

    def _reason(self, text: str, remedy: str = "", place: str = "") -> ReasonText:
        scrub = self._scrub
        return ReasonText(pieces(scrub(text)), pieces(scrub(remedy)), scrub(place))


class BackgroundTask:
    """One task. Its fields are set before `ended` is."""

    def __init__(self, title: str) -> None:
        self.id = secrets.token_urlsafe(12)
        self.title = title
        self.step = ""  # what it does now
        self.address = ""  # of the page with its result
        self.reasons: tuple[ReasonText, ...] = ()  # why it failed
        self.ended = Event()

    def report(self, step: str) -> None:
        """Sets the step that the task is at."""
        self.step = step


class BackgroundTasks:
    """Runs tasks one after another, each in a thread. Any thread may use it."""

    def __init__(self, failures: Failures) -> None:
        self._failures = failures
        self._turn, self._lock = Lock(), Lock()
        self._known: OrderedDict[str, BackgroundTask] = OrderedDict()

    def start(self, title: str, do: Callable[[BackgroundTask], str]) -> BackgroundTask:
        """Starts a task. `do` returns the address of the page with the result, or raises."""
        work = BackgroundTask(title)
        with self._lock:
            self._known[work.id] = work
            ended = [id_ for id_, one in self._known.items() if one.ended.is_set()]
            for id_ in ended[: max(0, len(ended) - KEPT)]:
                del self._known[id_]
        # A daemon thread: it only reads, so nothing is lost if the process ends.
        Thread(target=self._run, args=(work, do), name="work", daemon=True).start()
        return work

    def find(self, id_: str) -> BackgroundTask | None:
        """Returns the task with this id."""
        with self._lock:
            return self._known.get(id_)

    def _run(self, work: BackgroundTask, do: Callable[[BackgroundTask], str]) -> None:
        try:
            with self._turn:
                work.address = do(work)
        except Exception as error:  # noqa: BLE001 -- shown on the page, and a defect on stderr too
            work.reasons = self._failures.of(error)
        finally:
            work.ended.set()
