"""Who may use the desk: small checks, and the ASGI middleware that asks them before any page.

A page of another origin, opened in a browser on this machine, reaches the desk's port as well. So a
request must name this machine in `Host` (a page may give its own name this machine's address), must
carry the session's cookie, and a POST must come from the desk's own pages with the session's own
token in its form.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from threading import Lock
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trueup.loopback import is_loopback
from trueup.operations.user import act_as
from trueup.review.forms import Form, FormError, TooLong, parse_form

LOGIN = "/login"
CSS = "/desk.css"
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
"""What every response carries."""

NO_LOGIN = (
    "This page needs a log-in. Open the address that `trueup review` printed; it opens the desk "
    "once. Start the command again for a new one. If you just did, this browser keeps no cookie "
    "of the desk: Chrome, Edge and Firefox do, Safari does not."
)
USED = (
    "This address does not open the desk: it was used already, or it is of another start of "
    "`trueup review`. Start the command again for a new one."
)
TOO_MANY = "Too many wrong addresses. Wait for a minute, then open the right one."
OTHER_HOST = "The desk answers only under the address that `trueup review` printed."
OTHER_ORIGIN = "This request does not come from a page of the desk. Nothing was done."
OTHER_FORM = "This form is not of your session. Open the page again. Nothing was done."
OTHER_TYPE = "The desk takes forms only. Nothing was done."
TOO_LONG = "This form is too long, or took too long to arrive. Nothing was done."
UNREADABLE = "This form cannot be read. Nothing was done."
FAULT = (
    "This is a fault in trueup. The terminal in which `trueup review` runs shows what to report."
)

Refuse = Callable[[int, str], Response]
"""Makes the page for a status and a sentence."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the gate asks of the desk."""

    refuse: Refuse
    report_fault: Callable[[Exception], None]
    why_not: Callable[[str, str, str], str]
    """Why a person may not send a method to a path; empty where they may."""


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that has logged in."""

    id: str
    csrf: str  # what its forms carry
    person: str = ""  # in whose name it acts


class Sessions:
    """The one-time token, and the sessions. Any thread may use it."""

    def __init__(self, person: str = "") -> None:
        """`person` is who opens the desk with the token."""
        self._person = person
        self.token = secrets.token_urlsafe(32)
        self._is_unused = True
        self._sessions: dict[str, Session] = {}
        self._lock = Lock()

    def log_in(self, token: str) -> Session | None:
        """A new session for the token, which is used up by it; None for any other token."""
        is_right = secrets.compare_digest(token.encode(), self.token.encode())
        with self._lock:
            if not (is_right and self._is_unused):
                return None
            self._is_unused = False
        return self.open(self._person)

    def open(self, person: str) -> Session:
        """A new session of somebody who has proven who they are."""
        session = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(32), person)
        with self._lock:
            self._sessions[session.id] = session
        return session

    def find(self, id_: str) -> Session | None:
        """The session with this id."""
        with self._lock:
            return self._sessions.get(id_)


class Attempts:
    """Counts wrong tokens: after `most` of them within `seconds`, none is looked at."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, most: int = 5, seconds: float = 60
    ) -> None:
        self._clock, self._seconds = clock, seconds
        self._wrong: deque[float] = deque(maxlen=most)

    def are_too_many(self) -> bool:
        """Whether the next token is refused unseen."""
        is_full = len(self._wrong) == self._wrong.maxlen
        return is_full and self._clock() - self._wrong[0] < self._seconds

    def add(self) -> None:
        """Counts a wrong token."""
        self._wrong.append(self._clock())


def is_own_host(authority: str, served: str) -> bool:
    """Whether a `Host` header is the served address, or names this machine.

    `served`: host and port. An empty header is of no browser, and is refused.
    """
    if authority == served:
        return True
    try:
        name = urlsplit(f"//{authority}").hostname or ""
    except ValueError:
        return False
    return is_loopback(name)


def is_own_page(headers: Mapping[str, str], authority: str) -> bool:
    """Whether a POST comes from a page of the desk, as far as its browser says.

    Pages without a referrer send `Origin: null`; then `Sec-Fetch-Site` decides. A browser that
    sends neither is refused.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if origin not in {None, "null", f"http://{authority}"}:
        return False
    if site is None:
        return origin == f"http://{authority}"
    return site == "same-origin"


def cookie_name(port: int) -> str:
    """The session's cookie. Cookies are not kept apart by port, so two desks need two names."""
    return f"__Host-trueup-{port}"


def session_cookie(name: str, value: str) -> str:
    """The `Set-Cookie` header."""
    return f"{name}={value}; Path=/; Secure; HttpOnly; SameSite=Strict"


def read_cookie(header: str, name: str) -> str:
    """The cookie's value in a `Cookie` header; empty where it is not there."""
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


class Gate:
    """Stands before the app: checks each request, and adds the headers to each response."""

    def __init__(
        self,
        app: ASGIApp,
        sessions: Sessions,
        attempts: Attempts,
        address: str,
        answers: Answers,
    ) -> None:
        """`address`: the served host and port."""
        self._app, self._sessions, self._attempts = app, sessions, attempts
        self._address, self._answers = address, answers
        self._refuse = answers.refuse
        self._cookie = cookie_name(urlsplit(f"//{address}").port or 80)

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
        """The response in place of the app's; None where the request may go on."""
        headers = Headers(scope=scope)
        if not is_own_host(headers.get("host", ""), self._address):
            return self._refuse(HTTPStatus.MISDIRECTED_REQUEST, OTHER_HOST)
        if scope["path"] == CSS and scope["method"] in {"GET", "HEAD"}:
            return None
        session = self._sessions.find(read_cookie(headers.get("cookie", ""), self._cookie))
        if scope["path"] == LOGIN and scope["method"] == "GET":
            return self._log_in(scope, is_in=session is not None)
        if session is None:
            return self._refuse(HTTPStatus.UNAUTHORIZED, NO_LOGIN)
        scope.setdefault("state", {})["session"] = session
        act_as(session.person)
        if why_not := self._answers.why_not(session.person, scope["method"], scope["path"]):
            return self._refuse(HTTPStatus.FORBIDDEN, why_not)
        return await self._stop_post(scope, receive, headers, session)

    def _log_in(self, scope: Scope, *, is_in: bool) -> Response:
        """Takes the token and opens the desk; who is in already is sent on."""
        if is_in:
            return RedirectResponse("/", HTTPStatus.SEE_OTHER)
        if self._attempts.are_too_many():
            return self._refuse(HTTPStatus.TOO_MANY_REQUESTS, TOO_MANY)
        query = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=None)
        session = self._sessions.log_in(query.get("token", [""])[0])
        if session is None:
            self._attempts.add()
            return self._refuse(HTTPStatus.FORBIDDEN, USED)
        response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        response.headers["Set-Cookie"] = session_cookie(self._cookie, session.id)
        return response

    async def _stop_post(
        self, scope: Scope, receive: Receive, headers: Headers, session: Session
    ) -> Response | None:
        if scope["method"] != "POST":
            return None
        if not is_own_page(headers, headers.get("host", "")):
            return self._refuse(HTTPStatus.FORBIDDEN, OTHER_ORIGIN)
        if headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
            return self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, OTHER_TYPE)
        form = await self._form(receive)
        if isinstance(form, Response):
            return form
        if not secrets.compare_digest(form.one(CSRF).encode(), session.csrf.encode()):
            return self._refuse(HTTPStatus.FORBIDDEN, OTHER_FORM)
        scope["state"]["form"] = form
        return None

    async def _form(self, receive: Receive) -> Form | Response:
        """The form in a request's body; or the refusal of one that cannot be taken."""
        try:
            return await _form(receive)
        except (TooLong, TimeoutError):
            return self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LONG)
        except FormError:
            return self._refuse(HTTPStatus.BAD_REQUEST, UNREADABLE)


async def _form(receive: Receive) -> Form:
    """The form in a request's body.

    Raises TooLong for one that is too long or cut short, TimeoutError for one that is slow, and
    FormError for one that cannot be read.
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
    """What the app receives: an empty body, as the gate has read it; then what else there is."""
    is_read = False

    async def received() -> Message:
        nonlocal is_read
        if is_read:
            return await receive()
        is_read = True
        return {"type": "http.request", "body": b"", "more_body": False}

    return received
