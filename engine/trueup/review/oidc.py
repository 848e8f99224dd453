"""An OpenID Connect provider: the address at which people log in, and the verified person.

The authorization code flow with PKCE (RFC 7636), state and nonce. Authlib builds the requests and
checks the claims, joserfc the signature. A token counts only if it is signed by a key of the
issuer's own list, and is from that issuer, for this client, for this log-in and in time.
"""

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from msgspec import Struct

from trueup.loopback import is_in_clear
from trueup.model.desk import OidcSettings

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures by the issuer's private key: neither `none` nor one with the client's secret."""

SCOPE = "openid email profile"
TIMEOUT = 10.0  # seconds for one request to the provider
LEEWAY = 30  # seconds by which clocks may differ
KEPT = 3600.0  # seconds for which the provider's description is kept
KEYS_KEPT = 60.0  # seconds before keys are read again for a token with an unknown key

Trusted = ssl.SSLContext | Literal[True]
"""The authorities whose certificates count; True for those that this machine trusts."""

_TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For what is not encrypted, which stays on this machine: an encrypted connection would fail."""


class LogInRefused(Exception):
    """Why a person cannot log in, as a sentence for that person."""


@dataclass(frozen=True, slots=True)
class PendingLogIn:
    """A log-in that has begun, until its browser returns."""

    address: str  # at the provider
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


class _Known(Struct, frozen=True):
    """The provider's metadata, and when it was read."""

    endpoints: Mapping[str, str]
    keys: KeySet
    at: float


class Provider:
    """The provider that the project names. Any thread may use it."""

    def __init__(
        self,
        settings: OidcSettings,
        redirect: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`redirect` is the desk's own address to which the provider redirects browsers."""
        self._settings, self._redirect, self._clock = settings, redirect, clock
        self._known: _Known | None = None
        self._lock = Lock()

    def begin(self, state: str, nonce: str, verifier: str) -> PendingLogIn:
        """Returns the address at which a person logs in. Raises LogInRefused if it is unknown."""
        endpoint = self._provider().endpoints["authorization_endpoint"]
        with self._client(_TRUSTS_NOBODY) as client:  # it sends nothing
            address, _ = client.create_authorization_url(
                endpoint, state=state, nonce=nonce, code_verifier=verifier
            )
        return PendingLogIn(address, state, nonce, verifier)

    def finish(self, code: str, pending: PendingLogIn) -> str:
        """Returns the person for the code that the browser brought. Raises LogInRefused."""
        endpoint = self._provider().endpoints["token_endpoint"]
        try:
            with self._client(_trusted(endpoint)) as client:
                token = client.fetch_token(
                    endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=pending.verifier,
                )
        except (httpx.HTTPError, AuthlibBaseError, ValueError) as error:
            raise LogInRefused("The log-in service gave no token. Log in again.") from error
        text = token.get("id_token")
        if not isinstance(text, str):
            raise LogInRefused("The log-in service sent no data about you.")
        return self._person(self._claims(text, pending.nonce))

    def _client(self, trusted: Trusted) -> OAuth2Client:
        return OAuth2Client(
            client_id=self._settings.client_id,
            client_secret=self._settings.client_secret,
            scope=SCOPE,
            redirect_uri=self._redirect,
            code_challenge_method="S256",
            timeout=TIMEOUT,
            follow_redirects=False,
            verify=trusted,
        )

    def _claims(self, text: str, nonce: str) -> Mapping[str, Any]:
        """Returns the claims of a token. Raises LogInRefused for an invalid token."""
        known = self._provider()
        try:
            try:
                token = jwt.decode(text, known.keys, algorithms=ALGORITHMS)
            except (JoseError, ValueError):
                # The issuer may have a new key. Its keys are read again, but rarely.
                if self._clock() - known.at < KEYS_KEPT:
                    raise
                token = jwt.decode(text, self._provider(anew=True).keys, algorithms=ALGORITHMS)
            claims = CodeIDToken(
                token.claims,
                token.header,
                options={
                    "iss": {"essential": True, "value": self._settings.issuer},
                    "aud": {"essential": True, "value": self._settings.client_id},
                },
                params={"nonce": nonce, "client_id": self._settings.client_id},
            )
            claims.validate(leeway=LEEWAY)
        except (JoseError, AuthlibBaseError, ValueError, TypeError) as error:
            raise LogInRefused(
                "The log-in service's answer does not count: its signature, issuer, audience, time "
                "or nonce is not what it must be. Log in again."
            ) from error
        return dict(claims)

    def _person(self, claims: Mapping[str, Any]) -> str:
        name = claims.get(self._settings.claim)
        if not isinstance(name, str) or not name.strip():
            raise LogInRefused(
                f"The log-in service did not send your {self._settings.claim}, by which the "
                "project names people."
            )
        if self._settings.claim == "email" and claims.get("email_verified") is not True:
            raise LogInRefused(f"The log-in service has not verified that {name} is your address.")
        return name.strip()

    def _provider(self, *, anew: bool = False) -> _Known:
        """Returns the provider's metadata. Raises LogInRefused if it cannot be read."""
        with self._lock:
            known, now = self._known, self._clock()
            if known and not anew and now - known.at < KEPT:
                return known
            self._known = self._ask(now)
            return self._known

    def _ask(self, now: float) -> _Known:
        issuer = self._settings.issuer
        try:
            trusted = _trusted(issuer)
            with httpx.Client(timeout=TIMEOUT, follow_redirects=False, verify=trusted) as client:
                found = _json(client, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
                endpoints = _endpoints(found, issuer)
                keys = KeySet.import_key_set(_json(client, endpoints["jwks_uri"]))  # type: ignore[arg-type]
        except (httpx.HTTPError, JoseError, ValueError, KeyError, TypeError) as error:
            raise LogInRefused(
                "The log-in service cannot be used: it does not answer, or is not the issuer that "
                "the project names."
            ) from error
        return _Known(endpoints, keys, now)


def _trusted(address: str) -> Trusted:
    """Returns the trusted certificates for an address; loading all authorities is slow."""
    return True if address.lower().startswith("https:") else _TRUSTS_NOBODY


def _endpoints(found: Mapping[str, Any], issuer: str) -> Mapping[str, str]:
    """Returns the provider's addresses.

    Raises ValueError for another issuer, and for an address without encryption.
    """
    if found.get("issuer") != issuer:
        raise ValueError("another issuer")
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    endpoints = {name: str(found[name]) for name in names}
    if any(is_in_clear(endpoint) for endpoint in endpoints.values()):
        raise ValueError("an address in clear")
    return endpoints


def _json(client: httpx.Client, address: str) -> Mapping[str, Any]:
    answer = client.get(address)
    answer.raise_for_status()
    found = answer.json()
    if not isinstance(found, dict):
        raise TypeError("no object")
    return found
