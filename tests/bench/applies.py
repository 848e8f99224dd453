"""Apply of 3,000 independent changes over three endpoints, each request taking 100 ms, against the bound that
three requests at a time per endpoint allow: `python -m tests.bench.applies [CHANGES]`.
"""

import json
import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from engine import pipeline
from engine.model.document import dumps
from engine.wiring import load_project, open_world, shipped
from tests.chaos.serving import Server
from tests.chaos.world import autotask

LATENCY = 0.1
ENDPOINTS = ("Companies", "Services", "Products")
AT_A_TIME = 3

_TARGET = """
project: bench
time_zone: UTC
as_of: 2026-11-15
source: {{connector: files, path: rows}}
target:
  {{connector: autotask, url: "http://127.0.0.1:{port}", username: api@demo.example,
   secret: demo, integration_code: DEMO}}
guards: {{creates: {{"*": 0}}, deactivations: {{"*": 0}}, share_changed: {{"*": 1}}, monthly_effect: 0, calls: 100000}}
settings: {{}}
"""
_MAPPING = """
mapping: {name}
title: {name}
tab: Products
source: {{table: product}}
target: {{entity: {entity}}}
identity: {{{identity}: "{{{{ source.number }}}}"}}
fields: {{{field}: "{{{{ source.description }}}}"}}
create: never
"""
_FIELDS = {
    "Companies": ("companyNumber", "city"),
    "Services": ("externalID", "description"),
    "Products": ("externalProductID", "description"),
}


def main(changes: int = 3000) -> None:
    """Prints how long it took, as a ratio of the bound."""
    each = changes // len(ENDPOINTS)
    with TemporaryDirectory(prefix="trueup-bench-") as folder:
        project, server = prepare(Path(folder), each)
        try:
            taken, outcome = apply(project, server)
        finally:
            server.kill()
    bound = each * LATENCY / AT_A_TIME
    sys.stdout.write(
        f"apply {changes:,} changes, 3 endpoints, {LATENCY * 1000:.0f} ms a request: {taken:.1f} s, "
        f"bound {bound:.1f} s, ratio {taken / bound:.2f} (to reach: 1.10); {outcome}\n"
    )


def prepare(folder: Path, each: int) -> tuple[Path, Server]:
    """A project whose every record differs in one field from what its row says."""
    server = autotask(folder / "autotask.sqlite", seed(folder, each))
    server.start()
    project = folder / "project"
    (project / "mappings").mkdir(parents=True)
    (project / "rules").mkdir()
    shutil.copytree(shipped() / "schemas", project / "schemas")
    (project / "trueup.yaml").write_text(_TARGET.format(port=server.port), encoding="utf-8")
    for entity in ENDPOINTS:
        identity, field = _FIELDS[entity]
        said = _MAPPING.format(name=entity.casefold(), entity=entity, identity=identity, field=field)
        (project / "mappings" / f"{entity}.yaml").write_text(said, encoding="utf-8")
    rows = [
        {"id": f"p{number}", "name": f"P {number}", "number": f"N{number}", "description": "wanted"}
        for number in range(each)
    ]
    (project / "rows").mkdir()
    (project / "rows" / "product.json").write_text(json.dumps({"value": rows}), encoding="utf-8")
    return project, server


def seed(folder: Path, each: int) -> Path:
    """A sandbox with as many records of each entity."""
    given = json.loads((shipped() / "examples" / "autotask.json").read_text(encoding="utf-8"))
    owner, code = given["records"]["Resources"][0]["id"], given["records"]["BillingCodes"][0]["id"]
    records = {
        "Resources": given["records"]["Resources"],
        "BillingCodes": given["records"]["BillingCodes"],
        "Companies": [
            {
                "id": 1 + n,
                "companyName": f"C {n}",
                "companyType": 1,
                "phone": "1",
                "ownerResourceID": owner,
                "companyNumber": f"N{n}",
            }
            for n in range(each)
        ],
        "Services": [
            {
                "id": 1 + n,
                "name": f"S {n}",
                "billingCodeID": code,
                "periodType": 2,
                "unitPrice": 1,
                "externalID": f"N{n}",
            }
            for n in range(each)
        ],
        "Products": [
            {
                "id": 1 + n,
                "name": f"P {n}",
                "isActive": True,
                "isSerialized": False,
                "productBillingCodeID": code,
                "externalProductID": f"N{n}",
            }
            for n in range(each)
        ],
    }
    file = folder / "seed.json"
    file.write_text(
        json.dumps({"records": records, "picklists": given["picklists"], "users": given["users"]}), encoding="utf-8"
    )
    return file


def apply(folder: Path, server: Server) -> tuple[float, str]:
    """Links first, without latency; then every record is to be changed, and that is measured."""
    project = load_project(folder)
    with open_world(project) as world:
        plan = pipeline.plan(project, world)
        server.control("POST", "/sandbox/faults", {"kind": "latency", "seconds": LATENCY, "times": 0, "path": "V1.0/"})
        start = time.perf_counter()
        outcome = pipeline.apply(project, world, dumps(plan))
        taken = time.perf_counter() - start
    return taken, f"{len(outcome.changes):,} outcomes, complete: {outcome.complete}, {outcome.calls:,} calls"


if __name__ == "__main__":
    main(*[int(argument) for argument in sys.argv[1:2]])
