"""Plans that are shown before they are applied, and statements about them."""

from pathlib import Path
from urllib.parse import urlencode

from msgspec import Struct

from trueup.errors import EngineError
from trueup.model import document
from trueup.model.approval import Statement
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.operations.approve import approval_of, plan_of_run, record_statement, refusal_of
from trueup.operations.listener import Listener
from trueup.operations.plan import plan
from trueup.operations.project import load_project
from trueup.operations.user import current_user
from trueup.pipeline import PlanOptions
from trueup.render.formatting import count
from trueup.review.background_tasks import BackgroundTask, BackgroundTasks
from trueup.review.recent_items import RecentItems

NO_PREVIEW = (
    "this preview is no longer there: a newer plan, or newer previews, took its place; preview "
    "again. Nothing was done"
)


class Preview(Struct, frozen=True):
    """A plan that is shown before it is applied."""

    project: Project
    plan: Plan
    text: str  # the document
    digest: str
    who: str  # the person who made it first, and so prepared the plan
    chosen: int = 0  # number of chosen source rows; 0: the plan has its selection

    @property
    def about(self) -> tuple[str, str] | None:
        """What it is of, as a label and a text; None if it is all of the plan."""
        if self.plan.undo_of:
            return "Undoes", f"run {self.plan.undo_of}"
        if self.chosen:
            return "A part", f"{count(self.chosen, 'chosen row')}, with what is needed"
        return ("A part", self.plan.selection) if self.plan.selection else None


class Previews:
    """The latest previews, by digest. Any thread may use it."""

    def __init__(self, folder: Path, works: BackgroundTasks) -> None:
        self._folder, self._works = folder, works
        self._kept = RecentItems[Preview]()

    def make(self, targets: tuple[str, ...] = (), *, undo: str | None = None) -> BackgroundTask:
        """Plans only these rows, with what they need; without rows everything; or an undo."""
        who = current_user()

        def do(work: BackgroundTask) -> str:
            project = load_project(self._folder)
            options = PlanOptions(targets=targets, undo=undo)
            made = plan(project, options, Listener(step=work.report))
            text = document.dumps(made)
            digest = document.plan_id(text)
            before = self._kept.get(digest)
            first = before.who if before else who
            self._kept.put(digest, Preview(project, made, text, digest, first, len(targets)))
            return f"/preview?{urlencode({'digest': digest})}"

        return self._works.start("Preparing the preview", do)

    def find(self, digest: str) -> Preview:
        """Returns the preview with this digest. Raises EngineError if it is no longer kept."""
        found = self._kept.get(digest)
        if found is None:
            raise EngineError(NO_PREVIEW)
        return found

    def find_plan(self, name: str) -> Preview:
        """Returns the preview with this digest, or the plan of an open run.

        `name` is the digest, or the id of the run. Raises EngineError if there is none.
        """
        found = self._kept.get(name)
        if found is not None:
            return found
        project = load_project(self._folder)
        try:
            text = plan_of_run(project, name)
        except EngineError as error:
            raise EngineError(NO_PREVIEW) from error
        return Preview(project, document.loads(text), text, document.plan_id(text), who="")

    def record_statement(self, found: Preview, who: str, statement: Statement, reason: str) -> None:
        """Records a person's statement about a preview.

        Raises EngineError if they may not make it. With the first approval the history records who
        prepared the plan, unless another person has asked for the approval: the one who prepared it
        does not count as the second person.
        """
        project = load_project(self._folder)
        standing = approval_of(project, found.text)
        is_first = standing is not None and not (standing.prepared or standing.yes)
        if statement is Statement.YES and standing and is_first:
            refused = refusal_of(standing, who, statement, project.currency)
            if not refused and not refusal_of(standing, found.who, Statement.ASK):
                record_statement(project, found.text, found.who, Statement.ASK)
        record_statement(project, found.text, who, statement, reason)
