"""Reads addresses: their host and origin, and whether they are on this machine.

On this machine encryption is not needed.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}
"""The port of a scheme where an address names none."""


def origin(url: str) -> tuple[str, str, int]:
    """Returns scheme, host and port, in one spelling for comparison.

    The host is in lower case and without brackets. Raises `ValueError`.
    """
    parts = urlsplit(url.strip())
    return parts.scheme, parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)


def has_path(url: str) -> bool:
    """Returns whether an address goes on behind its host and port, other than with a slash."""
    parts = urlsplit(url.strip())
    return bool(parts.path.strip("/") or parts.query or parts.fragment)


def is_loopback(host: str) -> bool:
    """Returns whether a host is this machine: a name in lower case, or an address, no brackets."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def host_name(authority: str) -> str:
    """Returns the host of `host:port`, without brackets and in lower case; "" if it has none."""
    try:
        return urlsplit(f"//{authority}").hostname or ""
    except ValueError:
        return ""


def is_on_loopback(url: str) -> bool:
    """Returns whether an address leads to this machine; False for what is no address."""
    try:
        return is_loopback(urlsplit(url.strip()).hostname or "")
    except ValueError:
        return False


def is_in_clear(url: str) -> bool:
    """Returns whether a request to the address leaves this machine without encryption."""
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme.lower() == "http" and not is_loopback(host)
