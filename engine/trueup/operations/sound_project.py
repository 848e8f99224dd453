"""What is known of a project and its tests if their files were found sound before."""

from collections.abc import Iterator
from pathlib import Path

from trueup.config.sound_files import SoundFiles, contents_of_folder, contents_of_project
from trueup.config.sound_project import SoundProject, check_sound_project
from trueup.model.overlay import Overlay
from trueup.operations.project_folder import TESTS, shipped_folder, shipped_tests

_SCHEMAS = "schemas"


def known_project(folder: Path) -> SoundProject | None:
    """Returns what a check of the project in a folder would find; None if it must be checked."""
    return check_sound_project(folder, shipped=shipped_folder() / _SCHEMAS)


def sound_tests(root: Path, overlay: Overlay | None) -> SoundFiles | None:
    """Returns the files of a project and its tests; None if it has no tests.

    Kept is how many tests they state.
    """
    if not any((root / TESTS).glob("*.yaml")):
        return None
    shipped = shipped_folder() / _SCHEMAS

    def contents() -> Iterator[bytes]:
        yield from contents_of_project(root, shipped, overlay)
        yield from contents_of_folder(root / TESTS)
        yield from contents_of_folder(shipped_tests())

    return SoundFiles(overlay.folder if overlay else root, contents)
