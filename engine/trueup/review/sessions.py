"""Sessions of browsers that have logged in, and their cookies."""

import secrets
import time
from collections.abc import Callable
from threading import Lock

from msgspec import Struct

MOST = 10_000
"""Sessions at a time; the oldest one ends for a new one."""


class Session(Struct, frozen=True):
    """A browser that has logged in."""

    id: str
    csrf: str  # what its forms carry
    person: str = ""  # the person that it acts for
    ends: float | None = None  # by the clock of the sessions; None: at the end of the desk


class Sessions:
    """The one-time token, and the sessions. Any thread may use it."""

    def __init__(
        self,
        person: str = "",
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`person` is the user who opens the desk with the token.

        A session ends after `seconds`.
        """
        self._person, self._seconds, self._clock = person, seconds, clock
        self.token = secrets.token_urlsafe(32)
        self._is_unused = True
        self._sessions: dict[str, Session] = {}
        self._lock = Lock()

    def log_in(self, token: str) -> Session | None:
        """Returns a new session for the token, once; None for any other token."""
        is_right = secrets.compare_digest(token.encode(), self.token.encode())
        with self._lock:
            if not (is_right and self._is_unused):
                return None
            self._is_unused = False
        return self.open(self._person)

    def open(self, person: str) -> Session:
        """Returns a new session of an authenticated person."""
        ends = None if self._seconds is None else self._clock() + self._seconds
        session = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(32), person, ends)
        with self._lock:
            while len(self._sessions) >= MOST:
                del self._sessions[next(iter(self._sessions))]
            self._sessions[session.id] = session
        return session

    def find(self, id_: str) -> Session | None:
        """Returns the session with this id, or None after its end."""
        with self._lock:
            found = self._sessions.get(id_)
            if found and found.ends is not None and found.ends <= self._clock():
                del self._sessions[id_]
                return None
            return found

    def end(self, session: Session) -> None:
        """Ends a session: its cookie is no longer valid."""
        with self._lock:
            self._sessions.pop(session.id, None)


def cookie_name(port: int) -> str:
    """Returns the name of the session's cookie: cookies are shared by all ports of a host."""
    return f"__Host-trueup-{port}"


def session_cookie(name: str, value: str) -> str:
    """Returns the `Set-Cookie` header."""
    return f"{name}={value}; Path=/; Secure; HttpOnly; SameSite=Strict"


def read_cookie(header: str, name: str) -> str:
    """Returns the cookie's value in a `Cookie` header; "" if it is not there.

    Cookies are shared by all ports of a host. Those of another program may have any characters,
    which `http.cookies` takes as the end of the header.
    """
    found = ""
    for part in header.split(";"):
        own, _, value = part.partition("=")
        if own.strip() == name:
            found = value.strip()
    return found
