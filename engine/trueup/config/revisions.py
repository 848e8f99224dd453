"""The configuration of a project as a git revision has it, without a checkout.

The files are read out of git's object database with `git cat-file`. Neither the working tree nor
the index is touched, and no hook or filter runs.
"""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from trueup.config.file_names import MAPPINGS, PROJECT, RULES
from trueup.errors import EngineError

CONFIGURATION = (PROJECT, MAPPINGS, RULES, "schemas")
"""What a plan is made of, besides the two systems and the state."""

_REGULAR = ("100644", "100755")
"""git's modes of regular files."""


class _File(NamedTuple):
    path: str  # relative to the project's folder
    id: str


@contextmanager
def files_of_revision(root: Path, revision: str) -> Iterator[Path]:
    """Yields a folder with the configuration of the project in `root` as of the revision.

    The folder is removed when the block ends. Raises EngineError if git is missing, `root` is in
    no repository, or there is no such revision.
    """
    commit = _git(root, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    files = _files(root, commit.decode().strip(), revision)
    with TemporaryDirectory(prefix="trueup-") as folder:
        contents = _contents(root, [file.id for file in files])
        for file, content in zip(files, contents, strict=True):
            path = Path(folder, file.path)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        yield Path(folder)


def is_revision(root: Path, revision: str) -> bool:
    """Whether git knows the revision in the repository of the folder. False without git."""
    try:
        _git(root, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
    except EngineError:
        return False
    return True


def _files(root: Path, commit: str, revision: str) -> list[_File]:
    """The files of the configuration; `git ls-tree` gives paths relative to the folder it runs in.

    Raises EngineError for what is no regular file, and where the revision has no trueup.yaml here.
    """
    listed = _git(root, "ls-tree", "-r", "-z", commit, "--", *CONFIGURATION)
    files = []
    for entry in listed.decode(errors="surrogateescape").split("\0")[:-1]:
        facts, path = entry.split("\t", 1)
        mode, _, id_ = facts.split(" ")
        if mode not in _REGULAR:
            raise EngineError(
                f"{revision}:{path} is no regular file: "
                "check the revision out into a folder, and compare with that folder"
            )
        files.append(_File(path, id_))
    if not any(file.path == PROJECT for file in files):
        raise EngineError(
            f"{revision} has no {PROJECT} in this folder: "
            "choose a later revision, or compare with a folder"
        )
    return files


def _contents(root: Path, ids: Sequence[str]) -> Iterator[bytes]:
    """The contents of these objects. `git cat-file --batch` writes a line before each of them."""
    rest = _git(root, "cat-file", "--batch", stdin="".join(f"{id_}\n" for id_ in ids).encode())
    for _ in ids:
        head, _, rest = rest.partition(b"\n")
        size = int(head.rsplit(b" ", 1)[1])
        yield rest[:size]
        rest = rest[size + 1 :]


def _git(root: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """The output of a git command that runs in the folder. Raises EngineError if it fails."""
    program = shutil.which("git")
    if program is None:
        raise EngineError("git is not installed: compare with a folder instead of a revision")
    done = subprocess.run(  # noqa: S603 -- a revision cannot become an option
        [program, *arguments], cwd=root, input=stdin, capture_output=True, check=False
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["it gave no reason"]
        raise EngineError(f"git {arguments[0]}: {lines[0].removeprefix('fatal: ')}")
    return done.stdout
