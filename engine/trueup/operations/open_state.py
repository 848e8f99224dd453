"""Works on an open state: links, rows, changes in doubt, adoption of systems.

Functions that write hold the lock meanwhile. They raise `StateLocked` if another process holds it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from datetime import datetime

from trueup.applying import manual_settlement
from trueup.errors import EngineError
from trueup.model.audit import AuditEntry, ChangesSettled, LinkForgotten
from trueup.model.document import ChangeNames, change_names
from trueup.model.doubt import ChangeInDoubt
from trueup.model.project import Project
from trueup.model.run import Effects, Lease, Link, Run
from trueup.model.state_overview import RowState, StateOverview
from trueup.operations.rows import require_mapping, resolve_key
from trueup.planning.systems import systems
from trueup.ports.state import History, State, StateSnapshot
from trueup.ports.world import World

RowKey = tuple[str, str]
"""Mapping and key."""


def list_links(project: Project, state: State, mapping: str | None = None) -> StateOverview:
    """Returns the links of a mapping, or all; the lock, open runs, changes in doubt, the audit.

    Raises `EngineError` for a mapping that the project does not have.
    """
    if mapping is not None:
        require_mapping(project, mapping)
    snapshot = state.load()
    links = _ordered(link for link in snapshot.links.values() if mapping in (None, link.mapping))
    return StateOverview(
        links,
        _names(state, {(link.mapping, link.key) for link in links}),
        state.holder(),
        snapshot.open_runs,
        _changes_in_doubt(state, snapshot.open_runs),
        state.audit(),
    )


def show_row(state: State, mapping: str, key: str) -> RowState:
    """Returns all that the state has about a row. `key` may be a unique prefix.

    Raises `EngineError` if the key fits no row of the mapping, or several.
    """
    snapshot, audit = state.load(), state.audit()
    row = mapping, _resolve_key(snapshot, mapping, key, _forgotten_keys(audit, mapping))
    return RowState(
        _names(state, {row}).get(row, ""),
        snapshot.links.get(row),
        snapshot.applied.get(row, {}),
        snapshot.pushed.get(row),
        _audit_of_row(state, audit, row),
    )


def forget_link(state: State, holder: str, mapping: str, key: str, reason: str) -> LinkForgotten:
    """Removes the link of a row; what was pushed stays. `key` may be a unique prefix.

    Raises `EngineError` if the key fits no row of the mapping, or several, or the row has no link.
    """
    snapshot = state.load()
    row = mapping, _resolve_key(snapshot, mapping, key)
    if row not in snapshot.links:
        raise EngineError(f"{mapping} {row[1]} is not linked")
    forgotten = LinkForgotten(*row, _names(state, {row}).get(row, ""))
    with hold(state, holder) as lease:
        state.edit(lease, forgotten, Effects(unlink=(row,)), reason=reason)
    return forgotten


def settle_change(
    project: Project, state: State, holder: str, settlement: manual_settlement.Settlement
) -> None:
    """Records the outcome of a change in doubt. Raises what `manual_settlement.prepare` raises."""
    with hold(state, holder) as lease:
        manual_settlement.settle(project, state, lease, settlement)


def close_run(state: State, holder: str, run: str, at: datetime, reason: str) -> None:
    """Gives up the remaining changes of an open run.

    Raises `StateError` while a change is in doubt.
    """
    with hold(state, holder) as lease:
        manual_settlement.close(state, lease, run, at, reason)


def adopt_systems(world: World, holder: str, reason: str) -> Mapping[str, str]:
    """Records that the state is about the configured systems, and returns them.

    Raises `EngineError` if the state is about them already.
    """
    configured, state = systems(world), world.state
    with hold(state, holder) as lease:
        before = dict(state.load().systems)
        after = {**before, **configured}
        if after == before:
            raise EngineError(f"this state is about {', '.join(before.values()) or 'any'} already")
        state.adopt(lease, after, reason=reason)
    return configured


@contextmanager
def hold(state: State, holder: str) -> Iterator[Lease]:
    """Holds the lock until the block ends. Raises StateLocked."""
    lease = state.acquire(holder)
    try:
        yield lease
    finally:
        state.release(lease)


def _ordered(links: Iterable[Link]) -> Sequence[Link]:
    """By mapping and key; mappings in the order in which they first appear."""
    listed = [*links]
    mappings = dict.fromkeys(link.mapping for link in listed)
    position = {mapping: number for number, mapping in enumerate(mappings)}
    return sorted(listed, key=lambda link: (position[link.mapping], link.key))


def _names(history: History, rows: AbstractSet[RowKey]) -> Mapping[RowKey, str]:
    """Returns the names that the latest applied plan has for these rows."""
    names: dict[RowKey, str] = {}
    for run in reversed(history.runs(plans=False)):
        if rows <= names.keys():
            break
        for change in change_names(history.run(run.id).plan):
            for key in change.keys:
                if (change.mapping, key) in rows:
                    names.setdefault((change.mapping, key), change.name)
    return names


def _changes_in_doubt(history: History, open_runs: Sequence[Run]) -> Sequence[ChangeInDoubt]:
    names = {
        (run.id, change.change): change.name
        for run in open_runs
        for change in change_names(run.plan)
    }
    return [
        ChangeInDoubt(run, entry.change, names.get((run, entry.change), ""), entry.at)
        for run, entry in history.in_doubt()
    ]


def _forgotten_keys(audit: Sequence[AuditEntry], mapping: str) -> list[str]:
    return [
        entry.event.key
        for entry in audit
        if isinstance(entry.event, LinkForgotten) and entry.event.mapping == mapping
    ]


def _audit_of_row(
    history: History, audit: Sequence[AuditEntry], row: RowKey
) -> Sequence[AuditEntry]:
    """Entries that forgot the row's link or settled a change of the row."""
    changes: dict[str, Mapping[str, ChangeNames]] = {}  # run → its changes
    entries = []
    for entry in audit:
        match entry.event:
            case LinkForgotten(mapping, key):
                about = (mapping, key) == row
            case ChangesSettled(settled):
                if entry.run not in changes:
                    plan = history.run(entry.run).plan
                    changes[entry.run] = {change.change: change for change in change_names(plan)}
                rows = (changes[entry.run].get(one.change) for one in settled)
                about = any(one and one.mapping == row[0] and row[1] in one.keys for one in rows)
            case _:
                about = False
        if about:
            entries.append(entry)
    return entries


def _resolve_key(
    snapshot: StateSnapshot, mapping: str, key: str, forgotten: Iterable[str] = ()
) -> str:
    keys = snapshot.keys_of(mapping) | {*forgotten}
    if not any(known.casefold().startswith(key.casefold()) for known in keys):
        raise EngineError(
            f"state knows no row {key!r} of {mapping}: `trueup state list` shows what it knows"
        )
    return resolve_key(key, dict.fromkeys(sorted(keys), ""), mapping)
