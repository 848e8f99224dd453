"""Changes, ledger and history as CSV. A spreadsheet that opens it computes nothing.

Text that a spreadsheet would take for a formula gets an apostrophe in front; figures stay figures.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import tzinfo
from decimal import Decimal

from engine.model.plan import Change, FieldChange, LedgerLine, Plan
from engine.render.changes import after, before, first_day
from engine.render.harmless import clean
from engine.render.history import moment, said
from engine.render.ledger import sorted_by_class
from engine.render.told import Told, data, status

LONGEST = 32_000  # what a cell of a spreadsheet takes
PLAN_COLUMNS = (
    "part", "tab", "mapping", "key", "name", "action", "entity", "record", "field", "before", "after",
    "reason", "day", "quantity", "units before", "units after", "pending", "difference", "class", "monthly",
    "one-off", "currency", "note",
)  # fmt: skip
HISTORY_COLUMNS = (
    "run", "started", "who", "host", "plan", "status", "action", "mapping", "key", "name", "entity", "record",
    "day", "units before", "units after", "field", "before", "after", "known", "last step at",
)  # fmt: skip

_FORMULA = frozenset("=+-@|%\uff1d\uff0b\uff0d\uff20")  # the last four are full-width
Figure = str | int | Decimal | None
Cells = dict[str, Figure]


def plan_csv(plan: Plan) -> str:
    """One line for each field of each change, then one for each line of the ledger."""
    changes = (cells for change in plan.changes for cells in _change(change, plan.currency))
    return _written(PLAN_COLUMNS, [*changes, *(_ledger(line, plan) for line in sorted_by_class(plan.ledger))])


def history_csv(told: Sequence[Told], zone: tzinfo) -> str:
    """One line for each field of each change of these runs."""
    return _written(HISTORY_COLUMNS, (cells for one in told for cells in _run(one, zone)))


def guarded(text: str) -> str:
    """The text, with an apostrophe in front where a spreadsheet would compute it."""
    cell = clean(text, LONGEST)
    return f"'{cell}" if cell[:1] in _FORMULA else cell


def _written(columns: Sequence[str], rows: Iterable[Cells]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([guarded(cell) if isinstance(cell := row.get(name, ""), str) else cell for name in columns])
    return out.getvalue()


def _about(change: Change) -> Cells:
    units_before, units_after = change.units or (None, None)
    day = first_day(change) if change.final else None
    return {
        "action": str(change.action),
        "mapping": change.mapping,
        "key": ", ".join(change.keys),
        "name": change.name,
        "entity": change.entity,
        "record": change.record,
        "day": day.isoformat() if day else "",
        "units before": units_before,
        "units after": units_after,
    }


def _each_field(change: Change) -> list[Cells]:
    return [_field(field) for field in change.fields] or [{}]


def _field(field: FieldChange) -> Cells:
    return {
        "field": field.field,
        "before": "" if field.before is None else before(field),
        "after": after(field),
        "reason": str(field.reason),
    }


def _change(change: Change, currency: str) -> list[Cells]:
    money: Cells = {
        "part": "changes",
        "tab": change.tab,
        "monthly": change.monthly,
        "one-off": change.one_off,
        "currency": currency,
        "note": "; ".join(change.notes),
    }
    return [{**_about(change), **money, **field} for field in _each_field(change)]


def _ledger(line: LedgerLine, plan: Plan) -> Cells:
    return {
        "part": "ledger",
        "mapping": line.mapping,
        "key": line.key,
        "name": line.name,
        "record": line.record,
        "day": line.day.isoformat(),
        "quantity": line.quantity,
        "units before": line.units,
        "pending": line.pending,
        "difference": line.difference,
        "class": str(line.class_),
        "monthly": line.monthly,
        "currency": plan.currency,
        "note": "; ".join(part for part in (line.text, line.remedy) if part),
    }


def _run(told: Told, zone: tzinfo) -> list[Cells]:
    run = told.run
    found: list[Cells] = []
    for change, entries in told.by_change():
        about: Cells = {
            "run": run.id,
            "started": moment(run.started, zone),
            "who": run.who,
            "host": run.host,
            "plan": run.plan_digest,
            "status": status(entries),
            "known": said(data(entries)),
            "last step at": moment(entries[-1].at, zone) if entries else "",
        }
        found += [{**_about(change), **about, **field} for field in _each_field(change)]
    return found
