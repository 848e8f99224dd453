"""A sandbox in a process of its own: database and seed in, its address on standard output; ends with its parent."""

import sys
from pathlib import Path

from engine.config.catalogues import load_entities
from engine.sandbox.server import Sandbox
from engine.sandbox.switches import Switches


def main() -> None:
    """Serves until standard input ends."""
    database, seed = map(Path, sys.argv[1:])
    entities = load_entities(Path(__file__).parents[2] / "schemas" / "autotask.yaml")
    switches = Switches({"hourly_limit": "off"})
    with Sandbox(database, entities, seed=seed, switches=switches) as sandbox:
        sys.stdout.write(sandbox.url + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
