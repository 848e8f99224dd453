"""Limits over which a plan is applied only when somebody says so."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal

from engine.model.fit import empty
from engine.model.plan import Action, Change, GuardExceeded
from engine.model.project import Guards

SMALL = 10
"""Below so many linked records a share says nothing."""

RULE = "rule:"
"""How the limit begins that a rule on the plan sets; its name follows."""


def guard(guards: Guards, changes: Sequence[Change], linked: Mapping[str, int], calls: int) -> list[GuardExceeded]:
    """Every limit that the changes are over. `linked`: entity → linked records; `calls`: what applying costs."""
    exceeded = [
        *_counted("creates", guards.creates, _per_entity(changes, Action.CREATE), "new records"),
        *_counted("deactivations", guards.deactivations, _per_entity(changes, Action.DEACTIVATE), "deactivations"),
        *_shares(guards, changes, linked),
        *_monthly(guards, changes),
    ]
    if calls > guards.calls:
        text = f"applying costs {calls:,} API calls, over the limit of {guards.calls:,}"
        exceeded.append(GuardExceeded("calls", text))
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
    """Of the records that are linked, or will be by these changes, how many change?"""
    exceeded = []
    new = Counter(change.entity for change in changes if change.action is Action.LINK)
    for entity, count in sorted(_changed(changes).items()):
        limit = guards.share_changed.get(entity, guards.share_changed.get("*"))
        total = linked.get(entity, 0) + new[entity]
        if limit is not None and total >= SMALL and Decimal(count) / total > limit:
            share = Decimal(count) / total
            also = f", {new[entity]} of them by this plan" if new[entity] else ""
            text = (
                f"{share:.0%} of the linked {entity} would change ({count} of {total}{also}), "
                f"over the limit of {limit:.0%}"
            )
            exceeded.append(GuardExceeded(f"share_changed:{entity}", text))
    return exceeded


def _changed(changes: Sequence[Change]) -> Counter[str]:
    """Records that change, by entity. One that is only filled in as it is linked, mostly with our key, does not."""
    new = {(change.entity, change.record) for change in changes if change.action is Action.LINK}
    return _per_entity(
        [one for one in changes if (one.entity, one.record) not in new or not _fills(one)],
        Action.UPDATE,
        Action.DEACTIVATE,
    )


def _fills(change: Change) -> bool:
    return change.action is Action.UPDATE and bool(change.fields) and all(empty(one.before) for one in change.fields)


def _monthly(guards: Guards, changes: Sequence[Change]) -> list[GuardExceeded]:
    """What is billed more and what is billed less a month, each by itself: one may hide the other in their sum."""
    effects = [change.monthly for change in changes if change.monthly is not None]
    sums = {
        "more": sum((effect for effect in effects if effect > 0), Decimal(0)),
        "less": sum((effect for effect in effects if effect < 0), Decimal(0)),
    }
    said = [f"{sums[way]:+,.2f} a month is billed {way}" for way in sums if abs(sums[way]) > guards.monthly_effect]
    if not said:
        return []
    text = f"{' and '.join(said)}, over the limit of {guards.monthly_effect:,.2f}"
    unknown = sum(1 for change in changes if change.price_unknown)
    if unknown:
        verbs = ("has", "comes") if unknown == 1 else ("have", "come")
        text += f"; {unknown} of the changes {verbs[0]} no known price and {verbs[1]} on top"
    return [GuardExceeded("monthly_effect", text)]


def over(exceeded: Sequence[GuardExceeded], allowed: frozenset[str]) -> list[GuardExceeded]:
    """What is left once somebody said `--over LIMIT`: a limit by its name, or all of a kind (`creates`)."""
    return [one for one in exceeded if one.limit not in allowed and one.limit.split(":")[0] not in allowed]


def by_rules(exceeded: Sequence[GuardExceeded]) -> list[GuardExceeded]:
    """Those of them that a rule on the plan set when the plan was made."""
    return [one for one in exceeded if one.limit.startswith(RULE)]
