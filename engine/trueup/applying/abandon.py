"""Resuming a run after a configuration change: settle changes in doubt, skip the rest."""

from datetime import datetime

from trueup.applying.run_state import RunState
from trueup.model.run import Entry, Step

CHANGED = "the configuration has changed since this run began: "
_SETTLED = "what was in doubt is settled, the rest was not sent; plan again"
_IN_DOUBT = (
    "nothing more is sent, and the outcome of what is in doubt is still unknown: "
    "`trueup apply --resume` again, or `trueup state settle CHANGE landed|absent --reason …`"
)


def explanation(run_state: RunState) -> str:
    """Returns why the run ends here, once it was settled as far as possible."""
    return CHANGED + (_IN_DOUBT if run_state.in_doubt() else _SETTLED)


def skip_rest(run_state: RunState, at: datetime) -> list[Entry]:
    """Returns entries for all changes that are not sent any more.

    The list is empty while a change is in doubt: it may turn out that it must be tried again.
    """
    if run_state.in_doubt():
        return []
    data = {
        "text": "the configuration has changed",
        "remedy": "plan again: what is still wanted is planned again",
    }
    return [Entry(change.id, Step.SKIPPED, at, data) for change in run_state.waiting()]
