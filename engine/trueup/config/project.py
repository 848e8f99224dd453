"""Builds the parts of a project that trueup.yaml states, except for the settings.

`parse_project` takes the document, valid for its schema, and the environment.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from msgspec import Struct
from msgspec.structs import replace

from trueup.config.approval import parse_approval
from trueup.config.currencies import CODES, closest_code
from trueup.config.days import parse_day
from trueup.config.desk import parse_desk
from trueup.config.environment import exposed_secrets, resolve
from trueup.config.node import Node
from trueup.config.notify import check_notify, parse_notify
from trueup.model.approval import ApprovalPolicy
from trueup.model.desk import DeskSettings
from trueup.model.finding import Finding, Place, Severity
from trueup.model.notice import NoticeOptions
from trueup.model.project import Connection, Guards
from trueup.model.suggestions import hint

STATE = ".trueup/state.sqlite"
"""Where the state is kept if trueup.yaml does not say."""

TENANT = "default"
"""Whose state it is, where trueup.yaml does not say and the database may hold several."""

LOOK_UP_HOST = "https://webservices.autotask.net"
"""Where the zone of a tenant of Autotask is looked up, if trueup.yaml does not say."""

_OTHERS = "*"
"""In guards: all entities that have no limit of their own."""

_DEFAULT_OPTIONS: Mapping[str, Mapping[str, object]] = {
    "sqlite": {"path": STATE},
    "postgres": {"tenant": TENANT},
    "autotask": {"url": LOOK_UP_HOST},
}


class ProjectOptions(Struct, frozen=True):
    """The options of trueup.yaml, except for the settings, and the findings about them."""

    name: str
    source: Connection
    target: Connection
    state: Connection
    zone: ZoneInfo
    guards: Guards
    approval: ApprovalPolicy | None
    desk: DeskSettings
    settle_after: timedelta
    as_of: date | None
    as_of_place: Place | None
    currency: str
    batch: int
    placeholders: tuple[str, ...]
    notify: NoticeOptions
    findings: tuple[Finding, ...]


def parse_project(node: Node, env: Mapping[str, str]) -> ProjectOptions:
    """Returns the options, with findings for what the schema cannot check."""
    findings: list[Finding] = []
    connections = {
        key: _connection(node.get(key), env, findings) for key in ("source", "target", "state")
    }
    if not connections["state"].connector:
        connections["state"] = Connection("sqlite", {"path": STATE}, node.place, is_default=True)
    if node["target"].data["connector"] != "sandbox":
        findings += exposed_secrets(node["target"])
    findings += exposed_secrets(node["source"])
    if "state" in node:
        findings += exposed_secrets(node["state"])

    as_of, settle_after, batch, currency, placeholders = (
        node.get(key) for key in ("as_of", "settle_after", "batch", "currency", "placeholders")
    )
    notify = parse_notify(node.get("notify"), env)
    findings += check_notify(notify)
    zone = parse_zone(node["time_zone"], findings)
    currency_code = _currency(currency, findings) if currency else ""
    return ProjectOptions(
        name=node["project"].data,
        source=connections["source"],
        target=connections["target"],
        state=connections["state"],
        zone=zone,
        guards=parse_guards(node.get("guards")),
        approval=parse_approval(node.get("approval")),
        desk=parse_desk(node.get("desk"), env, findings),
        settle_after=timedelta(seconds=float(settle_after.data) if settle_after else 300),
        as_of=parse_day(as_of.data) if as_of else None,
        as_of_place=as_of.key_place if as_of else None,
        currency=currency_code,
        batch=batch.data if batch else 500,
        placeholders=placeholders.texts() if placeholders else (),
        notify=notify,
        findings=tuple(findings),
    )


def _connection(node: Node | None, env: Mapping[str, str], findings: list[Finding]) -> Connection:
    if node is None:
        return Connection("", {}, Place(""))

    resolved = resolve(node, env)
    findings += resolved.findings
    findings += [replace(one, severity=Severity.INFO, remedy="") for one in resolved.unset]
    connector = node["connector"].data
    options = {**_DEFAULT_OPTIONS.get(connector, {}), **resolved.options}
    return Connection(connector, options, node.place, resolved.unset)


def parse_zone(node: Node, findings: list[Finding]) -> ZoneInfo:
    """Returns the time zone; UTC, and a finding, where there is none of that name."""
    try:
        return ZoneInfo(node.data)
    except (KeyError, ValueError, OSError):  # OSError: the name is a folder of the zone database
        remedy = hint(node.data, available_timezones())
        text = f"there is no time zone {node.data!r}"
        findings.append(Finding("unknown-name", Severity.ERROR, text, remedy, node.place))
        return ZoneInfo("UTC")


def _currency(node: Node, findings: list[Finding]) -> str:
    code: str = node.data
    if code not in CODES:
        meant = closest_code(code)
        text = f"there is no currency {code!r}"
        remedy = f"did you mean {meant!r}?" if meant else "write its code of ISO 4217"
        findings.append(Finding("unknown-name", Severity.ERROR, text, remedy, node.place))
    return code


def parse_guards(node: Node | None) -> Guards:
    """Returns the limits. Those that the node does not set are strict."""
    limits = dict(node.items()) if node else {}
    adjustments = limits["adjustments"].data if "adjustments" in limits else {}
    return Guards(
        creates=_limits(limits.get("creates"), 50),
        deactivations=_limits(limits.get("deactivations"), 0),
        share_changed=_shares(limits.get("share_changed"), Decimal("0.3")),
        adjustments={"count": 100, "seats": 500, **adjustments},
        rows_gone=_shares(limits.get("rows_gone"), Decimal("0.1")),
        monthly_effect=_amount(limits.get("monthly_effect")),
        one_off_effect=_amount(limits.get("one_off_effect")),
        calls=limits["calls"].data if "calls" in limits else 2000,
    )


def _shares(node: Node | None, default: Decimal) -> dict[str, Decimal]:
    return {name: Decimal(share) for name, share in _limits(node, default).items()}


def _amount(node: Node | None) -> Decimal:
    return Decimal(node.data) if node else Decimal(1000)


def _limits(node: Node | None, default: int | Decimal) -> dict[str, Any]:
    return {_OTHERS: default, **(node.data if node else {})}


class NamedLimit(Struct, frozen=True):
    """A limit of trueup.yaml for one entity or table."""

    guard: str  # creates, deactivations, share_changed or rows_gone
    name: str
    place: Place


def named_limits(node: Node | None) -> Iterator[NamedLimit]:
    """Yields the limits that guards set for single entities and tables."""
    for guard in ("creates", "deactivations", "share_changed", "rows_gone"):
        limits = node.get(guard) if node else None
        for name, part in limits.items() if limits else ():
            if name != _OTHERS:
                yield NamedLimit(guard, name, part.key_place)
