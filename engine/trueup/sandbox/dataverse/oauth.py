"""The token endpoint for client credentials, in the form of Microsoft Entra's v2.0 endpoint.

A token carries its own expiry and a signature, so no token is stored. The announced addresses have
the scheme https, as msal requires; the client sends plain HTTP to this machine. Source:
docs/explanation/work365.md, section 6.1.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qs

from trueup.sandbox.dataverse.responses import DataverseError
from trueup.sandbox.http.request import Request
from trueup.sandbox.http.responses import Response


@dataclass(slots=True)
class TokenEndpoint:
    """The one client that gets tokens, and the key that signs them."""

    tenant: str
    client_id: str
    client_secret: str = field(repr=False)
    now: Callable[[], datetime]
    seconds: int = 3600  # for which a token is valid
    generation: int = 0  # tokens of earlier generations are refused
    issued: int = 0  # number of tokens
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def answer(self, request: Request) -> Response | None:
        """Answers a request under /<tenant>/; None for any other path."""
        path = request.path.strip("/")
        if path == f"{self.tenant}/v2.0/.well-known/openid-configuration":
            return _json(self._configuration(request))
        if path == f"{self.tenant}/oauth2/v2.0/token":
            return self._issue(request)
        return None

    def check(self, request: Request) -> None:
        """Raises `DataverseError` unless the request has a valid token."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        expiry, _, signature = token.partition(".")
        signed = scheme == "Bearer" and hmac.compare_digest(signature, self._sign(expiry))
        if not signed or not expiry.isdigit() or int(expiry) < self.now().timestamp():
            raise DataverseError(
                401,
                "",
                "The token is missing, expired or was withdrawn.",
                {"WWW-Authenticate": "Bearer"},
            )

    def revoke(self) -> None:
        """Makes all tokens invalid that were issued so far."""
        self.generation += 1

    def _configuration(self, request: Request) -> dict[str, str]:
        root = f"{request.base.replace('http://', 'https://', 1)}/{self.tenant}"
        return {
            "issuer": f"{root}/v2.0",
            "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
            "token_endpoint": f"{root}/oauth2/v2.0/token",
        }

    def _issue(self, request: Request) -> Response:
        fields = parse_qs(request.body.decode("utf-8", "replace"))
        form = {name: values[0] for name, values in fields.items()}

        scope = f"{request.base}/.default"
        scopes = form.get("scope", "").split()
        if form.get("grant_type") != "client_credentials" or scope not in scopes:
            return _json(_error("invalid_scope", f"AADSTS70011: The scope must be {scope}."), 400)

        same_secret = hmac.compare_digest(form.get("client_secret", ""), self.client_secret)
        if form.get("client_id") != self.client_id or not same_secret:
            return _json(
                _error("invalid_client", "AADSTS7000215: Invalid client secret provided."), 401
            )

        self.issued += 1
        expiry = str(int(self.now().timestamp()) + self.seconds)
        token = f"{expiry}.{self._sign(expiry)}"
        return _json({"token_type": "Bearer", "expires_in": self.seconds, "access_token": token})

    def _sign(self, expiry: str) -> str:
        signed = f"{expiry} {self.generation}".encode()
        return hmac.new(self._key, signed, hashlib.sha256).hexdigest()


def _error(code: str, description: str) -> dict[str, str]:
    return {"error": code, "error_description": f"{description}\r\nTrace ID: none"}


def _json(document: object, status: int = 200) -> Response:
    return Response(status=status, body=json.dumps(document).encode())
