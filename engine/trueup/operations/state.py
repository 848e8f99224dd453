"""The state of a project: links, rows, changes in doubt, export. One function per command.

Functions that write hold the lock as `holder`; they raise StateLocked if another process holds it,
and EngineError for a reason that shows nothing.
"""

from collections.abc import Mapping
from typing import cast

from msgspec.structs import replace

from trueup import wiring
from trueup.applying import doubt_reading
from trueup.applying.manual_settlement import (
    Settlement,
    change_in_doubt,
    check_by_reading,
    mapping_of_created,
    prepare,
)
from trueup.errors import EngineError, StateError
from trueup.model.arguments import is_visible
from trueup.model.audit import LinkForgotten
from trueup.model.change import System
from trueup.model.doubt import DoubtReport, PreparedSettlement
from trueup.model.project import Project
from trueup.model.state_overview import RowState, StateOverview
from trueup.operations import open_state
from trueup.operations.record_check import cause_of, check_record
from trueup.ports.source import Source
from trueup.ports.target import Target
from trueup.ports.world import World

NO_REASON = "the reason is empty: it is recorded, for those who read it later"


def list_links(project: Project, mapping: str | None = None) -> StateOverview:
    """Returns links of a mapping, or all; lock, open runs, changes in doubt and manual edits.

    Raises EngineError for a mapping that the project does not have.
    """
    with wiring.open_state(project) as state:
        return open_state.list_links(project, state, mapping)


def show_row(project: Project, mapping: str, key: str) -> RowState:
    """Returns all that the state has about a row. `key` may be a unique start of it.

    Raises EngineError if no row fits, or several.
    """
    with wiring.open_state(project) as state:
        return open_state.show_row(state, mapping, key)


def forget_link(
    project: Project, holder: str, mapping: str, key: str, reason: str
) -> LinkForgotten:
    """Removes the link of a row; what was pushed stays. `key` may be a unique start of it.

    Raises EngineError if no row fits, or several, or it has no link.
    """
    _require_reason(reason)
    with wiring.open_state(project) as state:
        return open_state.forget_link(state, holder, mapping, key, reason)


def settle_change(
    project: Project,
    holder: str,
    change: str,
    *,
    landed: bool,
    record: int | None = None,
    reason: str,
) -> str:
    """Records the outcome of a change in doubt, as a person determined it.

    `record` is the one that a create made. Returns a note, mostly "", such as that the system that
    the change was sent to could not be read, also after the usual repeats. Raises StateError for a
    change that is not in doubt, or where the time or what reading shows contradicts it; EngineError
    for a record that the target does not have.
    """
    _require_reason(reason)
    with wiring.connections(project) as opened:
        settlement = Settlement(change, landed, record, reason, opened.shared_clock().now())
        _, note = _prepared(project, opened, settlement)
        open_state.settle_change(project, opened.state(), holder, settlement)
    return note


def preview_settlement(
    project: Project, change: str, *, landed: bool, record: int | None = None, reason: str
) -> tuple[PreparedSettlement, str]:
    """Returns what `settle_change` would record and return; nothing is written.

    Raises what `settle_change` raises.
    """
    _require_reason(reason)
    with wiring.connections(project) as opened:
        settlement = Settlement(change, landed, record, reason, opened.shared_clock().now())
        return _prepared(project, opened, settlement)


def _prepared(
    project: Project, opened: wiring.Connections, settlement: Settlement
) -> tuple[PreparedSettlement, str]:
    """Returns what a settlement records once it is checked, and a note, mostly ""."""
    state, note, name = opened.state(), "", ""
    change = change_in_doubt(state, settlement.change)
    mapping = project.mappings.get(mapping_of_created(change))
    if mapping and settlement.landed and settlement.record is not None:
        note = check_record(opened, project, mapping, settlement.record, repeats=True)
    try:
        world = _world_of(opened, change.action.writes)
        name = check_by_reading(project, world, settlement)
    except StateError:
        raise
    except EngineError as fault:
        note = note or f"nothing was read: {cause_of(fault)}"
    return replace(prepare(project, state, settlement), record_name=name), note


class _NotRead:
    """Stands for the system that is not read: it may be away, or not set up on this machine."""

    def identity(self) -> str:
        """Returns none: it is not compared with the one of the run."""
        return ""


def _world_of(opened: wiring.Connections, system: System | None) -> World:
    """Returns a world in which only this system can be read. Raises EngineError."""
    is_source = system is System.SOURCE
    source = opened.source() if is_source else cast("Source", _NotRead())
    target = cast("Target", _NotRead()) if is_source else opened.target()
    return World(source, target, opened.state(), opened.shared_clock())


def examine_doubts(project: Project) -> DoubtReport:
    """Returns each change in doubt, with what the journal and both systems show of it.

    Nothing is written. If a system cannot be read, it is what the journal shows alone, and the
    report has the reason. Raises StateError if the state cannot be read.
    """
    recorded = recorded_doubts(project)
    if not recorded.doubts:
        return recorded
    try:
        with wiring.open_world(project) as world:
            return DoubtReport(doubt_reading.read_doubts(project, world))
    except EngineError as fault:
        return replace(recorded, unread=str(fault))


def recorded_doubts(project: Project) -> DoubtReport:
    """Returns each change in doubt, with what the journal shows of it. Neither system is read."""
    with wiring.open_state(project) as state:
        return DoubtReport(doubt_reading.recorded_doubts(project, state))


def close_run(project: Project, holder: str, run: str, reason: str) -> None:
    """Gives up the remaining changes of an open run.

    Raises StateError while a change is in doubt.
    """
    _require_reason(reason)
    with wiring.open_state(project) as state:
        open_state.close_run(state, holder, run, wiring.SystemClock().now(), reason)


def adopt_systems(project: Project, holder: str, reason: str) -> Mapping[str, str]:
    """Records that the state is about the configured systems; returns them.

    Raises EngineError if it is about them already.
    """
    _require_reason(reason)
    with wiring.open_world(project) as world:
        return open_state.adopt_systems(world, holder, reason)


def _require_reason(reason: str) -> None:
    if not is_visible(reason):
        raise EngineError(NO_REASON)


def export_state(project: Project) -> str:
    """Returns the whole state as JSON, one row per line. Raises StateError if there is none."""
    with wiring.open_state(project) as state:
        return state.export()


def import_state(project: Project, text: str) -> None:
    """Fills an empty state from an export, whole or not at all. Raises StateError."""
    with wiring.open_state(project) as state:
        state.import_(text)
