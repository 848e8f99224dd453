"""Writes CSV that is safe in a spreadsheet, and the history of runs as CSV.

Text that a spreadsheet would treat as a formula gets an apostrophe in front; numbers stay numbers.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, tzinfo
from decimal import Decimal

from trueup.model.change import Change, FieldChange
from trueup.model.history import RunHistory, change_data, change_status
from trueup.render.changes import after, before, record_of
from trueup.render.history import value_text
from trueup.render.moments import in_zone
from trueup.render.sanitize import sanitize

LONGEST = 32_000  # what a cell of a spreadsheet takes
HISTORY_COLUMNS = (
    "run", "started", "who", "host", "plan", "status", "action", "mapping", "key", "name",
    "entity", "record", "day", "units before", "units after", "field", "before", "after", "known",
    "last step at",
)  # fmt: skip

_FORMULA = frozenset("=+-@|%\uff1d\uff0b\uff0d\uff20")  # the last four are full-width
Figure = str | int | Decimal | date | None
Cells = dict[str, Figure]


def history_csv(runs: Sequence[RunHistory], zone: tzinfo) -> str:
    """One line for each field of each change of these runs."""
    return written(HISTORY_COLUMNS, (cells for run in runs for cells in _run(run, zone)))


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would compute the text."""
    return text[:1] in _FORMULA


def guarded(text: str) -> str:
    """The text, with an apostrophe in front where a spreadsheet would compute it."""
    cell = sanitize(text, LONGEST)
    return f"'{cell}" if is_formula(cell) else cell


def written(columns: Sequence[str], rows: Iterable[Cells]) -> str:
    """A table as CSV: text and days in quotes, numbers as they are."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(name, "")) for name in columns])
    return out.getvalue()


def _cell(value: Figure) -> str | int | Decimal | None:
    if isinstance(value, str):
        return guarded(value)
    return value.isoformat() if isinstance(value, date) else value


def about(change: Change) -> Cells:
    """Returns what a change is, and the units that it moves, with their day."""
    units_before, units_after = change.units or (None, None)
    day = change.adjustment.day if change.adjustment else None
    return {
        "action": str(change.action),
        "mapping": change.mapping,
        "key": ", ".join(change.keys),
        "name": change.name,
        "entity": change.entity,
        "record": record_of(change),
        "day": day,
        "units before": units_before,
        "units after": units_after,
    }


def each_field(change: Change) -> list[Cells]:
    """One row for each field of the change; one empty row where it has none."""
    return [_field(field) for field in change.fields] or [{}]


def _field(field: FieldChange) -> Cells:
    return {
        "field": field.field,
        "before": "" if field.before is None else before(field),
        "after": after(field),
        "reason": str(field.reason),
    }


def _run(history: RunHistory, zone: tzinfo) -> list[Cells]:
    run = history.run
    rows: list[Cells] = []
    for change, entries in history.by_change():
        common: Cells = {
            "run": run.id,
            "started": in_zone(run.started, zone),
            "who": run.who,
            "host": run.host,
            "plan": run.plan_digest,
            "status": change_status(entries),
            "known": value_text(change_data(entries)),
            "last step at": in_zone(entries[-1].at, zone) if entries else "",
        }
        rows += [{**about(change), **common, **field} for field in each_field(change)]
    return rows
