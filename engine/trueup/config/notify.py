"""Builds `notify:` of trueup.yaml: where notices go, of what, and how much they say."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from trueup.config.environment import variable
from trueup.config.node import Node
from trueup.model.finding import Finding, Severity
from trueup.model.notice import Details, Event, NoticeAddress, NoticeOptions


def parse_notify(node: Node | None, env: Mapping[str, str]) -> NoticeOptions:
    """Returns the options; without the key nothing is sent.

    A variable that is named twice is one address: each notice goes there once.
    """
    if node is None:
        return NoticeOptions()
    events, details, leak_above = (node.get(key) for key in ("events", "details", "leak_above"))
    return NoticeOptions(
        to=tuple({one.variable: one for one in _addresses(node.get("to"), env)}.values()),
        events=frozenset(map(Event, events.texts())) if events else frozenset(Event),
        details=Details(details.data) if details else Details.COUNTS,
        leak_above=Decimal(str(leak_above.data)) if leak_above else None,
    )


def _addresses(node: Node | None, env: Mapping[str, str]) -> Iterator[NoticeAddress]:
    for part in node.parts() if node else ():
        name = variable(part.data)
        yield NoticeAddress(name, env.get(name, ""), part.place)


def check_notify(options: NoticeOptions) -> Iterator[Finding]:
    """Reports addresses that are not known here; it is an error only where one is to be used."""
    for one in options.to:
        if not one.address:
            text = f"the environment variable {one.variable} is not set: no notice goes there"
            yield Finding("environment", Severity.INFO, text, "", one.place)
