"""Writes the example data, the same at each run: `python examples/generate.py [--check]`.

Work 365's side are exported files in `examples/work365/`; Autotask's side is a seed for the
sandbox, `examples/autotask.json`. `--check` writes nothing and exits with 1 if a file would change.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import autotask_seed
import example
import work365_exports

HERE = Path(__file__).parent


def main(arguments: list[str] | None = None) -> int:
    """Writes or checks the files; returns the exit code."""
    parser = argparse.ArgumentParser(description="Writes the example data, the same at each run.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if a file would change"
    )
    parser.add_argument(
        "--into", type=Path, default=HERE, help="folder to write into (default: examples)"
    )
    options = parser.parse_args(arguments)

    changed = {
        path: text for path, text in files(options.into).items() if not _contains(path, text)
    }
    for path, text in changed.items():
        if not options.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        sys.stdout.write(f"{'would change' if options.check else 'written'}: {path}\n")
    return 1 if options.check and changed else 0


def files(folder: Path) -> dict[Path, str]:
    """Returns the texts of all files by path."""
    built = example.build()
    exports = work365_exports.files(built)
    texts = {folder / "work365" / name: text for name, text in exports.items()}
    return {**texts, folder / "autotask.json": autotask_seed.seed(built)}


def _contains(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
