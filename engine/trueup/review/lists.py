"""Pages with lists: the tabs, the ledger, the findings; and the downloads of the plan."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from trueup.model.finding_codes import DEPENDS
from trueup.model.plan import Plan
from trueup.render.attention import Item
from trueup.render.formatting import count, money, sentence
from trueup.render.noted import Noted, assignee, tags
from trueup.render.overview import balance
from trueup.render.plan_csv import plan_csv
from trueup.render.plan_html import plan_html
from trueup.render.plan_tables import TableKind
from trueup.render.plan_xlsx import plan_xlsx
from trueup.render.report import balance_rows, finding_row, left_out
from trueup.review.bulk import choices, is_pending
from trueup.review.current_plan import CurrentPlan
from trueup.review.filters import NOBODY, Filter, ListedRow, counted, price_unknown, total
from trueup.review.held_back import HeldBack, held_back
from trueup.review.ledger_outlooks import outlook_lines
from trueup.review.owners import Owner
from trueup.review.pages import address, failure_text, page
from trueup.review.rows import LedgerRow, Row, Tab, whole_of

ROW_SUMS = ("this invoice", "a month", "needs a person, a month")
"""Names of the amounts of a tab's rows."""

LEDGER_SUMS = ("billed wrong, a month", "this plan moves", "held", "unexplained")
"""Names of the amounts of the ledger's lines."""

BECOMES = ("this plan moves", "held", "unexplained", "not known", "billed wrong, a month")
"""Names of the ledger's columns after the two systems."""

NO_TAB = "There is no such tab: the mappings name others."
NO_FILE = "There is no such download."

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _csv(table: TableKind) -> Callable[[Plan, Noted], str]:
    return lambda plan, noted: plan_csv(plan, table, noted)


_FILES: Mapping[str, tuple[str, Callable[[Plan, Noted], str | bytes]]] = {
    "plan.html": ("text/html; charset=utf-8", lambda plan, noted: plan_html(plan, noted=noted)),
    "plan.xlsx": (_XLSX, plan_xlsx),
    **{f"{table}.csv": ("text/csv; charset=utf-8", _csv(table)) for table in TableKind},
}
"""The downloads: name → media type, and what makes it."""


def first_page(_request: Request, current: CurrentPlan) -> Response:
    """Redirects to the first tab; to the ledger of a project without mappings."""
    tab = current.tabs[0].name if current.tabs else ""
    where_to = address("/rows", tab=tab) if tab else "/ledger"
    return RedirectResponse(where_to, HTTPStatus.SEE_OTHER)


def rows(request: Request, current: CurrentPlan) -> Response:
    """Shows one tab: its rows, with a tick box for each that can be applied."""
    name = request.query_params.get("tab", "")
    tab = next((one for one in current.tabs if one.name == name), None)
    if tab is None:
        return failure_text(request, NO_TAB, HTTPStatus.NOT_FOUND)
    here = [row for row in current.rows if row.tab == name]
    earlier = held_back(current, tab, here)
    return _rows_page(request, current, tab, here, "/rows", {"tab": name}, earlier)


def waiting(request: Request, current: CurrentPlan) -> Response:
    """Shows the rows of all tabs that need a person: those that the head counts."""
    here = current.needy_rows
    whole = whole_of("Needs a person", current.seen, here)
    return _rows_page(request, current, whole, here, "/waiting", {}, ())


def _rows_page(  # noqa: PLR0913, PLR0917 -- what differs between a tab and all that waits
    request: Request,
    current: CurrentPlan,
    tab: Tab,
    here: Sequence[Row],
    path: str,
    base: Mapping[str, str],
    earlier: Sequence[HeldBack],
) -> Response:
    """Shows a list of rows with tick boxes, and the actions for the ticked rows."""
    wanted = Filter.from_query(request.query_params)
    chosen, selected = wanted.choose(here), wanted.select(here)
    return page(
        request,
        "rows.html",
        tab.name,
        current=current,
        active=tab.name,
        tab=tab,
        list=path.removeprefix("/"),
        money=lambda amount: _money(amount, current),
        sums=ROW_SUMS,
        choices=choices(current.project, here),
        selected=_decidable(selected),
        unpriced=len(chosen) - len(selected),
        has_pending=any(is_pending(current.project, row.ref) for row in chosen),
        reasons=_reasons,
        count=count,
        has_changes=any(row.changes for row in chosen),
        to_apply=sum(1 for row in selected if row.changes and row.keys),
        earlier=earlier,
        more=listing(here, wanted, base, path),
    )


def _reasons(item: Item) -> Sequence[str]:
    """Returns why a row is stopped, one sentence each; rows that it waits for are links."""
    texts = [
        finding.text for finding in item.findings if not (item.because and finding.code == DEPENDS)
    ]
    return [sentence(text) for text in texts]


def _decidable(selected: Sequence[Row | LedgerRow]) -> int:
    """Returns how many rows a decision for the whole list is about: those with a key."""
    return sum(1 for row in selected if row.ref.key)


def _money(amount: object, current: CurrentPlan) -> str:
    """Returns an amount with its sign; "" if there is none."""
    return "" if amount is None else money(amount, current.plan.currency, signed=True)  # type: ignore[arg-type]


def listing(
    here: Sequence[ListedRow], wanted: Filter, base: Mapping[str, str], path: str
) -> Mapping[str, object]:
    """Returns the template values of a list: its page, its filter and its addresses.

    In groups, the page is one of groups, and `whole` has the sums of all of them.
    """
    group = wanted.group
    chosen = wanted.choose(here) if group else []
    return {
        "part": wanted.groups(here, group) if group else wanted.part(here),
        "whole": total(chosen),
        "whole_price_unknown": price_unknown(chosen),
        "wanted": wanted,
        "states": counted(row.states for row in here),
        "classes": counted(row.classes for row in here),
        "owners": [str(one) for one in Owner],
        "assignees": counted([assignee(row.notes) or NOBODY] for row in here),
        "tags": counted(tags(row.notes) for row in here),
        "base": base,
        "path": path,
        "to": lambda **changes: address(path, **base, **wanted.query(**changes)),
    }


def ledger(request: Request, current: CurrentPlan) -> Response:
    """Shows the ledger with its five totals; the lines with the largest error come first."""
    wanted = Filter.from_query(request.query_params)
    chosen, selected = wanted.choose(current.ledger), wanted.select(current.ledger)
    return page(
        request,
        "ledger.html",
        "Ledger",
        current=current,
        active="Ledger",
        balance=balance_rows(current.seen, current.view),
        columns=ledger_columns(current),
        choices=choices(current.project, current.ledger),
        selected=_decidable(selected),
        unpriced=len(chosen) - len(selected),
        totals=[str(row.label).strip().casefold() for row in balance(current.seen)],
        outlooks=lambda row: outlook_lines(current, row),
        sums=LEDGER_SUMS,
        money=lambda amount: _money(amount, current),
        more=listing(current.ledger, wanted, {}, "/ledger"),
    )


def ledger_columns(current: CurrentPlan) -> tuple[str, ...]:
    """Returns the column names of ledger lines."""
    return (current.plan.names.source, "billed now", *BECOMES)


def findings(request: Request, current: CurrentPlan) -> Response:
    """Shows the findings that stop no row, and the rows that are left out on purpose."""
    wanted = Filter.from_query(request.query_params)
    return page(
        request,
        "findings.html",
        "Findings",
        current=current,
        active="Findings",
        shown=lambda row: finding_row(row.finding, current.view),
        has_page=lambda row: row.ref in current.by_row,
        left_out=left_out(current.plan),
        notices=current.notices,
        more=listing(current.findings, wanted, {}, "/findings"),
    )


def download(request: Request, current: CurrentPlan) -> Response:
    """Returns the plan as a file: the report, the workbook, or one of the tables."""
    name = request.path_params["name"]
    if name not in _FILES:
        return failure_text(request, NO_FILE, HTTPStatus.NOT_FOUND)
    media_type, make = _FILES[name]
    day = current.plan.as_of.isoformat()
    headers = {"Content-Disposition": f'attachment; filename="{day}-{name}"'}
    content = make(current.plan, Noted(current.project.notes))
    return Response(content, media_type=media_type, headers=headers)
