"""Finds what pushed changes of the source held, in the plans of the runs that pushed them."""

from collections.abc import Mapping

from trueup.errors import EngineError
from trueup.model.document import loads
from trueup.model.mapping_state import RowKey
from trueup.model.run import Pushed
from trueup.ports.state import State

Columns = Mapping[str, object]


class PushedChanges:
    """Looks a change up in the plan of the run that pushed it; reads plans on demand."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._documents: dict[str, str] | None = None  # run → its plan's document
        self._columns: dict[str, Mapping[RowKey, Columns]] = {}  # run → by mapping and key

    def values_at_push(self, pushed: Pushed) -> Columns:
        """The columns that its units, day and references were taken from.

        Empty if the plan of its run does not show them.
        """
        if pushed.run not in self._columns:
            self._columns[pushed.run] = self._of_run(pushed.run)
        return self._columns[pushed.run].get((pushed.mapping, pushed.key), {})

    def _of_run(self, run: str) -> Mapping[RowKey, Columns]:
        if self._documents is None:
            self._documents = {one.id: one.plan for one in self._state.runs()}
        try:
            changes = loads(self._documents[run]).changes if run in self._documents else ()
        except EngineError:  # a damaged old plan must not stop every new one
            changes = ()
        return {
            (change.mapping, key): columns
            for change in changes
            for key, columns in change.seen.made_of.items()
        }
