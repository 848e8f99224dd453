"""A small OpenID Connect provider on loopback, whose answers a test can change."""

import json
import time
from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "desk", "desk-secret-of-tests"
KEY = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
NEW_KEY = RSAKey.generate_key(2048, {"kid": "second", "use": "sig"})


def unsigned(claims):
    """A token with `alg: none`."""
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join([*(_base64(json.dumps(part).encode()) for part in parts), ""])


def _base64(content):
    return urlsafe_b64encode(content).rstrip(b"=").decode()


class OidcProvider:
    """Serves discovery, keys, authorize and token. `claims` are changes of the next tokens."""

    def __init__(self):
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                provider._answer(self, urlsplit(self.path), None)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                provider._answer(self, urlsplit(self.path), dict(parse_qsl(body)))

            def log_message(self, *_arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self.claims, self.metadata = {"email": "anna@msp.example", "email_verified": True}, {}
        self.key, self.sign = KEY, None
        self.published: list[Any] = [KEY]
        self.codes, self.asked = {}, []
        self._thread = Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, handler, address, form):
        self.asked.append(address.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        match address.path:
            case "/.well-known/openid-configuration":
                self._json(handler, 200, self._described())
            case "/keys":
                keys = KeySet(self.published).as_dict(private=False)
                self._json(handler, 200, keys)
            case "/authorize":
                code = f"code-{len(self.codes)}"
                self.codes[code] = query
                back = urlencode({"code": code, "state": query["state"]})
                handler.send_response(303)
                handler.send_header("Location", f"{query['redirect_uri']}?{back}")
                handler.end_headers()
            case "/token":
                self._token(handler, form)
            case _:
                self._json(handler, 404, {})

    def _described(self):
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            **self.metadata,
        }

    def _token(self, handler, form):
        """A code is taken once, with the verifier of its challenge, the client and its secret."""
        asked = self.codes.pop(form.get("code"), None)
        challenge = _base64(sha256(form.get("code_verifier", "").encode()).digest())
        basic = handler.headers.get("Authorization", "")
        is_client = basic == f"Basic {_basic(CLIENT, SECRET)}"
        is_right = asked and asked["code_challenge_method"] == "S256"
        if not (is_client and is_right and asked["code_challenge"] == challenge):
            self._json(handler, 400, {"error": "invalid_grant"})
            return
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "1",
            "aud": CLIENT,
            "nonce": asked["nonce"],
            "iat": now,
            "exp": now + 60,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        sign = self.sign or self._signed
        token = {"access_token": "a", "token_type": "Bearer", "id_token": sign(claims)}
        self._json(handler, 200, token)

    def _signed(self, claims):
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def _json(self, handler, status, content):
        body = json.dumps(content).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


def _basic(user, password):
    return b64encode(f"{user}:{password}".encode()).decode()
