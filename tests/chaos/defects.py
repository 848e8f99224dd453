"""Removes one remedy of `trueup` in this process, to show that the fault tests notice its absence.

Each name of DEFECTS is the remedy that is removed.
"""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace
from trueup.applying import read_back
from trueup.applying.preconditions import PreconditionChecker
from trueup.errors import SourceError
from trueup.model.run import Step
from trueup.planning.ledger.other_steps import OtherSteps
from trueup.planning.records import align
from trueup.source.dataverse.retry import RequestAttempts
from trueup.state.store import StoredState
from trueup.target.autotask import responses
from trueup.target.autotask import retry as target_retry


def _remove_started_entries() -> None:
    """The journal misses the entries of writes that are about to be sent."""
    record = StoredState.record

    def record_without_started(
        self: StoredState, lease: Any, run: str, entries: Any, *rest: Any
    ) -> None:
        remaining = [entry for entry in entries if entry.step is not Step.STARTED]
        record(self, lease, run, remaining, *rest)

    StoredState.record = record_without_started


def _believe_refusals() -> None:
    """Every refusal is taken as proof that nothing was written."""
    responses.nothing_was_written = lambda *_, **__: True  # type: ignore[attr-defined] # a name that it imports


def _create_unchecked() -> None:
    """Nothing is looked for before a create."""
    PreconditionChecker._absent = lambda *_: None
    siblings = PreconditionChecker._siblings

    def without_news(self: Any, change: Any, entity: str, run_state: Any, result: Any) -> None:
        siblings(self, change, entity, run_state, result)
        result.moved.pop(change.id, None)

    PreconditionChecker._siblings = without_news


def _overlook_duplicates() -> None:
    """Records that share an identity are not compared."""
    align.block_duplicates = lambda *_: None  # type: ignore[attr-defined] # a name that it imports


def _forget_pushes() -> None:
    """The state does not tell which changes were pushed."""
    load = StoredState.load
    StoredState.load = lambda self: replace(load(self), pushed={})


def _overlook_other_steps() -> None:
    """Steps of units that no known push explains are not compared with changes."""
    OtherSteps.entered_already = lambda *_: {}


def _read_nothing_back() -> None:
    """What was written is not read again."""
    read_back.is_read_back = lambda _: False  # type: ignore[attr-defined] # a name that it imports


def _repeat_nothing() -> None:
    """A request that fails, or is answered with busy, is not sent again."""
    RequestAttempts.wait_after_fault = _give_up
    RequestAttempts.wait_over_limit = _give_up
    target_retry.RequestAttempts.may_repeat = lambda *_: False


def _give_up(self: RequestAttempts, *_: object) -> None:
    raise SourceError(self.what)


DEFECTS: dict[str, Callable[[], None]] = {
    "journal": _remove_started_entries,
    "refusals": _believe_refusals,
    "check before a create": _create_unchecked,
    "duplicates": _overlook_duplicates,
    "memory of pushes": _forget_pushes,
    "steps of units": _overlook_other_steps,
    "reading back": _read_nothing_back,
    "repeats": _repeat_nothing,
}
