"""The changes of a plan as the expectations of a test name them."""

from typing import assert_never

from trueup.model.change import Action, Change
from trueup.model.plan import Plan
from trueup.model.testing import ExpectedChange

Row = tuple[str, str]
"""Mapping and key."""


def row_of(change: Change) -> Row:
    """Returns the row that names a change: of an adjustment, the row whose units it moves."""
    if change.adjustment:
        return change.adjustment.row.mapping, change.adjustment.row.key
    return change.mapping, change.keys[0]


def rows_of(change: Change) -> set[Row]:
    """Returns the rows of a change; a write-back of several changes has several."""
    if change.action is Action.WRITE_BACK:
        return {(change.mapping, key) for key in change.keys}
    return {row_of(change)}


def take(wanted: ExpectedChange, actual: list[Change]) -> Change | None:
    """Removes the change of the row from the list; of several, the one of the expected day."""
    same = [one for one in actual if (wanted.mapping, wanted.key) in rows_of(one)]
    on = wanted.values.get("on")
    exact = [one for one in same if on and one.adjustment and one.adjustment.day == on.value]
    taken = next(iter((*exact, *same)), None)
    if taken is not None:
        remove(taken, actual)
    return taken


def remove(change: Change, actual: list[Change]) -> None:
    """Removes a change that an expectation has; a write-back of several changes has several."""
    if change.action is not Action.WRITE_BACK:
        actual.remove(change)


def others_of(wanted: ExpectedChange, plan: Plan) -> tuple[str, ...]:
    """Returns what the plan has for the row instead."""
    changes = [change for change in plan.changes if (wanted.mapping, wanted.key) in rows_of(change)]
    blocked = [
        f"blocked: {finding.text}"
        for one in plan.blocked
        if (one.mapping, one.key) == (wanted.mapping, wanted.key)
        for finding in one.findings
    ]
    return (*map(summary_of, changes), *blocked)


def summary_of(change: Change) -> str:
    """A change in one line."""
    parts = [f"{field.field}: {field.shown_after}" for field in change.fields[:4]]
    if change.adjustment and change.units:
        parts = [f"units: {change.units[0]} → {change.units[1]}, on: {change.adjustment.day}"]
    return f"{change.action} {' '.join(row_of(change))} {{{', '.join(parts)}}}"


def special_of(change: Change) -> dict[str, object]:
    """Returns the expected values of a change that are no fields, by their words."""
    match change.action:
        case Action.ADJUST:
            before, after = change.units or (0, 0)
            day = change.adjustment.day if change.adjustment else None
            return {"units": f"{before} → {after}", "on": day}
        case Action.LINK:
            succeeds = change.succeeds.key if change.succeeds else None
            return {"how": change.how, "record": change.record, "succeeds": succeeds}
        case Action.CREATE | Action.UPDATE | Action.DEACTIVATE | Action.WRITE_BACK:
            return {}
        case _:
            assert_never(change.action)
