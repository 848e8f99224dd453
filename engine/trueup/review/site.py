"""Where the desk is served: its public address, its cookies, and its trusted proxies.

On loopback a browser connects to the desk itself, over HTTP. Elsewhere it connects to a proxy, over
HTTPS, which passes the browser's request in `X-Forwarded-…`. Any client can send such headers, so
they are read from the configured proxies alone, and no other client may connect.
"""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from msgspec import Struct

from trueup.errors import EngineError
from trueup.loopback import host_name, is_loopback

HTTPS = "https"
_PORTS = {"http": 80, HTTPS: 443}

Network = IPv4Network | IPv6Network


class BrowserRequest(Struct, frozen=True):
    """The trusted facts of a browser's request."""

    authority: str  # the host and port that it named
    scheme: str
    sender: str  # its address
    is_by_proxy: bool


class Site(Struct, frozen=True):
    """The desk's public address."""

    authority: str  # host and port, as browsers name them
    scheme: str = "http"
    proxies: tuple[Network, ...] = ()
    port: int = 0  # that the desk listens on

    @property
    def origin(self) -> str:
        """The address without a path, as browsers write it."""
        return f"{self.scheme}://{self.authority}"

    @property
    def is_local(self) -> bool:
        """Whether the desk is served to this machine, without a proxy."""
        return not self.proxies and is_loopback(host_name(self.authority))

    def read_request(self, headers: Mapping[str, str], peer: str) -> BrowserRequest:
        """Returns the browser's request. `peer` is the address of the connection."""
        is_by_proxy = any(_is_in(peer, network) for network in self.proxies)
        if not is_by_proxy:
            return BrowserRequest(headers.get("host", ""), "http", peer, is_by_proxy=False)
        return BrowserRequest(
            _last(headers.get("x-forwarded-host", "")) or headers.get("host", ""),
            _last(headers.get("x-forwarded-proto", "")).lower() or "http",
            self._sender(headers.get("x-forwarded-for", ""), peer),
            is_by_proxy=True,
        )

    def _sender(self, forwarded: str, peer: str) -> str:
        """Returns the last address that is no proxy: those before it are only claimed."""
        for address in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
            if not any(_is_in(address, network) for network in self.proxies):
                return address
        return peer

    def is_own_host(self, authority: str) -> bool:
        """Returns whether `Host` is the desk's; locally, any name of this machine.

        An empty header is refused: no browser sends it.
        """
        if authority.lower() in {self.authority, self._with_port()}:
            return True
        return self.is_local and is_loopback(host_name(authority))

    def _with_port(self) -> str:
        has_port = urlsplit(f"//{self.authority}").port is not None
        return self.authority if has_port else f"{self.authority}:{_PORTS[self.scheme]}"

    def origins(self, authority: str) -> frozenset[str]:
        """Returns the origins of a page of the desk at that authority."""
        return frozenset({self.origin, f"{self.scheme}://{authority}"})


def public_site(address: str, proxies: tuple[str, ...], port: int) -> Site:
    """Returns the site of a team: its address in `trueup.yaml`, and its proxies.

    Raises EngineError for an invalid address or proxy.
    """
    try:
        parts = urlsplit(address)
        authority, _ = parts.netloc.lower(), parts.port
    except ValueError:
        authority = ""
    if not authority or parts.scheme != HTTPS or parts.path.strip("/") or parts.query:
        raise EngineError(
            f"desk.address: {address!r} is not an address such as https://desk.example"
        )
    return Site(authority, HTTPS, tuple(_network(proxy) for proxy in proxies), port)


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise EngineError(
            f"--proxy {text}: give the proxy's own address, such as 10.0.0.5, or its network"
        ) from error


def _is_in(address: str, network: Network) -> bool:
    try:
        return ip_address(address.partition("%")[0]) in network
    except ValueError:
        return False


def _last(header: str) -> str:
    """Returns the last of several values: the one that the nearest proxy added."""
    return header.rpartition(",")[2].strip()
