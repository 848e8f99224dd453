"""Client-credentials tokens by Microsoft's own library, kept in memory, renewed before they end, never shown.

msal is given our own HTTP client, so that one place in this package speaks HTTP, and so that an authority
on this machine can be reached: msal takes https addresses only, and the client speaks plain HTTP to loopback.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from engine.errors import SourceError
from engine.source.dataverse.faults import Unavailable, short


class TokenHttp(Protocol):
    """What msal asks of an HTTP client; requests for tokens only."""

    def post(self, url: str, **more: object) -> object:
        """Sends a form."""
        ...

    def get(self, url: str, **more: object) -> object:
        """Fetches."""
        ...

    def close(self) -> None:
        """Ends it."""
        ...


class _Application(Protocol):
    """The one verb of msal's that is used."""

    def acquire_token_for_client(self, scopes: list[str]) -> Mapping[str, object]:
        """A token, or an error, as Entra words them."""
        ...


@dataclass(frozen=True, slots=True)
class Login:
    """Who asks, and whom: an application user of the environment."""

    authority: str  # https://login.microsoftonline.com/<tenant>
    client_id: str
    client_secret: str = field(repr=False)
    scope: str  # <environment>/.default
    told: str = ""  # the authority as it was given, where msal has to be given another one


class Tokens:
    """Gives a token that is good for some minutes more. Raises SourceError."""

    def __init__(self, login: Login, http: TokenHttp) -> None:
        self._login, self._http = login, http
        self._app: _Application | None = None

    def __repr__(self) -> str:
        return f"Tokens({self._login!r})"

    def get(self) -> str:
        """The token that is kept, or a new one."""
        try:
            if self._app is None:
                self._app = self._application()
            answer = self._app.acquire_token_for_client(scopes=[self._login.scope])
        except ValueError as error:
            raise SourceError(self._words("no token", str(error))) from None
        if "access_token" not in answer:
            self._app = None
            raise SourceError(self._words("no token", _reason(answer)))
        return str(answer["access_token"])

    def renew(self) -> str:
        """A new one: the one that is kept was refused."""
        self._app = None
        return self.get()

    def close(self) -> None:
        """Forgets the token, closes the connections."""
        self._app = None
        self._http.close()

    def _application(self) -> _Application:
        import msal  # type: ignore[import-untyped]  # noqa: PLC0415 -- slow to load, and only wanted for a first token

        try:
            made: _Application = msal.ConfidentialClientApplication(
                self._login.client_id,
                client_credential=self._login.client_secret,
                authority=self._login.authority,
                instance_discovery=False,
                http_client=self._http,
            )
        except RuntimeError as error:
            raise Unavailable(self._words("no token", str(error))) from None
        return made

    def _words(self, what: str, why: str) -> str:
        words = short(why).replace(self._login.client_secret, "***") if self._login.client_secret else short(why)
        if self._login.told:
            words = words.replace(_origin(self._login.authority), _origin(self._login.told))
        return f"{what} from {self._login.told or self._login.authority} for {self._login.client_id}: {words}"


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


def _reason(answer: Mapping[str, object]) -> str:
    """Entra's words, first line: the rest is trace and time."""
    words = str(answer.get("error_description") or answer.get("error") or "no reason given")
    return words.splitlines()[0] if words else words
