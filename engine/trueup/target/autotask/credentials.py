"""The credentials of an API user, which no message and no repr shows."""

from dataclasses import dataclass
from hashlib import sha256

from trueup.errors import TargetError
from trueup.model import secrets


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """User name, secret and integration code, without spaces around them.

    Raises `TargetError` for a value that no HTTP header can carry.
    """

    username: str
    secret: str
    integration_code: str

    def __post_init__(self) -> None:
        for name in ("username", "secret", "integration_code"):
            value = getattr(self, name).strip()
            if not value or not value.isprintable():
                fault = "is empty" if not value else "holds a character that cannot be sent"
                raise TargetError(f"the target's {name} {fault}; see target: in trueup.yaml")
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return "Credentials(…)"

    def headers(self) -> dict[bytes, bytes]:
        """Returns the headers of every request but the zone look-up.

        Source: docs/explanation/autotask.md, section 1.
        """
        return {
            b"ApiIntegrationCode": self.integration_code.encode(),
            b"UserName": self.username.encode(),
            b"Secret": self.secret.encode(),
        }

    def public_name(self) -> str:
        """Returns domain and digest of the user name.

        It distinguishes two users, and does not show a name that could be used to sign in.
        """
        name = self.username.casefold()
        domain = name.partition("@")[2]
        digest = sha256(name.encode()).hexdigest()[:8]
        return f"API user {f'…@{domain} ' if domain else ''}({digest})"

    def hide(self, text: str) -> str:
        """Returns the text without what is sent to sign in, in case a server repeats it."""
        return secrets.hide(text, (self.username, self.secret, self.integration_code))
