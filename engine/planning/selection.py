"""A part of the plan: what was asked for, with what it needs, said in words."""

from collections.abc import Sequence

from engine.errors import EngineError
from engine.expressions import EVALUATION_ERRORS, evaluate
from engine.model.plan import Change
from engine.planning.draft import Draft
from engine.stages.order import needed


def select(
    draft: Draft, targets: Sequence[str], exclude: Sequence[str], customer: str
) -> tuple[str, frozenset[str] | None]:
    """What is kept, in words, and the ids of the kept changes; None where everything is.

    Raises EngineError for a mapping or customer that is not there.
    """
    if not (targets or exclude or customer):
        return "", None
    for target in (*targets, *exclude):
        _known(draft, target)
    changes = [change for one in draft.standings.values() for group in one.changes.values() for change in group]
    wanted = {change.id for change in changes}
    said = []
    if targets:
        wanted &= {change.id for change in changes if any(_hits(draft, change, target) for target in targets)}
        said.append(f"only {', '.join(targets)}")
    if customer:
        wanted &= _under(draft, changes, customer)
        said.append(f"only customer {customer}")
    dropped = {change.id for change in changes if any(_hits(draft, change, target) for target in exclude)}
    if exclude:
        wanted -= dropped
        said.append(f"without {', '.join(exclude)}")
    wanted &= _without_dependants(changes, needed(changes, wanted), dropped)
    kept = needed(changes, wanted)
    also = len(kept - wanted)
    return "; ".join(said) + (f", with {also} that they need" if also else ""), frozenset(kept)


def _without_dependants(changes: Sequence[Change], kept: set[str], dropped: set[str]) -> set[str]:
    """What needs an excluded change cannot be done either."""
    left = kept - dropped
    while True:
        broken = {change.id for change in changes if change.id in left and dropped.intersection(change.needs)}
        if not broken:
            return left
        left -= broken
        dropped = dropped | broken


def _known(draft: Draft, target: str) -> None:
    mapping = target.partition(":")[0]
    if mapping not in draft.standings:
        known = ", ".join(draft.standings)
        raise EngineError(f"there is no mapping {mapping!r}: the project has {known}")


def _hits(draft: Draft, change: Change, target: str) -> bool:
    mapping, _, key = target.partition(":")
    if not key:
        return change.mapping == mapping
    return (mapping, key) in draft.rows_of(change)


def _under(draft: Draft, changes: Sequence[Change], customer: str) -> set[str]:
    """Changes of every row that refers to the customer, directly or through others, and of the customer itself."""
    members = _members(draft, customer)
    return {
        change.id
        for change in changes
        if any(row in members or members.intersection(_refers_to(draft, *row)) for row in draft.rows_of(change))
    }


def _members(draft: Draft, customer: str) -> set[tuple[str, str]]:
    start = next(
        (
            (name, key)
            for name, standing in draft.standings.items()
            for key in standing.rows
            if key == customer or draft.label(name, key) == customer
        ),
        None,
    )
    if start is None:
        raise EngineError(f"there is no row {customer!r}: give its key, or its name as the plan shows it")
    members = {start}
    for name, standing in draft.standings.items():
        before = -1
        while before != len(members):  # rows may refer to others of their own mapping
            before = len(members)
            members |= {(name, key) for key in standing.ready if members.intersection(draft.refers_to(name, key))}
    return members


def _refers_to(draft: Draft, mapping: str, key: str) -> list[tuple[str, str]]:
    """As the draft tells it, and for rows that are done with too: their marks are repeated."""
    standing = draft.standings[mapping]
    if key in standing.ready or key not in standing.rows:
        return draft.refers_to(mapping, key)
    found = []
    for slot in draft.compiled[mapping].slots:
        if slot.reference:
            try:
                value = evaluate(slot.reference.of.raw, draft.names(mapping, key))
            except EVALUATION_ERRORS:  # what cannot be worked out refers to nothing
                continue
            found.append((slot.reference.mapping, str(value)))
    return found
