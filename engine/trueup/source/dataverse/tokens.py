"""Client-credentials tokens from Microsoft's own library, kept in memory and never shown.

msal renews a token before it expires. It is given our own HTTP client, so that one place in this
connector uses HTTP, and so that an authority on this machine can be reached: msal accepts https
addresses only, and our client uses plain HTTP for loopback.
Facts: docs/explanation/work365.md, section 6.1.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from trueup.errors import SourceError
from trueup.model.secrets import hidden_line
from trueup.source.dataverse.errors import LONGEST_MESSAGE, DataverseUnavailable


class TokenHttp(Protocol):
    """The HTTP client that msal needs, for token requests only."""

    def post(self, url: str, **options: object) -> object:
        """Sends a form."""
        ...

    def get(self, url: str, **options: object) -> object:
        """Fetches an address."""
        ...

    def close(self) -> None:
        """Closes the connections."""
        ...


class _Application(Protocol):
    """The one method of msal that is used."""

    def acquire_token_for_client(self, scopes: list[str]) -> Mapping[str, object]:
        """Returns a token, or Entra's error."""
        ...


@dataclass(frozen=True, slots=True)
class Login:
    """The credentials of an application user, and where they are used."""

    authority: str  # https://login.microsoftonline.com/<tenant>
    client_id: str
    client_secret: str = field(repr=False)
    scope: str  # <environment>/.default
    configured_authority: str = ""  # as configured, where msal needs another address


class Tokens:
    """Returns a token that is valid for some more minutes. Raises `SourceError`."""

    def __init__(self, login: Login, http: TokenHttp) -> None:
        self._login, self._http = login, http
        self._app: _Application | None = None

    def __repr__(self) -> str:
        return f"Tokens({self._login!r})"

    def get(self) -> str:
        """Returns the token in memory, or a new one."""
        try:
            if self._app is None:
                self._app = self._application()
            answer = self._app.acquire_token_for_client(scopes=[self._login.scope])
        except DataverseUnavailable as error:
            # No token means that the request was not sent: a write is not in doubt.
            raise SourceError(str(error)) from error
        except SourceError:
            raise
        except Exception as error:  # noqa: BLE001 -- msal raises whatever its reading meets
            self._app = None
            raise SourceError(self._fault(_msal_error(error))) from None
        if "access_token" not in answer:
            self._app = None
            raise SourceError(self._fault(_entra_error(answer)))
        return str(answer["access_token"])

    def renew(self) -> str:
        """Returns a new token, because the one in memory was refused."""
        self._app = None
        return self.get()

    def close(self) -> None:
        """Forgets the token and closes the connections."""
        self._app = None
        self._http.close()

    def _application(self) -> _Application:
        import msal  # type: ignore[import-untyped]  # noqa: PLC0415 -- slow to load

        # msal logs a token answer that it cannot read, in full: it may contain a token.
        logging.getLogger("msal").setLevel(logging.CRITICAL + 1)

        application: _Application = msal.ConfidentialClientApplication(
            self._login.client_id,
            client_credential=self._login.client_secret,
            authority=self._login.authority,
            instance_discovery=False,
            http_client=self._http,
        )
        return application

    def _fault(self, reason: str) -> str:
        """The text of an error, without the secret and with the authority as configured."""
        login = self._login
        text = hidden_line(reason, [login.client_secret], LONGEST_MESSAGE)
        if login.configured_authority:
            text = text.replace(_origin(login.authority), _origin(login.configured_authority))
        authority = login.configured_authority or login.authority
        return f"no token from {authority} for {login.client_id}: {text}"


def _origin(url: str) -> str:
    return "/".join(url.split("/", 3)[:3])


def _msal_error(error: Exception) -> str:
    """Returns the text of an error of msal.

    Only the text of a `ValueError` about the settings is shown. Any other text may quote the
    answer, which may contain a token.
    """
    if isinstance(error, ValueError) and not isinstance(error, json.JSONDecodeError):
        return str(error)
    return f"the answer of the login cannot be read ({type(error).__name__})"


def _entra_error(answer: Mapping[str, object]) -> str:
    """The first line of Entra's message; the other lines are trace ids and times."""
    text = str(answer.get("error_description") or answer.get("error") or "no reason given")
    return text.splitlines()[0] if text else text
