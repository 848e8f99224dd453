"""Shows and changes the connection and the settings of Work 365's own Autotask screen.

They are in trueup.yaml; comments and order of the file are kept. An edit is checked as by `trueup
validate` before it is written. Secrets are never read or shown: the file names variables of the
environment.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from difflib import unified_diff
from hashlib import sha256
from pathlib import Path

from msgspec.structs import replace

from trueup import wiring
from trueup.config.documents import parse
from trueup.config.environment import SECRETS, variable
from trueup.config.file_names import PROJECT
from trueup.config.project_edits import REMOVED, edit_project
from trueup.config.text_file import TextFile, read_text_file, replace_text_file
from trueup.errors import ConfigError, EngineError
from trueup.model.finding import Finding, Severity
from trueup.model.setup import ProjectEdit, Setting, SettingKind, Setup, Steps
from trueup.operations.project import check_project, load_project
from trueup.planning.setting_choices import Choices, setting_choices

VENDOR_TYPE: Steps = ("settings", "default_vendor_type")
MANUFACTURERS: Steps = ("settings", "manufacturers")
NO_VENDOR_TYPE = "choose a default vendor type and save it first"

SCREEN: tuple[tuple[Steps, str, SettingKind], ...] = (
    (("settings", "allow_duplicated_services"), "Allow duplicated services", SettingKind.FLAG),
    (
        ("settings", "time_reporting_requires_start_and_stop_times"),
        "Time reporting requires start and stop times",
        SettingKind.TEXT,
    ),
    (("settings", "setup_fee"), "Setup fee", SettingKind.NUMBER),
    (("settings", "default_charge_type"), "Default charge type", SettingKind.TEXT),
    (("settings", "default_company_type"), "Default company type", SettingKind.TEXT),
    (("settings", "default_billing_preference"), "Default billing preference", SettingKind.TEXT),
    (("settings", "default_contract_type"), "Default contract type", SettingKind.TEXT),
    (VENDOR_TYPE, "Default vendor type", SettingKind.TEXT),
    (("settings", "default_owner_source"), "Default owner source", SettingKind.TEXT),
    (("settings", "default_refund_product"), "Default refund product", SettingKind.TEXT),
    (("settings", "billing_codes", "products"), "Billing code for products", SettingKind.TEXT),
    (("settings", "billing_codes", "services"), "Billing code for services", SettingKind.TEXT),
    (("settings", "billing_codes", "setup_fee"), "Billing code for setup fees", SettingKind.TEXT),
    (("settings", "billing_frequencies"), "Billing frequencies", SettingKind.LIST),
    (MANUFACTURERS, "Manufacturers", SettingKind.LIST),
)
"""The screen's settings in its order (docs/explanation/work365.md), with their kinds."""

CONNECTIONS: Mapping[str, tuple[tuple[Steps, str, SettingKind], ...]] = {
    "autotask": (
        (("target", "username"), "Autotask user name", SettingKind.TEXT),
        (("target", "secret"), "Autotask secret", SettingKind.SECRET),
        (("target", "integration_code"), "Autotask integration code", SettingKind.SECRET),
        (("target", "url"), "Autotask environment (zone look-up)", SettingKind.ADDRESS),
    ),
    "dataverse": (
        (("source", "url"), "Work 365 environment", SettingKind.ADDRESS),
        (("source", "tenant"), "Work 365 tenant", SettingKind.TEXT),
        (("source", "client_id"), "Work 365 client id", SettingKind.TEXT),
        (("source", "client_secret"), "Work 365 client secret", SettingKind.SECRET),
    ),
}
"""By connector: the settings of its connection."""

_AMOUNT = re.compile(r"[0-9]+(\.[0-9]{1,4})?", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LOGIN = re.compile(r"(?<=//)[^/@\s]+(?=@)")
_HIDDEN = "(hidden)"
_YES_NO = ("No", "Yes")
_FLAGS = {"true": True, "false": False}


def read_setup(folder: Path | str, *, live: bool = True) -> Setup:
    """Returns the settings in the file; `live`: with the choices that Autotask has now.

    If Autotask cannot be read, any text may be written, and the result has the reason. Raises
    ConfigError for an invalid project.
    """
    file = _file(folder)
    data = _data(file)
    choices, unread = _choices(folder) if live else ({}, "")
    return Setup(
        connection=[*_connection(data)],
        settings=[_setting(data, *one, choices) for one in SCREEN],
        version=_version(file),
        unread=unread,
    )


def propose_setup(
    folder: Path | str, values: Mapping[Steps, str], version: str = ""
) -> ProjectEdit:
    """Returns new content of trueup.yaml; nothing is written.

    `values`: texts, by the steps to each; an empty text removes an entry of a list. `version` is
    that of the setup which was shown. Raises EngineError if the file was changed since, if nothing
    changes, or for an invalid value; ConfigError with all findings that `trueup validate` would
    report.
    """
    file = _file(folder)
    if version and version != _version(file):
        raise EngineError(f"{PROJECT} was changed in the meantime: look at it again. {_NOTHING}")
    setup = read_setup(folder, live=False)
    changes: dict[Steps, object] = {}
    for steps, text in values.items():
        setting = _known(setup, steps)
        before = setting.entries.get(steps[-1], "") if steps != setting.steps else setting.value
        if text.strip() != before:
            changes[steps] = _value(setting, text.strip())
    if not changes:
        raise EngineError(f"no setting is changed. {_NOTHING}")
    after = edit_project(file.content, changes)
    project, findings = check_project(folder, project=after)
    if project is None:
        raise ConfigError([finding for finding in findings if finding.severity is Severity.ERROR])
    warnings = [finding.line() for finding in findings if finding.severity is Severity.WARNING]
    return ProjectEdit(
        file.content,
        after,
        [".".join(steps) for steps in changes],
        _difference(file.content, after, _written_secrets(_data(file))),
        warnings,
    )


def write_setup(folder: Path | str, edit: ProjectEdit) -> None:
    """Writes what was proposed, whole or not at all.

    Raises ConfigError if the file was changed since, or cannot be written.
    """
    file = replace(_file(folder), content=edit.before)
    replace_text_file(file, edit.after)


_NOTHING = "Nothing was written"


def _file(folder: Path | str) -> TextFile:
    return read_text_file(Path(folder) / PROJECT, PROJECT)


def _version(file: TextFile) -> str:
    return sha256(file.content).hexdigest()


def _data(file: TextFile) -> Mapping[str, object]:
    documents, findings = parse(file.content, PROJECT)
    if findings or not documents or not isinstance(documents[0].data, Mapping):
        raise ConfigError(
            findings or [Finding("project", Severity.ERROR, f"{PROJECT} is no mapping")]
        )
    return documents[0].data


def _choices(folder: Path | str) -> tuple[Choices, str]:
    try:
        project = load_project(folder)
        with wiring.connections(project) as opened:
            return setting_choices(project, opened.target()), ""
    except EngineError as fault:
        return {}, str(fault)


def _connection(data: Mapping[str, object]) -> Iterator[Setting]:
    for part in ("target", "source"):
        connector = str(_at(data, (part, "connector")) or "")
        for steps, label, kind in CONNECTIONS.get(connector, ()):
            value = _at(data, steps)
            text = "" if value is None else str(value)
            if kind is not SettingKind.SECRET:
                yield Setting(steps, label, kind, _LOGIN.sub(_HIDDEN, text))
                continue
            name = variable(text)
            yield Setting(steps, label, kind, name, note=_of_secret(text, name))


def _of_secret(text: str, name: str) -> str:
    """Returns where a secret is, never a part of it."""
    if name:
        return "set in this environment" if os.environ.get(name) else "not set in this environment"
    return "written in the file itself: name a variable of the environment instead" if text else ""


def _setting(
    data: Mapping[str, object], steps: Steps, label: str, kind: SettingKind, choices: Choices
) -> Setting:
    value = _at(data, steps)
    offered = choices.get(steps[1:], [])
    if kind is SettingKind.LIST:
        entries = (
            {str(key): str(one) for key, one in value.items()} if isinstance(value, dict) else {}
        )
        is_locked = steps == MANUFACTURERS and not _at(data, VENDOR_TYPE)
        locked = NO_VENDOR_TYPE if is_locked else ""
        return Setting(steps, label, kind, choices=offered, entries=entries, locked=locked)
    if kind is SettingKind.FLAG:
        return Setting(steps, label, kind, "true" if value is True else "false", [*_FLAGS])
    if steps[-1] == "time_reporting_requires_start_and_stop_times":
        offered = [*_YES_NO]
    return Setting(steps, label, kind, "" if value is None else str(value), offered)


def _at(data: object, steps: Steps) -> object:
    for step in steps:
        data = data.get(step) if isinstance(data, Mapping) else None
    return data


def _known(setup: Setup, steps: Steps) -> Setting:
    """Returns the setting at these steps, or their parent. Raises EngineError for any other."""
    for one in (*setup.connection, *setup.settings):
        if one.steps == steps and one.kind is not SettingKind.LIST:
            return one
        if one.kind is SettingKind.LIST and one.steps == steps[:-1] and steps[-1].strip():
            if one.locked:
                raise EngineError(f"{one.name}: {one.locked}. {_NOTHING}")
            return one
    raise EngineError(f"there is no setting {'.'.join(steps)!r} to change here. {_NOTHING}")


def _value(setting: Setting, text: str) -> object:
    """Returns the value of a text. Raises EngineError for an invalid text."""
    match setting.kind:
        case SettingKind.LIST:
            return text or REMOVED
        case SettingKind.FLAG:
            if text in _FLAGS:
                return _FLAGS[text]
            raise EngineError(f"{setting.name} is true or false. {_NOTHING}")
        case SettingKind.NUMBER:
            return _number(setting, text)
        case SettingKind.SECRET:
            return _reference(setting, text)
        case SettingKind.ADDRESS if _LOGIN.search(text):
            raise EngineError(
                f"{setting.name} holds a log-in: put the address into a variable of the "
                f"environment, and write {{{{ env.NAME }}}}. {_NOTHING}"
            )
        case SettingKind.TEXT | SettingKind.ADDRESS:
            is_own = setting.steps[0] == "settings"
            return text or (None if is_own else REMOVED)


def _reference(setting: Setting, text: str) -> str:
    if _VARIABLE.fullmatch(text):
        return f"{{{{ env.{text} }}}}"
    raise EngineError(
        f"{setting.name} takes the name of a variable of the environment, such as "
        f"AUTOTASK_SECRET; the secret itself is set there. {_NOTHING}"
    )


def _number(setting: Setting, text: str) -> Decimal | None:
    if not text:
        return None
    if not _AMOUNT.fullmatch(text):
        raise EngineError(f"{setting.name} is a number, such as 12.50. {_NOTHING}")
    return Decimal(text)


def _written_secrets(data: Mapping[str, object]) -> list[str]:
    """Returns secrets that are in the file itself instead of in the environment."""
    found = []
    for part in ("source", "target"):
        options = data.get(part)
        for name, value in options.items() if isinstance(options, Mapping) else ():
            if name in SECRETS and isinstance(value, str) and value and not variable(value):
                found.append(value)
            elif isinstance(value, str):
                found += _LOGIN.findall(value)
    return sorted(found, key=len, reverse=True)


def _difference(before: bytes, after: bytes, secrets: Sequence[str]) -> list[str]:
    """Returns the lines that differ, with some context, and without the secrets."""
    old, new = (raw.decode("utf-8-sig") for raw in (before, after))
    for secret in secrets:
        old, new = old.replace(secret, _HIDDEN), new.replace(secret, _HIDDEN)
    return [*unified_diff(old.splitlines(), new.splitlines(), PROJECT, PROJECT, lineterm="")]
