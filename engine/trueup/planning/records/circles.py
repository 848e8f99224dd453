"""Leaves a reference among rows of one mapping as it is where it would close a circle.

A company whose parent is its own subsidiary is an error of the source. Of rows that are created,
none can be first, so `stages.order` blocks them; records that are there could be written in any
order, which would put the circle into the target.
"""

from collections.abc import Iterator, Mapping

from trueup.model.finding import Finding, Severity
from trueup.model.mapping import Manage, MappingSpec
from trueup.planning.context import PlanContext


def leave_circles(context: PlanContext, mapping: MappingSpec) -> None:
    """Leaves such fields of rows that have a record as they are, and reports them."""
    state, compiled = context.states[mapping.name], context.compiled[mapping.name]
    for number, slot in enumerate(compiled.slots, compiled.first):
        reference = slot.reference
        if (
            reference is None
            or reference.mapping != mapping.name
            or slot.spec.manage is Manage.CREATE
        ):
            continue
        parents = {
            key: str(raw[number]) for key, raw in state.ready.items() if raw[number] is not None
        }
        for circle in _circles(parents):
            names = " → ".join(context.label(mapping.name, key) for key in [*circle, circle[0]])
            for key in circle:
                if key not in state.record_ids:
                    continue
                left = state.left_alone.get(key, frozenset())
                state.left_alone[key] = left | {slot.name}
                state.findings.append(
                    Finding(
                        "cycle",
                        Severity.WARNING,
                        f"{slot.name} would close a circle: {names}; it is left as it is",
                        f"remove one of the references in {context.systems.source}",
                        slot.spec.place,
                        mapping.name,
                        key,
                    )
                )


def _circles(parents: Mapping[str, str]) -> Iterator[list[str]]:
    """Yields the keys of each circle, from the first by the alphabet on."""
    seen: set[str] = set()
    for start in parents:
        path: dict[str, None] = {}
        key = start
        while key in parents and key not in seen:
            seen.add(key)
            path[key] = None
            key = parents[key]
        if key in path:
            keys = [*path]
            circle = keys[keys.index(key) :]
            first = circle.index(min(circle))
            yield [*circle[first:], *circle[:first]]
