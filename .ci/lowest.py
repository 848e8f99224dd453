"""Prints constraints for pip: the lowest version that pyproject.toml allows of each dependency."""

import re
import sys
import tomllib
from pathlib import Path

LOWEST = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?>=([0-9][0-9a-z.]*)")
PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def main() -> int:
    """Prints one line for each dependency of the project itself."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    used = [extra for name, extra in extras.items() if name not in {"dev", "docs"}]
    for line in [*project["dependencies"], *(one for extra in used for one in extra)]:
        match = LOWEST.match(line)
        if not match:
            sys.stderr.write(f"{PROJECT.name}: {line} names no lowest version\n")
            return 1
        sys.stdout.write(f"{match[1]}=={match[2]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
