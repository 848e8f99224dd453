"""The ASGI middleware that checks each request before any page handles it.

A page of another origin, opened in a browser on this machine, can reach the desk's port as well. So
a request must name this machine in `Host` (a foreign host name may resolve to this machine's
address), and must carry the session's cookie. A POST must also come from the desk's own pages, with
the session's token in its form.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl, quote

from msgspec import Struct
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trueup.operations.user import act_as
from trueup.review.forms import Form, FormError, TooLong, parse_form
from trueup.review.login import LogIn, LogInRequest, Refuse
from trueup.review.sessions import Session, Sessions, cookie_name, read_cookie
from trueup.review.site import BrowserRequest, Site

CSS = "/desk.css"
LOGOUT = "/logout"
CSRF = "csrf"
"""Name of the hidden field with the session's token."""

MEDIA_TYPE = "application/x-www-form-urlencoded"
BODY_LIMIT = 1 << 20  # bytes: the ticks of some 10,000 rows
BODY_SECONDS = 20.0  # for a whole body to arrive

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""The headers of every response."""

LOGGED_OUT = "You are logged out of the desk."
OTHER_HOST = "The desk answers only under the address that `trueup review` printed."
NO_PROXY = "The desk answers through its proxy only: the command names it with --proxy."
IN_CLEAR = "The desk is served over HTTPS only. Nothing was done."
OTHER_ORIGIN = "This request does not come from a page of the desk. Nothing was done."
OTHER_FORM = "This form is not of your session. Open the page again. Nothing was done."
OTHER_TYPE = "The desk takes forms only. Nothing was done."
TOO_LONG = "This form is too long, or took too long to arrive. Nothing was done."
UNREADABLE = "This form cannot be read. Nothing was done."
FAULT = (
    "This is a fault in trueup. The terminal in which `trueup review` runs shows what to report."
)


class Answers(Struct, frozen=True):
    """The functions of the desk that the gate calls."""

    refuse: Refuse
    report_fault: Callable[[Exception], None]
    why_not: Callable[[str, str, str], str]
    """Why a person may not send a method to a path; empty if they may."""


def is_own_page(headers: Mapping[str, str], origins: frozenset[str]) -> bool:
    """Returns whether a POST comes from a page of the desk, by the browser's headers.

    Pages without a referrer send `Origin: null`; then `Sec-Fetch-Site` decides. A browser that
    sends neither is refused. `origins` are those of the desk.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if origin not in {None, "null", *origins}:
        return False
    if site is None:
        return origin in origins
    return site == "same-origin"


class Gate:
    """Checks each request before the app, and adds the headers to each response."""

    def __init__(
        self, app: ASGIApp, sessions: Sessions, site: Site, log_in: LogIn, answers: Answers
    ) -> None:
        """`site` is where the desk is served."""
        self._app, self._sessions, self._site = app, sessions, site
        self._log_in, self._answers, self._refuse = log_in, answers, answers.refuse
        self._cookie = cookie_name(site.port)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request. Anything but HTTP is closed."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        try:
            response = await self._stop(scope, receive)
        except Exception as error:  # noqa: BLE001 -- a defect: nobody is let in by one
            self._answers.report_fault(error)
            response = self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, FAULT)
        if response is not None:
            await response(scope, receive, guarded)
            return
        try:
            await self._app(scope, _after_body(receive), guarded)
        except Exception as error:  # noqa: BLE001 -- a defect of the pages for errors, answered
            self._answers.report_fault(error)

    async def _stop(self, scope: Scope, receive: Receive) -> Response | None:
        """Returns the response in place of the app's; None if the request may continue."""
        headers = Headers(scope=scope)
        client = scope.get("client")
        browser_request = self._site.read_request(headers, client[0] if client else "")
        if refused := self._stop_address(scope, browser_request):
            return refused
        if scope["path"] == CSS and scope["method"] in {"GET", "HEAD"}:
            return None
        cookies = headers.get("cookie", "")
        session = self._sessions.find(read_cookie(cookies, self._cookie))
        if scope["path"] in self._log_in.paths and scope["method"] == "GET":
            query = dict(parse_qsl(scope["query_string"].decode("latin-1"), max_num_fields=None))
            is_in = session is not None
            return await self._log_in.respond(
                LogInRequest(scope["path"], query, cookies, browser_request.sender, is_in)
            )
        if session is None:
            return self._log_in.refuse_without_session(_address(scope))
        scope.setdefault("state", {})["session"] = session
        return await self._stop_person(scope, receive, headers, session, browser_request)

    async def _stop_person(
        self,
        scope: Scope,
        receive: Receive,
        headers: Headers,
        session: Session,
        browser_request: BrowserRequest,
    ) -> Response | None:
        """As `_stop`, for a person who has logged in."""
        act_as(session.person)
        if why_not := self._answers.why_not(session.person, scope["method"], scope["path"]):
            return self._refuse(HTTPStatus.FORBIDDEN, why_not)
        if refused := await self._stop_post(scope, receive, headers, session, browser_request):
            return refused
        if scope["path"] == LOGOUT and scope["method"] == "POST":
            self._sessions.end(session)
            return self._refuse(HTTPStatus.OK, LOGGED_OUT)
        return None

    def _stop_address(self, scope: Scope, browser_request: BrowserRequest) -> Response | None:
        """Refuses a request that is not for the desk's own address and protocol."""
        if self._site.proxies and not browser_request.is_by_proxy:
            return self._refuse(HTTPStatus.FORBIDDEN, NO_PROXY)
        if not self._site.is_own_host(browser_request.authority):
            return self._refuse(HTTPStatus.MISDIRECTED_REQUEST, OTHER_HOST)
        if browser_request.scheme == self._site.scheme:
            return None
        if scope["method"] != "GET":
            return self._refuse(HTTPStatus.FORBIDDEN, IN_CLEAR)
        # Not to the same page: the address was sent in clear.
        return RedirectResponse(f"{self._site.origin}/", HTTPStatus.PERMANENT_REDIRECT)

    async def _stop_post(
        self,
        scope: Scope,
        receive: Receive,
        headers: Headers,
        session: Session,
        browser_request: BrowserRequest,
    ) -> Response | None:
        if scope["method"] != "POST":
            return None
        if not is_own_page(headers, self._site.origins(browser_request.authority)):
            return self._refuse(HTTPStatus.FORBIDDEN, OTHER_ORIGIN)
        if headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
            return self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, OTHER_TYPE)
        form = await self._form(receive)
        if isinstance(form, Response):
            return form
        if not secrets.compare_digest(form.value(CSRF).encode(), session.csrf.encode()):
            return self._refuse(HTTPStatus.FORBIDDEN, OTHER_FORM)
        scope["state"]["form"] = form
        return None

    async def _form(self, receive: Receive) -> Form | Response:
        """Returns the form in the request's body, or the refusal of an invalid one."""
        try:
            return await _form(receive)
        except (TooLong, TimeoutError):
            return self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LONG)
        except FormError:
            return self._refuse(HTTPStatus.BAD_REQUEST, UNREADABLE)


def _address(scope: Scope) -> str:
    """Returns path and query of a GET; "" for another method."""
    if scope["method"] != "GET":
        return ""
    query = scope["query_string"].decode("latin-1")
    return quote(scope["path"]) + (f"?{query}" if query else "")


async def _form(receive: Receive) -> Form:
    """Reads the form in a request's body.

    Raises TooLong for one that is too long or incomplete, TimeoutError for one that is slow, and
    FormError for one that cannot be parsed.
    """
    body = bytearray()
    async with asyncio.timeout(BODY_SECONDS):
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise TooLong("the client went away")
            body += message.get("body", b"")
            if len(body) > BODY_LIMIT:
                raise TooLong("the body is too long")
            if not message.get("more_body"):
                return parse_form(bytes(body))


def _after_body(receive: Receive) -> Receive:
    """Returns a receive function for the app: an empty body, then the remaining messages."""
    is_read = False

    async def received() -> Message:
        nonlocal is_read
        if is_read:
            return await receive()
        is_read = True
        return {"type": "http.request", "body": b"", "more_body": False}

    return received
