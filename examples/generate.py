"""Makes the example data, the same at each run: `python examples/generate.py [--check]`.

Work 365 as exported files in `examples/work365/`, Autotask as a seed for the sandbox in
`examples/autotask.json`. With `--check` nothing is written, and the exit code is 1 if a file would change.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import autotask_side
import work365_side
import world

HERE = Path(__file__).parent


def main(arguments: list[str] | None = None) -> int:
    """Writes the files, or compares them."""
    parser = argparse.ArgumentParser(description="Makes the example data, the same at each run.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file would change")
    parser.add_argument("--into", type=Path, default=HERE, help="folder to write into (default: examples)")
    said = parser.parse_args(arguments)
    stale = [path for path, text in files(said.into).items() if not _holds(path, text)]
    for path in stale:
        if not said.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files(said.into)[path], encoding="utf-8", newline="\n")
        sys.stdout.write(f"{'would change' if said.check else 'written'}: {path}\n")
    return 1 if said.check and stale else 0


def files(folder: Path) -> dict[Path, str]:
    """Path → text of every file."""
    made = world.build()
    texts = {folder / "work365" / name: text for name, text in work365_side.files(made).items()}
    texts[folder / "autotask.json"] = autotask_side.seed(made)
    return texts


def _holds(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
