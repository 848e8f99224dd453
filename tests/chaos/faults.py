"""Draws faults of both sandboxes at random."""

from random import Random

from trueup.sandbox.dataverse.faults import OWN

LOG_INS = ("log-in busy", "log-in down")
TARGET_KINDS = (
    "drop before",
    "drop after",
    "late",
    "empty",
    "busy",
    "html",
    "error",
    "refusal",
    "truncate",
    "latency",
    "page",
    "restart",
    "twice",
    *LOG_INS,
)
"""Kinds of faults of Autotask; `drop` has its time in its name, so that both are drawn as often."""

SOURCE_KINDS = (*(kind for kind in TARGET_KINDS if kind != "refusal"), *OWN)
"""Kinds of faults of Dataverse."""

_SECONDS = {"late": [0.02, 0.2], "latency": [0.05, 0.2], "busy": 1, "restart": 0.2}
_BEFORE_OR_AFTER = ("empty", "html", "refusal", "truncate", "restart", "latency")
REFUSALS: tuple[dict[str, object], ...] = (
    {"kind": "error", "text": "Object reference not set to an instance of an object."},
    {"kind": "error", "text": "Attempt to insert duplicate data into contract_service_period"},
    {"kind": "error", "text": "The request was not accepted.", "status": 409},
    {"kind": "html", "status": 403},
)
"""Refusals that do not prove that nothing was written."""

_WRITES = (
    "V1.0/(Companies|Services|Products|Contracts|ContractServiceAdjustments)(/[0-9]+/[A-Za-z]+)?$"
)
LOOK_UP, TOKENS = "/ZoneInformation$", "/oauth2/"
"""Where a client logs in: the zone look-up, and the tokens of Dataverse."""

_DELIVERED_TWICE: tuple[dict[str, object], ...] = ({"path": "Adjustments$"}, {"verb": "PATCH"})
"""Creates that are delivered twice leave two records: `planted` has them."""

_ROWS = "^/api/data/v9.2/work365_"  # metadata and tokens are read seldom


def target_fault(random: Random) -> dict[str, object]:
    """Draws a fault of Autotask of any kind."""
    kind, _, when = random.choice(TARGET_KINDS).partition(" ")
    if kind == "log-in":
        return log_in_fault(when, LOOK_UP, nth=random.randint(1, 2))
    if kind == "twice":
        return {"kind": kind, "nth": random.randint(1, 12), **random.choice(_DELIVERED_TWICE)}
    return _fault_of_requests(kind, when, random)


def _fault_of_requests(kind: str, when: str, random: Random) -> dict[str, object]:
    writes = random.random() < 0.7
    fault: dict[str, object] = {"nth": random.randint(1, 40 if writes else 25), "times": 1}
    if writes:
        fault["path"] = _WRITES

    fault["kind"] = kind
    if when:
        fault["when"] = when
    elif kind in _BEFORE_OR_AFTER:
        fault["when"] = random.choice(["before", "after"])
    if kind == "refusal":
        fault |= random.choice(REFUSALS)
    if kind in _SECONDS:
        fault["seconds"] = _SECONDS[kind]
    if kind == "page":
        page = random.choice(["twice", "skip", "empty", "half"])
        fault.update(page=page, path="/query", when="before")
    return fault


def log_in_fault(when: str, path: str, nth: int = 1) -> dict[str, object]:
    """Returns a fault of a log-in that is `busy` or `down` once."""
    fault: dict[str, object] = {"path": path, "nth": nth}
    return {**fault, "kind": "busy", "seconds": 1} if when == "busy" else {**fault, "kind": "drop"}


def random_source_fault(random: Random) -> dict[str, object]:
    """Draws a fault of Dataverse of any kind."""
    return source_fault(random.choice(SOURCE_KINDS), random, nth=random.randint(1, 8))


def source_fault(name: str, random: Random, nth: int) -> dict[str, object]:
    """Draws a fault of Dataverse of one kind.

    A skipped page is not among them: Dataverse sends nothing by which a client could notice it.
    """
    kind, _, when = name.partition(" ")
    if kind == "log-in":
        return log_in_fault(when, TOKENS, nth)
    writes = kind == "lost" or (kind not in ("page", "expired") and random.random() < 0.6)
    fault: dict[str, object] = {
        "kind": kind,
        "nth": nth,
        "verb": "PATCH" if writes else "GET",
        "path": _ROWS,
        "when": when or random.choice(["before", "after"]),
    }
    if kind in _SECONDS:
        fault["seconds"] = _SECONDS[kind]
    if kind == "page":
        fault["page"] = random.choice(["twice", "empty", "half"])
    return fault
