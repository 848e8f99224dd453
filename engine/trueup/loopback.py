"""Which hosts are this machine: a secret may go there in clear, a control route may answer them."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Returns whether a host is this machine: a name in lower case, or an address, no brackets."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
