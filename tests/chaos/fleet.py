"""`make chaos-fleet`: hundreds of kills of workers, of their database, and of the network between.

At the end all must be as if nothing had happened: compared with twins of the tenants that nothing
disturbed.
"""

import argparse
import json
import signal
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.chaos.fleet_figures import TAKEOVER
from tests.chaos.fleet_harness import LONGEST, NAMES, FleetHarness
from tests.chaos.own_postgres import own_postgres


def main() -> int:
    """Prints the figures; returns 0 if nothing is duplicated, lost or left behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--tenants", type=int, default=4, choices=range(1, len(NAMES) + 1))
    parser.add_argument("--hosts", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=0, help="kill no more after so long")
    parser.add_argument("--defect", default="", help="take a remedy out: see fleet_worker.DEFECTS")
    parser.add_argument("--longest", type=float, default=LONGEST, help="seconds to settle in")
    parser.add_argument("--folder", type=Path, help="an empty one, which is kept, with all logs")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends what it has started

    with own_postgres() as server, TemporaryDirectory(prefix="trueup-chaos-fleet-") as folder:
        harness = FleetHarness(
            options.folder or Path(folder),
            server,
            seed=options.seed,
            tenants=options.tenants,
            hosts=options.hosts,
            defect=options.defect,
            longest=options.longest,
        )
        try:
            disturb(harness, options.kills, options.minutes)
            if harness.settle():
                harness.stop()
            figures = harness.check()
            if options.folder:
                write_records(harness, options.folder)
        finally:
            harness.close()
    sys.stdout.write(
        f"A fleet of {options.tenants} tenants on {options.hosts} hosts, seed {options.seed}; a "
        f"worker counts as dead after {TAKEOVER:.0f} s\n{figures.text()}\n"
    )
    return 0 if figures.clean else 1


def write_records(harness: FleetHarness, folder: Path) -> None:
    """Writes the fleet's records, for whoever looks for the cause of a problem."""
    for table in ("runs", "attempts", "tenants"):
        rows = harness.rows(f"SELECT to_json(one) FROM trueup_fleet.{table} AS one")  # noqa: S608
        lines = [f"{json.dumps(row)}\n" for (row,) in rows]
        (folder / f"{table}.jsonl").write_text("".join(lines), encoding="utf-8")


def disturb(harness: FleetHarness, kills: int, minutes: float = 0) -> None:
    """Kills so often, or for so long."""
    end = time.monotonic() + minutes * 60 if minutes else float("inf")
    shown = 0
    while (done := harness.figures.kills.total()) < kills and time.monotonic() < end:
        harness.mishap()
        if done >= shown + 10:
            shown = done
            sys.stderr.write(f"{done} kills, {harness.figures.rounds} rounds\n")
            sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
