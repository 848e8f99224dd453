"""How fast the sandbox answers: over real HTTP, in a process of its own, 100,000 companies stored, hourly limit off."""

import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from engine.config.catalogues import load_entities
from engine.sandbox import seed, snapshots

COMPANIES = 100_000
SERVE = Path(__file__).with_name("serve.py")
SCHEMA = Path(__file__).parents[2] / "schemas" / "autotask.yaml"
HEADERS = {
    "ApiIntegrationCode": "DEMO",
    "UserName": "api@demo.example",
    "Secret": "demo",
    "Content-Type": "application/json",
}


class Line:
    """One kept connection."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)

    def send(self, verb: str, path: str, body: object = None) -> bytes:
        """The body of a good answer."""
        data = None if body is None else json.dumps(body)
        self._connection.request(verb, f"/ATServicesRest/V1.0/{path}", data, HEADERS)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(content)
        return content

    def close(self) -> None:
        """Gives it back."""
        self._connection.close()


def companies() -> dict[str, object]:
    """Wide records: every writable text field filled."""
    fields = load_entities(SCHEMA)["Companies"].fields
    texts = [name for name, field in fields.items() if field.type == "text" and name != "companyNumber"]
    wide = {name: f"{name} of somebody"[: fields[name].max_length] for name in texts}
    fixed = {"companyType": 1, "isActive": True, "ownerResourceID": 1, "createDate": "2026-01-02T03:04:05Z"}
    rows = [{**wide, **fixed, "id": number, "companyNumber": f"N-{number}"} for number in range(COMPANIES)]
    return {"records": {"Companies": rows, "Resources": [{"id": 1, "isActive": True}]}}


def rate(seconds: float, act: Callable[[int], object]) -> float:
    """How often a second."""
    act(0)
    number, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        number += 1
        act(number)
    return number / (time.perf_counter() - started)


def memory(process: int) -> float:
    """Resident megabytes."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def measure(url: str, process: int, seconds: float) -> None:
    """Prints each figure."""
    draw, line = Random(1), Line(url)

    def one(field: str, value: object) -> bytes:
        return line.send("POST", "Companies/query", {"filter": [{"op": "eq", "field": field, "value": value}]})

    def page(number: int, fields: tuple[str, ...] = ()) -> bytes:
        after = number * 500 % COMPANIES
        said = {"filter": [{"op": "gt", "field": "id", "value": after}]}
        return line.send("POST", "Companies/query", {**said, **({"IncludeFields": fields} if fields else {})})

    def several(_: int) -> bytes:
        names = [f"N-{draw.randrange(COMPANIES)}" for _ in range(500)]
        return line.send(
            "POST", "Companies/query", {"filter": [{"op": "in", "field": "companyNumber", "value": names}]}
        )

    def create(number: int) -> bytes:
        return line.send(
            "POST", "Companies", {"companyName": f"C{number}", "companyType": 1, "phone": "1", "ownerResourceID": 1}
        )

    figures: list[tuple[str, float, str]] = []
    one("companyNumber", "N-1")  # makes the index
    before = memory(process)
    figures.append(
        ("queries for one record by id", rate(seconds, lambda _: one("id", draw.randrange(COMPANIES))), "/s")
    )
    figures.append(("queries for one by number", rate(seconds, lambda n: one("companyNumber", f"N-{n}")), "/s"))
    figures.append(("records by address", rate(seconds, lambda n: line.send("GET", f"Companies/{n}")), "/s"))
    figures.append(("pages of 500 wide records", rate(seconds, page), "/s"))
    figures.append(
        ("pages of 500, five fields", rate(seconds, lambda n: page(n, ("id", "phone", "city", "fax", "state"))), "/s")
    )
    figures.append(("in-lists of 500 numbers", rate(seconds, several), "/s"))
    figures.append(("creates", rate(seconds, create), "/s"))
    figures.append(("memory before", before, " MB"))
    figures.append(("memory after", memory(process), " MB"))
    for name, value, unit in figures:
        _say(f"  {name:<32}{value:>10,.1f}{unit}")
    line.close()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(seconds: float = 3.0) -> None:
    """Builds the database, starts the server, prints the figures."""
    with tempfile.TemporaryDirectory() as folder:
        database, document = Path(folder, "bench.sqlite"), companies()
        started = time.perf_counter()
        seed.seed(database, load_entities(SCHEMA), document)
        _say(f"Autotask sandbox, {COMPANIES:,} companies, seeded in {time.perf_counter() - started:.1f} s")
        del document
        started = time.perf_counter()
        snapshots.snapshot(database, Path(folder, "snap.sqlite"))
        middle = time.perf_counter()
        snapshots.restore(Path(folder, "snap.sqlite"), database)
        size = database.stat().st_size / 1e6
        restored = time.perf_counter() - middle
        _say(f"  snapshot of {size:,.0f} MB in {middle - started:.2f} s, restored in {restored:.2f} s")
        empty = Path(folder, "seed.json")
        empty.write_text("{}")
        started = time.perf_counter()
        command = [sys.executable, str(SERVE), str(database), str(empty)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            url = process.stdout.readline().strip() if process.stdout else ""
            _say(f"  process started and answering in {time.perf_counter() - started:.2f} s")
            measure(url, process.pid, seconds)
            process.communicate("")


if __name__ == "__main__":
    main()
