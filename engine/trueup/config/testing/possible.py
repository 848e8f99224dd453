"""Expectations that can never hold, whatever the project does: each is an error with its place."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from trueup.config.days import parse_day
from trueup.config.node import Node
from trueup.config.testing.rows import fault
from trueup.config.testing.target import Names
from trueup.expressions.rules import STOPS
from trueup.model.change import Action
from trueup.model.coerce import plain_number, shown
from trueup.model.finding import Finding, Place
from trueup.model.finding_codes import DEPENDS, PLAN_CODES
from trueup.model.plan import LedgerClass
from trueup.model.project import Project
from trueup.model.rule_scopes import RuleOn
from trueup.model.suggestions import nearest
from trueup.model.testing import (
    Expectations,
    ExpectedChange,
    ExpectedPart,
    ExpectedPlan,
    ExpectedUnits,
    ExpectedValue,
    GivenTarget,
    GivenUnits,
)

NEVER = "this can never hold"

_CENT = Decimal("0.01")
_ROUNDED = ("price", "monthly")
"""Values of ledger lines that are money."""

_NEVER_NEGATIVE = ("lost", "credit")
_WITHOUT_CHANGES = ("rows_gone", "rule")
"""Kinds of limits that a plan without changes may be over."""

_HOW = ("decision", "identity", "match", "succession")
_ONCE = (Action.CREATE, Action.UPDATE, Action.DEACTIVATE, Action.LINK)
_NOT_WITH_CREATE = (Action.UPDATE, Action.DEACTIVATE, Action.LINK)

_CLASSES: Mapping[int, tuple[LedgerClass, ...]] = {
    # Units that move to a service with another price are billed wrong, too.
    0: (LedgerClass.MATCH, LedgerClass.UNDER_BILLED, LedgerClass.OVER_BILLED),
    1: (LedgerClass.UNDER_BILLED, LedgerClass.MISSING),
    -1: (LedgerClass.OVER_BILLED,),
}
"""Classes of a line by the sign of quantity - units."""


def impossible(
    expect: Expectations, names: Names, target: GivenTarget | None, limits: Node | None
) -> Iterator[Finding]:
    """Yields what can never hold of the expectations of one test. `limits` is their node.

    `target` is what it holds before the plan; None if that is not known.
    """
    yield from _codes(expect, names.project)
    for name, value in (*expect.money.items(), *expect.held.items()):
        yield from _amount(name, value)
    for part in expect.ledger:
        yield from _ledger_line(part)
    yield from _limits(limits, names.project)
    if expect.plan:
        yield from _changes(expect.plan)
        if not expect.plan.changes:
            yield from _with_nothing(expect, target, limits)


def _codes(expect: Expectations, project: Project) -> Iterator[Finding]:
    for one in expect.findings or ():
        yield from _code(one.code, one.code_place or one.place, project)
    for code, held in expect.held.items():
        yield from _code(code, held.key_place or held.place, project, is_total=True)


def _code(
    code: str, place: Place, project: Project, *, is_total: bool = False
) -> Iterator[Finding]:
    known = {*PLAN_CODES, *(rule.name for rule in project.rules)}
    if code == DEPENDS and not is_total:
        text = f"{NEVER}: findings that only follow from another row are left out"
        yield fault(text, "expect the finding of that row", place)
    elif code not in known:
        near = nearest(code, known)
        text = f"{NEVER}: no rule and no check of a plan is called {code}"
        yield fault(text, f"did you mean {near!r}?" if near else "", place)


# Money


def _amount(name: str, expected: ExpectedValue) -> Iterator[Finding]:
    amount = _number(expected.value)
    if amount is None:
        return
    rounded = amount.quantize(_CENT, ROUND_HALF_UP)
    if rounded != amount:
        text = f"{NEVER}: money is rounded to two places, and {plain_number(amount)} has more"
        yield fault(text, f"write {rounded:f}", expected.place)
    elif amount < 0 and name in _NEVER_NEGATIVE:
        text = f"{NEVER}: {name} is never below zero"
        what = "owed" if name == "credit" else "lost"
        remedy = f"write {plain_number(-amount)}: money that is {what} is above zero"
        yield fault(text, remedy, expected.place)


def _number(value: object) -> Decimal | None:
    """The number that is expected; None for anything else."""
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return Decimal(str(value)) if is_number else None


# Ledger


def _ledger_line(part: ExpectedPart) -> Iterator[Finding]:
    for name in _ROUNDED:
        if name in part.values:
            yield from _amount(name, part.values[name])
    numbers = {name: _number(one.value) for name, one in part.values.items()}
    quantity, units = numbers.get("quantity"), numbers.get("units")
    class_ = part.values.get("class")
    if class_ and class_.value == LedgerClass.ORPHAN:
        text = f"{NEVER}: an orphan is a service without a row, and {part.key} is a row"
        yield fault(text, "", class_.place)
        return
    if quantity is None or units is None:
        return
    gap = quantity - units
    possible = _CLASSES[(gap > 0) - (gap < 0)]
    if class_ and class_.value not in {*possible, LedgerClass.UNKNOWN}:
        text = (
            f"{NEVER}: with quantity {plain_number(quantity)} and units {plain_number(units)} "
            f"the line is {' or '.join(possible)}"
        )
        yield fault(text, "", class_.place)
    yield from _sums(part, numbers, gap)


def _sums(
    part: ExpectedPart, numbers: Mapping[str, Decimal | None], gap: Decimal
) -> Iterator[Finding]:
    """The two sums of a line whose both sides are known."""
    pending, difference = numbers.get("pending"), numbers.get("difference")
    if pending is not None and difference is not None and gap - pending != difference:
        right = plain_number(gap - pending)
        text = f"{NEVER}: quantity - units - pending is {right}"
        yield fault(text, f"write {right}", part.values["difference"].place)
    shares = [numbers.get(name) for name in ("moved", "held", "unexplained")]
    known = [share for share in shares if share is not None]
    if len(known) == len(shares) and sum(known) != gap:
        text = (
            f"{NEVER}: quantity - units is {plain_number(gap)}, and moved + held + unexplained is "
            f"{plain_number(sum(known, Decimal(0)))}"
        )
        yield fault(text, "", part.values["unexplained"].place)


# Limits


def _limits(node: Node | None, project: Project) -> Iterator[Finding]:
    seen: set[str] = set()
    known = {*_limit_names(project)}
    for part in node.parts() if node else ():
        name = str(part.data)
        if name in seen:
            text = f"{NEVER}: {name} is listed twice, and a limit is exceeded once"
            yield fault(text, "remove one of them", part.place)
        elif name not in known:
            near = nearest(name, known)
            text = f"{NEVER}: no limit of this project is called {name}"
            yield fault(text, f"did you mean {near!r}?" if near else "", part.place)
        seen.add(name)


def _limit_names(project: Project) -> Iterator[str]:
    """The names of all limits that a plan may be over."""
    entities = sorted({mapping.target.entity for mapping in project.mappings.values()})
    tables = sorted({mapping.source.table for mapping in project.mappings.values()})
    guards = project.guards
    by_name: Mapping[str, tuple[Iterable[str], Mapping[str, object]]] = {
        "creates": (entities, guards.creates),
        "deactivations": (entities, guards.deactivations),
        "share_changed": (entities, guards.share_changed),
        "rows_gone": (tables, guards.rows_gone),
        "adjustments": (guards.adjustments, guards.adjustments),
    }
    for kind, (things, limits) in by_name.items():
        yield from (f"{kind}:{name}" for name in things if name in limits or "*" in limits)
    yield from ("monthly_effect", "one_off_effect", "calls")
    for rule in project.rules:
        if rule.on is RuleOn.PLAN and rule.severity in STOPS:
            yield f"rule:{rule.name}"


# Changes


def _changes(plan: ExpectedPlan) -> Iterator[Finding]:
    for changes in plan.changes.values():
        for change in changes:
            yield from _change_values(change)
    yield from _of_one_row(plan.changes)


def _change_values(change: ExpectedChange) -> Iterator[Finding]:
    how, day = change.values.get("how"), change.values.get("on")
    if change.action is Action.LINK and how and how.value not in _HOW:
        text = f"{NEVER}: how is {', '.join(_HOW[:-1])} or {_HOW[-1]}"
        yield fault(text, "", how.place)
    if change.action is Action.ADJUST and day and not _is_day(day.value):
        text = f"{NEVER}: {shown(day.value)} is no day"
        yield fault(text, "write year-month-day, such as 2026-11-15", day.place)


def _is_day(value: object) -> bool:
    return isinstance(value, date) or parse_day(value) is not None


def _of_one_row(changes: Mapping[Action, Sequence[ExpectedChange]]) -> Iterator[Finding]:
    """Changes of one row that exclude each other."""
    listed: dict[tuple[Action, str, str], ExpectedChange] = {}
    for action in _ONCE:
        for change in changes.get(action, ()):
            row = f"{change.mapping} {change.key}"
            if (action, change.mapping, change.key) in listed:
                text = f"{NEVER}: a plan has one {action} of {row}, and it is listed twice"
                yield fault(text, "remove one of them", change.place)
            elif action in _NOT_WITH_CREATE and (
                (Action.CREATE, change.mapping, change.key) in listed
            ):
                text = f"{NEVER}: {row} is created, so this plan does not {action} it"
                yield fault(text, "remove one of them", change.place)
            listed[action, change.mapping, change.key] = change


# Beside a plan with nothing in it


def _with_nothing(
    expect: Expectations, target: GivenTarget | None, limits: Node | None
) -> Iterator[Finding]:
    for part in limits.parts() if limits else ():
        if str(part.data).partition(":")[0] not in _WITHOUT_CHANGES:
            text = f"{NEVER}: a plan with nothing in it is not over {part.data}"
            yield fault(text, "remove it, or list the changes of the plan", part.place)
    yield from _money_with_nothing(expect)
    for line in expect.ledger:
        moved = line.values.get("moved")
        if moved and _number(moved.value):
            text = f"{NEVER}: a plan with nothing in it moves no units"
            yield fault(text, "write 0, or list the adjustment of the plan", moved.place)
    if expect.after_apply and target:
        for units in expect.after_apply.units:
            yield from _units_as_before(units, target)


def _money_with_nothing(expect: Expectations) -> Iterator[Finding]:
    for amount in expect.money.values():
        if _number(amount.value):
            text = f"{NEVER}: a plan with nothing in it moves no money"
            yield fault(text, "write 0, or list the changes of the plan", amount.place)


def _units_as_before(expected: ExpectedUnits, target: GivenTarget) -> Iterator[Finding]:
    """Units that differ from those before; before a contract begins and after it ends, none."""
    given = next(
        (
            unit
            for unit in target.units
            if (unit.mapping, unit.key) == (expected.mapping, expected.key)
        ),
        None,
    )
    if given is None and target.records:
        return  # these may bill units
    before = _units_on(given, expected.day) if given else 0
    if expected.units not in {before, 0}:
        text = (
            f"{NEVER}: a plan with nothing in it leaves the {before} units of {expected.key} "
            "as they are"
        )
        remedy = f"write {before}, or list the adjustment of the plan"
        yield fault(text, remedy, expected.place)


def _units_on(given: GivenUnits, day: date) -> int:
    begun = {start or date.min: units for start, units in given.steps.items()}
    return max(
        ((start, units) for start, units in begun.items() if start <= day), default=(day, 0)
    )[1]
