"""The differences of a fleet's tenant from the project that several tenants share."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from trueup.model.finding import Place

Steps = tuple[str | int, ...]
"""The way to a value inside a document: keys and indexes."""


class Overrides(Struct, frozen=True):
    """A part of fleet.yaml that is laid over trueup.yaml; nothing is evaluated yet.

    Values may be misplaced secrets: they must never be printed.
    """

    data: Mapping[str, object] = {}
    values: Mapping[Steps, Place] = {}  # where values begin
    keys: Mapping[Steps, Place] = {}  # where their keys stand

    def __repr__(self) -> str:
        return "Overrides()"


class Overlay(Struct, frozen=True):
    """How a tenant's project differs from the files that it shares."""

    folder: Path  # the tenant's own: decisions, notes, and all that is written
    overrides: Overrides
