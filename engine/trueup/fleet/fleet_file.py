"""fleet.yaml and the projects of its tenants: load, check."""

import os
from collections.abc import Mapping
from pathlib import Path

from trueup.config import fleet as config
from trueup.model.finding import Finding
from trueup.model.fleet import Fleet
from trueup.operations.project_folder import shipped_folder


def load_fleet(folder: Path | str = ".", env: Mapping[str, str] = os.environ) -> Fleet:
    """The fleet in a folder. Raises ConfigError with all that is wrong with fleet.yaml.

    The projects of the tenants are not read: one that is broken must not stop the others.
    """
    return config.load_fleet(Path(folder), env=env, shipped=shipped_folder() / "schemas")


def check_fleet(
    folder: Path | str = ".", env: Mapping[str, str] = os.environ
) -> tuple[Fleet | None, list[Finding]]:
    """The fleet, or None where it cannot be used, and all findings about it and its projects."""
    raise NotImplementedError
