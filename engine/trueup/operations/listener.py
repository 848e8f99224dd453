"""Functions that an operation calls to report its progress; they have no effect on it."""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import asdict

from trueup.errors import EngineError
from trueup.model.arguments import shown
from trueup.model.plan import Plan
from trueup.model.progress import Progress, Watch, no_watch
from trueup.pipeline import Report, no_report

__all__ = ["SILENT", "Listener", "Progress"]


def _ignore(value: object) -> None:
    del value


class Listener(Struct, frozen=True):
    """Functions that are called with each event; each may be left out."""

    step: Report = no_report  # what planning does now
    progress: Watch = no_watch  # how far a run is, or a plan of many rows
    notice: Callable[[str], None] = _ignore  # about the reading of the source
    planned: Callable[[Plan], None] = _ignore  # the plan that is about to be applied

    def __post_init__(self) -> None:
        """Raises EngineError for anything but functions."""
        for name, function in asdict(self).items():
            if not callable(function):
                raise EngineError(f"{name} is {shown(function)}: give a function")


SILENT = Listener()
