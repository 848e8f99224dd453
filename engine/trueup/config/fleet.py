"""Loads fleet.yaml into a checked `Fleet`, or reports everything that is wrong with the file.

`check_fleet` reads the file, checks it against its schema, lays each tenant over the defaults
(`overlay.py`) and builds it (`tenant.py`). The projects of the tenants are not read here:
`trueup.fleet.fleet_file` checks these as well.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec.structs import replace

from trueup.config.checked_document import CheckedDocument
from trueup.config.documents import parse, read
from trueup.config.environment import exposed_secrets, resolve
from trueup.config.error_limit import in_order_of_files
from trueup.config.file_names import FLEET
from trueup.config.node import Node
from trueup.config.schema import Schemas
from trueup.config.tenant import TenantParser
from trueup.errors import ConfigError
from trueup.local_files import is_absent
from trueup.model.finding import Finding, Place, Severity
from trueup.model.fleet import EMBEDDED, Fleet, FleetDatabase, Tenant

_DATABASE = re.compile(rb"^database:[^\n]*\n(?![ \t])", re.MULTILINE)
"""The line of the file that names its database, where that is one line."""

_SECRET_KEYS = ("set", "secrets", "notify", "database")


def load_fleet(root: Path, *, env: Mapping[str, str] = os.environ, shipped: Path) -> Fleet:
    """Returns the fleet in the folder `root`.

    `shipped` is the folder with the schemas that ship with trueup. Raises `ConfigError` with all
    errors of the file; warnings are dropped.
    """
    fleet, findings = check_fleet(root, env=env, shipped=shipped)
    if fleet is None:
        raise ConfigError([finding for finding in findings if finding.severity is Severity.ERROR])
    return fleet


def check_fleet(
    root: Path, *, env: Mapping[str, str] = os.environ, shipped: Path
) -> tuple[Fleet | None, list[Finding]]:
    """Returns the fleet, or None if fleet.yaml has errors, and all findings about the file.

    Raises `EngineError` if the extra `fleet` is not installed.
    """
    root = root.absolute()
    checked, findings = _read(root, Schemas(shipped))
    if checked is None or checked.data is None:
        return None, findings
    node = Node(checked.document, checked.data)
    database = _database(node.get("database"), env, findings)
    tenants: dict[str, Tenant] = {}
    if tenants_node := node.get("tenants"):
        parser = TenantParser(root, node.get("defaults"), checked.removed, findings)
        tenants = {one.name: one for one in parser.parse_all(tenants_node)}
    findings += _shared_folders(tenants.values())
    findings = in_order_of_files(findings)
    if any(finding.severity is Severity.ERROR for finding in findings):
        return None, findings
    return Fleet(root, str(node["fleet"].data), database, tenants), findings


def find_database(raw: bytes, env: Mapping[str, str] = os.environ) -> FleetDatabase | None:
    """Returns the database that the content of a fleet.yaml names, without reading its tenants.

    None if the whole file has to be parsed. Whether the file is valid is not checked.
    """
    line = _DATABASE.search(raw)
    documents, findings = parse(line[0], FLEET) if line else ([], [])
    if len(documents) != 1 or findings:
        return None
    node = Node(documents[0], documents[0].data)
    database = _database(node.get("database"), env, findings)
    return None if findings or database.unset else database


def _read(root: Path, schemas: Schemas) -> tuple[CheckedDocument | None, list[Finding]]:
    if is_absent(root / FLEET):
        text = f"there is no {FLEET} in this folder"
        remedy = "name the folder of the fleet, or create one with `trueup init --from fleet`"
        return None, [_error(text, Place(FLEET), remedy)]
    documents, findings = read(root / FLEET, FLEET)
    filled = [document for document in documents if document.data is not None]
    if not filled:
        empty = _error("this file is empty", Place(FLEET), "")
        return None, findings or [empty]
    findings = [
        *findings,
        *(
            _error("a second document in a file that must have only one", extra.place(), "")
            for extra in filled[1:]
        ),
    ]
    checked = schemas.check(filled[0], "fleet", secret_keys=_SECRET_KEYS)
    return checked, [*findings, *checked.findings]


def _database(node: Node | None, env: Mapping[str, str], findings: list[Finding]) -> FleetDatabase:
    if node is None or node.data == EMBEDDED:
        return FleetDatabase("", node.place if node else Place(FLEET))
    alone = Node(node.document, {"database": node.data})
    resolved = resolve(alone, env)
    findings += resolved.findings
    findings += [replace(one, severity=Severity.INFO, remedy="") for one in resolved.unset]
    findings += [replace(secret, severity=Severity.ERROR) for secret in exposed_secrets(alone)]
    url = str(resolved.options["database"]).strip()
    if url and not resolved.unset and not url.startswith(("postgresql://", "postgres://")):
        remedy = "write postgresql://, the user, the host and the name of the database; or embedded"
        text = "database is not the address of a PostgreSQL database"
        findings.append(_error(text, node.place, remedy))
    return FleetDatabase(url, node.place, resolved.unset)


def _shared_folders(tenants: Iterable[Tenant]) -> Iterator[Finding]:
    """Reports tenants whose own folder is that of another one; case is ignored."""
    first: dict[str, Tenant] = {}
    for tenant in tenants:
        other = first.setdefault(os.path.normpath(tenant.folder).casefold(), tenant)
        if other is not tenant:
            text = (
                f"{tenant.name} and {other.name} ({other.place}) have the same folder: "
                "decisions and records of the one would be those of the other"
            )
            yield _error(text, tenant.place, "give each a `folder` of its own, or another name")


def _error(text: str, place: Place, remedy: str) -> Finding:
    return Finding("fleet", Severity.ERROR, text, remedy, place)
