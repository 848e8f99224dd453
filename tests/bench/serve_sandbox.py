"""Serves an Autotask sandbox in a process: `python -m tests.bench.serve_sandbox DATABASE SEED`.

It prints its address and ends when its standard input ends, at the latest with its parent.
"""

import sys
from pathlib import Path

from trueup.config.catalogues import load_entities
from trueup.sandbox.autotask.server import Sandbox
from trueup.sandbox.autotask.switches import Switches

from tests.support.paths import SCHEMAS


def main() -> None:
    """Serves until standard input ends."""
    database, seed = map(Path, sys.argv[1:])
    entities = load_entities(SCHEMAS / "autotask.yaml")
    switches = Switches({"hourly_limit": "off"})
    with Sandbox(database, entities, seed=seed, switches=switches) as sandbox:
        sys.stdout.write(sandbox.url + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
