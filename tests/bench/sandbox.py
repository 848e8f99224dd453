"""Measures the Autotask sandbox over HTTP, in a process of its own, with 100,000 companies."""

import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from trueup.config.catalogues import load_entities
from trueup.sandbox.autotask import seed, snapshots

from tests.support.paths import ROOT, SCHEMAS

COMPANIES = 100_000
SERVE = [sys.executable, "-m", "tests.bench.serve_sandbox"]
SCHEMA = SCHEMAS / "autotask.yaml"
HEADERS = {
    "ApiIntegrationCode": "DEMO",
    "UserName": "api@demo.example",
    "Secret": "demo",
    "Content-Type": "application/json",
}


class Requests:
    """Sends requests on one connection that is kept open."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
        self._random = Random(1)

    def send(self, verb: str, path: str, body: object = None) -> bytes:
        """Returns the body of a successful response."""
        data = None if body is None else json.dumps(body)
        self._connection.request(verb, f"/ATServicesRest/V1.0/{path}", data, HEADERS)
        response = self._connection.getresponse()
        content = response.read()
        if response.status != http.client.OK:
            raise RuntimeError(content)
        return content

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def query(self, op: str, field: str, value: object, **more: object) -> bytes:
        """Sends a query with one condition."""
        condition = {"op": op, "field": field, "value": value}
        return self.send("POST", "Companies/query", {"filter": [condition], **more})

    def random_company(self) -> int:
        """Returns the id of a company."""
        return self._random.randrange(COMPANIES)

    def page(self, number: int, **more: object) -> bytes:
        """Reads a page of 500 companies."""
        return self.query("gt", "id", number * 500 % COMPANIES, **more)

    def in_list(self) -> bytes:
        """Reads 500 companies by their numbers."""
        return self.query("in", "companyNumber", [f"N-{self.random_company()}" for _ in range(500)])

    def create(self, number: int) -> bytes:
        """Creates a company."""
        company = {"companyType": 1, "phone": "1", "ownerResourceID": 1}
        return self.send("POST", "Companies", {"companyName": f"C{number}", **company})


def companies() -> dict[str, object]:
    """Returns a seed of wide records, in which every writable text field is filled."""
    fields = load_entities(SCHEMA)["Companies"].fields
    texts = [
        name for name, field in fields.items() if field.type == "text" and name != "companyNumber"
    ]
    wide = {name: f"{name} of a company"[: fields[name].max_length] for name in texts}
    fixed = {
        "companyType": 1,
        "isActive": True,
        "ownerResourceID": 1,
        "createDate": "2026-01-02T03:04:05Z",
    }
    rows = [
        {**wide, **fixed, "id": number, "companyNumber": f"N-{number}"}
        for number in range(COMPANIES)
    ]
    return {"records": {"Companies": rows, "Resources": [{"id": 1, "isActive": True}]}}


def rate(seconds: float, act: Callable[[int], object]) -> float:
    """Returns how often something can be done in a second; it is called with increasing numbers."""
    act(0)
    number, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        number += 1
        act(number)
    return number / (time.perf_counter() - started)


def memory(process: int) -> float:
    """Returns the resident memory of a process in MB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def measure(url: str, process: int, seconds: float) -> None:
    """Measures each kind of request for so many seconds, and prints the figures."""
    requests = Requests(url)
    five_fields = ["id", "phone", "city", "fax", "state"]
    kinds: dict[str, Callable[[int], object]] = {
        "queries for one record by id": lambda _: requests.query(
            "eq", "id", requests.random_company()
        ),
        "queries for one by number": lambda number: requests.query(
            "eq", "companyNumber", f"N-{number}"
        ),
        "records by address": lambda number: requests.send("GET", f"Companies/{number}"),
        "pages of 500 wide records": requests.page,
        "pages of 500, five fields": lambda number: requests.page(
            number, IncludeFields=five_fields
        ),
        "in-lists of 500 numbers": lambda _: requests.in_list(),
        "creates": requests.create,
    }

    requests.query("eq", "companyNumber", "N-1")  # the first query makes the index
    before = memory(process)
    for title, act in kinds.items():
        print_figure(title, rate(seconds, act), "/s")
    print_figure("memory before", before, " MB")
    print_figure("memory after", memory(process), " MB")
    requests.close()


def print_figure(title: str, figure: float, unit: str) -> None:
    """Prints a line of the table."""
    print_line(f"  {title:<32}{figure:>10,.1f}{unit}")


def print_line(line: str) -> None:
    """Prints a line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(seconds: float = 3.0) -> None:
    """Seeds a database, copies it, serves it, and prints the figures."""
    with tempfile.TemporaryDirectory() as folder:
        database, snapshot = Path(folder, "bench.sqlite"), Path(folder, "snapshot.sqlite")
        document = companies()
        started = time.perf_counter()
        seed.seed(database, load_entities(SCHEMA), document)
        took = time.perf_counter() - started
        print_line(f"Autotask sandbox, {COMPANIES:,} companies, seeded in {took:.1f} s")
        del document

        started = time.perf_counter()
        snapshots.snapshot(database, snapshot)
        copied = time.perf_counter()
        snapshots.restore(snapshot, database)
        restored = time.perf_counter()
        size = database.stat().st_size / 1e6
        print_line(
            f"  snapshot of {size:,.0f} MB in {copied - started:.2f} s, "
            f"restored in {restored - copied:.2f} s"
        )

        empty_seed = Path(folder, "seed.json")
        empty_seed.write_text("{}")
        started = time.perf_counter()
        command = [*SERVE, str(database), str(empty_seed)]
        with subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            url = process.stdout.readline().strip() if process.stdout else ""
            took = time.perf_counter() - started
            print_line(f"  process started and answering in {took:.2f} s")
            measure(url, process.pid, seconds)
            process.communicate("")


if __name__ == "__main__":
    main()
