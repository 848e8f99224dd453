"""Measures an apply: `python -m tests.bench.applies [CHANGES]`, 3,000 changes by default.

The changes are independent, over three endpoints, and each request takes 100 ms. The bound is what
three requests at a time for each endpoint allow. The peer is httpx alone: as many requests of the
same kind, sent by three threads for each endpoint, without plan, checks or journal.
"""

import json
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeVar

import httpx
from trueup import pipeline
from trueup.model.document import dumps
from trueup.operations.project import load_project
from trueup.operations.project_folder import shipped_folder as shipped
from trueup.wiring import open_world

from tests.chaos.project import autotask
from tests.chaos.serving import Server

_Result = TypeVar("_Result")

LATENCY = 0.1  # seconds
AT_A_TIME = 3

_PROJECT = """
project: bench
time_zone: UTC
as_of: 2026-11-15
source: {{connector: files, path: rows}}
target:
  {{connector: autotask, url: "http://127.0.0.1:{port}", username: api@demo.example,
   secret: demo, integration_code: DEMO}}
guards:
  {{creates: {{"*": 0}}, deactivations: {{"*": 0}}, share_changed: {{"*": 1}}, monthly_effect: 0,
   calls: 100000}}
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
"""By endpoint, the field that identifies a record and the field that is changed."""


def main(changes: int = 3000) -> None:
    """Prints how long the apply takes and what CPU it needs, with ratios to bound and peer."""
    per_endpoint = changes // len(_FIELDS)
    with TemporaryDirectory(prefix="trueup-bench-") as folder:
        project, server = prepare(Path(folder), per_endpoint)
        try:
            taken, outcome = apply(project, server)
            peer = bare_requests(server.port, per_endpoint)
        finally:
            server.kill()
    bound = per_endpoint * LATENCY / AT_A_TIME
    ours, theirs = (used.cpu / changes * 1000 for used in (taken, peer))
    sys.stdout.write(
        f"apply {changes:,} changes, 3 endpoints, {LATENCY * 1000:.0f} ms a request:"
        f" {taken.wall:.1f} s, bound {bound:.1f} s, ratio {taken.wall / bound:.2f} (goal: 1.08),"
        f" httpx alone {peer.wall:.1f} s; {outcome}\n"
        f"CPU of a change: {ours:.2f} ms, of a request by httpx alone {theirs:.2f} ms,"
        f" ratio {ours / theirs:.2f}\n"
    )


def prepare(folder: Path, per_endpoint: int) -> tuple[Path, Server]:
    """Returns a project in which each record differs from its row, and its sandbox."""
    server = autotask(folder / "autotask.sqlite", write_seed(folder / "seed.json", per_endpoint))
    server.start()

    project = folder / "project"
    for name in ("mappings", "rules", "rows"):
        (project / name).mkdir(parents=True)
    shutil.copytree(shipped() / "schemas", project / "schemas")
    (project / "trueup.yaml").write_text(_PROJECT.format(port=server.port), encoding="utf-8")
    for entity, (identity, field) in _FIELDS.items():
        mapping = _MAPPING.format(
            name=entity.casefold(), entity=entity, identity=identity, field=field
        )
        (project / "mappings" / f"{entity}.yaml").write_text(mapping, encoding="utf-8")
    rows = [
        {"id": f"p{number}", "name": f"P {number}", "number": f"N{number}", "description": "new"}
        for number in range(per_endpoint)
    ]
    (project / "rows" / "product.json").write_text(json.dumps({"value": rows}), encoding="utf-8")
    return project, server


def write_seed(file: Path, per_endpoint: int) -> Path:
    """Writes a seed with so many records for each endpoint; returns the file."""
    example = json.loads((shipped() / "examples" / "autotask.json").read_text(encoding="utf-8"))
    resources, codes = example["records"]["Resources"], example["records"]["BillingCodes"]
    owner, code = resources[0]["id"], codes[0]["id"]
    numbers = range(per_endpoint)
    records = {
        "Resources": resources,
        "BillingCodes": codes,
        "Companies": [_company(number, owner) for number in numbers],
        "Services": [_service(number, code) for number in numbers],
        "Products": [_product(number, code) for number in numbers],
    }
    document = {"records": records, "picklists": example["picklists"], "users": example["users"]}
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


def _company(number: int, owner: int) -> dict[str, Any]:
    return {
        "id": 1 + number,
        "companyName": f"C {number}",
        "companyType": 1,
        "phone": "1",
        "ownerResourceID": owner,
        "companyNumber": f"N{number}",
    }


def _service(number: int, code: int) -> dict[str, Any]:
    return {
        "id": 1 + number,
        "name": f"S {number}",
        "billingCodeID": code,
        "periodType": 2,
        "unitPrice": 1,
        "externalID": f"N{number}",
    }


def _product(number: int, code: int) -> dict[str, Any]:
    return {
        "id": 1 + number,
        "name": f"P {number}",
        "isActive": True,
        "isSerialized": False,
        "productBillingCodeID": code,
        "externalProductID": f"N{number}",
    }


class Used(NamedTuple):
    """What some work took, in seconds."""

    wall: float
    cpu: float  # of this process


def measured(work: Callable[[], _Result]) -> tuple[Used, _Result]:
    """Does the work; returns what it took, and its result."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return Used(time.perf_counter() - wall, time.process_time() - cpu), result


def apply(folder: Path, server: Server) -> tuple[Used, str]:
    """Plans without latency, then applies with it; returns what that took, and a summary."""
    project = load_project(folder)
    with open_world(project) as world:
        document = dumps(pipeline.plan(project, world))
        latency = {"kind": "latency", "seconds": LATENCY, "times": 0, "path": "V1.0/"}
        server.control("POST", "/sandbox/faults", latency)
        taken, outcome = measured(lambda: pipeline.apply(project, world, document))
    changes, calls = len(outcome.changes), outcome.calls
    return taken, f"{changes:,} outcomes, complete: {outcome.complete}, {calls:,} calls"


def bare_requests(port: int, per_endpoint: int) -> Used:
    """Changes the same records by httpx alone; returns what that took."""
    root = f"http://127.0.0.1:{port}/ATServicesRest/V1.0"
    headers = {"ApiIntegrationCode": "DEMO", "UserName": "api@demo.example", "Secret": "demo"}
    at_once = AT_A_TIME * len(_FIELDS)
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    client = httpx.Client(headers=headers, limits=limits, trust_env=False, timeout=60)

    def change(entity: str, number: int) -> None:
        body = {"id": 1 + number, _FIELDS[entity][1]: "newer"}
        client.patch(f"{root}/{entity}", json=body).raise_for_status().json()

    def change_all() -> None:
        with ExitStack() as stack:
            pools = {
                entity: stack.enter_context(ThreadPoolExecutor(AT_A_TIME)) for entity in _FIELDS
            }
            tasks = [
                pool.submit(change, entity, number)
                for number in range(per_endpoint)
                for entity, pool in pools.items()
            ]
            for task in tasks:
                task.result()

    with client:
        used, _ = measured(change_all)
    return used


if __name__ == "__main__":
    main(*[int(argument) for argument in sys.argv[1:2]])
