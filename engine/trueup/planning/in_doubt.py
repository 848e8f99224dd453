"""Changes of earlier runs whose outcome is unknown."""

from datetime import tzinfo

from msgspec import Struct

from trueup.model.change import Action, Change
from trueup.model.document import loads
from trueup.model.finding import Finding, Place, Severity
from trueup.model.finding_codes import OPEN_RUN
from trueup.model.mapping_state import RowKey
from trueup.model.run import OPEN, Step
from trueup.model.wall_clock import shown_in
from trueup.ports.state import State, StateSnapshot


class InDoubt(Struct, frozen=True):
    """The rows and records of changes in doubt, which are not planned before these are settled."""

    rows: frozenset[RowKey] = frozenset()
    services: frozenset[int] = frozenset()  # records with an adjustment in doubt


def find_in_doubt(state: State, snapshot: StateSnapshot) -> InDoubt:
    """Returns rows and services with a change in doubt, of all open runs.

    Write-backs do not count: their repetition does no harm.
    """
    changes = [
        change for run in snapshot.open_runs for change in _in_doubt_of(state, run.id, run.plan)
    ]
    rows = {(change.mapping, key) for change in changes for key in change.keys}
    rows |= {(change.makes.mapping, change.makes.key) for change in changes if change.makes}
    services = {
        change.adjustment.service
        for change in changes
        if change.adjustment and change.adjustment.service is not None
    }
    return InDoubt(frozenset(rows), frozenset(services))


def _in_doubt_of(state: State, run: str, document: str) -> list[Change]:
    last = _last_steps(state, run)
    if not any(step in OPEN for step in last.values()):
        return []
    return [
        change
        for change in loads(document).changes
        if last.get(change.id) in OPEN and change.action is not Action.WRITE_BACK
    ]


def _last_steps(state: State, run: str) -> dict[str, Step]:
    """Returns the last step of each change that has entries."""
    return {entry.change: entry.step for entry in state.journal(run)}


def open_run_findings(state: State, snapshot: StateSnapshot, zone: tzinfo) -> list[Finding]:
    """Returns a finding for each run that has not ended, with times of the business time zone."""
    findings = []
    for run in snapshot.open_runs:
        # A change that did not take effect is sent again by `--resume`.
        steps = _last_steps(state, run.id).values()
        tried = sum(1 for step in steps if step is not Step.NOT_LANDED)
        changes = len(loads(run.plan).changes)
        who = f" by {run.who}" if run.who else ""
        text = (
            f"run {run.id}, begun {shown_in(run.started, zone)}{who}, is not finished: "
            f"{tried:,} of {changes:,} changes were tried. No plan is applied before it is settled"
        )
        findings.append(Finding(OPEN_RUN, Severity.WARNING, text, way_to_end(state, run.id)))
    return findings


def way_to_end(state: State, run: str) -> str:
    """Returns how an open run is ended: changes in doubt are settled before it can be closed."""
    last = _last_steps(state, run)
    in_doubt = [change for change, step in last.items() if step in OPEN]
    close = f"`trueup state settle {run} closed --reason …` gives up the rest of it"
    if not in_doubt:
        return f"`trueup apply --resume` finishes it, or {close}"
    unclear = [change for change in in_doubt if last[change] is Step.UNCLEAR]
    first, *others = unclear or in_doubt
    more = f", and {len(others):,} more" if others else ""
    settle = f"`trueup state settle {first} landed|absent --reason …`"
    if unclear:
        return (
            f"reading could not settle what is in doubt ({first}{more}): look at it with "
            f"`trueup state doubt`, then {settle}; then `trueup apply --resume` finishes it, "
            f"or {close}"
        )
    return (
        f"`trueup apply --resume` settles what is in doubt ({first}{more}) and finishes it; "
        f"to give it up, settle that first ({settle}), then {close}"
    )


def in_doubt_finding(place: Place, mapping: str, key: str) -> Finding:
    """The finding of a row with a write in doubt."""
    text = "a write of an earlier run is in doubt: it may or may not have taken effect"
    remedy = "`trueup apply --resume` settles it, or names what a person must look at"
    return Finding("in-doubt", Severity.HOLD, text, remedy, place, mapping, key)
