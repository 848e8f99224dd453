"""Renders notices as sentences, with no more details than the project's setting allows."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from msgspec.structs import replace

from trueup.model.notice import Details, Event, Notice, Occasion
from trueup.model.outcome import ChangeStatus, Outcome
from trueup.model.plan import Plan
from trueup.render.attention import monthly_of
from trueup.render.formatting import count, money, sentence, some
from trueup.render.overview import overview
from trueup.render.sanitize import sanitize

_LEVELS = (*Details,)

NOT_DONE = frozenset({ChangeStatus.FAILED, ChangeStatus.NOT_KEPT, ChangeStatus.HELD})
"""Statuses of changes that did not go through.

A skipped change is not counted: the change that it depends on is, or is in doubt.
"""

TEST = "This is a test. Notices of this project arrive here."


def plan_notice(plan: Plan, digest: str) -> Notice:
    """The events of a plan that a notice reports."""
    seen = overview(plan)
    found = []
    if seen.items:
        names = [*dict.fromkeys((item.customer or item.row).name for item in seen.items)]
        many = seen.needy_rows
        unpriced = sum(item.unpriced for item in seen.items)
        found.append(
            Occasion(
                Event.WAITING,
                many,
                money=monthly_of(seen.items),
                unpriced=unpriced,
                names=names,
            )
        )
    if plan.exceeded:
        limits = [one.limit for one in plan.exceeded]
        found.append(Occasion(Event.LIMIT, len(limits), limits=limits))
    if seen.billing.unexplained or seen.ledger.unexplained.lines:
        of = seen.ledger.unexplained
        found.append(
            Occasion(Event.LEAK, of.lines, money=seen.billing.unexplained, unpriced=of.unpriced)
        )
    return Notice(digest, tuple(found))


def outcome_notice(outcome: Outcome) -> Notice:
    """The events of a run that has ended or was stopped."""
    found = []
    for event, statuses in (
        (Event.FAILED, NOT_DONE),
        (Event.IN_DOUBT, frozenset({ChangeStatus.IN_DOUBT})),
    ):
        names = [change.name for change in outcome.changes if change.status in statuses]
        if names:
            found.append(Occasion(event, len(names), names=names))
    if outcome.interrupted or outcome.stopped:
        found.append(Occasion(Event.STOPPED, outcome.remaining))
    return Notice(outcome.run, tuple(found), outcome.run)


def notice_title(project: str) -> str:
    """The title of all notices of a project."""
    return f"trueup: {sanitize(project)}"


def notice_text(notice: Notice, details: Details, currency: str) -> str:
    """The sentences of a notice, one a line."""
    lines = [_sentence(occasion, details, currency) for occasion in notice.occasions]
    if notice.run:
        lines.append(f"`trueup history show {sanitize(notice.run)}` has all of it.")
    return "\n".join(lines)


def wanted(notice: Notice, events: Iterable[Event], leak_above: Decimal | None) -> Notice:
    """Returns the notice with the configured events, and a leak only above the amount."""
    wanted_events = frozenset(events)
    kept = tuple(
        occasion
        for occasion in notice.occasions
        if occasion.event in wanted_events
        and (occasion.event is not Event.LEAK or _leaks(occasion, leak_above))
    )
    return replace(notice, occasions=kept)


def _leaks(one: Occasion, leak_above: Decimal | None) -> bool:
    return leak_above is not None and one.money is not None and abs(one.money) > leak_above


def _sentence(one: Occasion, details: Details, currency: str) -> str:
    level = _LEVELS.index(details)
    has_counts = level >= _LEVELS.index(Details.COUNTS)
    text = _counted(one) if has_counts else _PLAIN[one.event]
    if level >= _LEVELS.index(Details.AMOUNTS) and (one.money or one.unpriced):
        text += f": {_amount(one, currency)}"
    if level >= _LEVELS.index(Details.NAMES) and one.names:
        text += f" ({some(one.names)})"
    return f"{sentence(text)}."


def _amount(one: Occasion, currency: str) -> str:
    parts = [f"{money(one.money, currency, signed=True)} a month"] if one.money else []
    parts += [f"{count(one.unpriced, 'line')} without a price"] if one.unpriced else []
    return " and ".join(parts)


_PLAIN: Mapping[Event, str] = {
    Event.WAITING: "something waits for a person",
    Event.LIMIT: "the plan is over a limit",
    Event.LEAK: "the ledger has more unexplained money than is allowed",
    Event.FAILED: "a run did not go through: the output of the command shows why",
    Event.STOPPED: "a run was stopped before its end",
    Event.IN_DOUBT: "the outcome of a change is unknown",
}


def _counted(one: Occasion) -> str:
    return _COUNTED[one.event](one) if one.many else _PLAIN[one.event]


def _waiting(one: Occasion) -> str:
    return f"{count(one.many, 'row')} {'needs' if one.many == 1 else 'need'} a person"


def _limits(one: Occasion) -> str:
    limits = ", ".join(sanitize(limit) for limit in one.limits)
    return f"the plan is over {count(one.many, 'limit')}" + (f": {limits}" if limits else "")


_COUNTED: Mapping[Event, Callable[[Occasion], str]] = {
    Event.WAITING: _waiting,
    Event.LIMIT: _limits,
    Event.LEAK: lambda one: f"{_PLAIN[one.event]}, in {count(one.many, 'line')}",
    Event.FAILED: lambda one: f"{count(one.many, 'change')} did not go through",
    Event.STOPPED: lambda one: f"a run was stopped; {count(one.many, 'change')} of it not tried",
    Event.IN_DOUBT: lambda one: f"the outcome of {count(one.many, 'change')} is unknown",
}
"""The text for an event that is counted."""
