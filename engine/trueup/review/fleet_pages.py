"""The pages of a fleet: its tenants, the plans that wait for an approval, and their forms."""

from collections.abc import Callable
from decimal import Decimal
from http import HTTPStatus

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from trueup.errors import EngineError
from trueup.fleet.approve import PlanForApproval, answer, plan_for_approval
from trueup.fleet.connection import Connection
from trueup.fleet.open_fleet import OpenFleet, require_tenants
from trueup.fleet.schedule import request_runs
from trueup.fleet.status import fleet_status, runs_of
from trueup.model.approval import Statement
from trueup.model.arguments import is_visible
from trueup.model.fleet_run import FleetRun, FleetStatus, RunKind, TenantStatus, Waits
from trueup.render.fleet import FAULTY, stake_text, state_text, summary_text, waits_text
from trueup.render.moments import in_utc
from trueup.render.plan_html import plan_html
from trueup.render.report import ReasonText, pieces
from trueup.render.text import plan_text
from trueup.review.background_tasks import Failures
from trueup.review.filters import page_number, page_of
from trueup.review.gate import CSRF
from trueup.review.pages import RawText, address, environment, form_of, session_of

PAGE = 100
"""Tenants on a page."""

REFRESH = 5
"""Seconds after which a page with active runs reloads itself."""

OTHER_PLAN = (
    "The plan that waits is another one than the page showed: the tenant was planned again "
    "meanwhile. Nothing was written. Look at the new plan."
)

NO_KIND = "Run the tenant, or only plan it. Nothing was queued."
NO_ANSWER = "Approve or refuse the plan. Nothing was written."
NO_REASON = "A refusal needs a reason, for the person who looks after the tenant."

RUNS = {"run": RunKind.REQUESTED, "plan": RunKind.PLAN}
"""The values of the buttons that queue a run, with the kind of each."""

ANSWERS = {str(one): one for one in (Statement.YES, Statement.NO)}
"""The statements that a plan can be answered with, by their values in the form."""

STATES: dict[str, Callable[[TenantStatus], bool]] = {
    "waits for a person": lambda one: one.waits not in {Waits.NOTHING, Waits.WINDOW},
    "in doubt": lambda one: one.doubt is not None,
    "failed": lambda one: one.last is not None and one.last.status in FAULTY,
    "queued or at work": lambda one: one.current is not None,
    "never run": lambda one: one.last is None,
}
"""The conditions that filter the list, by their names."""


class FleetDesk(Struct, frozen=True):
    """The fleet that the pages show and change."""

    opened: OpenFleet
    failures: Failures


def fleet_desk_of(request: Request) -> FleetDesk:
    """Returns the fleet that the app serves."""
    desk: FleetDesk = request.app.state.desk
    return desk


class _Row(Struct, frozen=True):
    """A tenant in the list."""

    name: str
    address: RawText
    last: str
    state: str
    is_faulty: bool
    next: str
    stake: str
    waits: str
    why: str


def tenants(request: Request) -> Response:
    """Lists the tenants: those that wait for a person first, then by what is at stake."""
    with fleet_desk_of(request).opened.connect() as connection:
        status = fleet_status(connection)
    query = request.query_params
    chosen, text = query.get("state", ""), query.get("text", "").strip()
    fits = STATES.get(chosen)
    found = [
        one
        for one in status.tenants
        if (fits is None or fits(one)) and text.lower() in one.name.lower()
    ]
    rows = [_row(one) for one in sorted(found, key=_weight)]
    part = page_of(rows, page_number(query.get("page", "")), PAGE)
    return _page(
        request,
        "fleet.html",
        status.fleet or "Fleet",
        refresh=REFRESH if any(one.current for one in status.tenants) else 0,
        summary=summary_text(status),
        states=_counts(status),
        chosen=chosen,
        text=text,
        part=part,
        to=lambda page: address("/", state=chosen, text=text, page=page),
    )


def _counts(status: FleetStatus) -> dict[str, int]:
    return {name: sum(map(fits, status.tenants)) for name, fits in STATES.items()}


def _weight(one: TenantStatus) -> tuple[bool, Decimal]:
    needs_person = one.doubt is not None or STATES["waits for a person"](one)
    return not needs_person, -(one.last.at_stake if one.last else Decimal(0))


def _row(one: TenantStatus) -> _Row:
    last = one.last
    return _Row(
        name=one.name,
        address=address("/tenant", name=one.name),
        last=in_utc(last.ended) if last else "never",
        state=state_text(one),
        is_faulty=last is not None and last.status in FAULTY,
        next=in_utc(one.next) if one.next else "–",
        stake=stake_text(last),
        waits=waits_text(one),
        why=last.text if last else "",
    )


class _RunRow(Struct, frozen=True):
    """A run of a tenant."""

    id: int
    why: str
    started: str
    ended: str
    status: str
    is_faulty: bool
    figures: str
    text: str


def tenant(request: Request) -> Response:
    """Shows one tenant: its runs, and the plan that waits for an approval."""
    desk = fleet_desk_of(request)
    name = request.query_params.get("name", "")
    with desk.opened.connect() as connection:
        require_tenants(connection, (name,))
        [standing] = fleet_status(connection, (name,)).tenants
        runs = runs_of(connection, name)
        waiting = _waiting(desk, connection, standing)
    return _page(
        request,
        "tenant.html",
        name,
        refresh=REFRESH if standing.current else 0,
        one=_row(standing),
        does=standing.does,
        runs=[_run_row(run) for run in runs],
        plan=plan_text(waiting.plan) if waiting else "",
        digest=RawText(waiting.stored.digest) if waiting else "",
        limits=waiting.stored.limits if waiting else (),
        download=address("/plan", name=name),
    )


def _waiting(
    desk: FleetDesk, connection: Connection, standing: TenantStatus
) -> PlanForApproval | None:
    """Returns the plan of a tenant that can be approved now."""
    if standing.waits not in {Waits.APPROVAL, Waits.LIMITS, Waits.REFUSED}:
        return None
    return plan_for_approval(desk.opened.read_again(), connection, standing.name)


def _run_row(run: FleetRun) -> _RunRow:
    figures = run.figures
    planned = f"{figures.changes:,} planned" if figures else ""
    outcomes = ", ".join(f"{count:,} {name}" for name, count in run.outcomes.items())
    return _RunRow(
        id=run.id,
        why=str(run.kind),
        started=in_utc(run.started),
        ended=in_utc(run.ended),
        status=str(run.status),
        is_faulty=run.status in FAULTY,
        figures=outcomes or planned,
        text=run.text,
    )


def plan(request: Request) -> Response:
    """Returns the plan that waits, as the report of `trueup show --format html`."""
    desk = fleet_desk_of(request)
    name = request.query_params.get("name", "")
    with desk.opened.connect() as connection:
        waiting = plan_for_approval(desk.opened.read_again(), connection, name)
    return Response(
        plan_html(waiting.plan),
        media_type="text/html; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.plan.html"'},
    )


def run(request: Request) -> Response:
    """Queues a run of a tenant, or only a plan."""
    desk, form = fleet_desk_of(request), form_of(request)
    name, kind = form.raw("tenant"), RUNS.get(form.value("do"))
    if kind is None:
        return _refused(request, NO_KIND)
    with desk.opened.connect() as connection:
        names = require_tenants(connection, (name,))
        request_runs(connection, desk.opened.queue, names, kind)
    return RedirectResponse(address("/tenant", name=name), HTTPStatus.SEE_OTHER)


def approve(request: Request) -> Response:
    """Approves or refuses the plan that the page showed, and no other one."""
    desk, form = fleet_desk_of(request), form_of(request)
    name, reason = form.raw("tenant"), form.value("reason")
    statement = ANSWERS.get(form.value("answer"))
    if statement is None:
        return _refused(request, NO_ANSWER)
    if statement is Statement.NO and not is_visible(reason):
        return _refused(request, NO_REASON)
    opened = desk.opened.read_again()
    with opened.connect() as connection:
        waiting = plan_for_approval(opened, connection, name)
        if waiting.stored.digest != form.raw("digest"):
            raise EngineError(OTHER_PLAN)
        who = session_of(request).person
        over = form.values("over")
        done = answer(opened, connection, waiting, who, statement, reason, over)
    if statement is Statement.YES and not done.is_queued:
        raise EngineError(done.text)
    return RedirectResponse(address("/tenant", name=name), HTTPStatus.SEE_OTHER)


def _refused(request: Request, text: str) -> HTMLResponse:
    return fleet_failure(request, (ReasonText(pieces(text), (), ""),), HTTPStatus.BAD_REQUEST)


def fleet_failure(request: Request, reasons: tuple[ReasonText, ...], status: int) -> HTMLResponse:
    """Returns a page with the reasons why a request was refused."""
    shown = {"base": "fleet_base.html", "reasons": reasons}
    return _page(request, "failure.html", "Not done", status=status, **shown)


def _page(
    request: Request, template: str, title: str, *, status: int = HTTPStatus.OK, **values: object
) -> HTMLResponse:
    session = session_of(request)
    text = (
        environment()
        .get_template(template)
        .render(
            title=title,
            person=session.person,
            csrf_name=CSRF,
            csrf=RawText(session.csrf),
            **{"refresh": 0, **values},
        )
    )
    return HTMLResponse(text, status)
