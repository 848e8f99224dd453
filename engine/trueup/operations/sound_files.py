"""What is known of a project's files and tests if they were found sound before."""

from collections.abc import Iterator
from pathlib import Path

from trueup.config.sound_files import (
    SoundFiles,
    contents_of_folder,
    contents_of_project,
    files_of_project,
)
from trueup.model.overlay import Overlay
from trueup.operations.project_folder import TESTS, shipped_schemas, shipped_tests


def is_known_without_approvals(folder: Path) -> bool:
    """Returns whether the project in a folder was found sound, and no plan of it needs approval."""
    counts = files_of_project(folder, shipped_schemas(), None).counts
    return counts is not None and not counts["approvals"]


def sound_tests(root: Path, overlay: Overlay | None) -> SoundFiles | None:
    """Returns the files of a project and its tests; None if it has no tests.

    Kept is how many tests they state.
    """
    if not any((root / TESTS).glob("*.yaml")):
        return None
    shipped = shipped_schemas()

    def contents() -> Iterator[bytes]:
        yield from contents_of_project(root, shipped, overlay)
        yield from contents_of_folder(root / TESTS)
        yield from contents_of_folder(shipped_tests())

    return SoundFiles(overlay.folder if overlay else root, contents, frozenset({"tests"}))
