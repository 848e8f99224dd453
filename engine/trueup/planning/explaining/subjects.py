"""Finds the subject of a question: a change, a row, a field, or a line of the ledger."""

from collections.abc import Sequence

from msgspec import Struct

from trueup.errors import EngineError
from trueup.model.change import Change
from trueup.model.mapping_state import RowKey
from trueup.model.plan import LedgerLine, Plan
from trueup.model.suggestions import hint
from trueup.planning.context import PlanContext
from trueup.planning.selection.arguments import (
    MOST,
    fitting_rows,
    no_mapping,
    no_row,
    only_row,
)
from trueup.planning.selection.row_names import matching_keys

LEDGER = "ledger:"
"""What a question about a line of the ledger begins with."""


class RowSubject(Struct, frozen=True):
    """A row, or one field of it."""

    mapping: str
    key: str
    field: str = ""


Subject = RowSubject | Change | LedgerLine


def find_subject(context: PlanContext, plan: Plan, text: str) -> Subject:
    """Returns the subject of `text`.

    It is `MAPPING:KEY`, `MAPPING:KEY.FIELD`, `ledger:…`, the id of a change, or the key or name of
    a row of any mapping. A row's name may stand for its key. Raises EngineError, with candidates,
    if `text` fits nothing or several.
    """
    if text.startswith(LEDGER):
        return _line(plan, text.removeprefix(LEDGER))
    mapping, colon, rest = text.partition(":")
    if colon and mapping in context.states:
        if found := _row(context, mapping, rest):
            return found
        if change := _change(plan, text):
            return change
        raise no_row(rest, [mapping], _names(context, mapping))
    if change := _change(plan, text):
        return change
    found_rows = [row for name in context.states for row in fitting_rows(context, text, name)]
    if not found_rows and colon and mapping.isidentifier():
        raise no_mapping(mapping, context.states)
    return RowSubject(*only_row(context, text, found_rows, [*context.states]))


def _change(plan: Plan, text: str) -> Change | None:
    return next((change for change in plan.changes if change.id == text), None)


def _row(context: PlanContext, mapping: str, text: str) -> RowSubject | None:
    """Returns the row, or a field of it; None if no row fits.

    A name may hold dots, and so may a field. Raises EngineError if more than one row fits, or the
    row has no such field.
    """
    if rows := _fitting(context, text, mapping):
        return RowSubject(*only_row(context, text, rows, [mapping]))
    spec = context.project.mappings[mapping]
    fields = {**spec.identity, **spec.fields}
    wrong: list[tuple[RowKey, str]] = []
    for position in (place for place, letter in enumerate(text) if letter == "."):
        key, field = text[:position], text[position + 1 :]
        rows = _fitting(context, key, mapping)
        if rows and field in fields:
            return RowSubject(*only_row(context, key, rows, [mapping]), field)
        wrong += [(row, field) for row in rows]
    if wrong:
        (_, key), field = wrong[0]
        remedy = hint(field, fields)
        raise EngineError(
            f"mapping {mapping} has no field {field!r} for {context.label(mapping, key)}"
            + (f": {remedy}" if remedy else "")
        )
    return None


def _fitting(context: PlanContext, text: str, mapping: str) -> list[RowKey]:
    """Returns the rows of a mapping that any command accepts, else those whose key begins so."""
    if not text.strip():
        return []
    return fitting_rows(context, text, mapping) or fitting_rows(context, text, mapping, least=1)


def _names(context: PlanContext, mapping: str) -> set[str]:
    keys = context.states[mapping].rows
    return {word for key in keys for word in (key, context.label(mapping, key))}


def _line(plan: Plan, text: str) -> LedgerLine:
    """Returns the ledger line with this key, name or record, perhaps after its mapping's name."""
    mapping, colon, rest = text.partition(":")
    has_mapping = bool(colon) and mapping in {line.mapping for line in plan.ledger}
    wanted = rest if has_mapping else text
    lines = [line for line in plan.ledger if not has_mapping or line.mapping == mapping]
    found = _fitting_lines(wanted, lines)
    if len(found) == 1:
        return found[0]
    if found:
        shown = "; ".join(
            f"{LEDGER}{line.mapping}:{line.key or line.record} ({line.name})"
            for line in found[:MOST]
        )
        more = f" and {len(found) - MOST:,} more" if len(found) > MOST else ""
        raise EngineError(f"{wanted!r} may be any of {len(found):,} lines: {shown}{more}")
    names = {word for line in plan.ledger for word in (line.key, line.name)}
    remedy = hint(wanted, names)
    raise EngineError(
        f"there is no line {wanted!r} in the ledger: give its key, its name or its record"
        + (f"; {remedy}" if remedy else "")
    )


def _fitting_lines(text: str, lines: Sequence[LedgerLine]) -> list[LedgerLine]:
    ids = {line.key or str(line.record): line for line in lines}
    by_record = [line for line in lines if str(line.record) == text]
    names = {key: line.name for key, line in ids.items()}
    return by_record or [
        ids[key] for key in matching_keys(text, names) or matching_keys(text, names, least=1)
    ]
