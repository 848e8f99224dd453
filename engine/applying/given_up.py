"""A run whose configuration has changed since: what is in doubt is settled, what is left is left."""

from datetime import datetime

from engine.applying.book import Book
from engine.model.plan import Action, Change
from engine.model.project import Project
from engine.model.run import Entry, Step

CHANGED = "the configuration has changed since this run began: "
_SETTLED = "what was in doubt is settled, the rest was not sent; plan again"
_DOUBT = (
    "nothing more is sent, and what is in doubt cannot be told yet: `trueup apply --resume` again, or "
    "`trueup state settle CHANGE landed|absent --reason …`"
)


def why(book: Book) -> str:
    """What to say of such a run, once it was settled as far as that goes."""
    return CHANGED + (_DOUBT if book.doubtful() else _SETTLED)


def left(book: Book, at: datetime) -> list[Entry]:
    """Entries for all that is not sent any more; none while something is in doubt, for that may have to be tried."""
    if book.doubtful():
        return []
    data = {"text": "the configuration has changed", "remedy": "plan again: what is still wanted is planned anew"}
    return [Entry(one.id, Step.SKIPPED, at, data) for one in book.waiting()]


def marks_logs(project: Project, book: Book, change: Change) -> bool:
    """Is it the mark of logs, not that of a record? Where its mapping is not there any more, the plan tells."""
    if change.action is not Action.WRITE_BACK:
        return False
    mapping = project.mappings.get(change.mapping)
    if mapping:
        return mapping.append is not None
    needs = [book.changes[need] for need in change.needs if need in book.changes]
    pushed = any(one.action is Action.ADJUST and one.mapping == change.mapping for one in needs)
    return pushed or (change.record is None and not needs)  # a record's mark knows it, or waits for what makes it
