"""Leaves a reference among rows of one mapping as it is where it would close a circle.

A company whose parent is its own subsidiary is an error of the source. Of rows that are created,
none can be first, so `stages.order` blocks them; records that are there could be written in any
order, which would put the circle into the target.

What counts is what each record will refer to after the plan: a record keeps a reference that a
person set, or whose row no longer has one, and a written reference may close a circle with it.
"""

from collections.abc import Iterator, Mapping

from jinja2 import Undefined

from trueup.expressions.compiled import Slot
from trueup.model.finding import Finding, Severity
from trueup.model.mapping import Manage, MappingSpec
from trueup.planning.context import PlanContext
from trueup.stages.diff import wanted_value


def leave_circles(context: PlanContext, mapping: MappingSpec) -> None:
    """Leaves such fields of rows that have a record as they are, and reports them."""
    compiled = context.compiled[mapping.name]
    for number, slot in enumerate(compiled.slots, compiled.first):
        reference = slot.reference
        if (
            reference is not None
            and reference.mapping == mapping.name
            and slot.spec.manage is not Manage.CREATE
        ):
            _References(context, mapping, slot, number).leave_circles()


class _References:
    """What each record of one mapping will refer to by one field after the plan.

    Records are ids, and `Unknown` where they are yet to be created.
    """

    def __init__(self, context: PlanContext, mapping: MappingSpec, slot: Slot, number: int) -> None:
        self._context, self._mapping, self._slot = context, mapping, slot
        self._state = state = context.states[mapping.name]
        self._now: dict[object, object] = {
            id_: record.get(slot.name) for id_, record in state.records.items()
        }
        self._then = dict(self._now)
        self._keys: dict[object, str] = {}  # of what refers to something because its row does
        known = [*state.referable.items(), *state.record_ids.items()]
        self._rows: dict[object, str] = {record: key for key, record in known}
        for key, raw in state.ready.items():
            if key in state.referable and slot.name not in state.left_alone.get(key, ()):
                self._add(key, raw[number])

    def _add(self, key: str, value: object) -> None:
        """Adds what the row's record will refer to; `value` is the key of another row."""
        record, other = self._state.referable[key], None
        if isinstance(value, Undefined):
            return  # the row cannot be written, and its record stays as it is
        if value is not None:
            other = self._state.referable.get(self._state.holder(str(value)))
            if other is None:
                return  # neither can this row
        self._then[record] = wanted_value(self._slot, other, self._now.get(record))
        if other is not None and self._then[record] == other:
            self._keys[record] = key

    def leave_circles(self) -> None:
        """Leaves references as they are until no row closes a circle.

        What a record refers to now may be part of another circle, so each round looks again.
        """
        found = True
        while found:
            found = False
            for circle in list(_circles(self._then)):
                left = [one for one in circle if one in self._keys and one in self._now]
                found = found or bool(left)
                self._leave(circle, left)

    def _leave(self, circle: list[object], left: list[object]) -> None:
        names = [self._name(one) for one in circle]
        first = names.index(min(names))
        names = [*names[first:], *names[: first + 1]]
        remedy = f"remove one of the references in {self._context.systems.source}"
        others = sorted(self._name(one) for one in circle if one not in self._keys)
        if others:
            target, field = self._context.systems.target, self._slot.name
            remedy += f", or change {field} of {' or '.join(others)} in {target}"
        for record in left:
            key = self._keys.pop(record)
            self._then[record] = self._now[record]
            self._state.left_alone[key] = self._state.left_alone.get(key, frozenset()) | {
                self._slot.name
            }
            self._state.findings.append(
                Finding(
                    "cycle",
                    Severity.WARNING,
                    f"{self._slot.name} would close a circle: {' → '.join(names)}; "
                    "it is left as it is",
                    remedy,
                    self._slot.spec.place,
                    self._mapping.name,
                    key,
                )
            )

    def _name(self, record: object) -> str:
        if record in self._rows:
            return self._context.label(self._mapping.name, self._rows[record])
        id_ = record if isinstance(record, int) else None
        return self._context.labels.record(self._mapping.name, id_) or str(record)


def _circles(references: Mapping[object, object]) -> Iterator[list[object]]:
    """Yields what is in each circle, in the order of its references."""
    seen: set[object] = set()
    for start in references:
        path: dict[object, None] = {}
        one = start
        while one in references and one not in seen:
            seen.add(one)
            path[one] = None
            one = references[one]
        if one in path:
            chain = [*path]
            yield chain[chain.index(one) :]
