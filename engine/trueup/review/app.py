"""The desk as an ASGI app: its addresses, and the gate before them."""

from collections.abc import Callable
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from trueup.errors import EngineError
from trueup.review import (
    applying,
    approvals,
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
from trueup.review.gate import CSS, Answers, Gate
from trueup.review.login import LogIn
from trueup.review.pages import desk_of, failure, failure_text, refusal, script, stylesheet
from trueup.review.sessions import Sessions
from trueup.review.site import Site
from trueup.review.waiting import plan_again, with_plan, working

_NO_PAGE = "The desk has no such page."
_OTHER_METHOD = "This address takes no such request."


def create_app(desk: Desk, sessions: Sessions, site: Site, log_in: LogIn) -> ASGIApp:
    """The app that serves a desk at an address to those who have logged in."""
    app = Starlette(
        routes=[*_pages(), *_actions()],
        exception_handlers={HTTPException: _no_page},
    )
    app.state.desk = desk
    answers = Answers(refusal, desk.failures.report, desk.people.refusal)
    return Gate(app, sessions, site, log_in, answers)


def _pages() -> list[Route]:
    """Addresses that only read."""
    shown = {
        "/": lists.first_page,
        "/rows": lists.rows,
        "/row": deciding.row,
        "/found": searching.found_at_once,
        "/decision": deciding.decision,
        "/explanation": explaining.explanation,
        "/preview": applying.preview,
        "/approval": approving.approval,
        "/approvals": approvals.approvals,
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
        CSS: style_page,
        **{f"/{name}": script_page(name) for name in ("desk.js", "progress.js")},
    }
    return [
        *(
            Route(path, _guarded(with_plan(handler)), methods=["GET"])
            for path, handler in shown.items()
        ),
        *(Route(path, _guarded(handler), methods=["GET"]) for path, handler in plain.items()),
    ]


def _actions() -> list[Route]:
    """Addresses that do something: forms of the desk's own pages."""
    actions: dict[str, Callable[[Request], Response]] = {
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
    return [Route(path, _guarded(handler), methods=["POST"]) for path, handler in actions.items()]


def style_page(_request: Request) -> Response:
    """The style of all pages."""
    return Response(stylesheet(), media_type="text/css; charset=utf-8")


def script_page(name: str) -> Callable[[Request], Response]:
    """The page of one script."""
    return lambda _request: Response(script(name), media_type="text/javascript; charset=utf-8")


def _guarded(handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """The handler, with a page for every error: no traceback and no secret reaches a browser."""

    def handle(request: Request) -> Response:
        try:
            return handler(request)
        except HTTPException:
            raise
        except Exception as error:  # noqa: BLE001 -- shown on the page, and a defect on stderr too
            is_ours = not isinstance(error, EngineError | OSError)
            status = HTTPStatus.INTERNAL_SERVER_ERROR if is_ours else HTTPStatus.CONFLICT
            return failure(request, desk_of(request).failures.of(error), status)

    return handle


def _no_page(request: Request, error: Exception) -> Response:
    status, text = no_page_text(error)
    return failure_text(request, text, status)


def no_page_text(error: Exception) -> tuple[int, str]:
    """What is wrong with an address that there is not, or with a verb that it does not take."""
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
    return status, _NO_PAGE if status == HTTPStatus.NOT_FOUND else _OTHER_METHOD
