"""What logs said when they were pushed, from the plans of the runs that did it: read only where it is asked for."""

from collections.abc import Mapping

from engine.errors import EngineError
from engine.model.document import loads
from engine.model.run import Pushed
from engine.ports import State

Columns = Mapping[str, object]


class Pushes:
    """Looks a log up in the plan of the run that pushed it."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._plans: dict[str, str] | None = None  # run → its plan's document
        self._logs: dict[str, Mapping[tuple[str, str], Columns]] = {}  # run → its logs, by mapping and key

    def said(self, pushed: Pushed) -> Columns:
        """The columns that its units, day and references were taken from; nothing where its run cannot say."""
        if pushed.run not in self._logs:
            self._logs[pushed.run] = self._of(pushed.run)
        return self._logs[pushed.run].get((pushed.mapping, pushed.key), {})

    def _of(self, run: str) -> Mapping[tuple[str, str], Columns]:
        if self._plans is None:
            self._plans = {one.id: one.plan for one in self._state.runs()}
        try:
            changes = loads(self._plans[run]).changes if run in self._plans else ()
        except EngineError:  # of an older format, say: that must not keep anybody from planning
            changes = ()
        return {(one.mapping, key): said for one in changes for key, said in one.seen.made_of.items()}
