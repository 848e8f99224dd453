"""A part of the plan: what was asked for, with what it needs, said in words."""

from collections.abc import Sequence

from engine.errors import EngineError
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
    changes = [change for one in draft.standings.values() for group in one.changes.values() for change in group]
    wanted = {change.id for change in changes}
    said = []
    if targets:
        wanted &= {change.id for change in changes if any(_hits(draft, change, target) for target in targets)}
        said.append(f"only {', '.join(targets)}")
    if customer:
        members = _under(draft, customer)
        wanted &= {change.id for change in changes if any((change.mapping, key) in members for key in change.keys)}
        said.append(f"only customer {customer}")
    if exclude:
        wanted -= {change.id for change in changes if any(_hits(draft, change, target) for target in exclude)}
        said.append(f"without {', '.join(exclude)}")
    kept = needed(changes, wanted)
    dropped = {change.id for change in changes if any(_hits(draft, change, target) for target in exclude)}
    kept = _without_dependants(changes, kept, dropped)
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


def _hits(draft: Draft, change: Change, target: str) -> bool:
    mapping, _, key = target.partition(":")
    if mapping not in draft.standings:
        known = ", ".join(draft.standings)
        raise EngineError(f"there is no mapping {mapping!r}: the project has {known}")
    return change.mapping == mapping and (not key or key in change.keys)


def _under(draft: Draft, customer: str) -> set[tuple[str, str]]:
    """Every row that refers to the customer, directly or through others, and the customer itself."""
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
        for key in standing.ready:
            if any(other in members for other in draft.refers_to(name, key)):
                members.add((name, key))
    return members
