"""What an API user signs in with, kept out of sight."""

from dataclasses import dataclass
from hashlib import sha256

from engine.errors import TargetError

_SHORTEST_HIDDEN = 6
"""Shorter ones are words, as in a demo; to hide them would make messages unreadable."""


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """User name, secret and integration code. Shows nothing of itself.

    Idle space around them is dropped. Raises TargetError for what no header can carry.
    """

    username: str
    secret: str
    integration_code: str

    def __post_init__(self) -> None:
        for name in ("username", "secret", "integration_code"):
            value = getattr(self, name).strip()
            if not value or not value.isprintable():
                what = "is empty" if not value else "holds a character that cannot be sent"
                raise TargetError(f"the target's {name} {what}; see target: in trueup.yaml")
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return "Credentials(…)"

    def headers(self) -> dict[bytes, bytes]:
        """The three headers of every request but the zone look-up (autotask-api.md, section 1)."""
        return {
            b"ApiIntegrationCode": self.integration_code.encode(),
            b"UserName": self.username.encode(),
            b"Secret": self.secret.encode(),
        }

    def known_as(self) -> str:
        """The user, so that two can be told apart, and not so that one could sign in: domain and digest."""
        name = self.username.casefold()
        domain = name.partition("@")[2]
        return f"API user {f'…@{domain} ' if domain else ''}({sha256(name.encode()).hexdigest()[:8]})"

    def hide(self, text: str) -> str:
        """The text without the secret and the integration code, should a server repeat them."""
        for hidden in (self.secret, self.integration_code):
            if len(hidden) >= _SHORTEST_HIDDEN:
                text = text.replace(hidden, "…")
        return text
