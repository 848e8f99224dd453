"""Recognises the record that a create made, by what the target shows of it.

An answer with an id proves nothing alone: the id may be that of no record, or of another row's. And
the target may keep the identity otherwise than it was sent, or not at all.
"""

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from functools import cached_property

from msgspec import Struct

from trueup.applying.run_state import RunState
from trueup.expressions.value_filters import fold, fold_all
from trueup.model.change import Change
from trueup.model.coerce import empty, same, shown
from trueup.model.links import Links
from trueup.model.mapping_state import Record
from trueup.ports.state import State

NOT_SHOWN = "reading shows no such record"
BEFORE_THE_RUN = "it was there before the run"
NO_KEY = "it has neither the identity of the row nor the values of a match key"


class Whose(Enum):
    """Whether a record is the one that a create made."""

    OURS = auto()
    QUESTION = auto()  # only a person can tell
    OTHER = auto()  # another one, or none that is shown


class Recognised(Struct, frozen=True):
    """Whether a record is the one that a create made, and why not; "" if it is."""

    whose: Whose
    why: str = ""


class RecordRecogniser:
    """Recognises records of one run's creates, of one reading: it reads the state's links once."""

    def __init__(self, run_state: RunState, state: State) -> None:
        self._run_state, self._state = run_state, state

    def recognise(self, change: Change, id_: int, record: Record) -> Recognised:
        """Returns whether a record is the one that a create made; `record` is empty for none.

        A record with the row's identity is. Where the target does not keep the identity, or only
        its beginning, the values of a match key must fit; without a match key all that were sent.
        That the target answered with this id leaves a question where these contradict each other.
        """
        if not record:
            return Recognised(Whose.OTHER, NOT_SHOWN)
        identity = self._run_state.resolved(change.seen.absent)
        if carries(record, identity):
            return Recognised(Whose.OURS)
        if before := self._before(change, id_):
            return Recognised(Whose.OTHER, before)

        alike = self._alike(change)
        differing = self._differing(change, record)
        fits = any(carries(record, one) for one in alike) if alike else not differing
        is_another = any(_is_another(record.get(name), value) for name, value in identity.items())
        if fits and not is_another:
            return Recognised(Whose.OURS)
        was_answered = self._run_state.ids.get(change.id) == id_
        in_question = (was_answered and fits) if is_another else (was_answered or not alike)
        whose = Whose.QUESTION if in_question else Whose.OTHER
        return Recognised(whose, _why(record, identity, alike, differing))

    def _before(self, change: Change, id_: int) -> str:
        """Returns why a record was there without the create; "" if that is not known."""
        if any(id_ in one.known for one in change.seen.alike) or any(
            (one.record, one.entity) == (id_, change.entity)
            for one in self._run_state.changes.values()
        ):
            return BEFORE_THE_RUN
        for key, record in self._links.of(change.mapping, change.entity).items():
            if record == id_ and key not in change.keys:
                return f"it is the record of {change.mapping} {key}"
        return ""

    def _alike(self, change: Change) -> list[Mapping[str, object]]:
        """Returns the values of each match key that the row has."""
        every = (self._run_state.resolved(one.values) for one in change.seen.alike)
        return [values for values in every if values]

    def _differing(self, change: Change, record: Record) -> dict[str, object]:
        """Returns the values sent that the record has otherwise, besides the identity."""
        return {
            name: value
            for name, value in self._run_state.values(change).items()
            if name not in change.seen.absent and not same(value, record.get(name))
        }

    @cached_property
    def _links(self) -> Links:
        return self._state.load().links


def recognising_fields(change: Change) -> set[str]:
    """Returns the fields of a record that must be read to recognise it."""
    alike = (one.values for one in change.seen.alike)
    return {*change.values, *change.seen.absent}.union(*alike) - {"id"}


def carries(record: Record, values: Mapping[str, object]) -> bool:
    """Returns whether a record has these values, of which there is at least one."""
    return bool(values) and fold_all(map(record.get, values)) == fold_all(values.values())


def _is_another(kept: object, sent: object) -> bool:
    """Returns whether a part of an identity is another row's: not empty, cut, or with an ending."""
    if empty(kept):
        return False
    if isinstance(kept, str) and isinstance(sent, str) and not empty(sent):
        one, other = fold(kept), fold(sent)
        return not (one.startswith(other) or other.startswith(one))
    return fold(kept) != fold(sent)


def _why(
    record: Record,
    identity: Mapping[str, object],
    alike: Sequence[Mapping[str, object]],
    differing: Mapping[str, object],
) -> str:
    """Returns what speaks against a record: its identity, else what should fit in its place."""
    kept = {name: value for name, value in identity.items() if not empty(record.get(name))}
    for name, value in {**kept, **({} if alike else differing)}.items():
        if not carries(record, {name: value}):
            return f"its {name} is {shown(record.get(name))} and not {shown(value)}"
    return NO_KEY
