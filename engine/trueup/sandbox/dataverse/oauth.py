"""Tokens for client credentials, as Entra's v2.0 endpoint gives them; known by what they say, kept nowhere.

Addresses are announced as https, as msal wants them; the client speaks plain HTTP to this machine.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qs

from engine.sandbox.answers import Answer
from engine.sandbox.dataverse.answers import Refusal
from engine.sandbox.request import Request


@dataclass(slots=True)
class Door:
    """Who may come in, and the key that tokens are signed with."""

    tenant: str
    client_id: str
    client_secret: str = field(repr=False)
    now: Callable[[], datetime]
    seconds: int = 3600  # a token's life
    generation: int = 0  # tokens of an older one are refused
    given: int = 0
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def answer(self, request: Request) -> Answer | None:
        """The answer to a request under /<tenant>/, none for anything else."""
        path = request.path.strip("/")
        if path == f"{self.tenant}/v2.0/.well-known/openid-configuration":
            return _json(self._announce(request))
        if path == f"{self.tenant}/oauth2/v2.0/token":
            return self._give(request)
        return None

    def check(self, request: Request) -> None:
        """Raises Refusal without a token that is good now."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        until, _, rest = token.partition(".")
        good = kind == "Bearer" and hmac.compare_digest(rest, self._sign(until))
        if not good or not until.isdigit() or int(until) < self.now().timestamp():
            raise Refusal(401, "", "The token is missing, expired or was withdrawn.", {"WWW-Authenticate": "Bearer"})

    def withdraw(self) -> None:
        """No token that was given is good any more."""
        self.generation += 1

    def _announce(self, request: Request) -> dict[str, str]:
        root = f"{request.base.replace('http://', 'https://', 1)}/{self.tenant}"
        return {
            "issuer": f"{root}/v2.0",
            "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
            "token_endpoint": f"{root}/oauth2/v2.0/token",
        }

    def _give(self, request: Request) -> Answer:
        form = {name: values[0] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
        scope = f"{request.base}/.default"
        if form.get("grant_type") != "client_credentials" or scope not in form.get("scope", "").split():
            return _json(_error("invalid_scope", f"AADSTS70011: The scope must be {scope}."), 400)
        same = hmac.compare_digest(form.get("client_secret", ""), self.client_secret)
        if form.get("client_id") != self.client_id or not same:
            return _json(_error("invalid_client", "AADSTS7000215: Invalid client secret provided."), 401)
        self.given += 1
        until = str(int(self.now().timestamp()) + self.seconds)
        token = f"{until}.{self._sign(until)}"
        return _json({"token_type": "Bearer", "expires_in": self.seconds, "access_token": token})

    def _sign(self, until: str) -> str:
        said = f"{until} {self.generation}".encode()
        return hmac.new(self._key, said, hashlib.sha256).hexdigest()


def _error(code: str, words: str) -> dict[str, str]:
    return {"error": code, "error_description": f"{words}\r\nTrace ID: none"}


def _json(said: object, status: int = 200) -> Answer:
    return Answer(status=status, body=json.dumps(said).encode())
