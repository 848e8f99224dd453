"""Loads fleet.yaml into a checked `Fleet`, or reports everything that is wrong with the file.

The projects of the tenants are not read here: `trueup.fleet.fleet_file` checks these as well.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from trueup.model.finding import Finding
from trueup.model.fleet import Fleet


def load_fleet(root: Path, *, env: Mapping[str, str] = os.environ, shipped: Path) -> Fleet:
    """Returns the fleet in the folder `root`.

    `shipped` is the folder with the schemas that ship with trueup. Raises `ConfigError` with all
    errors of the file; warnings are dropped.
    """
    raise NotImplementedError


def check_fleet(
    root: Path, *, env: Mapping[str, str] = os.environ, shipped: Path
) -> tuple[Fleet | None, list[Finding]]:
    """Returns the fleet, or None if fleet.yaml has errors, and all findings about the file."""
    raise NotImplementedError
