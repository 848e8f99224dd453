"""Limits over which a plan is applied only when somebody says so."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal

from engine.model.plan import Action, Change, GuardExceeded
from engine.model.project import Guards

SMALL = 10
"""Below so many linked records a share says nothing."""


def guard(
    guards: Guards, changes: Sequence[Change], linked: Mapping[str, int], monthly: Decimal, calls: int
) -> list[GuardExceeded]:
    """Every limit that the changes are over. `linked`: entity → linked records; `monthly`: sum of all effects."""
    exceeded = [
        *_counted("creates", guards.creates, _per_entity(changes, Action.CREATE), "new records"),
        *_counted("deactivations", guards.deactivations, _per_entity(changes, Action.DEACTIVATE), "deactivations"),
        *_shares(guards, changes, linked),
    ]
    if abs(monthly) > guards.monthly_effect:
        text = f"monthly effect {monthly:+,.2f} is over the limit of {guards.monthly_effect:,.2f}"
        exceeded.append(GuardExceeded("monthly_effect", text))
    if calls > guards.calls:
        exceeded.append(GuardExceeded("calls", f"{calls:,} API calls are over the limit of {guards.calls:,}"))
    return exceeded


def _per_entity(changes: Sequence[Change], *actions: Action) -> Counter[str]:
    return Counter(change.entity for change in changes if change.action in actions)


def _counted(name: str, limits: Mapping[str, int], counts: Counter[str], what: str) -> list[GuardExceeded]:
    exceeded = []
    for entity, count in sorted(counts.items()):
        limit = limits.get(entity, limits.get("*"))
        if limit is not None and count > limit:
            text = f"{count} {what} of {entity} are over the limit of {limit}"
            exceeded.append(GuardExceeded(f"{name}:{entity}", text))
    return exceeded


def _shares(guards: Guards, changes: Sequence[Change], linked: Mapping[str, int]) -> list[GuardExceeded]:
    exceeded = []
    for entity, count in sorted(_per_entity(changes, Action.UPDATE, Action.DEACTIVATE).items()):
        limit = guards.share_changed.get(entity, guards.share_changed.get("*"))
        total = linked.get(entity, 0)
        if limit is not None and total >= SMALL and Decimal(count) / total > limit:
            share = Decimal(count) / total
            text = f"{share:.0%} of the linked {entity} would change ({count}/{total}), over the limit of {limit:.0%}"
            exceeded.append(GuardExceeded(f"share_changed:{entity}", text))
    return exceeded


def over(exceeded: Sequence[GuardExceeded], allowed: frozenset[str]) -> list[GuardExceeded]:
    """What is left once somebody said `--over LIMIT`: a limit by its name, or all of a kind (`creates`)."""
    return [one for one in exceeded if one.limit not in allowed and one.limit.split(":")[0] not in allowed]
