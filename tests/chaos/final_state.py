"""What target, source and state contain after a run, without ids: so runs can be compared."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from trueup.ports.state import StateSnapshot

from tests.chaos.serving import Server

Names = Mapping[tuple[str, int], str]
"""What a record is, by entity and id."""

_MISSING = "-"
_PSA_IDS = ("work365_subscription_psasystem_id", "psa_system_id")
"""Columns with the id of a contract service: as Dataverse names it, and as the project does."""

EXPORTS = "examples/work365"
"""Where the files of Work 365 are in the demo's project."""

_NAME_FIELDS = {
    "Companies": "companyName",
    "Services": "name",
    "Products": "name",
    "Contracts": "contractName",
}
_REFERENCES = {
    "companyID": "Companies",
    "parentCompanyID": "Companies",
    "contractID": "Contracts",
    "serviceID": "Services",
    "vendorCompanyID": "Companies",
    "contractServiceID": "ContractServices",
}
_ADJUSTMENT_FIELDS = frozenset({"contractServiceID", "effectiveDate", "unitChange"})
_IGNORED_FIELDS = frozenset(
    {
        "id",
        "createDate",
        "lastModifiedDate",
        "lastActivityDate",
        "lastModifiedDateTime",
        "lastTrackedModifiedDateTime",
        "createdTime",
    }
)


@dataclass(frozen=True)
class FinalState:
    """Two equal final states mean that nothing is lost and nothing was written twice."""

    names: Counter[str]  # of customers, services, contracts, contract services and contacts
    records: Counter[str]
    units: Mapping[str, tuple[tuple[str, int], ...]]  # by contract service: days and new units
    source: Counter[str]
    links: Counter[str]
    pushed: Counter[str]


def final_state(
    folder: Path,
    stored: StateSnapshot,
    dump: Mapping[str, Any],
    source: Server | None = None,
    *,
    exports: str = EXPORTS,
) -> FinalState:
    """Reads the final state of the project in a folder.

    `stored` is what its state holds, `dump` what its Autotask sandbox holds. `source` is the
    Dataverse sandbox; without one, the source are files, in the folder `exports`.
    """
    names = _names(dump["records"])
    links = [
        f"{mapping} {key} {link.entity} {names[link.entity, link.record]}"
        for (mapping, key), link in stored.links.items()
    ]
    pushed = [
        f"{mapping} {key} {names.get(('ContractServices', push.record), _MISSING)}"
        f" {push.day} {push.units} {push.marked}"
        for (mapping, key), push in stored.pushed.items()
    ]
    files = folder / exports
    rows = _file_rows(files, names) if source is None else _dataverse_rows(source, names)
    return FinalState(
        names=Counter(f"{entity} {name}" for (entity, _), name in names.items()),
        records=Counter(_records(dump, names)),
        units=_unit_steps(dump, names),
        source=Counter(rows),
        links=Counter(links),
        pushed=Counter(pushed),
    )


ALL_PARTS = ("records", "source", "links", "pushed")
"""What two equal final states have in common."""


def differences(
    expected: FinalState, actual: FinalState, parts: Sequence[str] = ALL_PARTS
) -> dict[str, list[str]]:
    """Returns what is duplicated, what is lost, and where units differ; empty if both are equal."""
    found: dict[str, list[str]] = {"duplicated": [], "lost": [], "units": []}
    for part in parts:
        before, after = getattr(expected, part), getattr(actual, part)
        found["duplicated"] += sorted((after - before).elements())
        found["lost"] += sorted((before - after).elements())
    for name in expected.units.keys() | actual.units.keys():
        before, after = expected.units.get(name), actual.units.get(name)
        if before != after:
            found["units"].append(f"{name}: {before} became {after}")
    return {kind: texts for kind, texts in found.items() if texts}


def _names(records: Mapping[str, list[dict[str, Any]]]) -> dict[tuple[str, int], str]:
    """Names records by what they are, because their ids depend on the order of the writes."""
    names: dict[tuple[str, int], str] = {}
    for entity, field in _NAME_FIELDS.items():
        for record in records.get(entity, []):
            names[entity, record["id"]] = f"{record[field]}/{record.get('periodType', '')}"
    for record in records.get("Contacts", []):
        names["Contacts", record["id"]] = f"{record['firstName']} {record['lastName']}"
    for record in records.get("ContractServices", []):
        contract = names["Contracts", record["contractID"]]
        service = names["Services", record["serviceID"]]
        names["ContractServices", record["id"]] = f"{contract} {service}"
    return names


def _records(dump: Mapping[str, Any], names: Names) -> Iterator[str]:
    for entity, records in dump["records"].items():
        if entity != "ContractServiceUnits":
            for record in records:
                yield f"{entity} {_sorted_json(_without_ids(record, names))}"
    for record in dump["adjustments"]:
        adjustment = {
            name: value
            for name, value in _without_ids(record, names).items()
            if name in _ADJUSTMENT_FIELDS
        }
        yield f"adjustment {_sorted_json(adjustment)}"


def _without_ids(record: Mapping[str, Any], names: Names) -> dict[str, Any]:
    return {
        name: names.get((_REFERENCES[name], value), value) if name in _REFERENCES else value
        for name, value in record.items()
        if name not in _IGNORED_FIELDS and value is not None
    }


def _unit_steps(dump: Mapping[str, Any], names: Names) -> dict[str, tuple[tuple[str, int], ...]]:
    """Returns for each contract service the days on which its units change, and the new units.

    The last step is the day after the last row, with -1.
    """
    rows: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
    for row in dump["records"].get("ContractServiceUnits", []):
        name = names["ContractServices", row["contractServiceID"]]
        rows[name].append((row["startDate"][:10], row["endDate"][:10], row["units"]))

    steps = {}
    for name, spans in rows.items():
        spans.sort()
        changes: list[tuple[str, int]] = []
        for start, _, units in spans:
            if not changes or changes[-1][1] != units:
                changes.append((start, units))
        after_last = date.fromisoformat(spans[-1][1]) + timedelta(days=1)
        steps[name] = (*changes, (after_last.isoformat(), -1))
    return steps


def _file_rows(exports: Path, names: Names) -> Iterator[str]:
    for file in sorted(exports.iterdir()):
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".json":
            document = json.loads(text)
            for row in document if isinstance(document, list) else document["value"]:
                yield f"{file.name} {_row_text(row, names)}"
        else:
            yield text


def _dataverse_rows(source: Server, names: Names) -> Iterator[str]:
    for table, rows in source.control("GET", "/sandbox/dump")["rows"].items():
        for row in rows:
            row.pop("modifiedon", None)  # changes with every write
            yield f"{table} {_row_text(row, names)}"


def _row_text(row: dict[str, Any], names: Names) -> str:
    for column in _PSA_IDS:
        if id_ := row.get(column):
            row[column] = names.get(("ContractServices", int(id_)), id_)
    return _sorted_json(row)


def _sorted_json(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)
