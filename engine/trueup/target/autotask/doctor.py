"""Examines a connection: the zone, the credentials, the hour's calls, and the granted rights.

It reads and writes no record. It costs two calls, and one for each entity.
"""

from collections.abc import Iterator, Mapping

from trueup.errors import TargetError, TargetRejected
from trueup.model.finding import Finding, Severity
from trueup.target.autotask.gateway import HttpTarget

_NEARLY_USED = 0.75
"""Share of the hour's calls from which Autotask delays each request by a second.

Source: docs/explanation/autotask.md, section 4 (limits).
"""

_GRANT = "give the API user's security level this right in Autotask, or leave the mapping out"

SECTIONS: Mapping[str, str] = {
    "BillingCodes": "Admin",
    "Companies": "CRM",
    "Contacts": "CRM",
    "Products": "Inventory",
    "ProductVendors": "Inventory",
    "Resources": "Admin",
    "Services": "Inventory",
}
"""Entities by the section of Autotask's page of a security level that grants them.

Source: docs/explanation/work365.md (API user). Which section grants reference data is UNCERTAIN.
All that belongs to contracts is under Contracts.
"""

OTHER = "Other"


def section_of(entity: str) -> str:
    """The section of a security level under which an entity's rights are granted."""
    return "Contracts" if entity.startswith("Contract") else SECTIONS.get(entity, OTHER)


OperationsByEntity = Mapping[str, frozenset[str]]
"""Those of query, create and update that the project's mappings use."""


def examine(target: HttpTarget, needs: OperationsByEntity) -> list[Finding]:
    """Returns one finding for each check: info is good. Stops at the first failed connection."""
    findings: list[Finding] = []
    try:
        findings += _check_zone(target)
        findings += _check_hour(target)
        for entity in sorted(needs):
            findings += _check_rights(target, entity, needs[entity])
    except TargetError as fault:
        findings.append(Finding("connection", Severity.ERROR, str(fault), _remedy(fault)))
    return findings


def minimum_permissions(needs: OperationsByEntity) -> list[str]:
    """Returns what the API user's security level must grant at least, one line for each entity."""
    order = ("query", "create", "update")
    return [
        f"{entity}: {', '.join(operation for operation in order if operation in needs[entity])}"
        for entity in sorted(needs)
    ]


def _check_zone(target: HttpTarget) -> Iterator[Finding]:
    zone = target.client.zone()
    name = f" ({zone.name})" if zone.name else ""
    yield Finding("zone", Severity.INFO, f"the tenant's zone is {zone.root}{name}")


def _check_hour(target: HttpTarget) -> Iterator[Finding]:
    """Reads the threshold, which is the first request with the credentials."""
    threshold = target.threshold()
    if threshold is None:  # the refusal proves nothing about the credentials
        text = "Autotask does not report the calls of the hour"
        yield Finding("threshold", Severity.INFO, text)
        return
    accepted = "user name, secret and integration code are accepted"
    yield Finding("credentials", Severity.INFO, accepted)

    if threshold.limit <= 0:
        yield Finding("threshold", Severity.INFO, "the tenant has no limit on calls an hour")
        return
    left = max(threshold.limit - threshold.used, 0)
    text = f"{left:,} of the {threshold.limit:,} calls that the tenant has this hour are left"
    if threshold.used >= threshold.limit * _NEARLY_USED:
        remedy = "all integrations of the tenant share them; run when the others are quiet"
        yield Finding("threshold", Severity.WARNING if left else Severity.ERROR, text, remedy)
    else:
        yield Finding("threshold", Severity.INFO, text)


def _check_rights(target: HttpTarget, entity: str, operations: frozenset[str]) -> Iterator[Finding]:
    try:
        rights = target.metadata.rights(entity)
    except TargetRejected as refusal:
        yield Finding("permission", Severity.ERROR, f"{entity}: {refusal}", _GRANT, name=entity)
        return

    granted = []
    for operation in sorted(operations):
        access = rights.granted.get(operation, "")
        if not rights.offered.get(operation, True):
            text = f"{entity}: Autotask offers no {operation}"
            yield Finding("permission", Severity.ERROR, text, _GRANT, name=entity)
        elif access == "none":
            text = f"{entity}: {operation} is not granted"
            yield Finding("permission", Severity.ERROR, text, _GRANT, name=entity)
        elif access == "restricted":
            yield _restricted(entity, operation)
        else:
            granted.append(operation)
    if granted:
        text = f"{entity}: {', '.join(granted)} granted"
        yield Finding("permission", Severity.INFO, text, name=entity)


def _restricted(entity: str, operation: str) -> Finding:
    text = f"{entity}: {operation} is granted in part"
    if operation == "query":
        text += "; records that the user may not see are missing, without an error"
    return Finding("permission", Severity.WARNING, text, "grant it for all records", name=entity)


def _remedy(fault: TargetError) -> str:
    if isinstance(fault, TargetRejected):
        return "check target: in trueup.yaml and the environment variables that it names"
    return "check target.url, the network and the proxy, then try again"
