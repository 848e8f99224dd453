"""Measures the review desk: `python -m tests.bench.desk [CUSTOMERS]`, 500 by default.

Each customer has a contact, a contract and four new subscriptions: 2,000 subscriptions, and a plan
of more than 5,000 changes. Times are those of whole requests over loopback; one client asks, so
they are the server's.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from tests.scenarios.beginnings import Service
from tests.scenarios.world import World
from tests.support.browser import Browser, Serving
from tests.support.paths import ROOT

CUSTOMERS = 500
FEW = 20  # enough for a whole page of rows
RUNS = 15  # of each request; the median counts
WARM = 40  # requests at least until caches are full
REQUESTS = 1000
LARGEST = "/rows?tab=Agreements"
SEVERAL = ("/rows?tab=Changes", "/rows?tab=Agreements&sort=name", "/ledger", "/findings")

KINDS = ("first", "second", "third", "fourth")
_OF_CUSTOMER = {
    "account": (),
    "contact": ("account",),
    "billing_contract": ("customer",),
    "subscription": ("customer", "contract"),
    "license_change": ("customer", "subscription"),
}
"""Table → columns with a key of the same customer."""


def main(customers: int = CUSTOMERS, requests: int = REQUESTS) -> None:
    """Prints the figures; the desk runs in a process of its own, for its memory."""
    many, few = (_in_a_process(count, requests) for count in (customers, FEW))
    sys.stdout.write(
        f"\nreview desk: {customers:,} customers, {many['subscriptions']:,.0f} subscriptions,"
        f" a plan of {many['changes']:,.0f} changes\n"
    )
    _print_line("first page", f"{many['first']:>11.0f} ms", "goal: under 300")
    _print_line("the largest tab", f"{many['full']:>11.0f} ms", "goal: under 300")
    _print_line("its size", f"{many['bytes'] / 1000:>11.0f} kB", "goal: under 100")
    ratio = many["full"] / few["full"]
    title = f"its time / that of {few['changes']:,.0f} changes"
    _print_line(title, f"{ratio:>11.1f}", "both show a page of rows")
    _print_line("filter by text", f"{many['filter']:>11.0f} ms", "goal: under 100")
    _print_line("search in Autotask", f"{many['search']:>11.0f} ms", "goal: under 100")
    _print_line("plan again", f"{many['plan'] * 1000:>11.0f} ms")
    _print_line(f"memory after {requests:,} requests", f"{many['grown']:>+11.1f} MB", "goal: flat")


def measure(customers: int, requests: int) -> dict[str, float]:
    """Serves so many customers; returns milliseconds, bytes and MB by name."""
    with TemporaryDirectory(prefix="trueup-bench-") as folder:
        work = Path(folder) / "work"
        write_project(work, customers)
        with Serving(work) as desk:
            browser = desk.browser()
            figures = {
                "plan": _seconds(lambda: browser.post("/plan", browser.get("/").form("/plan"))),
                "first": _milliseconds(browser, "/"),
                "full": _milliseconds(browser, LARGEST),
                "bytes": float(len(browser.get(LARGEST).body)),
                "filter": _milliseconds(browser, "/rows?tab=Changes&text=customer-3"),
                "search": _milliseconds(browser, _search(desk)),
                "changes": float(len(desk.server.desk.current.plan.changes)),
                "subscriptions": float(customers * len(KINDS)),
            }
            return figures | {"grown": _grown(browser, requests)}


def write_project(folder: Path, customers: int) -> None:
    """Writes a project of so many customers; Autotask has the products' vendor and little more."""
    day = "2026-11-10"
    services = (
        Service(name, seats=13, contract="con", in_autotask=False, changes={day: 13}, start=day)
        for name in KINDS
    )
    world = World(folder, *services)
    with world.work365() as tables:
        for table, columns in _OF_CUSTOMER.items():
            tables[table] = [
                _of_customer(row, columns, number)
                for number in range(customers)
                for row in tables[table]
            ]
    world.plan()


def _of_customer(row: dict[str, Any], columns: tuple[str, ...], number: int) -> dict[str, Any]:
    """A row of the one customer as that of another one."""
    keys = {name: f"{row[name]}-{number}" for name in ("id", *columns)}
    named = {"name": f"{row['name']} of customer-{number}"} if "name" in row else {}
    numbered = {"number": f"{row['number']}-{number}"} if "number" in row else {}
    contact = {"primary_contact": f"con-{number}"} if "primary_contact" in row else {}
    return {**row, **keys, **named, **numbered, **contact}


def _search(desk: Serving) -> str:
    """The address of a row with a search in Autotask."""
    row = next(one for one in desk.server.desk.current.rows if one.ref.mapping == "customer")
    return f"/row?mapping=customer&key={row.ref.key}&search=Alpine"


def _milliseconds(browser: Browser, address: str) -> float:
    """The median of some requests, after one that loads what is loaded once."""
    browser.get(address)
    return 1000 * median(_seconds(lambda: browser.get(address)) for _ in range(RUNS))


def _seconds(do: Any) -> float:
    start = time.perf_counter()
    answer = do()
    taken = time.perf_counter() - start
    if answer.status != 200:
        raise RuntimeError(f"{answer.address}: {answer.status}")
    return taken


def _grown(browser: Browser, requests: int) -> float:
    """How much memory the process holds more after so many requests, in MB."""
    for number in range(max(WARM, requests // 5)):
        browser.get(SEVERAL[number % len(SEVERAL)])
    before = _held()
    for number in range(requests):
        browser.get(SEVERAL[number % len(SEVERAL)])
    return (_held() - before) / 1_000_000


def _held() -> int:
    """The memory that this process holds now, in bytes."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the memory of a process is in /proc on Linux only")


def _in_a_process(customers: int, requests: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.desk", "--measure", str(customers), str(requests)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _print_line(title: str, figure: str, remark: str = "") -> None:
    sys.stdout.write(f"  {title:<36} {figure:<24} {remark}".rstrip() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    given = sys.argv[1:]
    if given[:1] == ["--measure"]:
        sys.stdout.write(json.dumps(measure(*map(int, given[1:]))) + "\n")
    else:
        main(*map(int, given))
