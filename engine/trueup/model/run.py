"""The content of the state: links, pushed changes, runs and their journal, the lock's lease."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum

from msgspec import Struct


class Link(Struct, frozen=True):
    """The record of a row."""

    mapping: str
    key: str
    entity: str
    record: int
    how: str  # created, decision, identity, match or succession


class Pushed(Struct, frozen=True):
    """A license change that was pushed or settled manually, with its proof; never pushed again."""

    mapping: str
    key: str
    record: int  # the contract service
    day: date  # effective date as sent
    units: int  # what the whole merged adjustment changed
    change: str
    run: str  # the run that pushed it; if it is undone, the run that undid it
    proof: tuple[Mapping[str, object], ...] = ()
    marked: bool = False  # the source row carries its mark
    undone: bool = False  # an undo reversed its units; a decision is needed to push it again


class Step(StrEnum):
    """The step of a change that a journal entry records."""

    STARTED = "started"  # about to be sent
    IN_DOUBT = "in doubt"  # sent, without an answer that can be trusted
    ANSWERED = "answered"  # sent and accepted, its effect not seen yet
    DONE = "done"  # known to have taken effect
    FAILED = "failed"  # refused; known not to have taken effect
    NOT_LANDED = "not landed"  # did not take effect: not sent, or settled by reading
    SKIPPED = "skipped"  # not tried, because of another change
    HELD = "held"  # not tried: what planning saw has changed
    UNCLEAR = "unclear"  # reading could not determine the outcome; a person must


OPEN = frozenset({Step.STARTED, Step.IN_DOUBT, Step.ANSWERED, Step.UNCLEAR})
"""Steps after which a change is in doubt."""

REFUSED = "refused"
"""Name in the data of an IN_DOUBT entry after a refusal that does not prove that it had no effect.

Its value is the data of the FAILED entry that follows if reading finds no trace of the write.
"""


class Entry(Struct, frozen=True):
    """One step of one change, as the journal records it."""

    change: str  # id of the change in the run's plan
    step: Step
    at: datetime
    data: Mapping[str, object] = {}  # answer, proof, error
    seq: int = 0  # set by the store


_FORMS: tuple[tuple[str, type | tuple[type, ...]], ...] = (
    *((name, str) for name in ("text", "remedy", "because")),
    *((name, Mapping) for name in ("values", "kept", REFUSED)),
    *((name, (list, tuple)) for name in ("siblings", "before", "proof")),
)
_UNIT_ROW: Mapping[str, type] = {"id": int, "start": date, "end": date, "units": int}


def is_entry_data(data: Mapping[str, object]) -> bool:
    """Returns whether the data of an entry has the form that a run writes."""
    if not all(isinstance(data[name], kind) for name, kind in _FORMS if name in data):
        return False
    before, proof = (_items(data.get(name)) for name in ("before", "proof"))
    return all(isinstance(row, Mapping) for row in proof) and all(map(_is_unit_row, before))


def _items(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def _is_unit_row(row: object) -> bool:
    return isinstance(row, Mapping) and all(
        isinstance(row.get(name), kind) for name, kind in _UNIT_ROW.items()
    )


class RunStatus(StrEnum):
    """The status of a run."""

    OPEN = "open"
    DONE = "done"
    PARTIAL = "applied in part"
    INTERRUPTED = "interrupted"


class Run(Struct, frozen=True):
    """One apply. `plan` is the whole plan document, so that the run can be resumed."""

    id: str
    plan_digest: str
    plan: str
    who: str
    host: str
    started: datetime
    status: RunStatus = RunStatus.OPEN
    ended: datetime | None = None
    undo_of: str = ""
    # Identities of `source` and `target`. Only written; they are read as `StateSnapshot.systems`.
    systems: Mapping[str, str] = {}


class Effects(Struct, frozen=True):
    """What entries or an edit change in the state, in the same transaction."""

    links: tuple[Link, ...] = ()
    unlink: tuple[tuple[str, str], ...] = ()  # mapping, key
    applied: Mapping[tuple[str, str], Mapping[str, object]] = {}
    pushed: tuple[Pushed, ...] = ()
    unpush: tuple[tuple[str, str], ...] = ()


class Lease(Struct, frozen=True):
    """The lock of the state, as its holder knows it."""

    token: int
    holder: str
    host: str
    pid: int
    since: datetime
    expires: datetime
