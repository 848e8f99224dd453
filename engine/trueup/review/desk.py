"""The desk of a project: the plan that its pages show, its previews, and the active run.

A plan is replaced as a whole, so a page never shows parts of two. Previews and proposals are kept
as they were shown: exactly these are confirmed.
"""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from threading import Lock
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import replace

from trueup import wiring
from trueup.errors import EngineError
from trueup.model.explanation import Explanation
from trueup.model.plan import Plan
from trueup.operations.decision_entries import RequestedDecision
from trueup.operations.explain import explain
from trueup.operations.listener import Listener
from trueup.operations.notes import NoteEdit, write_note
from trueup.operations.plan import plan
from trueup.operations.project import load_project
from trueup.operations.propose import Proposal, propose, write_proposal
from trueup.operations.search import LocalSearch
from trueup.operations.state import list_links
from trueup.operations.user import current_user
from trueup.render.report import ReasonText
from trueup.review.active_run import RunControl
from trueup.review.background_tasks import BackgroundTask, BackgroundTasks, Failure, Failures
from trueup.review.current_plan import CurrentPlan, Reads, current_plan_of, with_notes
from trueup.review.people import People
from trueup.review.previews import NO_PREVIEW, Previews
from trueup.review.recent_items import Item, RecentItems
from trueup.review.rows import RowKey
from trueup.review.streams import Streams

NO_EXPLANATION = "this explanation is no longer kept: make it again on the row's page"


class Proposed(Struct, frozen=True):
    """Decisions with their effect, before a person confirms them."""

    proposal: Proposal
    back: str  # the address to go to, once they are written


class Desk:
    """The data and operations of all pages. Any thread may use it."""

    def __init__(self, folder: Path, failures: Failures, *, listed_only: bool = False) -> None:
        """Checks the project. Raises ConfigError for an invalid one.

        `listed_only`: only people that the project names have roles.
        """
        self._folder, self.failures = folder, failures
        self.people = People(folder, listed_only=listed_only)
        self.current: CurrentPlan | None = None
        self.reasons: tuple[ReasonText, ...] = ()  # why the last attempt to plan failed
        self.tasks, self.streams = BackgroundTasks(failures), Streams()
        self.previews = Previews(folder, self.tasks)
        self.run_control = RunControl(folder, failures, self.plan_again)
        self._proposals = RecentItems[Proposed]()
        self._items = RecentItems[object]()
        self._search: tuple[Plan, LocalSearch] | None = None
        self._notes_written = 0  # notes that were written here
        self._explanations = RecentItems[Explanation]()
        self._lock, self._search_lock, self._note_lock = Lock(), Lock(), Lock()
        self._first: BackgroundTask | None = None

    # Plans

    def plan_again(self, back: str) -> BackgroundTask:
        """Makes a new plan; until it is ready, pages show the old one.

        `back` is the address of the next page.
        """

        def do(task: BackgroundTask) -> str:
            notices: list[str] = []
            clock, steps, noted = wiring.SystemClock(), list[datetime](), self._notes_written

            def began(step: str) -> None:
                steps.append(clock.now().astimezone(project.zone))
                task.report(step)

            try:
                project = load_project(self._folder)
                listener = Listener(step=began, notice=notices.append)
                new_plan = plan(project, listener=listener)
                links = list_links(project).links
            except Exception as error:
                self.reasons = self.failures.of(error)
                raise Failure(self.reasons) from error
            now = clock.now().astimezone(project.zone)
            records = {RowKey(link.mapping, link.key): link.record for link in links}
            current = current_plan_of(project, new_plan, now, records, Reads.of(steps or [now]))
            with self._note_lock:
                if (
                    self._notes_written != noted
                ):  # notes were written meanwhile: the plan was made with older ones
                    current = with_notes(current, load_project(self._folder).notes)
                self.current, self.reasons = replace(current, notices=tuple(notices)), ()
            return back

        return self.tasks.start("Planning", do)

    def first_plan(self) -> BackgroundTask:
        """Returns the task that makes the first plan, and starts it once."""
        with self._lock:
            if self._first is None:
                self._first = self.plan_again("/")
            return self._first

    def local_search(self, current: CurrentPlan) -> LocalSearch:
        """Returns a search in what the current plan has read. Raises EngineError."""
        with self._search_lock:
            if self._search is None or self._search[0] is not current.plan:
                self._search = (current.plan, LocalSearch(current.project))
            return self._search[1]

    # Decisions

    def propose(self, requested: Sequence[RequestedDecision], back: str) -> BackgroundTask:
        """Computes the effect of decisions; nothing is written.

        `back` is the address of the page after they are written.
        """

        def do(task: BackgroundTask) -> str:
            project = load_project(self._folder)
            proposal = propose(project, requested, listener=Listener(step=task.report))
            name = secrets.token_urlsafe(12)
            self._proposals.put(name, Proposed(proposal, back))
            return f"/decision?{urlencode({'id': name})}"

        return self.tasks.start("Working out what follows", do)

    def find_proposal(self, name: str) -> Proposed:
        """Returns the proposal. Raises EngineError if it is no longer kept."""
        found = self._proposals.get(name)
        if found is None:
            raise EngineError(NO_PREVIEW)
        return found

    def write(self, name: str) -> str:
        """Writes a proposal, once; returns the address of the next page.

        Raises EngineError if it is no longer kept, or the file was changed since.
        """
        proposed = self._proposals.take(name)
        if proposed is None:
            raise EngineError(NO_PREVIEW)
        write_proposal(proposed.proposal)
        return proposed.back

    # Notes

    def note(self, ref: RowKey, edit: NoteEdit) -> None:
        """Writes the note of a row, and shows it with the current plan.

        Raises EngineError for a note that is too long or that was changed since it was seen, and if
        the file cannot be written. Notes that others wrote meanwhile are shown in any case.
        """
        with self._note_lock:
            project = load_project(self._folder)
            try:
                write_note(project, *ref, edit, current_user())
                project = load_project(self._folder)
            finally:
                self._notes_written += 1
                if self.current:
                    self.current = with_notes(self.current, project.notes)

    # Explanations

    def explain(self, what: str) -> BackgroundTask:
        """Explains a row of the current plan; reads both systems."""

        def do(task: BackgroundTask) -> str:
            project, current = load_project(self._folder), self.current
            plan = current.plan if current else None
            found = explain(project, what, plan, Listener(step=task.report))
            name = secrets.token_urlsafe(12)
            self._explanations.put(name, found)
            return f"/explanation?{urlencode({'id': name})}"

        return self.tasks.start("Explaining", do)

    def find_explanation(self, name: str) -> Explanation:
        """Returns the explanation. Raises EngineError if it is no longer kept."""
        found = self._explanations.get(name)
        if found is None:
            raise EngineError(NO_EXPLANATION)
        return found

    # Items that are read once, and shown or written later

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self._folder

    def start(self, title: str, path: str, make: Callable[[], object]) -> BackgroundTask:
        """Starts a task whose result `make` returns; the page at `path` finds it by its id."""

        def do(_task: BackgroundTask) -> str:
            return f"{path}?{urlencode({'id': self.keep_item(make())})}"

        return self.tasks.start(title, do)

    def keep_item(self, one: object) -> str:
        """Keeps an item for a later page, and returns its id."""
        name = secrets.token_urlsafe(12)
        self._items.put(name, one)
        return name

    def find_item(self, name: str, kind: type[Item]) -> Item | None:
        """Returns the kept item with the id; None if it is gone, or of another kind."""
        found = self._items.get(name)
        return found if isinstance(found, kind) else None
