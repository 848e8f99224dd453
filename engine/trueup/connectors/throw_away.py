"""Opens systems that exist for one test of a project, in this process and without a socket."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from trueup.connectors.autotask import DEMO_CREDENTIALS
from trueup.model.project import Project
from trueup.ports.state import State
from trueup.ports.target import Target
from trueup.ports.world import Clock, World

if TYPE_CHECKING:
    from trueup.sandbox.autotask.local import LocalSandbox, SeededSandboxes


class ThrowAway(Struct, frozen=True):
    """Both systems and a state, in a folder of their own."""

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
        target = stack.enter_context(closing(HttpTarget(client, entities, "test", "test")))
        state = stack.enter_context(
            SqliteState(folder / "state.sqlite", clock=clock, durable=False)
        )
        yield ThrowAway(project, folder, sandbox, target, state, clock)
