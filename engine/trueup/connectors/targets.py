"""Opens the target that a project names."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from trueup.connectors.autotask import AutotaskConnector, SandboxConnector
from trueup.connectors.choosing import named
from trueup.connectors.target_setup import TargetSetup
from trueup.model.finding import Finding
from trueup.ports.target import DescribedEntity, Target


class TargetConnector(Protocol):
    """What a connector does with the target. All but `forget_answers` raise EngineError."""

    def open(self) -> Target:
        """Returns the target; opened once."""
        ...

    def examine(self, needs: Mapping[str, frozenset[str]]) -> list[Finding]:
        """Returns findings about access to the target. `needs`: entity → operations."""
        ...

    def minimum_permissions(self, needs: Mapping[str, frozenset[str]]) -> list[str]:
        """Returns the least permissions for these operations, in the target's terms."""
        ...

    def permission_sections(self, entities: Iterable[str]) -> dict[str, list[str]]:
        """Returns the sections of the target's rights, each with the entities that it grants."""
        ...

    def describe_entity(self, name: str) -> DescribedEntity:
        """Returns an entity's metadata. Raises TargetError, also for an unknown entity."""
        ...

    def copy(self, database: Path) -> Target:
        """Returns a sandbox with the target's records, as far as the project uses them."""
        ...

    def clone(self, database: Path) -> int:
        """Copies the records that the project's mappings use into a sandbox's database.

        Returns their number. Only reads the target.
        """
        ...

    def forget_answers(self) -> None:
        """Removes what earlier commands kept of the target's answers."""
        ...


def target_connectors(setup: TargetSetup) -> Mapping[str, TargetConnector]:
    """Returns the connectors by the names that `target.connector` may have."""
    return {"autotask": AutotaskConnector(setup), "sandbox": SandboxConnector(setup)}


def target_connector(setup: TargetSetup) -> TargetConnector:
    """Returns the connector that the project names. Raises EngineError if there is none."""
    return named(target_connectors(setup), setup.project.target)
