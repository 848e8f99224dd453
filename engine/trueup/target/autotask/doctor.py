"""Examines a connection: the zone, the credentials, what each mapping needs against what is granted.

It reads and writes no record; it costs two calls, and one for each entity.
"""

from collections.abc import Iterator, Mapping

from engine.errors import TargetError, TargetRejected
from engine.model.finding import Finding, Severity
from engine.target.gateway import HttpTarget

_NEARLY = 0.75
"""Share of the hour's calls from which Autotask makes each request wait a second (autotask-api.md, 4)."""

_LEVEL = "give the API user's security level this right in Autotask, or leave the mapping out"

Needs = Mapping[str, frozenset[str]]
"""By entity: of query, create, update, what the project's mappings do with it."""


def examine(target: HttpTarget, needs: Needs) -> list[Finding]:
    """What is as it must be (info) and what is not; stops where nothing more can be known."""
    findings: list[Finding] = []
    try:
        findings += _zone(target)
        findings += _hour(target)
        for entity in sorted(needs):
            findings += _rights(target, entity, needs[entity])
    except TargetError as fault:
        findings.append(Finding("connection", Severity.ERROR, str(fault), _remedy(fault)))
    return findings


def minimum_permissions(needs: Needs) -> list[str]:
    """The least that the API user's security level must grant, one line an entity."""
    order = ("query", "create", "update")
    return [
        f"{entity}: {', '.join(operation for operation in order if operation in needs[entity])}"
        for entity in sorted(needs)
    ]


def _zone(target: HttpTarget) -> Iterator[Finding]:
    zone = target.client.zone()
    called = f" ({zone.name})" if zone.name else ""
    yield Finding("zone", Severity.INFO, f"the tenant's zone is {zone.root}{called}")
    if not zone.is_secure():
        remedy = "use an https address for target.url"
        yield Finding("zone", Severity.WARNING, "the secret is sent without encryption (http)", remedy)


def _hour(target: HttpTarget) -> Iterator[Finding]:
    """The first request that needs the credentials."""
    threshold = target.threshold()
    yield Finding("credentials", Severity.INFO, "user name, secret and integration code are accepted")
    left = max(threshold.limit - threshold.used, 0)
    if threshold.limit <= 0:
        yield Finding("threshold", Severity.INFO, "the tenant has no limit on calls an hour")
        return
    text = f"{left:,} of the {threshold.limit:,} calls that the tenant has this hour are left"
    if threshold.used >= threshold.limit * _NEARLY:
        remedy = "all integrations of the tenant share them; run when the others are quiet"
        yield Finding("threshold", Severity.WARNING if left else Severity.ERROR, text, remedy)
    else:
        yield Finding("threshold", Severity.INFO, text)


def _rights(target: HttpTarget, entity: str, operations: frozenset[str]) -> Iterator[Finding]:
    try:
        rights = target.rights(entity)
    except TargetRejected as refusal:
        yield Finding("permission", Severity.ERROR, f"{entity}: {refusal}", _LEVEL)
        return
    fine = []
    for operation in sorted(operations):
        granted = rights.granted.get(operation, "")
        if not rights.offered.get(operation, True):
            yield Finding("permission", Severity.ERROR, f"{entity}: Autotask offers no {operation}", _LEVEL)
        elif granted == "none":
            yield Finding("permission", Severity.ERROR, f"{entity}: {operation} is not granted", _LEVEL)
        elif granted == "restricted":
            yield _restricted(entity, operation)
        else:
            fine.append(operation)
    if fine:
        yield Finding("permission", Severity.INFO, f"{entity}: {', '.join(fine)} granted")


def _restricted(entity: str, operation: str) -> Finding:
    text = f"{entity}: {operation} is granted in part"
    if operation == "query":
        text += "; records that the user may not see are missing without a word"
    return Finding("permission", Severity.WARNING, text, "grant it for all records")


def _remedy(fault: TargetError) -> str:
    if isinstance(fault, TargetRejected):
        return "check target: in trueup.yaml and the environment variables that it names"
    return "check target.url, the network and the proxy, then try again"
