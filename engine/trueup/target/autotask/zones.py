"""Zones: where a tenant's API stands, and that the address of a next page stays there."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from engine.target.answers import Garbled, clean

SERVICE = "ATServicesRest"
VERSION = "V1.0"

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Zone:
    """Where the tenant lives: `https://host/ATServicesRest/V1.0`, and what Autotask calls the zone."""

    root: str
    name: str = ""

    def address(self, path: str) -> str:
        """The whole address of a path, relative to the root or absolute on its host."""
        if not path.startswith("/"):
            return f"{self.root}/{path}"
        parts = urlsplit(self.root)
        return f"{parts.scheme}://{parts.netloc}{path}"

    def path_of(self, url: str) -> str:
        """Path and query of an address that must stay on this zone's origin. Raises Garbled.

        Relative to the root where it can be, so that it holds when the tenant moves to another zone.
        """
        try:
            theirs, ours = _origin(url), _origin(self.root)
        except ValueError:
            raise Garbled("an address of a next page that is none") from None
        if theirs != ours:
            raise Garbled(f"the address of the next page leads to {clean(theirs[1], 60)}, away from {ours[1]}")
        parts, base = urlsplit(url.strip()), f"{urlsplit(self.root).path}/"
        inside = parts.path.casefold().startswith(base.casefold())
        return (parts.path[len(base) :] if inside else parts.path) + (f"?{parts.query}" if parts.query else "")

    def host(self) -> str:
        """Host, port and what stands before the service, the same however the address was written."""
        scheme, host, port = _origin(self.root)
        before = urlsplit(self.root).path.removesuffix(f"/{SERVICE}/{VERSION}")
        return f"{host}{'' if port == _PORTS[scheme] else f':{port}'}{before}"

    def is_secure(self) -> bool:
        """Is what is sent there encrypted, or does it stay on this machine?"""
        return self.root.startswith("https:") or self.is_here()

    def is_here(self) -> bool:
        """Is it on this machine?"""
        host = _origin(self.root)[1]
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


def zone_at(url: str, name: str = "") -> Zone:
    """The zone at a look-up host, or at the `url` that a look-up gave. Raises ValueError.

    Both are seen with and without `/ATServicesRest`, and with and without a slash at the end
    (autotask-api.md, section 1).
    """
    parts = _split(url)
    kept: list[str] = []
    for segment in parts.path.split("/"):
        if segment.casefold() == SERVICE.casefold():
            break
        kept.append(segment)
    before = "/".join(kept).rstrip("/")
    return Zone(f"{parts.scheme.lower()}://{parts.netloc}{before}/{SERVICE}/{VERSION}", name)


def read_zone(payload: object) -> Zone:
    """The answer of a zone look-up. Raises Garbled."""
    said = payload if isinstance(payload, dict) else {}
    try:
        return zone_at(str(said.get("url") or ""), clean(str(said.get("zoneName") or ""), 60))
    except ValueError as fault:
        raise Garbled(f"the zone look-up names no usable url: {fault}") from None


def _origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port, in the one form in which they can be compared. Raises ValueError."""
    parts = _split(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or _PORTS[scheme]


def _split(url: str) -> SplitResult:
    """The texts of its errors repeat nothing of the address: there may be a password in it."""
    parts = urlsplit(url.strip())
    if parts.scheme.lower() not in _PORTS or not parts.hostname:
        raise ValueError("an address must be like https://webservices.autotask.net")
    if parts.username or parts.password:
        raise ValueError("an address must not hold a user name or password")
    return parts
