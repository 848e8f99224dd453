"""The totals that a plan shows, with the rows and changes of each sum.

Every total has the name under which the plan shows it; `labels` lists them. A total is computed
from the plan alone: nothing is read.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial

from msgspec.structs import replace

from trueup.model.change import Action, Change
from trueup.model.explanation import LedgerSum, TotalExplanation, TotalPart
from trueup.model.plan import Amount, Blocked, LedgerLine, Plan
from trueup.planning.explaining.action_labels import action_labels
from trueup.stages.ledger_totals import LineParts, parts_of
from trueup.stages.summary import waits

_MONTHS = 12

_Total = Callable[[Plan], TotalExplanation]


def labels(plan: Plan) -> Mapping[str, _Total]:
    """Returns every total of the plan by its name, those that are zero included."""
    of = plan.summary.ledger
    found: dict[str, _Total] = {
        "This invoice run": partial(_money, amount=lambda one: one.invoice_amount),
        "of it once": partial(_money, amount=lambda one: one.one_off),
        "A month": partial(_money, amount=lambda one: one.monthly, per_month=True),
        "A year": partial(_money, amount=_a_year),
        "Earlier days, billed to nobody": partial(_money, amount=lambda one: _above(one.lost)),
        "Earlier days, credit owed": _credit,
        "Billed too little": partial(_gaps, sum_=LedgerSum.UNDER, total=of.under),
        "Billed too much": partial(_gaps, sum_=LedgerSum.OVER, total=of.over),
        "this plan moves": partial(_ledger, sum_=LedgerSum.MOVED, total=of.moved, part=_moved),
        "held or blocked": _held,
        "explained by nothing": partial(
            _ledger, sum_=LedgerSum.UNEXPLAINED, total=of.unexplained, part=_unexplained
        ),
        "Not known": _not_known,
        "prices unknown": partial(_changes, wanted=lambda one: one.price_unknown),
        "prices of zero": partial(_changes, wanted=_has_price_of_zero),
        "blocked": partial(_rows, held=False),
        "held": partial(_rows, held=True),
        "left out": _left_out,
    }
    for action, label in action_labels(plan.names).items():
        found[label] = partial(_changes, wanted=partial(_is, action=action))
    for total in of.held_by_reason:
        found[total.code] = partial(_held_for, code=total.code, total=total.amount)
    return found


def explain_total(plan: Plan, name: str) -> TotalExplanation | None:
    """Returns the total of that name, whatever its case; None if the plan has none."""
    wanted = " ".join(name.split()).casefold()
    for label, total in labels(plan).items():
        if label.casefold() == wanted:
            return replace(total(plan), label=label)
    return None


# Money and numbers of changes


def _money(
    plan: Plan, amount: Callable[[Change], Decimal | None], *, per_month: bool = False
) -> TotalExplanation:
    parts = [
        _change_part(change, value)
        for change in plan.changes
        if (value := amount(change)) is not None or change.price_unknown
    ]
    parts.sort(key=_weight)
    known = [part.amount for part in parts if part.amount is not None]
    total = sum(known, Decimal(0))
    return TotalExplanation(tuple(parts), amount=total, per_month=per_month)


def _credit(plan: Plan) -> TotalExplanation:
    lost = _money(plan, lambda one: _above(one.lost)).amount or Decimal(0)
    return replace(_money(plan, lambda one: _below(one.lost)), beside=lost)


def _changes(plan: Plan, wanted: Callable[[Change], bool]) -> TotalExplanation:
    parts = [_change_part(change, None) for change in plan.changes if wanted(change)]
    return TotalExplanation(tuple(parts))


def _change_part(change: Change, amount: Decimal | None) -> TotalPart:
    return TotalPart(
        what=change.id,
        name=change.name,
        units=Decimal(change.unit_change) if change.adjustment else None,
        amount=amount,
        unpriced=change.price_unknown,
    )


def _is(change: Change, action: Action) -> bool:
    return change.action is action


def _has_price_of_zero(change: Change) -> bool:
    return change.monthly == 0 and bool(change.unit_change)


def _a_year(change: Change) -> Decimal | None:
    return None if change.monthly is None else change.monthly * _MONTHS


def _above(amount: Decimal | None) -> Decimal | None:
    return amount if amount is not None and amount > 0 else None


def _below(amount: Decimal | None) -> Decimal | None:
    return amount if amount is not None and amount < 0 else None


# Units and money of the ledger

Part = tuple[Decimal, Decimal | None]
"""Units, and their money a month; None where the price is unknown."""


def _gaps(plan: Plan, sum_: LedgerSum, total: Amount) -> TotalExplanation:
    return _ledger(plan, sum_, total, partial(_gap, under=sum_ is LedgerSum.UNDER))


def _ledger(
    plan: Plan, sum_: LedgerSum, total: Amount, part: Callable[[LineParts], Part]
) -> TotalExplanation:
    parts: list[TotalPart] = []
    for line in plan.ledger:
        known = parts_of(line)
        units, amount = part(known) if known else (Decimal(0), None)
        is_moved = known is not None and known.is_moved and sum_ is LedgerSum.MOVED
        if units or amount or is_moved:
            parts.append(_line_part(line, units, amount, line.text))
    return replace(_summed(plan, total, parts), sum_=sum_)


def _moved(parts: LineParts) -> Part:
    return parts.moved, parts.moved_money


def _unexplained(parts: LineParts) -> Part:
    return parts.unexplained, parts.unexplained_money


def _gap(parts: LineParts, *, under: bool) -> Part:
    return parts.billed_wrong(1 if under else -1)


def _held(plan: Plan) -> TotalExplanation:
    parts_ = [
        _line_part(line, line.held_units, parts.held_money, _reasons(line))
        for line in plan.ledger
        if (parts := parts_of(line)) and line.held_units
    ]
    return replace(_summed(plan, plan.summary.ledger.held, parts_), sum_=LedgerSum.HELD)


def _held_for(plan: Plan, code: str, total: Amount) -> TotalExplanation:
    parts_ = [
        _line_part(line, held.units, amount, held.reason)
        for line in plan.ledger
        if (parts := parts_of(line))
        for held, amount in parts.held
        if held.code == code and held.units
    ]
    return replace(_summed(plan, total, parts_), reason=code)


def _not_known(plan: Plan) -> TotalExplanation:
    parts = [
        TotalPart(_line_id(line), line.name, text=line.text)
        for line in plan.ledger
        if parts_of(line) is None
    ]
    return TotalExplanation(tuple(parts))


def _summed(plan: Plan, total: Amount, parts: list[TotalPart]) -> TotalExplanation:
    return TotalExplanation(
        tuple(sorted(parts, key=_weight)),
        units=total.units,
        amount=total.monthly,
        per_month=True,
        among=plan.summary.ledger,
    )


def _line_part(line: LedgerLine, units: Decimal, amount: Decimal | None, text: str) -> TotalPart:
    return TotalPart(
        what=_line_id(line),
        name=line.name,
        units=units,
        amount=amount,
        unpriced=amount is None,
        text=text,
    )


def _line_id(line: LedgerLine) -> str:
    """What identifies the line: the key of its row, or the record of a line without a row."""
    return f"ledger:{line.mapping}:{line.key or line.record}"


def _reasons(line: LedgerLine) -> str:
    return "; ".join(dict.fromkeys(one.reason for one in line.held))


def _weight(part: TotalPart) -> tuple[Decimal, str]:
    """The largest first; what has no money comes last."""
    return -abs(part.amount or Decimal(0)), part.name.casefold()


# Rows


def _rows(plan: Plan, *, held: bool) -> TotalExplanation:
    parts = [
        TotalPart(f"{one.mapping}:{one.key}", one.name, text=_why(one))
        for one in plan.blocked
        if waits(one) is held
    ]
    return TotalExplanation(tuple(parts))


def _why(blocked: Blocked) -> str:
    return "; ".join(dict.fromkeys(finding.text for finding in blocked.findings))


def _left_out(plan: Plan) -> TotalExplanation:
    parts = [
        TotalPart(f"{one.mapping}:{name}", name, text=one.reason)
        for one in plan.left_out
        for name in one.names
    ]
    return TotalExplanation(tuple(parts))
