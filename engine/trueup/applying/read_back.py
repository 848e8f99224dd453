"""Reads written records again, because a system may accept a value and keep another one.

It trims a text, rounds a number, leaves a field out, or reports success and writes nothing. What it
keeps is journaled, so that the next plan neither writes the same value again nor takes the
difference for an edit of a person.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, assert_never

from trueup.applying.preconditions import PreconditionChecker
from trueup.applying.run_state import RunState
from trueup.model.catalogue import Table
from trueup.model.change import Action, Change
from trueup.model.coerce import same, shown
from trueup.ports.source import Source

Kept = Mapping[str, object]
"""By field: the value that the target keeps, of fields that it keeps otherwise than written."""


def is_read_back(change: Change) -> bool:
    """Returns whether the record of a change is read again; unit rows prove an adjustment."""
    match change.action:
        case Action.CREATE | Action.UPDATE | Action.DEACTIVATE:
            return True
        case Action.LINK | Action.ADJUST | Action.WRITE_BACK:
            return False
        case _:
            assert_never(change.action)


def kept_otherwise(
    checker: PreconditionChecker, changes: Sequence[Change], run_state: RunState
) -> dict[str, Kept]:
    """Returns, by change, the values that the target keeps otherwise than they were written.

    `changes` took effect. One that the target does not return is left out: it may not show it yet.
    Raises TargetError.
    """
    by_entity: dict[str, list[tuple[int, Change]]] = defaultdict(list)
    for change in changes:
        id_ = run_state.ids.get(change.id, change.record)
        if is_read_back(change) and id_ is not None:
            by_entity[change.entity].append((id_, change))
    if not by_entity:
        return {}
    with ThreadPoolExecutor(max_workers=len(by_entity)) as pool:
        tasks = [
            pool.submit(_kept_records, checker, entity, written, run_state)
            for entity, written in by_entity.items()
        ]
    return {id_: kept for task in tasks for id_, kept in task.result().items()}


def _kept_records(
    checker: PreconditionChecker,
    entity: str,
    written: Sequence[tuple[int, Change]],
    run_state: RunState,
) -> dict[str, Kept]:
    """What the target keeps of changes to records of one entity, given with their ids."""
    names = sorted({name for _, change in written for name in change.values} - {"id"})
    records = checker.read_ids(entity, [id_ for id_, _ in written], names)
    found: dict[str, Kept] = {}
    for id_, change in written:
        record = records.get(id_, {})
        kept = {
            name: record[name]
            for name, value in run_state.values(change).items()
            if name in record and not same(record[name], value)
        }
        if kept:
            found[change.id] = kept
    return found


def rows_kept_otherwise(
    source: Source,
    table: Table,
    changes: Sequence[Change],
    values: Mapping[str, Mapping[str, Any]],
) -> dict[str, Kept]:
    """Returns, by change, the columns that the source keeps otherwise than written back.

    `changes` of one table took effect; `values` are those of each. A row that the source does not
    return is left out. Raises SourceError.
    """
    if not changes:
        return {}
    names = sorted({name for change in changes for name in values[change.id]})
    keys = {key for change in changes for key in change.keys}
    rows = {str(row[table.key]): row for row in source.read(table.name, names, keys).rows}
    found: dict[str, Kept] = {}
    for change in changes:
        kept = {
            name: rows[key][name]
            for key in change.keys
            if key in rows
            for name, value in values[change.id].items()
            if not same(rows[key][name], value)
        }
        if kept:
            found[change.id] = kept
    return found


def kept_text(system: str, kept: Kept, values: Mapping[str, Any]) -> str:
    """Returns the text about values that a system keeps otherwise than written."""
    fields = "; ".join(
        f"{name} is {shown(value)} and not {shown(values[name])}" for name, value in kept.items()
    )
    return f"{system} accepted it and keeps another value: {fields}"
