"""The desk's state: the plan that pages show, what was previewed, and the run at work.

A plan is replaced as a whole, so a page never shows parts of two. Previews and proposals are kept
as they were shown: what is confirmed is exactly that.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import Lock
from urllib.parse import urlencode

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
from trueup.review.active_run import Runner
from trueup.review.background_tasks import Failure, Failures, Work, Works
from trueup.review.current_plan import Current, Reads, current_of, with_notes
from trueup.review.people import People
from trueup.review.previews import NO_PREVIEW, Previews
from trueup.review.recent_items import Kept, Shelf
from trueup.review.rows import RowKey
from trueup.review.streams import Streams

NO_EXPLANATION = "this explanation is no longer there: ask for it again on the row's page"


@dataclass(frozen=True, slots=True)
class Proposed:
    """Decisions as a person looks at them before they are written."""

    proposal: Proposal
    back: str  # the address to go to, once they are written


class Desk:
    """What all pages work with. Any thread may use it."""

    def __init__(self, folder: Path, failures: Failures, *, listed_only: bool = False) -> None:
        """Checks the project. Raises ConfigError for one that cannot be used.

        `listed_only`: only people that the project names have roles.
        """
        self._folder, self.failures = folder, failures
        self.people = People(folder, listed_only=listed_only)
        self.current: Current | None = None
        self.reasons: tuple[ReasonText, ...] = ()  # why the last attempt to plan failed
        self.works, self.streams = Works(failures), Streams()
        self.previews = Previews(folder, self.works)
        self.runner = Runner(folder, failures, self.plan_again)
        self._proposals = Shelf[Proposed]()
        self._looks = Shelf[object]()
        self._search: tuple[Plan, LocalSearch] | None = None
        self._noted = 0  # notes that were written here
        self._explanations = Shelf[Explanation]()
        self._lock, self._search_lock, self._note_lock = Lock(), Lock(), Lock()
        self._first: Work | None = None

    # Plans

    def plan_again(self, back: str) -> Work:
        """Makes a new plan; pages show the old one until it is there. `back`: where to go then."""

        def do(work: Work) -> str:
            notices: list[str] = []
            clock, steps, noted = wiring.SystemClock(), list[datetime](), self._noted

            def began(step: str) -> None:
                steps.append(clock.now().astimezone(project.zone))
                work.report(step)

            try:
                project = load_project(self._folder)
                listener = Listener(step=began, notice=notices.append)
                made = plan(project, listener=listener)
                links = list_links(project).links
            except Exception as error:
                self.reasons = self.failures.of(error)
                raise Failure(self.reasons) from error
            now = clock.now().astimezone(project.zone)
            records = {RowKey(one.mapping, one.key): one.record for one in links}
            current = current_of(project, made, now, records, Reads.of(steps or [now]))
            with self._note_lock:
                if self._noted != noted:  # meanwhile: the plan was made with older notes
                    current = with_notes(current, load_project(self._folder).notes)
                self.current, self.reasons = replace(current, notices=tuple(notices)), ()
            return back

        return self.works.start("Planning", do)

    def first_plan(self) -> Work:
        """The work that makes the first plan; it is begun once."""
        with self._lock:
            if self._first is None:
                self._first = self.plan_again("/")
            return self._first

    def local_search(self, current: Current) -> LocalSearch:
        """Searches in what the plan on the pages has read. Raises EngineError."""
        with self._search_lock:
            if self._search is None or self._search[0] is not current.plan:
                self._search = (current.plan, LocalSearch(current.project))
            return self._search[1]

    # Decisions

    def propose(self, asked: Sequence[RequestedDecision], back: str) -> Work:
        """Works out what follows from decisions; nothing is written. `back`: where to go then."""

        def do(work: Work) -> str:
            project = load_project(self._folder)
            proposal = propose(project, asked, listener=Listener(step=work.report))
            name = secrets.token_urlsafe(12)
            self._proposals.put(name, Proposed(proposal, back))
            return f"/decision?{urlencode({'id': name})}"

        return self.works.start("Working out what follows", do)

    def find_proposal(self, name: str) -> Proposed:
        """The proposal. Raises EngineError if it is no longer there."""
        found = self._proposals.get(name)
        if found is None:
            raise EngineError(NO_PREVIEW)
        return found

    def write(self, name: str) -> str:
        """Writes what was proposed, once; returns the address to go to then.

        Raises EngineError if it is no longer there, or the file was changed since.
        """
        proposed = self._proposals.take(name)
        if proposed is None:
            raise EngineError(NO_PREVIEW)
        write_proposal(proposed.proposal)
        return proposed.back

    # Notes

    def note(self, ref: RowKey, edit: NoteEdit) -> None:
        """Writes what is noted of a row, and shows it with the plan that is there.

        Raises EngineError for a note that is too long, and where the file cannot be written.
        """
        with self._note_lock:
            write_note(load_project(self._folder), *ref, edit, current_user())
            self._noted += 1
            if self.current:
                self.current = with_notes(self.current, load_project(self._folder).notes)

    # Explanations

    def explain(self, what: str) -> Work:
        """Works out what a row of the plan on the pages is made of; reads both systems."""

        def do(work: Work) -> str:
            project, current = load_project(self._folder), self.current
            plan = current.plan if current else None
            found = explain(project, what, plan, Listener(step=work.report))
            name = secrets.token_urlsafe(12)
            self._explanations.put(name, found)
            return f"/explanation?{urlencode({'id': name})}"

        return self.works.start("Explaining", do)

    def find_explanation(self, name: str) -> Explanation:
        """The explanation. Raises EngineError if it is no longer there."""
        found = self._explanations.get(name)
        if found is None:
            raise EngineError(NO_EXPLANATION)
        return found

    # What is read once, to be shown or written

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self._folder

    def look(self, title: str, path: str, make: Callable[[], object]) -> Work:
        """Makes something that takes longer than a page; the page at `path` finds it by its id."""

        def do(_work: Work) -> str:
            return f"{path}?{urlencode({'id': self.keep(make())})}"

        return self.works.start(title, do)

    def keep(self, one: object) -> str:
        """Keeps something that is to be shown, and returns its id."""
        name = secrets.token_urlsafe(12)
        self._looks.put(name, one)
        return name

    def find(self, name: str, kind: type[Kept]) -> Kept | None:
        """What was kept under the id; None if it is no longer there, or of another kind."""
        found = self._looks.get(name)
        return found if isinstance(found, kind) else None
