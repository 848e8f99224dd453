"""How a browser logs in with the one-time token of a desk on this machine.

`team_login.py` has the other way to log in.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Protocol

from msgspec import Struct
from starlette.responses import RedirectResponse, Response

from trueup.review.sessions import Sessions, session_cookie

LOGIN = "/login"

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

SENDERS = 1000
"""Addresses whose attempts are remembered at a time."""

Refuse = Callable[[int, str], Response]
"""Returns the page for a status and a sentence."""


class LogInRequest(Struct, frozen=True):
    """A GET of one of the log-in's own addresses."""

    path: str
    query: Mapping[str, str]
    cookies: str  # the header
    sender: str  # the browser's address
    is_in: bool  # whether the browser has a session already


class LogIn(Protocol):
    """A way to log in."""

    @property
    def paths(self) -> frozenset[str]:
        """Its own addresses, which need no session."""
        ...

    def refuse_without_session(self, address: str) -> Response:
        """Returns the response to a browser without a session on any other page.

        `address` is the path and query that it asked for; "" for anything but a GET.
        """
        ...

    async def respond(self, request: LogInRequest) -> Response:
        """Responds to one of its own addresses."""
        ...


class Attempts:
    """Counts wrong attempts by sender; more than `most` within `seconds` are too many."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, most: int = 5, seconds: float = 60
    ) -> None:
        self._clock, self._most, self._seconds = clock, most, seconds
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def are_too_many(self, sender: str = "") -> bool:
        """Returns whether this sender has made too many attempts recently."""
        wrong = self._wrong.get(sender)
        if wrong is None or len(wrong) < self._most:
            return False
        return self._clock() - wrong[0] < self._seconds

    def add(self, sender: str = "") -> None:
        """Counts a wrong attempt."""
        self._wrong.setdefault(sender, deque(maxlen=self._most)).append(self._clock())
        self._wrong.move_to_end(sender)
        while len(self._wrong) > SENDERS:
            self._wrong.popitem(last=False)


class TokenLogIn:
    """Opens the desk once, for the address that the command printed."""

    paths = frozenset({LOGIN})

    def __init__(
        self, sessions: Sessions, cookie: str, refuse: Refuse, attempts: Attempts | None = None
    ) -> None:
        """`cookie` is the name of the session's cookie."""
        self._sessions, self._cookie, self._refuse = sessions, cookie, refuse
        self._attempts = attempts or Attempts()

    def refuse_without_session(self, address: str) -> Response:
        """Refuses: the terminal shows the address with the token."""
        del address  # the address with the token leads to the start
        return self._refuse(HTTPStatus.UNAUTHORIZED, NO_LOGIN)

    async def respond(self, request: LogInRequest) -> Response:
        """Exchanges the token for a session; redirects a browser that has a session.

        The right token works after any number of wrong ones. It has 256 bits, so it cannot be
        guessed, and a limit would let any page or program on this machine lock the user out.
        """
        if request.is_in:
            return RedirectResponse("/", HTTPStatus.SEE_OTHER)
        session = self._sessions.log_in(request.query.get("token", ""))
        if session is None:
            if self._attempts.are_too_many(request.sender):
                return self._refuse(HTTPStatus.TOO_MANY_REQUESTS, TOO_MANY)
            self._attempts.add(request.sender)
            return self._refuse(HTTPStatus.FORBIDDEN, USED)
        response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        response.headers["Set-Cookie"] = session_cookie(self._cookie, session.id)
        return response
