"""What is known of a project if its files were found sound before."""

from pathlib import Path

from trueup.config.sound_project import SoundProject, check_sound_project
from trueup.operations.project_folder import shipped_schemas


def known_project(folder: Path) -> SoundProject | None:
    """Returns what a check of the project in a folder would find; None if it must be checked."""
    return check_sound_project(folder, shipped=shipped_schemas())
