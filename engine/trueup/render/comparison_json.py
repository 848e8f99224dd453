"""A comparison of two plans as JSON, for programs."""

from collections.abc import Mapping
from datetime import date

from trueup.model.change import Change
from trueup.model.comparison import ChangePair, Comparison, LedgerPair
from trueup.model.plan import LedgerLine, Plan
from trueup.model.plan_json import encode
from trueup.planning.comparison import FACTS
from trueup.render.amounts import plan_money
from trueup.render.comparison_money import Invoice, Total, invoices, months, totals
from trueup.render.json_ import as_json


def comparison_json(comparison: Comparison) -> str:
    """Everything that differs, with amounts as numbers in the currency of the project."""
    return as_json(
        {
            "compared_with": comparison.other,
            "differs": comparison.differs,
            "as_of": comparison.after.as_of.isoformat(),
            "currency": comparison.after.currency,
            "selection": comparison.after.selection,
            "calls": comparison.calls,
            "extra_calls": comparison.extra_calls,
            "notes": [*comparison.notes],
            "plans": {"before": _plan(comparison.before), "after": _plan(comparison.after)},
            "money": [_total(total, "name") for total in totals(comparison)],
            "invoices": [_invoice(invoice) for invoice in invoices(comparison)],
            "months": [_total(total, "month") for total in months(comparison)],
            "changes": [_pair(pair) for pair in comparison.changes],
            "newly_blocked": encode(comparison.newly_blocked),
            "released": encode(comparison.released),
            "newly_left_out": encode(comparison.newly_left_out),
            "no_longer_left_out": encode(comparison.no_longer_left_out),
            "newly_exceeded": encode(comparison.newly_exceeded),
            "no_longer_exceeded": encode(comparison.no_longer_exceeded),
            "ledger": [_ledger(pair) for pair in comparison.ledger],
        }
    )


def _plan(plan: Plan) -> Mapping[str, object]:
    """The figures of one plan."""
    amounts = plan_money(plan)
    return {
        "project": plan.project,
        "changes": len(plan.changes),
        "blocked": plan.summary.blocked,
        "held": plan.summary.held,
        "this_invoice": encode(amounts.invoice.net),
        "monthly": encode(amounts.month.net),
        "prices_unknown": plan.summary.prices_unknown,
    }


def _total(total: Total, name: str) -> Mapping[str, object]:
    return {
        name: total.label,
        "before": encode(total.before),
        "after": encode(total.after),
        "change": encode(total.change),
    }


def _invoice(invoice: Invoice) -> Mapping[str, object]:
    return {
        "customer": encode(invoice.customer),
        "from": _fact(invoice.start),
        "before": encode(invoice.before),
        "after": encode(invoice.after),
    }


def _pair(pair: ChangePair) -> Mapping[str, object]:
    change = pair.change
    return {
        "kind": "appears"
        if pair.before is None
        else "vanishes"
        if pair.after is None
        else "differs",
        "mapping": change.mapping,
        "keys": [*change.keys],
        "name": change.name,
        "before": _change(pair.before),
        "after": _change(pair.after),
        "facts": [*pair.facts],
        "fields": [encode(field) for field in pair.fields],
    }


def _change(change: Change | None) -> Mapping[str, object] | None:
    if change is None:
        return None
    facts = {name.replace(" ", "_"): _fact(fact(change)) for name, fact in FACTS.items()}
    return {"id": change.id, **facts, "values": encode(change.values)}


def _fact(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else encode(value)


def _ledger(pair: LedgerPair) -> Mapping[str, object]:
    line = pair.line
    return {
        "mapping": line.mapping,
        "key": line.key,
        "name": line.name,
        "customer": line.customer,
        "before": _line(pair.before),
        "after": _line(pair.after),
    }


def _line(line: LedgerLine | None) -> Mapping[str, object] | None:
    if line is None:
        return None
    figures = {
        "quantity": line.quantity,
        "units": line.units,
        "moved": line.moved,
        "held": line.held_units,
        "unexplained": line.unexplained,
        "monthly": line.monthly,
    }
    return {"class": str(line.class_), **{name: encode(value) for name, value in figures.items()}}
