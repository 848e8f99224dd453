"""Work 365's Dataverse as a process of its own, told what to do line by line: reset, fault, left, dump."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from engine.config.catalogues import load_tables
from engine.sandbox.dataverse.faults import Fault
from engine.sandbox.dataverse.server import DataverseSandbox, Environment
from engine.source.files import FileSource
from engine.wiring import shipped

ZONE = ZoneInfo("Europe/London")
SECRET = "DATAVERSE_SECRET"  # noqa: S105 -- the name of a variable
SOURCE = """source:
  connector: dataverse
  url: http://127.0.0.1:{port}
  authority: http://127.0.0.1:{port}
  tenant: demo.example
  client_id: trueup-demo
  client_secret: "{{{{ env.DATAVERSE_SECRET }}}}"
  timeout: 5
  deadline: 8
"""
PROFILE = """tables:
  subscription:
    columns:
      psa_system_id: {logical: work365_subscription_psasystem_id, holds: ContractServices}
"""


class Stand:
    """That process, as the harness has it."""

    def __init__(self, exports: Path, port: int) -> None:
        self.port = port
        arguments = [sys.executable, "-m", "tests.chaos.dataverse", str(exports), str(port)]
        self._process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.reset()

    def reset(self) -> None:
        """All rows as they were at first, no faults."""
        self._ask({"do": "reset"})

    def fault(self, **said: object) -> None:
        """One more fault; `kind` may also be `tokens` or `changes`: withdrawn or expired from now on."""
        self._ask({"do": "fault", "fault": said})

    def left(self) -> int:
        """Faults that are still to come."""
        return int(self._ask({"do": "left"}))

    def dump(self) -> list[str]:
        """Every row, under its names there."""
        return list(self._ask({"do": "dump"}))

    def close(self) -> None:
        """Ends it."""
        self._process.terminate()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        self._process.wait()

    def _ask(self, said: dict[str, object]) -> Any:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the Dataverse has no pipes")
        self._process.stdin.write(json.dumps(said) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def main(exports: Path, port: int) -> None:
    """Serves, and does what each line of the input says."""
    tables = load_tables(shipped() / "schemas" / "work365.yaml")
    given = FileSource(exports, tables, "exports", zone=ZONE)
    with ExitStack() as stack:
        served: DataverseSandbox | None = None
        for line in sys.stdin:
            said = json.loads(line)
            if said["do"] == "reset":
                stack.close()
                rows = {name: given.read(name, table.columns).rows for name, table in tables.items()}
                sandbox = DataverseSandbox(tables, rows, Environment(zone=ZONE), address=("127.0.0.1", port))
                served = stack.enter_context(sandbox)
            if served is not None:
                sys.stdout.write(json.dumps(_done(served, said)) + "\n")
                sys.stdout.flush()


def _done(served: DataverseSandbox, said: dict[str, Any]) -> object:
    if said["do"] == "fault":
        fault = said["fault"]
        if fault["kind"] == "tokens":
            served.withdraw_tokens()
        elif fault["kind"] == "changes":
            served.expire_changes()
        else:
            served.faults.set(Fault(**fault))
    if said["do"] == "left":
        return len(served.faults.left)
    return [*_rows(served)] if said["do"] == "dump" else "done"


def _rows(served: DataverseSandbox) -> Iterator[str]:
    for name in served.kinds:
        for stored in served.store.after(name, 0, 1_000_000, gone=False):
            values = {column: value for column, value in stored.values().items() if column != "modifiedon"}
            yield f"{name} " + json.dumps(values, sort_keys=True, default=str)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
