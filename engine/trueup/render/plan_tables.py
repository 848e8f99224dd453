"""A plan as tables for a spreadsheet; each row is one object, and no amount occurs twice.

Amounts are to the penny, and each column of them adds up to the plan's total. So do the units that
are moved, held and unexplained: a ledger line with an unknown side, in no total, has none.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import assert_never

from trueup.model.catalogue import SystemNames
from trueup.model.change import Action, Change, Reason, RowRef
from trueup.model.plan import LedgerLine, Plan
from trueup.render.amounts import PlanMoney, plan_money
from trueup.render.attention import Item, NeedKind, is_known, items
from trueup.render.belonging import Belonging, name_of
from trueup.render.changes import FOUND_BY
from trueup.render.csv_ import Cells, about, each_field
from trueup.render.findings import chain_text
from trueup.render.formatting import counts, price_places
from trueup.render.ledger import priced
from trueup.render.noted import NOTE_COLUMNS, NOTHING_NOTED, Noted
from trueup.render.pennies import penny
from trueup.render.wording import class_text, reason_text

CHANGE_COLUMNS = (
    "customer", "tab", "mapping", "key", "name", "service", "action", "entity", "record", "reason",
    "day", "units before", "units after", "invoice from", "invoice to", "this invoice",
    "of it once", "run rate", "annual", "lost", "price", "currency", "note", *NOTE_COLUMNS,
)  # fmt: skip
WAITING_COLUMNS = (
    "customer", "tab", "mapping", "key", "name", "state", "code", "reason", "remedy", "waits for",
    "holds back", "held units", "held a month", "unexplained units", "unexplained a month",
    "price", "currency", *NOTE_COLUMNS,
)  # fmt: skip
FIELD_COLUMNS = (
    "customer", "tab", "mapping", "key", "name", "action", "entity", "record", "field", "before",
    "after", "reason",
)  # fmt: skip
LEDGER_COLUMNS = (
    "customer", "mapping", "key", "name", "record", "day", "class", "quantity", "units", "pending",
    "moved", "held", "unexplained", "difference", "price", "repriced", "monthly", "currency",
    "note",
    *NOTE_COLUMNS,
)  # fmt: skip
FINDING_COLUMNS = (
    "customer", "mapping", "key", "name", "severity", "code", "text", "remedy", "place",
)  # fmt: skip


class TableKind(StrEnum):
    """The tables, by what a row is."""

    CHANGES = "changes"
    WAITING = "waiting"  # what is blocked, held or differs
    FIELDS = "fields"  # each field of each change
    LEDGER = "ledger"  # each subscription against the service that bills it
    FINDINGS = "findings"  # each result of a check

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in their order."""
        match self:
            case TableKind.CHANGES:
                return CHANGE_COLUMNS
            case TableKind.WAITING:
                return WAITING_COLUMNS
            case TableKind.FIELDS:
                return FIELD_COLUMNS
            case TableKind.LEDGER:
                return LEDGER_COLUMNS
            case TableKind.FINDINGS:
                return FINDING_COLUMNS
            case _:
                assert_never(self)


def rows_of(plan: Plan, table: TableKind, noted: Noted = NOTHING_NOTED) -> list[Cells]:
    """Returns the rows of a table of the plan, in the plan's order, with their notes."""
    match table:
        case TableKind.CHANGES:
            return [*_changes(plan, noted)]
        case TableKind.WAITING:
            return waiting_rows(items(plan), plan.currency, noted)
        case TableKind.FIELDS:
            return [*_fields(plan)]
        case TableKind.LEDGER:
            return [
                {**_line(line, plan), "monthly": amount, **noted.cells(line.mapping, [line.key])}
                for line, amount in priced(plan)
            ]
        case TableKind.FINDINGS:
            return [*_findings(plan)]
        case _:
            assert_never(table)


def waiting_rows(found: Iterable[Item], currency: str, noted: Noted = NOTHING_NOTED) -> list[Cells]:
    """Returns the rows of the table of what waits, for some of the plan's items."""
    return [
        {**_waiting(item, currency), **noted.cells(item.row.mapping, [item.row.key])}
        for item in found
    ]


def _changes(plan: Plan, noted: Noted) -> Iterable[Cells]:
    belonging, money = Belonging(plan), plan_money(plan)
    for change in plan.changes:
        invoice = change.invoice
        yield {
            **about(change),
            **_amounts(change, money),
            "customer": name_of(belonging.customer(change)),
            "tab": change.tab,
            "service": name_of(belonging.service(change)),
            "reason": why(change, plan.names),
            "invoice from": invoice.start if invoice else None,
            "invoice to": invoice.end if invoice else None,
            "currency": plan.currency,
            "note": "; ".join(change.notes),
            **noted.cells(change.mapping, change.keys),
        }


def _amounts(change: Change, money: PlanMoney) -> Cells:
    return {
        "this invoice": money.invoice.of(change.id),
        "of it once": money.once.of(change.id),
        "run rate": money.month.of(change.id),
        "annual": money.year.of(change.id),
        "lost": money.lost.of(change.id),
        "price": "unknown" if change.price_unknown else "",
    }


def why(change: Change, names: SystemNames) -> str:
    """Returns why the plan has the change, in words."""
    return "; ".join(reasons_of(change, names))


def reasons_of(change: Change, names: SystemNames) -> list[str]:
    """Returns why the plan has the change, each reason once."""
    reasons = [reason_text(field.reason, names) for field in change.fields]
    if change.is_undo:
        reasons = [reason_text(Reason.UNDO, names)]
    elif change.action is Action.LINK:
        reasons = [FOUND_BY.get(change.how, change.how)]
    elif change.action is Action.WRITE_BACK:
        reasons = [f"recorded in {names.source}"]
    elif change.adjustment and change.adjustment.is_transfer:
        reasons = ["moved to another service"]
    elif change.adjustment and change.adjustment.is_correction:
        reasons = [reason_text(Reason.DECISION, names)]
    elif change.adjustment:
        reasons = [reason_text(Reason.SOURCE, names)]
    return [*dict.fromkeys(reasons)]


def _waiting(item: Item, currency: str) -> Cells:
    differs = item.kind is NeedKind.DIFFERENCE
    first = item.findings[0] if item.findings else None
    cells: Cells = {
        "customer": name_of(item.customer),
        "tab": item.tab,
        "mapping": item.row.mapping,
        "key": item.row.key,
        "name": item.row.name,
        "state": str(item.kind),
        "code": first.code if first else "",
        "reason": "; ".join(finding.text for finding in item.findings),
        "remedy": "; ".join(finding.remedy for finding in item.findings if finding.remedy),
        "waits for": chain_text(item.because),
        "holds back": counts(item.holds_back),
        "price": "unknown" if item.unpriced else "",
        "currency": currency,
    }
    side = "unexplained" if differs else "held"
    if item.units:
        cells |= {f"{side} units": item.units, f"{side} a month": item.monthly}
    return cells


def _fields(plan: Plan) -> Iterable[Cells]:
    belonging = Belonging(plan)
    for change in plan.changes:
        if change.fields:
            owner: Cells = {"customer": name_of(belonging.customer(change)), "tab": change.tab}
            for field, cells in zip(change.fields, each_field(change), strict=True):
                reason = reason_text(field.reason, plan.names)
                yield {**about(change), **owner, **cells, "reason": reason}


def _findings(plan: Plan) -> Iterable[Cells]:
    belonging = Belonging(plan)
    for finding in plan.findings:
        row = RowRef(finding.mapping, finding.key, finding.name)
        yield {
            "customer": name_of(belonging.customer_of(row)) if finding.key else "",
            "mapping": finding.mapping,
            "key": finding.key,
            "name": finding.name,
            "severity": str(finding.severity),
            "code": finding.code,
            "text": finding.text,
            "remedy": finding.remedy,
            "place": str(finding.place or ""),
        }


def _line(line: LedgerLine, plan: Plan) -> Cells:
    summed: Cells = {
        "moved": line.moved,
        "held": line.held_units,
        "unexplained": line.unexplained,
        "repriced": None if line.repriced is None else penny(line.repriced),
    }
    return {
        "customer": line.customer,
        "mapping": line.mapping,
        "key": line.key,
        "name": line.name,
        "record": line.record,
        "day": line.day,
        "class": class_text(line.class_, plan.names),
        "quantity": line.quantity,
        "units": line.units,
        "pending": line.pending,
        **(summed if is_known(line) else {}),
        "difference": line.difference,
        "price": None if line.price is None else price_places(line.price),
        "currency": plan.currency,
        "note": "; ".join(part for part in (line.text, line.remedy) if part),
    }
