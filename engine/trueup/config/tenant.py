"""Builds the tenants of fleet.yaml: each laid over the defaults, with findings for what is wrong.

The document is valid for its schema. What the schema cannot check is checked here: parts that stand
in the tenant or in the defaults, times, zones, secrets in the file.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from trueup.config.checks.tenant_secrets import exposed_in_reference, exposed_in_set
from trueup.config.cron import cron_fault, meets
from trueup.config.documents import Document, Steps
from trueup.config.file_names import FLEET
from trueup.config.node import Node
from trueup.config.overlay import overlaid, overrides_of, prefixed, relocated
from trueup.config.project import parse_zone
from trueup.model.finding import Finding, Place, Severity
from trueup.model.fleet import (
    DAYS,
    CommandSecret,
    EnvironmentSecret,
    FileSecret,
    KeyringSecret,
    PolicyLimits,
    RunMode,
    RunPolicy,
    Schedule,
    SecretReference,
    Tenant,
    Window,
)
from trueup.model.overlay import Overrides

_FOLDER = "tenants"
"""Where the folders of tenants are, beside fleet.yaml."""

_TIME_LIMIT = 1800  # seconds
_SECRET_TIMEOUT = 10  # seconds

_SECRETS = "secrets"
_KINDS = ("environment", "file", "keyring", "command")


class TenantParser:
    """Builds tenants; adds what is wrong with them to `findings`."""

    def __init__(
        self, root: Path, defaults: Node | None, removed: Iterable[Steps], findings: list[Finding]
    ) -> None:
        """`root` is the absolute path of the folder of fleet.yaml.

        `removed` are the steps to parts that the schema check removed: what they leave missing is
        not reported again.
        """
        self._root, self._findings = root, findings
        self._removed = {steps[-1] for steps in removed if steps}
        self._defaults = _as_document(overrides_of(defaults) if defaults else Overrides())
        self._faults: dict[str, tuple[str, str]] = {}  # by cron: many tenants share one

    def parse_all(self, tenants: Node) -> Iterator[Tenant]:
        """Yields the tenants, in the order of the file."""
        parts = _by_tenant(tenants)
        for name, node in tenants.items():
            over = Overrides(node.data or {}, *parts.get(name, ({}, {})))
            yield self._parse(name, node.key_place, _as_document(over))

    def _parse(self, name: str, place: Place, own: Document) -> Tenant:
        document = overlaid(self._defaults, Overrides(own.data, own.values, own.keys))
        node = Node(document, document.data)
        schedule = self._schedule(node.get("schedule"))
        run, window = self._run(node.get("run")), self._window(node.get("window"))
        if window:
            self._check_window(node, window, schedule, run)
        project = node.get("project")
        if project is None and "project" not in self._removed:
            text = f"{name}: 'project' is missing"
            self._report(text, place, "name its folder here or in `defaults`")
        folder, limit = node.get("folder"), node.get("time_limit")
        project_folder = self._path(str(project.data) if project else ".")
        return Tenant(
            name=name,
            project_folder=project_folder,
            folder=self._path(str(folder.data) if folder else f"{_FOLDER}/{name}"),
            overrides=self._overrides(node, project_folder),
            secrets=self._secrets(own),
            schedule=schedule,
            run=run,
            window=window,
            time_limit=timedelta(seconds=float(limit.data) if limit else _TIME_LIMIT),
            place=place,
            project_place=project.place if project else None,
        )

    def _path(self, text: str) -> Path:
        return self._root / text

    def _report(self, text: str, place: Place, remedy: str = "", code: str = "fleet") -> None:
        self._findings.append(Finding(code, Severity.ERROR, text, remedy, place))

    # When it is run

    def _schedule(self, node: Node | None) -> Schedule | None:
        if node is None or not self._are_there(node, ("cron", "time_zone")):
            return None
        cron, zone = node["cron"], node["time_zone"]
        text = str(cron.data)
        if text not in self._faults:
            self._faults[text] = cron_fault(text)
        fault, remedy = self._faults[text]
        found = parse_zone(zone, self._findings)
        if fault:
            self._report(fault, cron.place, remedy, "schedule")
            return None
        return Schedule(text, found, cron.place)

    def _run(self, node: Node | None) -> RunPolicy:
        if node is None:
            return RunPolicy()
        do, within = node.get("do"), node.get("within")
        mode = RunMode(do.data) if do else RunMode.PLAN
        if mode is RunMode.APPLY and within is None:
            mode = RunMode.PLAN
            if "within" not in self._removed:
                remedy = "add `within: {changes: …, monthly_effect: …, one_off_effect: …}`"
                place = do.place if do else node.place
                self._report("do: apply needs `within`, which is missing", place, remedy)
        return RunPolicy(mode, _limits(within) if within else None)

    def _window(self, node: Node | None) -> Window | None:
        if node is None or not self._are_there(node, ("from", "until")):
            return None
        start, end, days = node["from"], node["until"], node.get("days")
        if start.data == end.data:
            remedy = 'for a whole day write from: "00:00", until: "24:00"'
            self._report("the window ends when it begins", end.place, remedy, "window")
            return None
        begins = frozenset(map(DAYS.index, days.texts())) if days else frozenset(range(7))
        return Window(_time(start.data), _time(end.data), begins)

    def _check_window(
        self, tenant: Node, window: Window, schedule: Schedule | None, run: RunPolicy
    ) -> None:
        node = tenant["window"]
        if schedule is None:
            if "schedule" not in tenant:
                self._report("a window needs a `schedule`, whose time zone it has", node.place)
        elif run.do is RunMode.APPLY and not meets(schedule.cron, window):
            text = f"no run is due within this window: the cron is {schedule.cron!r}"
            remedy = f"change the window, or the cron ({schedule.place})"
            self._report(text, node.place, remedy, "window")

    def _are_there(self, node: Node, names: tuple[str, ...]) -> bool:
        missing = [name for name in names if name not in node]
        for name in missing:
            if name not in self._removed:
                self._report(f"{name!r} is missing", node.place, "write it here or in `defaults`")
        return not missing

    # What is laid over its project

    def _overrides(self, node: Node, project_folder: Path) -> Overrides:
        """`set` and `notify` as one; paths of what is read are made relative to the project."""
        over, notify = node.get("set"), node.get("notify")
        result = overrides_of(over) if over else Overrides()
        if over:
            self._findings += exposed_in_set(over)
            result = relocated(result, self._root, project_folder)
        if notify:
            whole = overlaid(_as_document(result), prefixed(overrides_of(notify), "notify"))
            result = Overrides(whole.data, whole.values, whole.keys)
        return result

    # Its secrets

    def _secrets(self, own: Document) -> dict[str, SecretReference]:
        """The references of the defaults and of the tenant; one replaces another as a whole."""
        nodes: dict[str, Node] = {}
        for document in (self._defaults, own):
            part = Node(document, document.data).get(_SECRETS)
            nodes |= dict(part.items()) if part else {}
        parsed = ((name, self._secret(node)) for name, node in nodes.items())
        return {name: secret for name, secret in parsed if secret}

    def _secret(self, node: Node) -> SecretReference | None:
        kinds = [kind for kind in _KINDS if kind in node]
        if len(kinds) != 1:
            text = "a secret is kept in one place: " + (
                f"{' and '.join(kinds)} are given" if kinds else "none is given"
            )
            self._report(text, node.place, f"keep one of {', '.join(kinds or _KINDS)}")
            return None
        self._findings += exposed_in_reference(node)
        place = node.key_place
        match kinds[0]:
            case "environment":
                return EnvironmentSecret(str(node["environment"].data), place)
            case "file":
                return FileSecret(self._path(str(node["file"].data)), place)
            case "keyring":
                entry = node["keyring"].data
                return KeyringSecret(str(entry["service"]), str(entry["user"]), place)
            case _:
                return self._command(node)

    def _command(self, node: Node) -> CommandSecret | None:
        timeout, command = node.get("timeout"), node["command"]
        seconds = float(timeout.data) if timeout else _SECRET_TIMEOUT
        arguments = command.texts()
        program = arguments[0].strip() if arguments else ""
        if not program:  # the schema check removes items that are no text
            self._report("the command names no program", command.place)
            return None
        return CommandSecret(
            program, arguments, self._root, timedelta(seconds=seconds), node.key_place
        )


def _limits(node: Node) -> PolicyLimits:
    return PolicyLimits(
        changes=node["changes"].data,
        monthly_effect=Decimal(node["monthly_effect"].data),
        one_off_effect=Decimal(node["one_off_effect"].data),
    )


def _time(text: str) -> time:
    """The time of "HH:MM"; 24:00 is the midnight at the end of the day."""
    hours, minutes = text.split(":")
    return time(int(hours) % 24, int(minutes))


def _as_document(over: Overrides) -> Document:
    return Document(FLEET, dict(over.data), over.values, over.keys)


def _by_tenant(
    tenants: Node,
) -> Mapping[str, tuple[dict[Steps, Place], dict[Steps, Place]]]:
    """By tenant: the places of values and keys, with the steps counted from the tenant.

    All are sorted at once: for each tenant alone it would take the square of their number.
    """
    found: dict[str, tuple[dict[Steps, Place], dict[Steps, Place]]] = {}
    length = len(tenants.steps)
    for kind, places in enumerate((tenants.document.values, tenants.document.keys)):
        for steps, place in places.items():
            if len(steps) > length and steps[:length] == tenants.steps:
                parts: Any = found.setdefault(str(steps[length]), ({}, {}))
                parts[kind][steps[length + 1 :]] = place
    return found
