"""Renders the effect of decisions, in rows, units and money."""

from collections.abc import Mapping
from typing import assert_never

from msgspec import Struct

from trueup.model.catalogue import SystemNames
from trueup.model.change import Action, Change
from trueup.model.decision_effect import (
    Effect,
    RowEffect,
    RowOutlook,
    Standing,
    StandingDecision,
    StandingDecisions,
)
from trueup.model.verdict import Verdict
from trueup.render.formatting import count, known_as, money, signed, word
from trueup.render.layout import Cell, Line, free, lay_out
from trueup.render.sanitize import sanitize
from trueup.render.style import PLAIN, Style

FEW = 20
"""Rows that are shown without `-v`."""

_REASON_COLUMNS = 60


class EffectRow(Struct, frozen=True):
    """One decided row: what the plan does with it, without the decision and with it."""

    name: str
    now: str
    then: str
    money: str  # a month; empty if it stays as it is


def effect_rows(effect: Effect, names: SystemNames, currency: str) -> list[EffectRow]:
    """The decided rows."""
    found = []
    for row in effect.rows:
        more = row.after.monthly - row.before.monthly
        amount = f"{money(more, currency, signed=True)} a month" if more else ""
        name = known_as(row.row.name or row.row.key)
        found.append(EffectRow(name, _now(row.before, names), _then(row, names), amount))
    return found


def effect_text(
    effect: Effect,
    names: SystemNames,
    currency: str,
    style: Style = PLAIN,
    *,
    verbose: bool = False,
) -> str:
    """Returns the decided rows, and the other differences between the two plans."""
    rows = effect_rows(effect, names, currency)
    shown = rows if verbose else rows[:FEW]
    lines = [_row(one) for one in shown]
    if len(shown) < len(effect.rows):
        more = len(effect.rows) - len(shown)
        lines.append(free(f"and {count(more, 'row')} more (-v shows them)", indent=2))
    lines += [free(f"What follows: {text}") for text in effect_totals(effect, names, currency)]
    return "".join(f"{line}\n" for line in lay_out(lines, style.columns))


def effect_json(effect: Effect) -> Mapping[str, object]:
    """Returns the same as JSON. Amounts are text, in the project's currency."""
    return {
        "rows": [
            {
                "mapping": row.row.mapping,
                "key": row.row.key,
                "name": row.row.name,
                "do": str(row.verdict),
                "before": _outlook_json(row.before),
                "after": _outlook_json(row.after),
            }
            for row in effect.rows
        ],
        "changes": dict(effect.actions),
        "blocked": effect.blocked,
        "left_out": effect.left_out,
        "units": str(effect.units),
        "monthly": str(effect.monthly),
        "invoice": str(effect.invoice),
        "prices_unknown": effect.prices_unknown,
    }


def standing_text(
    standing: StandingDecisions,
    names: SystemNames,
    currency: str,
    style: Style = PLAIN,
) -> str:
    """Returns each decision with person, end, reason, and what it still affects."""
    lines: list[Line] = []
    for one in standing.decisions:
        decision = one.decision
        row = one.name if one.name and one.name != decision.key else decision.key
        verdict = f"link to {decision.record}" if decision.record is not None else decision.verdict
        until = f"until {decision.until}" if decision.until else "for good"
        heading = f"{word(decision.mapping)} {known_as(row)}: {verdict}"
        lines.append(free(heading, style.heading))
        by = f"by {known_as(decision.by)}" if decision.by else "by an unknown user"
        reason = f": {sanitize(decision.reason)}" if decision.reason else ""
        lines.append(free(f"{by}, {until}{reason}", indent=2))
        lines.append(free(f"affects {_affects(one, names, currency)}", indent=2))
        lines.append(free(str(decision.place), style.dim, 2))
    if not lines:
        return "No decisions.\n"
    if standing.effect:
        (total,) = effect_totals(standing.effect, names, currency)
        lines.append(free(f"All together, against a plan without them: {total}"))
    elif standing.unknown:
        lines.append(free(f"What they affect is unknown: {standing.unknown}"))
    return "".join(f"{line}\n" for line in lay_out(lines, style.columns))


def standing_json(standing: StandingDecisions) -> Mapping[str, object]:
    """Returns the same as JSON."""
    return {
        "decisions": [
            {
                "mapping": decision.decision.mapping,
                "key": decision.decision.key,
                "name": decision.name,
                "do": str(decision.decision.verdict),
                "record": decision.decision.record,
                "reason": decision.decision.reason,
                "by": decision.decision.by,
                "until": decision.decision.until.isoformat() if decision.decision.until else None,
                "place": str(decision.decision.place),
                "standing": str(decision.standing),
                "changes_left": decision.left,
                "monthly_left": str(decision.left_monthly),
            }
            for decision in standing.decisions
        ],
        "effect": effect_json(standing.effect) if standing.effect else None,
        "unknown": standing.unknown,
    }


def _affects(one: StandingDecision, names: SystemNames, currency: str) -> str:
    match one.standing:
        case Standing.ENDED:
            return f"nothing: it ended on {one.decision.until}"
        case Standing.GONE:
            return f"nothing: no row has the key {known_as(one.decision.key)}"
        case Standing.DONE:
            return "nothing more: it is done"
        case Standing.NOTHING:
            return "nothing: the next plan is the same without it"
        case Standing.UNKNOWN:
            return "what is unknown without a plan"
        case Standing.WORKS:
            return _works(one, names, currency)
        case _:
            assert_never(one.standing)


def _works(one: StandingDecision, names: SystemNames, currency: str) -> str:
    if one.decision.verdict is Verdict.IGNORE:
        effect = one.left_monthly
        amount = f", {money(effect, currency, signed=True)} a month" if effect else ""
        changes = count(one.left, "change")
        return f"{changes} of the row and of rows under it, which are not made{amount}"
    if one.effect is None:
        return "the next plan"
    then, now = _then(one.effect, names), _now(one.effect.before, names)
    return f"the next plan: {then}; without it: {now}"


def _outlook_json(outlook: RowOutlook) -> Mapping[str, object]:
    return {
        "changes": [str(change.action) for change in outlook.changes],
        "units": sum(change.unit_change for change in outlook.changes),
        "monthly": str(outlook.monthly),
        "state": outlook.state,
        "reason": outlook.reason,
    }


def _row(one: EffectRow) -> Line:
    return Line(
        (
            Cell(f"  {one.name}"),
            Cell(one.now),
            Cell("→"),
            Cell(one.then, wraps=True),
            Cell(one.money, right=True),
        ),
        "row",
    )


def _now(outlook: RowOutlook, names: SystemNames) -> str:
    """What the plan without the decision does with the row."""
    return outlook.state or _changes(outlook, names) or "nothing to do"


def _then(one: RowEffect, names: SystemNames) -> str:
    """Returns what the plan with the decision does with the row, or why it is stopped."""
    if one.after.changes:
        return _changes(one.after, names)
    if one.after.state:
        return f"{one.after.state}: {known_as(one.after.reason, _REASON_COLUMNS)}"
    return "left alone" if one.verdict is Verdict.IGNORE else "nothing to do"


def _changes(outlook: RowOutlook, names: SystemNames) -> str:
    return ", ".join(dict.fromkeys(_change(change, names) for change in outlook.changes))


def _change(change: Change, names: SystemNames) -> str:
    match change.action:
        case Action.LINK:
            return f"link to {sanitize(change.entity)} {change.record}"
        case Action.CREATE:
            return f"new {sanitize(change.entity)}"
        case Action.UPDATE:
            fields = ", ".join(sanitize(field.field) for field in change.fields)
            return f"change {known_as(fields, _REASON_COLUMNS)}"
        case Action.DEACTIVATE:
            return f"switch off {sanitize(change.entity)} {change.record}"
        case Action.ADJUST:
            before, after = change.units or (0, 0)
            day = f" from {change.adjustment.day}" if change.adjustment else ""
            return f"units {before} → {after}{day}"
        case Action.WRITE_BACK:
            return f"mark in {names.source}"
        case _:
            assert_never(change.action)


_MORE = {
    Action.LINK: ("link", "links"),
    Action.CREATE: ("new record", "new records"),
    Action.UPDATE: ("changed record", "changed records"),
    Action.DEACTIVATE: ("record switched off", "records switched off"),
    Action.ADJUST: ("adjustment", "adjustments"),
    Action.WRITE_BACK: ("mark", "marks"),
}


def effect_totals(effect: Effect, names: SystemNames, currency: str) -> list[str]:
    """The difference between the two plans in rows, and in units and money."""
    parts = []
    for action in Action:
        many = effect.actions.get(str(action), 0)
        if many:
            what = _MORE[action][abs(many) > 1]
            where = f" in {names.source}" if action is Action.WRITE_BACK else ""
            parts.append(f"{abs(many):,} {what}{where} {'more' if many > 0 else 'fewer'}")
    if effect.blocked:
        word = "more" if effect.blocked > 0 else "fewer"
        parts.append(f"{count(abs(effect.blocked), 'row')} {word} blocked or held")
    if effect.left_out:
        word = "more" if effect.left_out > 0 else "fewer"
        parts.append(f"{count(abs(effect.left_out), 'row')} {word} left alone")
    rows = ", ".join(parts) or "the next plan has the same changes"
    figures = [f"{signed(effect.units)} units"] if effect.units else []
    for amount, what in ((effect.monthly, "a month"), (effect.invoice, "on this invoice run")):
        if amount:
            figures.append(f"{money(amount, currency, signed=True)} {what}")
    if effect.prices_unknown > 0:
        figures.append(f"{count(effect.prices_unknown, 'price')} unknown")
    return [f"{rows}; {', '.join(figures) or 'no units and no money'}."]
