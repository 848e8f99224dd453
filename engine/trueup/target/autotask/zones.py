"""Zones: the address of a tenant's API, and the check that a next page stays in its zone.

Facts: docs/explanation/autotask.md, section 1.
"""

import re
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from trueup.loopback import PORTS, is_loopback, origin
from trueup.target.autotask.responses import MalformedResponse, clean_message

SERVICE = "ATServicesRest"
VERSION = "V1.0"
DOMAIN = "autotask.net"
"""All zones of Autotask are below it."""

_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.?|[0-9a-f:.]+", re.IGNORECASE)
"""A host's name or IP address, without what else a URL may hold there."""


class Zone(Struct, frozen=True):
    """The root address `https://host/ATServicesRest/V1.0`, and Autotask's name of the zone."""

    root: str
    name: str = ""

    def address(self, path: str) -> str:
        """Returns the whole address of a path, relative to the root or absolute on its host."""
        if not path.startswith("/"):
            return f"{self.root}/{path}"
        parts = urlsplit(self.root)
        return f"{parts.scheme}://{parts.netloc}{path}"

    def path_of(self, url: str) -> str:
        """Returns path and query of an address that must have this zone's origin.

        The path is relative to the root if possible, so that it is still right when the tenant
        moves to another zone. Raises `MalformedResponse`.
        """
        try:
            theirs, own = _origin(url), _origin(self.root)
        except ValueError:
            raise MalformedResponse("the address of the next page is not valid") from None
        if theirs != own:
            host = clean_message(theirs[1], 60)
            raise MalformedResponse(
                f"the address of the next page leads to {host}, away from {own[1]}"
            )

        parts, base = urlsplit(url.strip()), f"{urlsplit(self.root).path}/"
        is_inside = parts.path.casefold().startswith(base.casefold())
        path = parts.path[len(base) :] if is_inside else parts.path
        return f"{path}?{parts.query}" if parts.query else path

    def host(self) -> str:
        """Returns host, port and the path before the service, in one spelling."""
        scheme, host, port = _origin(self.root)
        prefix = urlsplit(self.root).path.removesuffix(f"/{SERVICE}/{VERSION}")
        return f"{host}{'' if port == PORTS[scheme] else f':{port}'}{prefix}"

    def host_name(self) -> str:
        """Returns the host alone, in lower case."""
        return _origin(self.root)[1]

    def place(self) -> str:
        """Returns a text that distinguishes zones, and not the ports of a sandbox's runs."""
        return "loopback" if self.is_loopback() else self.root

    def is_secure(self) -> bool:
        """Whether requests are encrypted, or stay on this machine."""
        return self.root.startswith("https:") or self.is_loopback()

    def is_loopback(self) -> bool:
        """Whether the address is on this machine."""
        return is_loopback(self.host_name())


def is_trusted(zone: Zone, start: Zone, hosts: Collection[str]) -> bool:
    """Returns whether the secret may be sent to a zone that the look-up at `start` returned.

    It may be sent to Autotask's own hosts, to the look-up host itself, to another port of this
    machine if the look-up host is on it, and to the `hosts` that the project names.
    """
    name = zone.host_name()
    is_autotask = name == DOMAIN or name.endswith(f".{DOMAIN}")
    is_same = name == start.host_name() or (zone.is_loopback() and start.is_loopback())
    return is_autotask or is_same or name in {host.strip().lower() for host in hosts}


def zone_at(url: str, name: str = "") -> Zone:
    """Returns the zone at a look-up host, or at the `url` that a look-up returned.

    Autotask writes both with and without `/ATServicesRest`, and with and without a slash at the
    end. Raises `ValueError`.
    """
    parts = _split(url)
    segments: list[str] = []
    for segment in parts.path.split("/"):
        if segment.casefold() == SERVICE.casefold():
            break
        segments.append(segment)
    prefix = "/".join(segments).rstrip("/")
    return Zone(f"{parts.scheme.lower()}://{parts.netloc}{prefix}/{SERVICE}/{VERSION}", name)


def read_zone(payload: object) -> Zone:
    """Returns the zone of a look-up's answer. Raises `MalformedResponse`."""
    answer = payload if isinstance(payload, dict) else {}
    name = clean_message(str(answer.get("zoneName") or ""), 60)
    try:
        return zone_at(str(answer.get("url") or ""), name)
    except ValueError as fault:
        raise MalformedResponse(f"the zone look-up names no usable url: {fault}") from None


def _origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port in one spelling, for comparison. Raises `ValueError` as `_split`."""
    _split(url)
    return origin(url)


def _split(url: str) -> SplitResult:
    """Raises `ValueError`, whose text never repeats the address: it may contain a password."""
    parts = urlsplit(url.strip())
    try:
        has_port = parts.port != 0
    except ValueError:  # its text would repeat a part of the address
        has_port = False
    is_host = bool(_HOST.fullmatch(parts.hostname or ""))
    if parts.scheme.lower() not in PORTS or not is_host or not has_port:
        raise ValueError("an address must be like https://webservices.autotask.net")
    if parts.username or parts.password:
        raise ValueError("an address must not hold a user name or password")
    return parts
