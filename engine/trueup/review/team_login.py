"""How the people of a team log in at the OpenID Connect provider that the project names."""

import asyncio
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlencode

from msgspec import Struct
from starlette.responses import RedirectResponse, Response

from trueup.review.login import LOGIN, Attempts, LogInRequest, Refuse
from trueup.review.oidc import LogInRefused, PendingLogIn, Provider
from trueup.review.sessions import Sessions, read_cookie, session_cookie

DONE = "/login/done"
"""The address to which the provider redirects browsers."""

WAITS = 600.0  # seconds in which a person may log in
MOST = 10_000  # log-ins that are begun and not finished; the oldest one ends for a new one

START = "/"
TO = "to"
"""Name of the part of the log-in's address that has the page to lead on to."""

_OWN = re.compile(r"/(?![/\\])[!-\[\]-~]{0,2000}")
"""Path and query of a page of the desk: nothing that a browser reads as another host."""

NO_LOGIN = "This page needs a log-in."
TOO_MANY = "Too many log-ins were begun from your address. Wait for a minute, then try again."
NOT_BEGUN = "This log-in was not begun in this browser, or took too long. Log in again."


class _Begun(Struct, frozen=True):
    pending: PendingLogIn
    until: float
    to: str  # the page that was asked for


def own_address(text: str) -> str:
    """Returns an address of the desk's own pages; the start for anything else."""
    return text if _OWN.fullmatch(text) else START


class TeamLogIn:
    """Redirects browsers to the provider, and opens sessions for verified people."""

    paths = frozenset({LOGIN, DONE})

    def __init__(  # noqa: PLR0913, PLR0917 -- what a log-in needs, each of another kind
        self,
        sessions: Sessions,
        provider: Provider,
        cookie: str,
        welcome: Callable[[str, str], Response],
        refuse: Refuse,
        why_not: Callable[[str], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`cookie` is the name of the session's cookie.

        `why_not` returns why a person has no role, or "". `welcome` makes the page that leads a
        person on to an address after the log-in.
        """
        self._sessions, self._provider, self._cookie = sessions, provider, cookie
        self._welcome, self._refuse, self._why_not = welcome, refuse, why_not
        self._clock = clock
        self._begun: OrderedDict[str, _Begun] = OrderedDict()
        self._starts = Attempts(clock, most=30)

    def refuse_without_session(self, address: str) -> Response:
        """Redirects the browser to the log-in, which leads on to the address.

        A browser sends no strict cookie with a link from another site, such as a mail, so a person
        who has a session comes here too.
        """
        to = own_address(address)
        query = f"?{urlencode({TO: to})}" if to != START else ""
        return RedirectResponse(f"{LOGIN}{query}", HTTPStatus.SEE_OTHER)

    async def respond(self, request: LogInRequest) -> Response:
        """Begins a log-in, or finishes it; redirects a browser that has a session."""
        if request.is_in:
            return RedirectResponse(own_address(request.query.get(TO, "")), HTTPStatus.SEE_OTHER)
        try:
            if request.path == LOGIN:
                return await self._begin(request)
            return await self._finish(request)
        except LogInRefused as refusal:
            response = self._refuse(HTTPStatus.FORBIDDEN, str(refusal))
            response.headers["Set-Cookie"] = self._cookie_of("", 0)
            return response

    async def _begin(self, request: LogInRequest) -> Response:
        if self._starts.are_too_many(request.sender):
            return self._refuse(HTTPStatus.TOO_MANY_REQUESTS, TOO_MANY)
        self._starts.add(request.sender)
        words = [secrets.token_urlsafe(48) for _ in range(3)]
        pending = await asyncio.to_thread(self._provider.begin, *words)
        name = secrets.token_urlsafe(32)
        while len(self._begun) >= MOST:
            self._begun.popitem(last=False)
        self._begun[name] = _Begun(
            pending, self._clock() + WAITS, own_address(request.query.get(TO, ""))
        )
        response = RedirectResponse(pending.address, HTTPStatus.SEE_OTHER)
        response.headers["Set-Cookie"] = self._cookie_of(name, int(WAITS))
        return response

    async def _finish(self, request: LogInRequest) -> Response:
        """Opens a session. A log-in is used up by its first answer, whatever its result."""
        begun = self._begun.pop(read_cookie(request.cookies, self._begun_cookie), None)
        if begun is None or begun.until <= self._clock():
            raise LogInRefused(NOT_BEGUN)
        state = request.query.get("state", "")
        if not secrets.compare_digest(state.encode(), begun.pending.state.encode()):
            raise LogInRefused(NOT_BEGUN)
        code = request.query.get("code", "")
        if not code:
            raise LogInRefused("The log-in service did not let you in. Log in again.")
        person = await asyncio.to_thread(self._provider.finish, code, begun.pending)
        if why_not := self._why_not(person):
            raise LogInRefused(why_not)
        session = self._sessions.open(person)
        response = self._welcome(person, begun.to)
        response.headers.append("Set-Cookie", session_cookie(self._cookie, session.id))
        response.headers.append("Set-Cookie", self._cookie_of("", 0))
        return response

    @property
    def _begun_cookie(self) -> str:
        return f"{self._cookie}-login"

    def _cookie_of(self, value: str, seconds: int) -> str:
        """Returns the cookie of a log-in that has begun.

        It is Lax, because the provider's page leads back; the session's own is Strict.
        """
        flags = f"Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax"
        return f"{self._begun_cookie}={value}; {flags}"
