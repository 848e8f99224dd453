"""Remembers files that were checked without a finding, by their digest, in `.trueup`.

A check takes most of the time of `validate`, and a good part of a plan's. Its result follows from
the files, from trueup and from the libraries alone. So a digest of all these is kept if nothing was
found, and the same files are not checked again. The digest covers the content of each file and the
names in each folder, what a tenant lays over trueup.yaml, the version and the modules of trueup
that check, the version of Python, and when libraries were installed last. What depends on the
environment is checked each time, and is not part of the digest.

The file holds digests and counts. Losing it costs the next command a check, so a file that is
damaged or of another version counts as absent, and one that cannot be written is logged.
"""

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from hashlib import file_digest, sha256
from importlib.util import find_spec
from pathlib import Path

from trueup import operating_system
from trueup.config.file_names import DECISIONS, MAPPINGS, NOTES, PROJECT, RULES
from trueup.local_files import open_regular
from trueup.model.overlay import Overlay
from trueup.version import VERSION

FILE = ".trueup/checked.json"
FORMAT = 3
MOST = 16
"""Digests that are kept: those of the last checks."""

_LARGEST = 1000 * MOST
"""Bytes of the file: a longer one is damaged, and not read further."""

_ENDINGS = (".yaml", ".yml", ".json")
_CHECKING = ("config", "expressions", "model")
"""The folders of trueup on which the result of a check depends."""

_log = logging.getLogger(__name__)


class SoundFiles:
    """Files that are checked together, and whether they were checked before."""

    def __init__(
        self, folder: Path, contents: Callable[[], Iterator[bytes]], names: frozenset[str]
    ) -> None:
        """`folder` is the project's own; `contents` yields all inputs of the check.

        `names` are those of the numbers that are kept of sound files.
        """
        self._path = folder / FILE
        self._contents, self._names = contents, names
        self._digest = self._current()

    @property
    def counts(self) -> Mapping[str, int] | None:
        """Returns the numbers that `keep` stored for these files; None if they must be checked."""
        counts = self._load().get(self._digest)
        return counts if counts and counts.keys() == self._names else None

    def are_unchanged(self) -> bool:
        """Returns whether the files are still those that `counts` are about."""
        return self._digest == self._current()

    def keep(self, counts: Mapping[str, int]) -> None:
        """Records that the files are sound, with these numbers, unless they have changed since."""
        if not self.are_unchanged():
            return
        kept = {digest: one for digest, one in self._load().items() if digest != self._digest}
        newest = [*kept.items(), (self._digest, counts)][-MOST:]
        content = json.dumps({"format": FORMAT, "sound": dict(newest)}).encode()
        try:
            self._path.parent.mkdir(exist_ok=True)
            operating_system.write_whole(self._path, content, private=True)
        except OSError as error:
            _log.info("%s cannot be written: %s", FILE, error.strerror)

    def _load(self) -> Mapping[str, Mapping[str, int]]:
        try:
            with open_regular(self._path) as file:
                content = file.read(_LARGEST + 1)
            document = json.loads(content)
            if len(content) > _LARGEST or document["format"] != FORMAT:
                return {}
            return {
                str(digest): counts
                for digest, counts in document["sound"].items()
                if all(type(number) is int for number in counts.values())
            }
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return {}

    def _current(self) -> str:
        digest = sha256(f"{FORMAT} {VERSION} {sys.version}\n".encode())
        for content in (_code(), *self._contents()):
            digest.update(b"%d\n" % len(content))  # so that no two lists of contents look alike
            digest.update(content)
        return digest.hexdigest()


def files_of_project(root: Path, shipped: Path, overlay: Overlay | None) -> SoundFiles:
    """Returns the files of a project. Kept are how many mappings and rules they state.

    `approvals` is 1 if plans of the project may need approvals, else 0.
    """
    own = overlay.folder if overlay else root
    names = frozenset({"mappings", "rules", "approvals"})
    return SoundFiles(own, lambda: contents_of_project(root, shipped, overlay), names)


def contents_of_project(root: Path, shipped: Path, overlay: Overlay | None) -> Iterator[bytes]:
    """Yields the inputs of a project's check, in the same order each time."""
    yield _content(root / PROJECT)
    for folder in (root / MAPPINGS, root / RULES, root / shipped.name, shipped):
        yield from contents_of_folder(folder)
    if overlay:
        data = overlay.overrides.data
        yield repr(data).encode("utf-8", "surrogatepass")
        yield from (_content(overlay.folder / file) for file in (DECISIONS, NOTES))


def contents_of_folder(folder: Path) -> Iterator[bytes]:
    """Yields the names in a folder, and the contents of its files that may be read."""
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        yield f"{error.errno}".encode()
        return
    yield "/".join(names).encode("utf-8", "surrogatepass")
    yield from (_content(folder / name) for name in names if name.lower().endswith(_ENDINGS))


def _content(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            return b"+" + file_digest(file, "sha256").digest()  # it may be larger than the memory
    except OSError as error:
        return f"-{error.errno}".encode()


@cache
def _code() -> bytes:
    """A text that changes with the modules that check, and with the libraries that they use."""
    package = Path(__file__).parents[1]
    found: list[str] = []
    for part in _CHECKING:
        for folder, _, names in sorted(os.walk(package / part)):
            for name in sorted(names):
                if name.endswith(".py"):
                    status = os.stat(os.path.join(folder, name))  # noqa: PTH116, PTH118 -- many
                    found.append(f"{folder}/{name} {status.st_size} {status.st_mtime_ns}")
    library = find_spec("jinja2")
    if library and library.origin:
        found.append(str(Path(library.origin).parents[1].stat().st_mtime_ns))
    return "\n".join(found).encode("utf-8", "surrogatepass")
