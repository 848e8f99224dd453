"""The desk's state: the plan that pages show, what was previewed, and the run at work.

A plan is replaced as a whole, so a page never shows parts of two. Previews and proposals are kept
as they were shown: what is confirmed is exactly that.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Generic, TypeVar
from urllib.parse import urlencode

from trueup import wiring
from trueup.errors import EngineError
from trueup.model import document
from trueup.model.approval import Statement
from trueup.model.explanation import Explanation
from trueup.model.outcome import Outcome
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.operations import apply as applying
from trueup.operations.approve import approval_of, plan_of_run, refusal_of, state_approval
from trueup.operations.decision_entries import RequestedDecision
from trueup.operations.explain import explain
from trueup.operations.listener import Listener, Progress
from trueup.operations.notes import NoteEdit, write_note
from trueup.operations.plan import plan
from trueup.operations.project import load_project
from trueup.operations.propose import Proposal, propose, write_proposal
from trueup.operations.search import LocalSearch
from trueup.operations.state import list_links
from trueup.operations.user import current_user
from trueup.pipeline import ApplyOptions, PlanOptions
from trueup.render.report import ReasonText
from trueup.review.current import Current, Reads, current_of, with_notes
from trueup.review.people import People
from trueup.review.rows import RowKey
from trueup.review.streams import Streams
from trueup.review.works import Failure, Failures, Work, Works

PREVIEWS = 16
"""Previews, and proposals, that are kept; older ones must be made again."""

POLL = 0.2
"""Seconds between two looks at whether the desk is being closed."""

NO_PREVIEW = (
    "this preview is no longer there: a newer plan, or newer previews, took its place; preview "
    "again. Nothing was done"
)
NO_EXPLANATION = "this explanation is no longer there: ask for it again on the row's page"
AT_WORK = "a run is at work: wait until it has ended, or stop it. Nothing was done"

Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class Preview:
    """A plan as a person looks at it before it is applied."""

    project: Project
    plan: Plan
    text: str  # the document
    digest: str
    who: str  # who made it first: the one who prepared the plan


@dataclass(frozen=True, slots=True)
class Proposed:
    """Decisions as a person looks at them before they are written."""

    proposal: Proposal
    back: str  # the address to go to, once they are written


@dataclass(slots=True)
class Applying:
    """A run of this desk: at work, or ended. Written by its thread, read by pages.

    It ends with the plan that is made after it: until then the plan on the pages is of before.
    """

    title: str
    progress: Progress | None = None
    stop: Event = field(default_factory=Event)
    ended: Event = field(default_factory=Event)
    outcome: Outcome | None = None
    reasons: tuple[ReasonText, ...] = ()  # why it was refused, or failed
    notes: list[str] = field(default_factory=list)  # such as a notice that could not be sent


class _Shelf(Generic[Kept]):
    """The last few things by their name."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._lock = Lock()

    def put(self, name: str, one: Kept) -> None:
        with self._lock:
            self._kept[name] = one
            self._kept.move_to_end(name)
            while len(self._kept) > PREVIEWS:
                self._kept.popitem(last=False)

    def get(self, name: str) -> Kept | None:
        with self._lock:
            return self._kept.get(name)

    def take(self, name: str) -> Kept | None:
        with self._lock:
            return self._kept.pop(name, None)


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
        self.applying: Applying | None = None
        self._previews = _Shelf[Preview]()
        self._proposals = _Shelf[Proposed]()
        self._looks = _Shelf[object]()
        self._search: tuple[Plan, LocalSearch] | None = None
        self._noted = 0  # notes that were written here
        self._explanations = _Shelf[Explanation]()
        self._lock, self._search_lock, self._note_lock = Lock(), Lock(), Lock()
        self._is_closing = False
        self._first: Work | None = None
        self._threads: list[Thread] = []

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

    def preview(self, targets: tuple[str, ...] = (), *, undo: str = "") -> Work:
        """Plans only these rows, with what they need; none: everything; or the undo of a run."""
        who = current_user()

        def do(work: Work) -> str:
            project = load_project(self._folder)
            options = PlanOptions(targets=targets, undo=undo)
            made = plan(project, options, Listener(step=work.report))
            text = document.dumps(made)
            digest = document.plan_id(text)
            before = self._previews.get(digest)
            first = before.who if before else who
            self._previews.put(digest, Preview(project, made, text, digest, first))
            return f"/preview?{urlencode({'digest': digest})}"

        return self.works.start("Preparing the preview", do)

    def find_preview(self, digest: str) -> Preview:
        """The preview with this digest. Raises EngineError where it is no longer there."""
        found = self._previews.get(digest)
        if found is None:
            raise EngineError(NO_PREVIEW)
        return found

    def local_search(self, current: Current) -> LocalSearch:
        """Searches in what the plan on the pages has read. Raises EngineError."""
        with self._search_lock:
            if self._search is None or self._search[0] is not current.plan:
                self._search = (current.plan, LocalSearch(current.project))
            return self._search[1]

    def find_plan(self, name: str) -> Preview:
        """The preview with this digest, or the plan of an open run, by digest or id of the run.

        Raises EngineError where there is none.
        """
        found = self._previews.get(name)
        if found is not None:
            return found
        project = load_project(self._folder)
        try:
            text = plan_of_run(project, name)
        except EngineError as error:
            raise EngineError(NO_PREVIEW) from error
        return Preview(project, document.loads(text), text, document.plan_id(text), who="")

    def record_statement(self, found: Preview, who: str, statement: Statement, reason: str) -> None:
        """Writes what somebody says about a preview. Raises EngineError where they may not.

        With the first yes the history learns who prepared the plan, unless somebody has asked for
        the approval: that person is not the second one.
        """
        project = load_project(self._folder)
        standing = approval_of(project, found.text)
        is_first = standing is not None and not (standing.prepared or standing.yes)
        if statement is Statement.YES and standing and is_first:
            refused = refusal_of(standing, who, statement, project.currency)
            if not refused and not refusal_of(standing, found.who, Statement.ASK):
                state_approval(project, found.text, found.who, Statement.ASK)
        state_approval(project, found.text, who, statement, reason)

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
        """The proposal. Raises EngineError where it is no longer there."""
        found = self._proposals.get(name)
        if found is None:
            raise EngineError(NO_PREVIEW)
        return found

    def write(self, name: str) -> str:
        """Writes what was proposed, once; returns the address to go to then.

        Raises EngineError where it is no longer there, or the file was changed since.
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
        """The explanation. Raises EngineError where it is no longer there."""
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
        """What was kept under the id; None where it is no longer there, or of another kind."""
        found = self._looks.get(name)
        return found if isinstance(found, kind) else None

    # Runs

    def apply(self, digest: str, over: frozenset[str]) -> Applying:
        """Applies the plan that was previewed, and no other.

        Raises EngineError where it is no longer there, or a run is at work.
        """
        preview = self.find_preview(digest)
        return self._start(
            "Applying",
            lambda options, listener: applying.apply(
                load_project(self._folder), preview.text, options, listener
            ),
            over,
        )

    def resume(self) -> Applying:
        """Goes on with the run that is open. Raises EngineError where a run is at work here."""
        return self._start(
            "Resuming",
            lambda options, listener: applying.resume(
                load_project(self._folder), options, listener
            ),
        )

    def close(self) -> None:
        """Stops the run at work: nothing more is sent; waits for what is in flight."""
        with self._lock:
            self._is_closing = True
            now, threads = self.applying, [*self._threads]
        if now:
            now.stop.set()
        for thread in threads:
            thread.join()

    def _start(
        self,
        title: str,
        do: Callable[[ApplyOptions, Listener], Outcome],
        over: frozenset[str] = frozenset(),
    ) -> Applying:
        run = Applying(title)
        options = ApplyOptions(over=over, who=current_user(), stop=run.stop)
        thread = Thread(target=self._carry_out, args=(run, do, options), name="apply")
        with self._lock:
            if self._is_closing or (self.applying and not self.applying.ended.is_set()):
                raise EngineError(AT_WORK)
            self.applying = run
            self._threads = [one for one in self._threads if one.is_alive()] + [thread]
            thread.start()
        return run

    def _carry_out(
        self,
        run: Applying,
        do: Callable[[ApplyOptions, Listener], Outcome],
        options: ApplyOptions,
    ) -> None:
        def watch(progress: Progress) -> None:
            run.progress = progress

        try:
            run.outcome = do(options, Listener(progress=watch, notice=run.notes.append))
        except Exception as error:  # noqa: BLE001 -- shown on the page, and a defect on stderr too
            run.reasons = self.failures.of(error)
        try:
            self._plan_after_run()
        finally:
            run.ended.set()

    def _plan_after_run(self) -> None:
        """Plans again and waits for it, unless the desk is closed meanwhile."""
        if self._is_closing:
            return
        work = self.plan_again("/applying")
        while not (self._is_closing or work.ended.wait(POLL)):
            pass
