"""Finds tenants that share a target, a state, or a source that runs write to; and their files.

Systems are compared by what fleet.yaml and trueup.yaml say of them; no secret is read.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from trueup.config.documents import Document, read
from trueup.config.environment import substituted
from trueup.config.file_names import PROJECT
from trueup.config.overlay import overlaid
from trueup.config.project import LOOK_UP_HOST, TENANT
from trueup.config.schema import Schemas
from trueup.model.finding import Finding, Place, Severity
from trueup.model.fleet import (
    CommandSecret,
    EnvironmentSecret,
    FileSecret,
    Fleet,
    KeyringSecret,
    RunMode,
    SecretReference,
    Tenant,
)
from trueup.operations.project_folder import shipped_schemas

CODE = "fleet"

Identity = tuple[object, ...]


def find_shared(fleet: Fleet, env: Mapping[str, str]) -> Iterator[Finding]:
    """Yields a finding for each tenant whose target or state is that of an earlier tenant.

    A shared source is a warning; none if both tenants only plan, because nothing is written then.
    """
    targets: dict[Identity, Tenant] = {}
    states: dict[Identity, Tenant] = {}
    sources: dict[Identity, Tenant] = {}
    for tenant, laid in _laid_documents(fleet):
        if laid is None:
            continue  # other findings have the reason
        texts = _Texts(tenant, env)
        if target := _target(laid.data.get("target"), tenant, texts):
            other = targets.setdefault(target, tenant)
            if other is not tenant:
                yield _finding(tenant, other, "target", laid.place("target"))
        state = _state(laid.data.get("state"), fleet, tenant, texts)
        other = states.setdefault(state, tenant)
        if other is not tenant:
            yield _finding(tenant, other, "state", laid.place("state"))
        if source := _source(laid.data.get("source"), tenant, texts):
            other = sources.setdefault(source, tenant)
            if other is not tenant and {tenant.run.do, other.run.do} != {RunMode.PLAN}:
                yield _marked(tenant, other, laid.place("source"))


def named_files(
    fleet: Fleet, options: Collection[str], env: Mapping[str, str] = os.environ
) -> Iterator[tuple[Tenant, Sequence[tuple[str, str]]]]:
    """Yields each tenant with those options of its connections that are set, and their texts.

    Of a tenant whose trueup.yaml cannot be read, those that fleet.yaml sets.
    """
    for tenant, laid in _laid_documents(fleet):
        data = laid.data if laid else tenant.overrides.data
        parts = (data.get(name) for name in ("source", "target", "state"))
        texts = _Texts(tenant, env)
        yield (
            tenant,
            [
                (option, texts(part[option]))
                for part in parts
                if isinstance(part, Mapping)
                for option in options
                if part.get(option)
            ],
        )


def with_errors(tenants: Iterable[Tenant]) -> Iterator[Tenant]:
    """Yields those whose trueup.yaml, with the values of fleet.yaml, cannot be read or is invalid.

    What `named_files` yields for them may lack some of their files.
    """
    schemas = Schemas(shipped_schemas())
    documents_of = cache(lambda folder: read(folder / PROJECT, PROJECT))
    for tenant in tenants:
        documents, findings = documents_of(tenant.project_folder)
        laid = [overlaid(document, tenant.overrides) for document in documents]
        is_sound = len(laid) == 1 and not findings
        if not is_sound or schemas.check(laid[0], "project").findings:
            yield tenant


def _laid_documents(fleet: Fleet) -> Iterator[tuple[Tenant, Document | None]]:
    """Yields each tenant with its trueup.yaml; None where that cannot be read."""
    documents = cache(_document)
    for tenant in fleet.tenants.values():
        document = documents(tenant.project_folder)
        is_mapping = document is not None and isinstance(document.data, dict)
        yield tenant, overlaid(document, tenant.overrides) if document and is_mapping else None


def _finding(tenant: Tenant, other: Tenant, what: str, place: Place) -> Finding:
    at = place if place.file != PROJECT else tenant.place
    text = f"{tenant.name} and {other.name} ({other.place}) have the same {what}"
    return Finding(CODE, Severity.ERROR, text, f"`set` another {what} for one of them", at)


def _marked(tenant: Tenant, other: Tenant, place: Place) -> Finding:
    at = place if place.file != PROJECT else tenant.place
    text = (
        f"{tenant.name} and {other.name} ({other.place}) have the same source: where mappings "
        "write back, each reads the ids that the other one's target gave"
    )
    return Finding(CODE, Severity.WARNING, text, "`set` another source for one of them", at)


def _source(part: object, tenant: Tenant, text: Callable[[object], str]) -> Identity | None:
    if not isinstance(part, dict):
        return None
    if part.get("connector") == "files":
        path = tenant.project_folder / text(part.get("path"))
        return "files", os.path.normcase(os.path.normpath(path))
    if part.get("connector") == "dataverse":
        return "dataverse", text(part.get("url")).rstrip("/").casefold()
    if part.get("connector") == "sql":
        url = text(part.get("url"))
        is_file = url.startswith("sqlite")  # its path is relative to the project
        return "sql", url, tenant.project_folder if is_file else None
    return None


def _document(folder: Path) -> Document | None:
    documents, _ = read(folder / PROJECT, PROJECT)
    return documents[0] if documents else None


def _target(part: object, tenant: Tenant, text: Callable[[object], str]) -> Identity | None:
    if not isinstance(part, dict):
        return None
    if part.get("connector") == "sandbox":
        database = text(part.get("database"))
        return "sandbox", os.path.normcase(os.path.normpath(tenant.folder / database))
    url = text(part.get("url") or LOOK_UP_HOST).rstrip("/").casefold()
    user = text(part.get("username")).strip().casefold()
    return ("autotask", url, user) if user else None


def _state(part: object, fleet: Fleet, tenant: Tenant, text: Callable[[object], str]) -> Identity:
    own = (fleet.database.url, tenant.name)
    if not isinstance(part, dict):
        return own
    if part.get("connector") != "postgres":
        return "file", tenant.name  # another finding reports that a fleet cannot use it
    return text(part.get("url")), text(part.get("tenant") or TENANT)


class _Texts:
    """Replaces `{{ env.NAME }}` by its value, or by the reference to its secret."""

    def __init__(self, tenant: Tenant, env: Mapping[str, str]) -> None:
        self._secrets, self._env = tenant.secrets, env

    def __call__(self, value: object) -> str:
        return substituted(str(value or ""), self._value)

    def _value(self, name: str) -> str:
        reference = self._secrets.get(name)
        if reference is None:
            return self._env.get(name) or f"env.{name}"
        return _kept(reference, self._env)


def _kept(reference: SecretReference, env: Mapping[str, str]) -> str:
    match reference:
        case EnvironmentSecret(variable=variable):
            return env.get(variable) or f"env.{variable}"
        case FileSecret(path=path):
            return f"file {path}"
        case KeyringSecret(service=service, user=user):
            return f"keyring {service} {user}"
        case CommandSecret(arguments=arguments):
            return f"command {arguments}"
