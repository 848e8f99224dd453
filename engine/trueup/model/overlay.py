"""The differences of a fleet's tenant from the project that several tenants share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trueup.model.finding import Place

Steps = tuple[str | int, ...]
"""The way to a value inside a document: keys and indexes."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """A part of fleet.yaml that is laid over trueup.yaml; nothing is evaluated yet.

    Values may be misplaced secrets: they must never be printed.
    """

    data: Mapping[str, object] = field(default_factory=dict, repr=False)
    values: Mapping[Steps, Place] = field(default_factory=dict, repr=False)  # where values begin
    keys: Mapping[Steps, Place] = field(default_factory=dict, repr=False)  # where their keys stand


@dataclass(frozen=True, slots=True)
class Overlay:
    """How a tenant's project differs from the files that it shares."""

    folder: Path  # the tenant's own: decisions, notes, and all that is written
    overrides: Overrides
