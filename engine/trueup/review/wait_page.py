"""The page that waits for a background task and reloads itself."""

from collections.abc import Callable
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from trueup.review.background_tasks import BackgroundTask
from trueup.review.current_plan import CurrentPlan
from trueup.review.pages import address, desk_of, failure, failure_text, form_of, page

PATIENCE = 1.0
"""Seconds to wait for a short task before the waiting page is shown."""

REFRESH = 1
"""Seconds after which a page reloads itself."""

NO_WORK = "There is nothing to wait for: it ended a while ago, or the desk was restarted."


def with_plan(handler: Callable[[Request, CurrentPlan], Response]) -> Callable[[Request], Response]:
    """Returns a handler of a page that needs the plan; before the first plan it waits."""

    def handle(request: Request) -> Response:
        desk = desk_of(request)
        if current := desk.current:
            return handler(request, current)
        if desk.reasons:
            return failure(
                request, desk.reasons, HTTPStatus.SERVICE_UNAVAILABLE, "No plan could be made"
            )
        return wait(desk.first_plan())

    return handle


def wait(work: BackgroundTask) -> Response:
    """Redirects the browser to the task's result, or to the waiting page."""
    work.ended.wait(PATIENCE)
    if work.ended.is_set() and not work.reasons:
        return RedirectResponse(work.address, HTTPStatus.SEE_OTHER)
    return RedirectResponse(address("/working", id=work.id), HTTPStatus.SEE_OTHER)


def working(request: Request) -> Response:
    """Shows the waiting page; redirects to the result, or shows why there is none."""
    desk = desk_of(request)
    work = desk.tasks.find(request.query_params.get("id", ""))
    if work is None:
        return failure_text(request, NO_WORK, HTTPStatus.NOT_FOUND)
    if not work.ended.is_set():
        return page(
            request,
            "working.html",
            work.title,
            current=desk.current,
            refresh=REFRESH,
            step=work.step,
        )
    if work.reasons:
        return failure(request, work.reasons, HTTPStatus.CONFLICT, f"{work.title}: not done")
    return RedirectResponse(work.address, HTTPStatus.SEE_OTHER)


def plan_again(request: Request) -> Response:
    """Makes a new plan, and returns to the page of the request."""
    return wait(desk_of(request).plan_again(own_path(form_of(request).raw("back"))))


def own_path(text: str) -> str:
    """Returns the address if it is a path of the desk; otherwise the first page."""
    is_own = text.startswith("/") and not text.startswith(("//", "/\\"))
    is_clean = text.isascii() and text.isprintable() and "\\" not in text
    return text if is_own and is_clean else "/"
