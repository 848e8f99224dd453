"""trueup.yaml, as it fits its schema, in; the parts of a Project that it says out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from engine.config.currencies import CODES, meant
from engine.config.environment import exposed, resolve
from engine.config.near import hint
from engine.config.node import Node
from engine.config.rulebook import day
from engine.model.finding import Finding, Place, Severity
from engine.model.project import Connection, Guards

STATE = ".trueup/state.sqlite"
_EVERY = "*"
_USUAL: Mapping[str, Mapping[str, object]] = {
    "sqlite": {"path": STATE},
    "autotask": {"url": "https://webservices.autotask.net"},  # where the zone is looked up
}


@dataclass(frozen=True, slots=True)
class Frame:
    """What trueup.yaml says, but for the settings."""

    name: str
    source: Connection
    target: Connection
    state: Connection
    zone: ZoneInfo
    guards: Guards
    settle_after: timedelta
    as_of: date | None
    currency: str
    batch: int
    findings: tuple[Finding, ...]


def frame(node: Node, env: Mapping[str, str]) -> Frame:
    """All of it, with what is wrong besides its schema."""
    findings: list[Finding] = []
    connections = {key: _connection(node.get(key), env, findings) for key in ("source", "target", "state")}
    if not connections["state"].connector:
        connections["state"] = Connection("sqlite", {"path": STATE}, node.place)
    if node["target"].data["connector"] != "sandbox":
        findings += exposed(node["target"])
    findings += exposed(node["source"])
    zone = _zone(node["time_zone"], findings)
    as_of, settle, batch, currency = (node.get(key) for key in ("as_of", "settle_after", "batch", "currency"))
    return Frame(
        name=node["project"].data,
        source=connections["source"],
        target=connections["target"],
        state=connections["state"],
        zone=zone,
        guards=_guards(node.get("guards")),
        settle_after=timedelta(seconds=float(settle.data) if settle else 300),
        as_of=day(as_of.data) if as_of else None,
        currency=_currency(currency, findings) if currency else "",
        batch=batch.data if batch else 500,
        findings=tuple(findings),
    )


def _connection(node: Node | None, env: Mapping[str, str], findings: list[Finding]) -> Connection:
    if node is None:
        return Connection("", {}, Place(""))
    resolved = resolve(node, env)
    findings += resolved.findings
    connector = node["connector"].data
    return Connection(connector, {**_USUAL.get(connector, {}), **resolved.options}, node.place)


def _zone(node: Node, findings: list[Finding]) -> ZoneInfo:
    try:
        return ZoneInfo(node.data)
    except (KeyError, ValueError, OSError):  # a folder of the zone database is an OSError
        remedy = hint(node.data, available_timezones())
        text = f"there is no time zone {node.data!r}"
        findings.append(Finding("unknown-name", Severity.ERROR, text, remedy, node.place))
        return ZoneInfo("UTC")


def _currency(node: Node, findings: list[Finding]) -> str:
    code: str = node.data
    if code not in CODES:
        near = meant(code)
        remedy = f"did you mean {near!r}?" if near else "write its code of ISO 4217"
        findings.append(Finding("unknown-name", Severity.ERROR, f"there is no currency {code!r}", remedy, node.place))
    return code


def _guards(node: Node | None) -> Guards:
    """Limits, with safe ones where none are said."""
    said = dict(node.items()) if node else {}
    return Guards(
        creates=_limits(said.get("creates"), 50),
        deactivations=_limits(said.get("deactivations"), 0),
        share_changed={
            name: Decimal(share) for name, share in _limits(said.get("share_changed"), Decimal("0.3")).items()
        },
        monthly_effect=Decimal(said["monthly_effect"].data if "monthly_effect" in said else 1000),
        calls=said["calls"].data if "calls" in said else 2000,
    )


def _limits(node: Node | None, otherwise: int | Decimal) -> dict[str, Any]:
    return {_EVERY: otherwise, **(node.data if node else {})}


def guarded(node: Node | None) -> Iterator[tuple[str, Place]]:
    """The entities that guards name, with their places."""
    for key in ("creates", "deactivations", "share_changed"):
        limits = node.get(key) if node else None
        for name, part in limits.items() if limits else ():
            if name != _EVERY:
                yield name, part.key_place
