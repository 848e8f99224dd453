"""One decision for several rows of a list: for the ticked rows, or all that a filter shows."""

from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from msgspec import Struct
from msgspec.structs import replace

from trueup.model.change import Action
from trueup.model.project import Project
from trueup.model.verdict import Verdict
from trueup.operations.decide import possible
from trueup.operations.decision_entries import RequestedDecision
from trueup.operations.user import current_user
from trueup.review.current_plan import CurrentPlan
from trueup.review.filters import Filter
from trueup.review.forms import Form, FormError
from trueup.review.next_step import BY_MATCH
from trueup.review.rows import LedgerRow, Row, RowKey

CONFIRM = "confirm"
"""The value, beside the decisions, that links each row to its matched record."""

DISMISS = "dismiss"
"""The value of the button that dismisses the ticked rows, whatever decision is selected."""

FILTER = "filter"
"""The value, in place of ticks, for all rows of the filter, on all of its pages."""

DISMISSED = "dismissed for this month"
"""The reason of a decision by *Dismiss for this month*."""

NOTHING_TICKED = "Tick at least one row that is to be decided about."
NOT_PENDING = "Only pending changes can be dismissed for a month: ignore other rows until a day."
NO_VERDICT = "What is decided? Choose one of the decisions that the list offers."
GONE = "A row that was ticked is not in the plan any more: look at the list again."
NONE_DECIDABLE = "No row of this filter can be decided so."
NOT_FOUND_BY_MATCH = "No row that was ticked was found by match: there is nothing to confirm."

_WITH_LABELS = {
    Verdict.IGNORE: "ignore",
    Verdict.ARCHIVE: "archive: it is there already",
    Verdict.PUSH: "push: send it anyway",
    Verdict.CORRECT: "correct the units",
}
"""The decisions that several rows can have together, with their labels in the list."""


class BulkChoice(Struct, frozen=True):
    """A decision that a list offers for several rows."""

    value: str
    label: str


def choices(project: Project, rows: Iterable[Row | LedgerRow]) -> tuple[BulkChoice, ...]:
    """Returns the decisions that are possible for at least one of the rows."""
    shown = [*rows]
    found = (
        [BulkChoice(CONFIRM, "confirm what was found by match")] if any(map(_match, shown)) else []
    )
    mappings = dict.fromkeys(row.ref.mapping for row in shown if row.ref.mapping)
    verdicts = {
        one for name in mappings if name in project.mappings for one in possible(project, name)
    }
    found += [BulkChoice(str(one), label) for one, label in _WITH_LABELS.items() if one in verdicts]
    return tuple(found)


def is_pending(project: Project, ref: RowKey) -> bool:
    """Returns whether the row is a pending change, which can be dismissed for a month."""
    spec = project.mappings.get(ref.mapping)
    return bool(spec and spec.append and ref.key)


def dismissals(form: Form, current: CurrentPlan, now: datetime) -> list[RequestedDecision]:
    """Returns the decisions of *Dismiss for this month*: ignore until the month's last day.

    The change is back on the first day of the next month, in the business time zone. Raises
    FormError if nothing is ticked, or a ticked row is no pending change.
    """
    project = current.project
    refs = _refs(form.values("row"))
    if not refs:
        raise FormError(NOTHING_TICKED)
    if not all(is_pending(project, ref) for ref in refs):
        raise FormError(NOT_PENDING)
    until = _last_of_month(project.as_of or now.astimezone(project.zone).date())
    by_row = ((ref, current.by_row.get(ref)) for ref in refs)
    return [
        RequestedDecision(
            ref.mapping, key, Verdict.IGNORE, DISMISSED, until=until, by=current_user()
        )
        for ref, row in by_row
        for key in (_keys(row) if row else (ref.key,))
    ]


def list_decisions(form: Form, current: CurrentPlan) -> list[RequestedDecision]:
    """Returns the decisions of a list's form, by the current user. Raises FormError."""
    chosen = _chosen(form, current)
    if not chosen:
        raise FormError(NONE_DECIDABLE if form.value("what") == FILTER else NOTHING_TICKED)
    verdict, who = form.value("verdict"), current_user()
    if verdict == CONFIRM:
        confirmed = [(row, record) for row in chosen if (record := _match(row)) is not None]
        if not confirmed:
            raise FormError(NOT_FOUND_BY_MATCH)
        return [
            RequestedDecision(*row.ref, Verdict.LINK, form.value("reason"), record=record, by=who)
            for row, record in confirmed
        ]
    if verdict not in {*map(str, _WITH_LABELS)}:
        raise FormError(NO_VERDICT)
    if form.value("what") == FILTER:
        chosen = _decidable(current, Verdict(verdict), chosen)
    template = RequestedDecision(
        "",
        "",
        Verdict(verdict),
        form.value("reason"),
        until=form.day("until") if verdict == Verdict.IGNORE else None,
        on=form.day("on") if verdict == Verdict.PUSH else None,
        by=who,
    )
    return [
        replace(template, mapping=row.ref.mapping, key=key) for row in chosen for key in _keys(row)
    ]


def _decidable(
    current: CurrentPlan, verdict: Verdict, rows: Sequence[Row | LedgerRow]
) -> Sequence[Row | LedgerRow]:
    """Returns the rows for which the decision is possible.

    A decision about a whole list also reaches rows that no person has seen one by one. Raises
    FormError if it is possible for none.
    """
    project = current.project
    mappings = {
        name for name in {row.ref.mapping for row in rows} if verdict in possible(project, name)
    }
    differing = {(one.mapping, one.key) for one in current.plan.ledger if one.difference}
    found = [
        row
        for row in rows
        if row.ref.mapping in mappings and (verdict is not Verdict.CORRECT or row.ref in differing)
    ]
    if not found:
        raise FormError(NONE_DECIDABLE)
    return found


def _chosen(form: Form, current: CurrentPlan) -> Sequence[Row | LedgerRow]:
    """Returns the rows of the form. Raises FormError if one is no longer in the plan."""
    is_ledger = form.value("list") == "ledger"
    here: Sequence[Row | LedgerRow] = current.ledger if is_ledger else current.rows
    if form.value("what") == FILTER:
        fields = {name: form.raw(name) for name in form.fields}
        if form.value("list") == "waiting":
            here = current.needy_rows
        elif not is_ledger:
            here = [row for row in current.rows if row.tab == fields.get("tab", "")]
        return [row for row in Filter.from_query(fields).select(here) if row.ref.key]
    by_ref = {row.ref: row for row in here}
    refs = _refs(form.values("row"))
    if any(ref not in by_ref for ref in refs):
        raise FormError(GONE)
    return [by_ref[ref] for ref in refs]


def _refs(texts: Iterable[str]) -> list[RowKey]:
    parts = (text.partition(":") for text in dict.fromkeys(texts))
    return [RowKey(mapping, key) for mapping, _, key in parts]


def _keys(row: Row | LedgerRow) -> Sequence[str]:
    """Returns the source rows of a list row: changes of one day are merged."""
    return row.keys if isinstance(row, Row) else (row.ref.key,)


def _match(row: Row | LedgerRow) -> int | None:
    """Returns the record that was matched for the row; None if there is none."""
    changes = row.changes if isinstance(row, Row) else ()
    found = (
        change for change in changes if change.action is Action.LINK and change.how in BY_MATCH
    )
    return next((one.record for one in found), None)


def _last_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])
