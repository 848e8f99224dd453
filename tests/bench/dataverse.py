"""How fast an environment is read: 100,000 rows over six tables in pages of 5,000, next to fetching and parsing them.

The bare cost is httpx and json alone on the same pages, one after the other. The server is a process of its own; it
makes its pages in Python, and its time is in both figures.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx

from engine.config.catalogues import load_tables
from engine.source.dataverse.client import Access
from engine.source.dataverse.source import DataverseSource, Keeping
from engine.source.profile import Profile

RUNS = 3
SERVE = Path(__file__).with_name("serve_dataverse.py")
TABLES = load_tables(Path(__file__).parents[2] / "schemas" / "work365.yaml")
LOGIN = {"grant_type": "client_credentials", "client_id": "trueup-demo", "client_secret": "demo"}


class Clock:
    """The machine's time."""

    def now(self) -> datetime:
        """The instant."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Waits."""
        time.sleep(seconds)


def bare(url: str) -> int:
    """The same pages, fetched and parsed."""
    count = 0
    with httpx.Client(trust_env=False, timeout=60) as http:
        scope = {"scope": f"{url}/.default"}
        token = http.post(f"{url}/demo.example/oauth2/v2.0/token", data=LOGIN | scope).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Prefer": "odata.maxpagesize=5000,odata.track-changes"}
        for address in addresses(url):
            page = {"@odata.nextLink": address}
            while "@odata.nextLink" in page:
                page = json.loads(http.get(page["@odata.nextLink"], headers=headers).content)
                count += len(page["value"])
    return count


def addresses(url: str) -> list[str]:
    """As the source asks."""
    made = []
    for table in TABLES.values():
        names = [
            f"_{column.logical}_value" if column.table or column.name in ("unit", "currency") else column.logical
            for column in table.columns.values()
        ]
        made.append(f"{url}/api/data/v9.2/{table.entity_set}?$select={','.join(sorted(names))}")
    return made


def ours(url: str, kept: Path) -> int:
    """Typed rows of all tables, kept for the next time."""
    access = Access(url, "demo.example", "trueup-demo", "demo", url)
    with DataverseSource(access, Profile(TABLES), ZoneInfo("Europe/Zurich"), Clock(), Keeping(kept)) as source:
        return sum(len(source.read(name, table.columns).rows) for name, table in TABLES.items())


def seconds(act: Callable[[], int]) -> tuple[int, float]:
    """How many rows, and how long."""
    started = time.perf_counter()
    count = act()
    return count, time.perf_counter() - started


def main() -> None:
    """Prints rows per second and the ratio; the best of some runs each, for the machine has other things to do."""
    figures: dict[str, list[float]] = {"bare": [], "full": [], "increment": []}
    count = 0
    with subprocess.Popen([sys.executable, SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        url = server.stdout.readline().strip() if server.stdout else ""
        for _ in range(RUNS):
            with tempfile.TemporaryDirectory() as folder:
                kept = Path(folder) / "rows.sqlite"
                count, took = seconds(lambda: bare(url))
                figures["bare"].append(took)
                figures["full"].append(seconds(lambda kept=kept: ours(url, kept))[1])
                figures["increment"].append(seconds(lambda kept=kept: ours(url, kept))[1])
        server.communicate()
    best = {name: min(took) for name, took in figures.items()}
    sys.stdout.write(f"\n{count:,} rows of six tables from the Dataverse stand-in, pages of 5,000\n")
    for name, what in (
        ("bare", "fetched and parsed, no more"),
        ("full", "full load"),
        ("increment", "nothing changed"),
    ):
        sys.stdout.write(f"  {what:<36} {count / best[name]:>11,.0f} rows/s\n")
    sys.stdout.write(
        f"  {'full load / fetched and parsed':<36} {best['full'] / best['bare']:>11.2f}       to reach: 1.5\n"
    )


if __name__ == "__main__":
    main()
