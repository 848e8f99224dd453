"""Finds and opens the fleet of a command; reports a missing extra `fleet`."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from trueup.cli.extras import needing
from trueup.config.file_names import FLEET
from trueup.local_files import read_regular

if TYPE_CHECKING:
    from trueup.fleet.open_fleet import OpenFleet
    from trueup.model.fleet import Fleet

_PACKAGES = frozenset({"procrastinate", "prometheus_client", "psycopg", "psycopg_pool"})
"""The packages of the extra."""


def find_fleet(folder: Path) -> Path | None:
    """Returns the nearest folder with a fleet.yaml: the folder itself, or a parent folder."""
    if (folder / FLEET).is_file():
        return folder
    above = folder.resolve().parents
    return next((one for one in above if (one / FLEET).is_file()), None)


def names_tenants(folder: Path) -> bool:
    """Returns whether the fleet.yaml in a folder may be one of trueup: other tools have such files.

    It need not be valid. Raises `OSError` if it cannot be read.
    """
    return b"tenants" in read_regular(folder / FLEET).replace(b"\0", b"")  # also in UTF-16


def needing_fleet(what: str) -> AbstractContextManager[None]:
    """As `needing`, for commands and options that need the extra `fleet`."""
    return needing(what, "fleet", _PACKAGES)


@contextmanager
def opened_fleet(folder: Path, what: str, fleet: "Fleet | None" = None) -> "Iterator[OpenFleet]":
    """Opens the fleet in a folder, with its database, for a command or option `what`.

    `fleet` is the content of fleet.yaml, if it was read before. Raises EngineError without the
    extra.
    """
    with needing_fleet(what):
        from trueup.fleet.open_fleet import open_fleet
    with open_fleet(folder, fleet) as opened:
        yield opened
