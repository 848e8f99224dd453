"""What a connector needs to open the target."""

from collections.abc import Callable
from contextlib import ExitStack

from msgspec import Struct

from trueup.model.project import Project
from trueup.ports.target import CachePolicy
from trueup.ports.world import Clock


class TargetOptions(Struct, frozen=True):
    """How a command uses the target."""

    max_calls: int | None = None
    metadata: CachePolicy = CachePolicy.IGNORED  # zone and calls of the hour as well
    records: CachePolicy = CachePolicy.IGNORED


class TargetSetup(Struct, frozen=True):
    """The project whose target is opened, and for which command. It is closed with `stack`."""

    project: Project
    stack: ExitStack
    clock: Clock
    options: TargetOptions
    journal_head: Callable[[], str]  # returns another text after each write of a run, anywhere
