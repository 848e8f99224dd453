"""`make demo-fleet`: three tenants, reconciled on a schedule by one command, on this machine.

The fleet starts its own PostgreSQL, and one worker. Each tenant is reconciled at once, and once
more when its schedule says so: then nothing is left to do. The demo ends by itself, after a minute
or two.
"""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.support.part_of_demo import CUSTOMERS, keep_customers

TRUEUP = [sys.executable, "-m", "trueup"]
STATE = re.compile(r"^state:\n(?:  .*\n)+", re.MULTILINE)
RUNS = 2  # of each tenant
LONGEST = 600  # seconds
FLEET = """\
fleet: Northgate, three tenants
database: embedded              # this machine's own PostgreSQL; or postgresql://user:secret@host/base
defaults:
  project: base                 # mappings and rules that all three share
  schedule: {cron: "* * * * *", time_zone: Europe/London}     # each minute; `0 5 * * *` is nightly
  run: {do: apply, within: {changes: 1000, monthly_effect: 100000, one_off_effect: 100000}}
tenants:
  acme:
    set: {source: {path: exports/acme}}       # laid over base/trueup.yaml
  birch:
    set: {source: {path: exports/birch}}
  cedar:
    set: {source: {path: exports/cedar}}
    run: {do: plan}                           # writes nothing
"""
TENANTS = {"acme": CUSTOMERS[:3], "birch": CUSTOMERS[3:6], "cedar": CUSTOMERS[6:]}
PLANS_ONLY = {"cedar"}


def main() -> int:
    """Runs the demo; returns 0 if each tenant was reconciled twice."""
    with TemporaryDirectory(prefix="trueup-fleet-") as folder:
        root = Path(folder)
        write(root)
        show(f"fleet.yaml:\n\n{FLEET}")
        show("$ trueup fleet worker &")
        with worker(root):
            show("$ trueup fleet run --all")
            run(root, "run", "--all")
            ends = watch(root)
            show("\n$ trueup fleet status")
            run(root, "status")
    left = [name for name, changes in ends.items() if changes and name not in PLANS_ONLY]
    show("\n# " + (f"Changes are left in {', '.join(left)}." if left else "Nothing is left to do."))
    return 1 if left else 0


def write(root: Path) -> None:
    """Writes fleet.yaml, the project that the tenants share, and what each has in Work 365."""
    base = root / "base"
    subprocess.run([*TRUEUP, "init", str(base)], check=True, stdout=subprocess.DEVNULL)
    file = base / "trueup.yaml"
    text, replaced = STATE.subn("", file.read_text(encoding="utf-8"))
    if not replaced:
        raise SystemExit("trueup.yaml does not have the state that the demo takes out")
    file.write_text(text, encoding="utf-8")  # the fleet keeps the state of its tenants
    for name, customers in TENANTS.items():
        exports = root / "exports" / name
        shutil.copytree(base / "examples" / "work365", exports)
        keep_customers(exports, customers)
    (root / "fleet.yaml").write_text(FLEET, encoding="utf-8")


@contextmanager
def worker(root: Path) -> Iterator[None]:
    """A worker of the fleet, stopped gently at the end."""
    with subprocess.Popen([*TRUEUP, "fleet", "worker"], cwd=root, stderr=subprocess.DEVNULL) as one:
        try:
            wait_for_database(root, one)
            yield
        finally:
            one.send_signal(signal.SIGTERM)


def wait_for_database(root: Path, one: "subprocess.Popen[bytes]") -> None:
    """Waits until the worker's database is there."""
    while not status(root)["workers"]:
        if one.poll() is not None:
            raise SystemExit("the worker ended")
        time.sleep(1)


def watch(root: Path) -> Mapping[str, int]:
    """Shows each run that ends until each tenant had two; returns the changes of the last plans."""
    changes: dict[str, dict[int, int]] = {name: {} for name in TENANTS}
    end = time.monotonic() + LONGEST
    while any(len(runs) < RUNS for runs in changes.values()):
        if time.monotonic() > end:
            raise SystemExit(f"not all tenants were reconciled twice in {LONGEST} s")
        for tenant in status(root, *TENANTS)["tenants"]:
            runs = changes[tenant["tenant"]]
            for one in reversed(tenant["runs"]):
                if one["ended"] and one["run"] not in runs:
                    runs[one["run"]] = one["plan"]["changes"] if one["plan"] else -1
                    show(line(tenant["tenant"], one))
        time.sleep(2)
    return {name: runs[max(runs)] for name, runs in changes.items()}


def line(tenant: str, run: Mapping[str, Any]) -> str:
    """One run in one line."""
    changes = run["plan"]["changes"] if run["plan"] else 0
    applied = run["outcomes"].get("applied", 0)
    text = f": {run['text']}" if run["text"] else ""
    return (
        f"{run['ended'][11:19]}  {tenant:6} {run['kind']:9}  {changes:4} changes planned, "
        f"{applied:4} applied  {run['status']}{text}"
    )


def status(root: Path, *tenants: str) -> Any:
    """`trueup fleet status --json`."""
    done = subprocess.run(
        [*TRUEUP, "fleet", "status", *tenants, "--json"], cwd=root, check=True, capture_output=True
    )
    return json.loads(done.stdout)


def run(root: Path, *arguments: str) -> None:
    """Runs a command of the fleet and shows what it prints."""
    subprocess.run([*TRUEUP, "fleet", *arguments], cwd=root, check=True)


def show(text: str) -> None:
    """Prints at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
