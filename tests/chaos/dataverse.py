"""Work 365's Dataverse as a process of its own: what the project says of it, its rows, its faults."""

import os
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from engine.sandbox.dataverse.faults import OWN
from engine.wiring import shipped
from tests.chaos.serving import Server

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
SHARED = (
    "drop before",
    "drop after",
    "late",
    "empty",
    "busy",
    "html",
    "error",
    "truncate",
    "latency",
    "page",
    "restart",
)
KINDS = (*SHARED, *OWN)
ROWS = "^/api/data/v9.2/work365_"
"""Addresses of rows; metadata and tokens are asked for seldom, and by readings alone."""


def dataverse(database: Path, exports: Path) -> Server:
    """The stand-in, with these exports in it; not started yet."""
    os.environ[SECRET] = "demo"
    return Server(database, ["--source", "--seed", str(exports), "--project", str(shipped())])


def rows(server: Server) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every row with its table, without what changes with any write."""
    for table, found in server.control("GET", "/sandbox/dump")["rows"].items():
        for row in found:
            yield table, {column: value for column, value in row.items() if column != "modifiedon"}


def some_fault(random: Random) -> dict[str, object]:
    """A fault of the Dataverse, drawn from all kinds."""
    return fault(random.choice(KINDS), random, nth=random.randint(1, 8))


def fault(said: str, random: Random, nth: int) -> dict[str, object]:
    """A fault of that kind, with all that it may be drawn.

    A page that is passed over is not among them: Dataverse says nothing by which that could be known.
    """
    kind, _, when = said.partition(" ")
    writes = kind == "lost" or (kind not in ("page", "expired") and random.random() < 0.6)
    made: dict[str, object] = {"kind": kind, "nth": nth, "verb": "PATCH" if writes else "GET", "path": ROWS}
    made["when"] = when or random.choice(["before", "after"])
    seconds = {"late": [0.02, 0.2], "latency": [0.05, 0.2], "busy": 1, "restart": 0.2}
    if kind in seconds:
        made["seconds"] = seconds[kind]
    if kind == "page":
        made["page"] = random.choice(["twice", "empty", "half"])
    return made
