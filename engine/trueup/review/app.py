"""The desk of a project as an ASGI app: its addresses, behind the gate."""

from starlette.types import ASGIApp

from trueup.review import (
    applying,
    approvals_list,
    approving,
    deciding,
    explaining,
    lists,
    noting,
    progress,
    runs,
    searching,
    setting_up,
    settling,
)
from trueup.review.desk import Desk
from trueup.review.desk_app import Handler, desk_app, script_page
from trueup.review.gate import Answers, Gate
from trueup.review.login import LogIn
from trueup.review.pages import failure, refusal
from trueup.review.sessions import Sessions
from trueup.review.site import Site
from trueup.review.wait_page import plan_again, with_plan, working


def create_app(desk: Desk, sessions: Sessions, site: Site, log_in: LogIn) -> ASGIApp:
    """Returns the app that serves a desk at `site` to people who have logged in."""
    app = desk_app(_pages(), _actions(), desk.failures, failure)
    app.state.desk = desk
    answers = Answers(refusal, desk.failures.report, desk.people.refusal)
    return Gate(app, sessions, site, log_in, answers)


def _pages() -> dict[str, Handler]:
    """Returns the handlers of addresses that only read."""
    shown = {
        "/": lists.first_page,
        "/rows": lists.rows,
        "/row": deciding.row,
        "/found": searching.found_at_once,
        "/decision": deciding.decision,
        "/explanation": explaining.explanation,
        "/preview": applying.preview,
        "/approval": approving.approval,
        "/approvals": approvals_list.approvals,
        "/applying": applying.applying,
        "/waiting": lists.waiting,
        "/ledger": lists.ledger,
        "/findings": lists.findings,
        "/runs": runs.runs,
        "/run": runs.run,
        "/doubt": settling.doubt,
        "/download/history.csv": runs.download,
        "/download/{name}": lists.download,
    }
    plain = {
        "/working": working,
        "/progress": progress.progress,
        "/setup": setting_up.setup,
        "/setup/edit": setting_up.edit,
        "/doctor": setting_up.doctor,
        **{f"/{name}": script_page(name) for name in ("desk.js", "progress.js")},
    }
    return {**{path: with_plan(handler) for path, handler in shown.items()}, **plain}


def _actions() -> dict[str, Handler]:
    """Returns the handlers of the desk's forms, which change something."""
    return {
        "/plan": plan_again,
        "/preview": with_plan(applying.make_preview),
        "/approval": approving.state,
        "/apply": applying.apply,
        "/stop": applying.stop,
        "/resume": applying.resume,
        "/note": with_plan(noting.note),
        "/explain": with_plan(explaining.explain_row),
        "/undo": runs.undo,
        "/setup": setting_up.propose,
        "/setup/edit": setting_up.write,
        "/settle": with_plan(settling.settle),
        "/close": with_plan(settling.close),
        "/decide": with_plan(deciding.decide),
        "/decision": deciding.write,
    }
