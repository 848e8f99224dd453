"""Reads written records again, because a system may accept a value and keep another one.

It trims a text, rounds a number, leaves a field out, or reports success and writes nothing. What it
keeps is journaled, so that the next plan neither writes the same value again nor takes the
difference for an edit of a person.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, assert_never

from msgspec import Struct

from trueup.applying.preconditions import PreconditionChecker, resolved
from trueup.applying.run_state import RunState
from trueup.expressions.value_filters import fold_all
from trueup.model.catalogue import Table
from trueup.model.change import Action, Change
from trueup.model.coerce import empty, same, shown
from trueup.model.mapping_state import Record
from trueup.ports.source import Source

Kept = Mapping[str, object]
"""By field: the value that the target keeps, of fields that it keeps otherwise than written."""


class ReadBack(Struct, frozen=True):
    """What the target shows of changes that it accepted."""

    kept: dict[str, Kept] = {}
    """By change: the values that it keeps otherwise than they were written."""

    without_record: set[str] = set()
    """Creates whose answered id is that of no record, or of another row's."""


def is_read_back(change: Change) -> bool:
    """Returns whether the record of a change is read again; unit rows prove an adjustment."""
    match change.action:
        case Action.CREATE | Action.UPDATE | Action.DEACTIVATE:
            return True
        case Action.LINK | Action.ADJUST | Action.WRITE_BACK:
            return False
        case _:
            assert_never(change.action)


def read_back(
    checker: PreconditionChecker, changes: Sequence[Change], run_state: RunState
) -> ReadBack:
    """Reads the records of changes that were answered as successful.

    A record that was updated and is not returned is left out: it may not be shown at the moment.
    Raises TargetError.
    """
    by_entity: dict[str, list[tuple[int, Change]]] = defaultdict(list)
    for change in changes:
        id_ = run_state.ids.get(change.id, change.record)
        if is_read_back(change) and id_ is not None:
            by_entity[change.entity].append((id_, change))
    result = ReadBack()
    if not by_entity:
        return result
    with ThreadPoolExecutor(max_workers=len(by_entity)) as pool:
        tasks = [
            pool.submit(_read_records, checker, entity, written, run_state, result)
            for entity, written in by_entity.items()
        ]
    for task in tasks:
        task.result()
    return result


def _read_records(
    checker: PreconditionChecker,
    entity: str,
    written: Sequence[tuple[int, Change]],
    run_state: RunState,
    result: ReadBack,
) -> None:
    """Adds what the target shows of changes to records of one entity, given with their ids."""
    names = {name for _, change in written for name in change.values}
    for _, change in written:
        names.update(change.seen.absent, *(one.values for one in change.seen.alike))
    records = checker.read_ids(entity, [id_ for id_, _ in written], sorted(names - {"id"}))
    for id_, change in written:
        record = records.get(id_, {})
        if change.action is Action.CREATE and not is_record_of(change, record, run_state):
            result.without_record.add(change.id)
            continue
        kept = {
            name: record[name]
            for name, value in run_state.values(change).items()
            if name in record and not same(record[name], value)
        }
        if kept:
            result.kept[change.id] = kept


def is_record_of(change: Change, record: Record, run_state: RunState) -> bool:
    """Returns whether a record may be the one that a create made; `record` is empty for none.

    The target may keep the identity otherwise than it was sent: then the match keys decide.
    """
    if not record:
        return False
    identity = resolved(change.seen.absent, run_state)
    if all(empty(record.get(name)) for name in identity) or carries(record, identity):
        return True
    return any(carries(record, resolved(one.values, run_state)) for one in change.seen.alike)


def carries(record: Record, values: Mapping[str, object]) -> bool:
    """Returns whether a record has these values, of which there is at least one."""
    return bool(values) and fold_all(map(record.get, values)) == fold_all(values.values())


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
