"""A small project of the shipped mappings, its sandbox as a process of its own, and what both look like in the end."""

import csv
import io
import json
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.state.sqlite import SqlState
from engine.wiring import SystemClock, load_project, shipped
from tests.chaos.dataverse import PROFILE, SOURCE
from tests.chaos.serving import Server

CUSTOMERS = ("Ashdown & Pell Veterinary Ltd", "Brightwater Logistics Ltd", "Dunmore Surveyors", "Alpine Dental AG")
SETTLE_AFTER = 0.3
"""Seconds; far above what the sandbox needs for a request, and above the delay of writes that land late."""

_KEYS = {
    "account": "accountid",
    "contact": "_parentcustomerid_value",
    "billing_contract": "_work365_billingcontract_customer_value",
    "subscription": "_work365_subscription_customer_value",
    "license_change": "_work365_lcl_customer_value",
}
_LOST = "-"


def build(folder: Path, port: int, dataverse: int = 0) -> None:
    """A project of four customers, with everything below them; its target is the sandbox at that port.

    Its source is files, or the Dataverse at that other port.
    """
    source = shipped()
    for name in ("mappings", "rules", "schemas"):
        shutil.copytree(source / name, folder / name)
    text = (source / "trueup.yaml").read_text(encoding="utf-8")
    head, _, rest = text.partition("target:\n")
    _, _, rest = rest.partition("\nstate:\n")
    target = (
        f"target:\n  connector: autotask\n  url: http://127.0.0.1:{port}\n  username: api@demo.example\n"
        "  secret: demo\n  integration_code: DEMO\n  timeout: 5\n  deadline: 8\n"
    )
    rest = rest.replace("settle_after: 300", f"settle_after: {SETTLE_AFTER}")
    if dataverse:
        head = re.sub(r"source:\n(?:  .*\n)+", lambda _: SOURCE.format(port=dataverse), head)
        (folder / "profile.yaml").write_text(PROFILE, encoding="utf-8")
    (folder / "trueup.yaml").write_text(f"{head}{target}\nstate:\n{rest}", encoding="utf-8")
    _extract(source / "examples" / "work365", folder / "examples" / "work365")


def _extract(given: Path, into: Path) -> None:
    into.mkdir(parents=True)
    accounts = {
        row["accountid"]
        for row in json.loads((given / "account.json").read_text(encoding="utf-8"))["value"]
        if row["name"] in CUSTOMERS
    }
    products = set()
    for table, column in _KEYS.items():
        document = json.loads((given / f"{table}.json").read_text(encoding="utf-8"))
        document["value"] = [row for row in document["value"] if row.get(column) in accounts]
        products |= {row.get("_work365_subscription_product_value") for row in document["value"]}
        (into / f"{table}.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    with (given / "product.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    key = rows[0].index("productid") if "productid" in rows[0] else 0
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([rows[0], *(row for row in rows[1:] if row[key] in products)])
    (into / "product.csv").write_text(text.getvalue(), encoding="utf-8")


def autotask(database: Path, seed: Path | None = None) -> Server:
    """The sandbox, with the example data in it if nothing else is given; not started yet."""
    seed = seed or shipped() / "examples" / "autotask.json"
    switches = ["--switch", "hourly_delays=off", "--switch", "hourly_limit=off"]
    return Server(database, ["--seed", str(seed), *switches, "--project", str(shipped())])


@dataclass(frozen=True)
class Picture:
    """What target, source and state look like, ids apart: two pictures are equal, or something is lost or double."""

    records: Counter[str]
    units: Mapping[str, tuple[tuple[str, int], ...]]
    source: Counter[str]
    links: Counter[str]
    pushed: Counter[str]


def picture(folder: Path, server: Server, rows: Iterable[tuple[str, dict[str, Any]]] | None = None) -> Picture:
    """Everything that must be the same in the end; `rows` are the source's with their tables, its files if None."""
    dump = server.control("GET", "/sandbox/dump")
    names = _names(dump["records"])
    with SqlState(folder / ".trueup" / "state.sqlite", clock=SystemClock()) as state:
        memory = state.load()
    return Picture(
        records=Counter(_records(dump, names)),
        units=_units(dump, names),
        source=Counter(_source(folder / "examples" / "work365", names) if rows is None else _served(rows, names)),
        links=Counter(
            f"{m} {k} {link.entity} {names[link.entity, link.record]}" for (m, k), link in memory.links.items()
        ),
        pushed=Counter(
            f"{m} {k} {names.get(('ContractServices', one.record), _LOST)} {one.day} {one.units} {one.marked}"
            for (m, k), one in memory.pushed.items()
        ),
    )


def _names(records: Mapping[str, list[dict[str, Any]]]) -> dict[tuple[str, int], str]:
    """Records by what they are, for their ids depend on who came first."""
    names: dict[tuple[str, int], str] = {}
    for entity, field in (
        ("Companies", "companyName"),
        ("Services", "name"),
        ("Products", "name"),
        ("Contracts", "contractName"),
    ):
        for record in records.get(entity, []):
            names[entity, record["id"]] = f"{record[field]}/{record.get('periodType', '')}"
    for record in records.get("Contacts", []):
        names["Contacts", record["id"]] = f"{record['firstName']} {record['lastName']}"
    for record in records.get("ContractServices", []):
        contract, service = names["Contracts", record["contractID"]], names["Services", record["serviceID"]]
        names["ContractServices", record["id"]] = f"{contract} {service}"
    return names


_REFERENCES = {
    "companyID": "Companies",
    "parentCompanyID": "Companies",
    "contractID": "Contracts",
    "serviceID": "Services",
    "vendorCompanyID": "Companies",
    "contractServiceID": "ContractServices",
}
_PASSING = frozenset(
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


def _records(dump: Mapping[str, Any], names: Mapping[tuple[str, int], str]) -> Iterator[str]:
    for entity, records in dump["records"].items():
        if entity != "ContractServiceUnits":
            for record in records:
                yield f"{entity} " + json.dumps(_plain(record, names), sort_keys=True, default=str)
    for record in dump["adjustments"]:
        kept = {name: value for name, value in _plain(record, names).items() if name in _ADJUSTMENT}
        yield "adjustment " + json.dumps(kept, sort_keys=True, default=str)


_ADJUSTMENT = frozenset({"contractServiceID", "effectiveDate", "unitChange"})


def _plain(record: Mapping[str, Any], names: Mapping[tuple[str, int], str]) -> dict[str, Any]:
    return {
        name: names.get((_REFERENCES[name], value), value) if name in _REFERENCES else value
        for name, value in record.items()
        if name not in _PASSING and value is not None
    }


def _units(dump: Mapping[str, Any], names: Mapping[tuple[str, int], str]) -> dict[str, tuple[tuple[str, int], ...]]:
    """Contract service → the days on which its units change, and to what."""
    rows: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
    for row in dump["records"].get("ContractServiceUnits", []):
        name = names[("ContractServices", row["contractServiceID"])]
        rows[f"{name} {row['contractID'] if name == _LOST else ''}"].append(
            (row["startDate"][:10], row["endDate"][:10], row["units"])
        )
    steps = {}
    for name, found in rows.items():
        found.sort()
        changes: list[tuple[str, int]] = []
        for start, _, units in found:
            if not changes or changes[-1][1] != units:
                changes.append((start, units))
        changes.append((str(date.fromisoformat(found[-1][1]) + timedelta(days=1)), -1))
        steps[name] = tuple(changes)
    return steps


def _source(folder: Path, names: Mapping[tuple[str, int], str]) -> Iterator[str]:
    for file in sorted(folder.iterdir()):
        if file.suffix == ".json":
            for row in json.loads(file.read_text(encoding="utf-8"))["value"]:
                psa = row.get("work365_subscription_psasystem_id")
                if psa:
                    row["work365_subscription_psasystem_id"] = names.get(("ContractServices", int(psa)), psa)
                yield f"{file.name} " + json.dumps(row, sort_keys=True)
        else:
            yield file.read_text(encoding="utf-8")


def _served(rows: Iterable[tuple[str, dict[str, Any]]], names: Mapping[tuple[str, int], str]) -> Iterator[str]:
    for table, row in rows:
        psa = row.get("work365_subscription_psasystem_id")
        if psa:
            row["work365_subscription_psasystem_id"] = names.get(("ContractServices", int(psa)), psa)
        yield f"{table} " + json.dumps(row, sort_keys=True)


def differences(wanted: Picture, found: Picture) -> dict[str, list[str]]:
    """What is there twice or too much, what is lost, and where units differ; nothing where the pictures are one."""
    wrong: dict[str, list[str]] = {"too much": [], "lost": [], "units": []}
    for part in ("records", "source", "links", "pushed"):
        want, have = getattr(wanted, part), getattr(found, part)
        wrong["too much"] += sorted((have - want).elements())
        wrong["lost"] += sorted((want - have).elements())
    for name in wanted.units.keys() | found.units.keys():
        if wanted.units.get(name) != found.units.get(name):
            wrong["units"].append(f"{name}: {wanted.units.get(name)} became {found.units.get(name)}")
    return {kind: texts for kind, texts in wrong.items() if texts}


def address(project: Path) -> str:
    """Where the project's target is."""
    return urlsplit(str(load_project(project).target.options["url"])).netloc
