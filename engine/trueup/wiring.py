"""Opens what a project names: the source, the target and the state behind their ports.

`connectors` knows which connector is behind a port.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep
from typing import TYPE_CHECKING, Any

from trueup.connectors.sources import Sources
from trueup.connectors.states import States
from trueup.connectors.targets import DEMO_CREDENTIALS, CachePolicy, TargetOptions, Targets
from trueup.model.project import Project
from trueup.ports.source import Source
from trueup.ports.state import State
from trueup.ports.target import Target
from trueup.ports.world import Clock, World

if TYPE_CHECKING:
    from trueup.sandbox.autotask.local import LocalSandbox, SeededSandboxes


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


@contextmanager
def open_copy(project: Project) -> Iterator[World]:
    """Copies of both systems and of the state: what is written there is gone afterwards."""
    from trueup.source.overlay import SourceOverlay
    from trueup.state.sqlite.store import SqliteState

    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="trueup-")))
        opened = Connections(project, stack, SystemClock(), TargetOptions())
        state = stack.enter_context(SqliteState(folder / "state.sqlite", clock=SystemClock()))
        with open_state(project) as original:
            if original.head()[0]:
                state.import_(original.export())
        source = SourceOverlay(opened.source(), project.catalogue.tables)
        target = opened.targets.copy(folder / "target.sqlite")
        yield World(source, target, state, SystemClock())


@dataclass(frozen=True, slots=True)
class ThrowAway:
    """Both systems and a state in a folder of their own, in this process, without a socket."""

    project: Project
    folder: Path
    sandbox: "LocalSandbox"
    target: Target
    state: State
    clock: Clock

    def world(self, exports: str) -> World:
        """The world with the tables in a folder below; what is written back stays in memory."""
        from trueup.source.files.source import FileSource
        from trueup.source.overlay import SourceOverlay

        tables, zone = self.project.catalogue.tables, self.project.zone
        files = FileSource(self.folder / exports, tables, exports, zone=zone)
        return World(SourceOverlay(files, tables), self.target, self.state, self.clock)


@contextmanager
def open_throw_away(
    project: Project,
    folder: Path,
    clock: Clock,
    seeded: "SeededSandboxes",
    seed: Mapping[str, Any],
) -> Iterator[ThrowAway]:
    """A target with a seed and an empty state for a test, closed when the block ends.

    `seeded` opens it: worlds with the same seed share the work. Raises `SandboxError`.
    """
    from trueup.sandbox.autotask.local import URL
    from trueup.state.sqlite.store import SqliteState
    from trueup.target.autotask.client import AutotaskClient
    from trueup.target.autotask.gateway import HttpTarget
    from trueup.target.autotask.transport import InProcess

    entities = project.catalogue.entities
    with ExitStack() as stack:
        sandbox = stack.enter_context(seeded.open(folder / "target.sqlite", seed))
        client = AutotaskClient(URL, DEMO_CREDENTIALS, clock, network=InProcess(sandbox.answer))
        target = stack.enter_context(HttpTarget(client, entities, "test", "test"))
        state = stack.enter_context(
            SqliteState(folder / "state.sqlite", clock=clock, durable=False)
        )
        yield ThrowAway(project, folder, sandbox, target, state, clock)


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
        states = self._states = States(project, stack, clock)
        self.sources = Sources(project, stack, clock, refresh=refresh)
        self.targets = Targets(project, stack, clock, options, lambda: str(states.open().head()))

    def source(self) -> Source:
        """The source. Raises EngineError if it cannot be opened."""
        return self.sources.open()

    def target(self) -> Target:
        """The target; opened once. Raises EngineError if it cannot be opened."""
        return self.targets.open()

    def state(self) -> State:
        """The state; opened once. Raises EngineError if it cannot be opened."""
        return self._states.open()

    def shared_clock(self) -> Clock:
        """The clock by which runs of all machines with this state are timed."""
        return self._states.shared_clock()
