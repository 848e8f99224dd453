"""`desk:` of trueup.yaml: how a team's desk is served and how its people log in."""

from dataclasses import dataclass, field

from msgspec import Struct

from trueup.model.finding import Finding


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """An OpenID Connect provider. Its secret must never be printed."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    claim: str = "email"  # that names the person, as the lists of `approval.roles` do
    unset: tuple[Finding, ...] = ()  # environment variables that it needs and that are not set


class DeskSettings(Struct, frozen=True):
    """The desk of a team."""

    address: str = ""  # as browsers write it; empty on loopback
    login: OidcSettings | None = None


NO_DESK = DeskSettings()
"""A project that says nothing about it."""
