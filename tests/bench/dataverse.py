"""Measures how fast a Dataverse is read: 100,000 rows of six tables in pages of 5,000.

The bound is httpx and json alone on the same pages, one after the other. The server is a process of
its own. It makes its pages in Python, and that time is in both figures.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
from trueup.config.catalogues import load_tables
from trueup.source.dataverse.client import DataverseAccess
from trueup.source.dataverse.source import CacheSettings, DataverseSource
from trueup.source.profile import Profile
from trueup.wiring import SystemClock

from tests.support.paths import ROOT, SCHEMAS

RUNS = 3
SERVE = [sys.executable, "-m", "tests.bench.serve_dataverse"]
TABLES = load_tables(SCHEMAS / "work365.yaml")
LOGIN = {"grant_type": "client_credentials", "client_id": "trueup-demo", "client_secret": "demo"}


def fetch_pages(url: str) -> int:
    """Fetches and parses all pages; returns the number of rows."""
    count = 0
    with httpx.Client(trust_env=False, timeout=60) as http:
        form = {**LOGIN, "scope": f"{url}/.default"}
        token = http.post(f"{url}/demo.example/oauth2/v2.0/token", data=form).json()["access_token"]
        headers = {
            "Authorization": f"Bearer {token}",
            "Prefer": "odata.maxpagesize=5000,odata.track-changes",
        }
        for address in addresses(url):
            page = {"@odata.nextLink": address}
            while "@odata.nextLink" in page:
                page = json.loads(http.get(page["@odata.nextLink"], headers=headers).content)
                count += len(page["value"])
    return count


def addresses(url: str) -> list[str]:
    """Returns the addresses of the tables with the columns that the source selects."""
    queries = []
    for table in TABLES.values():
        names = [
            f"_{column.logical}_value"
            if column.table or column.name in ("unit", "currency")
            else column.logical
            for column in table.columns.values()
        ]
        queries.append(f"{url}/api/data/v9.2/{table.entity_set}?$select={','.join(sorted(names))}")
    return queries


def read_tables(url: str, kept: Path) -> int:
    """Reads all tables as a source, which keeps its rows in a file; returns the number of rows."""
    access = DataverseAccess(url, "demo.example", "trueup-demo", "demo", url)
    zone = ZoneInfo("Europe/Zurich")
    with DataverseSource(
        access, Profile(TABLES), zone, SystemClock(), CacheSettings(kept)
    ) as source:
        return sum(len(source.read(name, table.columns).rows) for name, table in TABLES.items())


def seconds(act: Callable[[], int]) -> tuple[int, float]:
    """Returns the number of rows, and how long it took."""
    started = time.perf_counter()
    count = act()
    return count, time.perf_counter() - started


def main() -> None:
    """Prints rows per second and their ratio, each the best of some runs."""
    figures: dict[str, list[float]] = {"pages": [], "full": [], "increment": []}
    count = 0
    with subprocess.Popen(
        SERVE, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        url = server.stdout.readline().strip() if server.stdout else ""
        for _ in range(RUNS):
            with tempfile.TemporaryDirectory() as folder:
                kept = Path(folder) / "rows.sqlite"
                count, took = seconds(lambda: fetch_pages(url))
                figures["pages"].append(took)
                figures["full"].append(seconds(partial(read_tables, url, kept))[1])
                figures["increment"].append(seconds(partial(read_tables, url, kept))[1])
        server.communicate()

    best = {name: min(took) for name, took in figures.items()}
    sys.stdout.write(f"\n{count:,} rows of six tables from the Dataverse sandbox, 5,000 a page\n")
    for name, title in (
        ("pages", "fetched and parsed only"),
        ("full", "full load"),
        ("increment", "nothing changed"),
    ):
        sys.stdout.write(f"  {title:<36} {count / best[name]:>11,.0f} rows/s\n")
    ratio = best["full"] / best["pages"]
    sys.stdout.write(f"  {'full load / fetched and parsed':<36} {ratio:>11.2f}       goal: 1.5\n")


if __name__ == "__main__":
    main()
