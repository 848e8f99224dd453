"""The limits that a plan may exceed only with `--over LIMIT`."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import assert_never

from msgspec.structs import replace

from trueup.model.change import Action, Change
from trueup.model.coerce import empty
from trueup.model.plan import GoneRows, GuardExceeded, Money
from trueup.model.project import Guards

SMALL = 10
"""With fewer linked records than this, a share means nothing."""

RULE = "rule"
"""Kind of the limit that a rule on the plan sets."""

LIMIT_KINDS = (*Guards.__struct_fields__, RULE)
"""What `--over` takes: a kind of limit, or a limit by its name."""


def guard(
    guards: Guards,
    changes: Sequence[Change],
    linked: Mapping[str, int],
    calls: int,
    gone: Iterable[GoneRows] = (),
) -> list[GuardExceeded]:
    """Returns every limit that the changes exceed.

    `linked`: entity → linked records; `calls`: API calls that applying costs; `gone`: tables of
    which known rows are gone.
    """
    counts = _count(changes)
    exceeded = [
        *_over_counts("creates", guards.creates, counts["creates"], "new records"),
        *_over_counts(
            "deactivations", guards.deactivations, counts["deactivations"], "deactivations"
        ),
        *_over_shares(guards, changes, linked),
        *_over_adjustments(guards, changes),
        *_over_rows_gone(guards, gone),
        *over_money(guards.monthly_effect, guards.one_off_effect, changes),
    ]
    if calls > guards.calls:
        text = f"applying costs {calls:,} API calls, over the limit of {guards.calls:,}"
        exceeded.append(GuardExceeded("calls", "calls", text))
    return exceeded


def _count(changes: Sequence[Change]) -> Mapping[str, Counter[str]]:
    """Changes by guard and entity."""
    counts: dict[str, Counter[str]] = {"creates": Counter(), "deactivations": Counter()}
    for change in changes:
        match change.action:
            case Action.CREATE:
                counts["creates"][change.entity] += 1
            case Action.DEACTIVATE:
                counts["deactivations"][change.entity] += 1
            case Action.LINK | Action.UPDATE | Action.ADJUST | Action.WRITE_BACK:
                pass  # guarded by share, by money, or not at all
            case _:
                assert_never(change.action)
    return counts


def _over_counts(
    kind: str, limits: Mapping[str, int], counts: Counter[str], what: str
) -> Iterable[GuardExceeded]:
    for entity, count in sorted(counts.items()):
        limit = limits.get(entity, limits.get("*"))
        if limit is not None and count > limit:
            text = f"{count} {what} of {entity} are over the limit of {limit}"
            yield GuardExceeded(kind, f"{kind}:{entity}", text)


def _over_shares(
    guards: Guards, changes: Sequence[Change], linked: Mapping[str, int]
) -> Iterable[GuardExceeded]:
    """Returns, by entity, the share of the present and future linked records that change."""
    new = Counter(change.entity for change in changes if change.action is Action.LINK)
    for entity, count in sorted(_changed(changes).items()):
        limit = guards.share_changed.get(entity, guards.share_changed.get("*"))
        total = linked.get(entity, 0) + new[entity]
        if limit is None or total < SMALL:
            continue
        share = Decimal(count) / total
        if share > limit:
            also = f", {new[entity]} of them by this plan" if new[entity] else ""
            text = (
                f"{share:.0%} of the linked {entity} would change ({count} of {total}{also}), "
                f"over the limit of {limit:.0%}"
            )
            yield GuardExceeded("share_changed", f"share_changed:{entity}", text)


def _changed(changes: Sequence[Change]) -> Counter[str]:
    """Returns records that change, by entity.

    A record whose empty fields are filled as it is linked, mostly with trueup's key, does not
    count.
    """
    new = {(change.entity, change.record) for change in changes if change.action is Action.LINK}
    counts: Counter[str] = Counter()
    for change in changes:
        match change.action:
            case Action.UPDATE:
                is_new = (change.entity, change.record) in new
                counts[change.entity] += not (is_new and _only_fills(change))
            case Action.DEACTIVATE:
                counts[change.entity] += 1
            case Action.LINK | Action.CREATE | Action.ADJUST | Action.WRITE_BACK:
                pass
            case _:
                assert_never(change.action)
    return +counts


def _only_fills(change: Change) -> bool:
    return bool(change.fields) and all(empty(one.before) for one in change.fields)


def _over_adjustments(guards: Guards, changes: Sequence[Change]) -> Iterable[GuardExceeded]:
    """Returns limits on the number of adjustments, and on the units that they move up and down."""
    adjusting = [change for change in changes if change.action is Action.ADJUST]
    figures = {
        "count": (len(adjusting), "adjustments"),
        "seats": (sum(abs(change.unit_change) for change in adjusting), "adjusted units"),
    }
    for name, (figure, what) in figures.items():
        limit = guards.adjustments.get(name)
        if limit is not None and figure > limit:
            text = f"{figure:,} {what} are over the limit of {limit:,}"
            yield GuardExceeded("adjustments", f"adjustments:{name}", text)


def _over_rows_gone(guards: Guards, gone: Iterable[GoneRows]) -> Iterable[GuardExceeded]:
    """Returns limits on rows that vanished: a truncated export looks like many cancellations."""
    for table, count, known in gone:
        limit = guards.rows_gone.get(table, guards.rows_gone.get("*"))
        if limit is None or known < SMALL:
            continue
        share = Decimal(count) / known
        if share > limit:
            text = (
                f"{share:.0%} of the known rows of {table} are gone ({count} of {known}), "
                f"over the limit of {limit:.0%}"
            )
            yield GuardExceeded("rows_gone", f"rows_gone:{table}", text)


def over_money(
    monthly_effect: Decimal, one_off_effect: Decimal, changes: Sequence[Change]
) -> Iterable[GuardExceeded]:
    """Returns limits on the run rate and on one-off charges, increases and decreases separately.

    Their sum could hide one behind the other. What a plan leaves unbilled for earlier days, and
    what it owes for them as a credit, is billed less once.
    """
    unknown = sum(1 for change in changes if change.price_unknown)
    monthly = Money.of(change.monthly for change in changes)
    one_off = Money.of(change.one_off for change in changes)
    earlier = Money.of(change.lost for change in changes)
    left = earlier.more - earlier.less
    yield from _over_amounts(
        "monthly_effect", "a month is billed", monthly_effect, monthly, unknown
    )
    once = replace(one_off, less=one_off.less - left)
    part = f" ({left:,.2f} of it lost, or owed as a credit, for earlier days)" if left else ""
    yield from _over_amounts(
        "one_off_effect", "once is billed", one_off_effect, once, unknown, part
    )


def _over_amounts(
    kind: str, what: str, limit: Decimal, sums: Money, unknown: int, of_less: str = ""
) -> Iterable[GuardExceeded]:
    """`of_less`: what a part of the decreases is."""
    ways = {f"{what} more": sums.more, f"{what} less{of_less}": sums.less}
    over = {way: amount for way, amount in ways.items() if abs(amount) > limit}
    if not over:
        return
    shown = [f"{amount:+,.2f} {way}" for way, amount in over.items()]
    text = f"{' and '.join(shown)}, over the limit of {limit:,.2f}"
    if unknown:
        verbs = ("has", "comes") if unknown == 1 else ("have", "come")
        text += f"; {unknown} of the changes {verbs[0]} no known price and {verbs[1]} on top"
    yield GuardExceeded(kind, kind, text)


def not_allowed(exceeded: Sequence[GuardExceeded], allowed: frozenset[str]) -> list[GuardExceeded]:
    """Returns what `--over LIMIT` does not allow: a limit by its name, or a kind (`creates`)."""
    return [one for one in exceeded if one.limit not in allowed and one.kind not in allowed]


def set_by_rules(exceeded: Sequence[GuardExceeded]) -> list[GuardExceeded]:
    """Returns the limits that a rule on the plan set when the plan was made."""
    return [one for one in exceeded if one.kind == RULE]
