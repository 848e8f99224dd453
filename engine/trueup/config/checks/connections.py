"""The check of the options of connections that belong together or concern secrets."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from trueup.config.node import Node
from trueup.config.project import ProjectOptions
from trueup.loopback import has_path, is_in_clear
from trueup.model.finding import Finding, Severity

TARGET_TIMEOUT = 300
"""Seconds that a request to the target may take where trueup.yaml does not say."""

_ADDRESSES = (("source", "dataverse", ("url", "authority")), ("target", "autotask", ("url",)))
"""Addresses to which a secret is sent: the part, its connector, its options."""


def check_connections(project: Node, options: ProjectOptions) -> Iterator[Finding]:
    """Yields what is wrong with options that each are valid by themselves."""
    yield from _check_settle_after(project, options)
    for part, connector, names in _ADDRESSES:
        connection = options.source if part == "source" else options.target
        if connection.connector != connector:
            continue
        for name in names:
            node = project[part].get(name)
            address = str(connection.options.get(name, ""))
            if node is None or not address:
                continue  # or from a variable that is not set
            if not _is_web_address(address.strip()):
                text = f"{part}.{name} is not the address of a service"
                yield Finding("address", Severity.ERROR, text, _ADDRESS_REMEDY, node.place)
            elif is_in_clear(address):
                text = f"{part}.{name} begins with http://, so the secret would be sent in clear"
                yield Finding("address", Severity.ERROR, text, "write https://", node.place)
            elif (part, name) == ("source", "url") and has_path(address):
                text = "source.url has a path, and the path of the API would be added to it"
                yield Finding("address", Severity.ERROR, text, _HOST_REMEDY, node.place)

    yield from _check_database(project, options)


def _check_database(project: Node, options: ProjectOptions) -> Iterator[Finding]:
    """Reports an address of the state that no PostgreSQL has."""
    address = str(options.state.options.get("url", ""))
    if options.state.connector == "postgres" and address and not _DATABASE.match(address):
        text = "state.url is not the address of a PostgreSQL database"
        place = project["state"]["url"].place
        yield Finding("address", Severity.ERROR, text, _DATABASE_REMEDY, place)


_DATABASE = re.compile(r"(?:postgresql|postgres)(?:\+psycopg)?://")
_DATABASE_REMEDY = "write postgresql://, the user, the host and the name of the database"
_HOST_REMEDY = "write https:// and the host alone"
_ADDRESS_REMEDY = "write https:// and the host, without spaces"


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        has_host = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and has_host and not re.search(r"\s", text)


def _check_settle_after(project: Node, options: ProjectOptions) -> Iterator[Finding]:
    """Reports a `settle_after` within which a request may still be running.

    A create that counts as not made while it is still running is made twice.
    """
    timeout = project["target"].get("timeout")
    seconds = timeout.data if timeout else TARGET_TIMEOUT
    settle_after = options.settle_after.total_seconds()
    if settle_after >= seconds:
        return
    node = project.get("settle_after")
    limit = "target.timeout" if timeout else "the default of target.timeout"
    text = (
        f"settle_after ({settle_after:g}) is less than {limit} ({seconds:g}):"
        " a request that is still running would count as not made, and be sent twice"
    )
    remedy = f"set settle_after to at least {seconds:g}, or target.timeout to less"
    place = node.place if node else project["target"].place
    yield Finding("settle-after", Severity.ERROR, text, remedy, place)
