"""One run: its inputs and its limits."""

from threading import Event

from msgspec import Struct, field

from trueup.applying.lock import LockHolder
from trueup.applying.run_state import RunState
from trueup.model.plan import Plan
from trueup.model.progress import Watch, no_watch
from trueup.model.project import Project
from trueup.ports.world import World


class Job(Struct):
    """One run."""

    project: Project
    world: World
    plan: Plan
    run: str
    run_state: RunState
    lock: LockHolder
    stop: Event = field(default_factory=Event)  # once set, nothing more is sent
    watch: Watch = no_watch
    counts_calls: bool = False  # the run may use only so many calls
    stopped_by: list[str] = []  # why nothing more can be done, such as used up calls
    settle_only: bool = False  # nothing is sent any more: its configuration has changed
    waits_for: str = ""  # the approval without which nothing is sent; what is in doubt is settled

    def must_stop(self) -> bool:
        """Whether nothing more may be sent: stopped, or for a reason in `stopped_by`."""
        return self.stop.is_set() or bool(self.stopped_by)
