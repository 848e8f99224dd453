"""The check of the options of source and target that belong together or concern secrets."""

from collections.abc import Iterator

from trueup.config.node import Node
from trueup.config.project import ProjectOptions
from trueup.loopback import is_in_clear
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
            if node is not None and is_in_clear(str(connection.options.get(name, ""))):
                text = f"{part}.{name} begins with http://, so the secret would be sent in clear"
                yield Finding("address", Severity.ERROR, text, "write https://", node.place)


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
