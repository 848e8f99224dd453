"""Opens the target that a project names."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from trueup.connectors.autotask import AutotaskConnector, SandboxConnector
from trueup.connectors.choosing import named
from trueup.connectors.target_options import TargetOptions
from trueup.model.finding import Finding
from trueup.model.project import Project
from trueup.ports.target import DescribedEntity, Target
from trueup.ports.world import Clock


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


class Targets:
    """The connectors for the target of one project. What is opened is closed with `stack`."""

    def __init__(
        self,
        project: Project,
        stack: ExitStack,
        clock: Clock,
        options: TargetOptions,
        journal_head: Callable[[], str],
    ) -> None:
        """`journal_head` returns another text after each write of a run, on any machine."""
        self._project = project
        arguments = project, stack, clock, options, journal_head
        self.connectors: Mapping[str, TargetConnector] = {
            "autotask": AutotaskConnector(*arguments),
            "sandbox": SandboxConnector(*arguments),
        }
        """By the names that `target.connector` may have."""

    def named(self) -> TargetConnector:
        """Returns the one that the project names. Raises EngineError if there is none."""
        return named(self.connectors, self._project.target)
