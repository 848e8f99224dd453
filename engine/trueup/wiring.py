"""Opens what a project names: the source, the target and the state behind their ports.

`connectors` knows which connector is behind a port.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep

from trueup.connectors.sources import Sources, profile_file, read_profile
from trueup.connectors.states import States
from trueup.connectors.target_setup import TargetOptions, TargetSetup
from trueup.connectors.targets import TargetConnector, target_connector
from trueup.connectors.throw_away import ThrowAway, open_throw_away
from trueup.model.project import Project
from trueup.ports.source import Source
from trueup.ports.state import State
from trueup.ports.target import CachePolicy, Target
from trueup.ports.world import Clock, World

__all__ = [
    "Connections",
    "SystemClock",
    "ThrowAway",
    "connections",
    "forget_answers",
    "open_copy",
    "open_state",
    "open_throw_away",
    "open_world",
    "profile_file",
    "read_profile",
]


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        """The instant, in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Waits."""
        sleep(seconds)


@contextmanager
def connections(
    project: Project,
    *,
    max_calls: int | None = None,
    clock: Clock | None = None,
    metadata: CachePolicy = CachePolicy.IGNORED,
    records: CachePolicy = CachePolicy.IGNORED,
    refresh: bool = False,
) -> Iterator["Connections"]:
    """Opens connectors on demand; what was opened is closed when the block ends.

    `records` only has an effect where trueup.yaml says that what changed is to be read. With
    `refresh`, rows that an earlier command kept of the source are not used.
    """
    with ExitStack() as stack:
        clock = clock or SystemClock()
        options = TargetOptions(max_calls, metadata, records)
        yield Connections(project, stack, clock, options, refresh=refresh)


@contextmanager
def open_world(
    project: Project,
    *,
    max_calls: int | None = None,
    clock: Clock | None = None,
    metadata: CachePolicy = CachePolicy.IGNORED,
    records: CachePolicy = CachePolicy.IGNORED,
    refresh: bool = False,
) -> Iterator[World]:
    """Both systems and the state, closed when the block ends. Options as for `connections`.

    Raises EngineError for what cannot be opened.
    """
    with connections(
        project,
        max_calls=max_calls,
        clock=clock,
        metadata=metadata,
        records=records,
        refresh=refresh,
    ) as opened:
        source, target, state = opened.source(), opened.target(), opened.state()
        yield World(source, target, state, clock or opened.shared_clock())


@contextmanager
def open_state(project: Project, *, clock: Clock | None = None) -> Iterator[State]:
    """The state alone, for operations that read neither system."""
    with connections(project, clock=clock) as opened:
        yield opened.state()


def forget_answers(project: Project) -> None:
    """Removes the answers of the target that earlier commands kept."""
    with connections(project) as opened:
        opened.target_connector.forget_answers()


@contextmanager
def open_copy(project: Project) -> Iterator[World]:
    """Copies of both systems and of the state: what is written there is gone afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="trueup-")))
        opened = Connections(project, stack, SystemClock(), TargetOptions())
        yield World(
            opened.sources.copy(),
            opened.target_connector.copy(folder / "target.sqlite"),
            opened.states.copy(folder / "state.sqlite"),
            SystemClock(),
        )


class Connections:
    """Opens the connectors of one project. What it opens is closed with `stack`."""

    def __init__(
        self,
        project: Project,
        stack: ExitStack,
        clock: Clock,
        options: TargetOptions,
        *,
        refresh: bool = False,
    ) -> None:
        states = self.states = States(project, stack, clock)
        self.sources = Sources(project, stack, clock, refresh=refresh)
        self._target_setup = TargetSetup(
            project, stack, clock, options, lambda: str(states.open().head())
        )

    @cached_property
    def target_connector(self) -> TargetConnector:
        """What the project's target can do besides what its port has."""
        return target_connector(self._target_setup)

    def source(self) -> Source:
        """The source. Raises EngineError if it cannot be opened."""
        return self.sources.open()

    def target(self) -> Target:
        """The target; opened once. Raises EngineError if it cannot be opened."""
        return self.target_connector.open()

    def state(self) -> State:
        """The state; opened once. Raises EngineError if it cannot be opened."""
        return self.states.open()

    def shared_clock(self) -> Clock:
        """The clock by which runs of all machines with this state are timed."""
        return self.states.shared_clock()
