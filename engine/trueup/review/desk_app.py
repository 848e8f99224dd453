"""The frame of all desks: an app with pages, forms, style, and a page for every error."""

from collections.abc import Callable, Mapping
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trueup.errors import EngineError
from trueup.render.report import ReasonText, pieces
from trueup.review.background_tasks import Failures
from trueup.review.gate import CSS
from trueup.review.pages import script, stylesheet

Handler = Callable[[Request], Response]

Fail = Callable[[Request, tuple[ReasonText, ...], int], Response]
"""Returns the page with the reasons of a refusal, and its status."""

_NO_PAGE = "The desk has no such page."
_OTHER_METHOD = "This address takes no such request."


def desk_app(
    shown: Mapping[str, Handler], actions: Mapping[str, Handler], failures: Failures, fail: Fail
) -> Starlette:
    """Returns an app with the handlers of pages and of forms, by their addresses."""

    def guarded(handler: Handler) -> Handler:
        """The handler; no traceback and no secret of an error reaches a browser."""

        def handle(request: Request) -> Response:
            try:
                return handler(request)
            except HTTPException:
                raise
            except Exception as error:  # noqa: BLE001 -- shown on the page, a defect on stderr too
                is_ours = not isinstance(error, EngineError | OSError)
                status = HTTPStatus.INTERNAL_SERVER_ERROR if is_ours else HTTPStatus.CONFLICT
                return fail(request, failures.of(error), status)

        return handle

    def no_page(request: Request, error: Exception) -> Response:
        """The page for an address that does not exist, or a verb that it does not take."""
        status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
        text = _NO_PAGE if status == HTTPStatus.NOT_FOUND else _OTHER_METHOD
        return fail(request, (ReasonText(pieces(text), (), ""),), status)

    pages = {CSS: _style, **shown}
    return Starlette(
        routes=[
            *(Route(path, guarded(handler), methods=["GET"]) for path, handler in pages.items()),
            *(Route(path, guarded(handler), methods=["POST"]) for path, handler in actions.items()),
        ],
        exception_handlers={HTTPException: no_page},
    )


def _style(_request: Request) -> Response:
    return Response(stylesheet(), media_type="text/css; charset=utf-8")


def script_page(name: str) -> Handler:
    """Returns the handler of one script."""
    return lambda _request: Response(script(name), media_type="text/javascript; charset=utf-8")
