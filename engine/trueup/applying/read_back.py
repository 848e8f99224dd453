"""Reads written records again, because a system may accept a value and keep another one.

It trims a text, rounds a number, leaves a field out, or reports success and writes nothing. What it
keeps is journaled, so that the next plan neither writes the same value again nor takes the
difference for an edit of a person.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from msgspec import Struct

from trueup.applying.created_record import Whose, recognising_fields
from trueup.applying.preconditions import PreconditionChecker
from trueup.applying.run_state import RunState, is_read_back
from trueup.model.catalogue import Table
from trueup.model.change import Action, Change
from trueup.model.coerce import same, shown
from trueup.ports.source import Source

Kept = Mapping[str, object]
"""By field: the value that the target keeps, of fields that it keeps otherwise than written."""


class ReadBack(Struct, frozen=True):
    """What the target shows of changes that it accepted."""

    kept: dict[str, Kept] = {}
    """By change: the values that it keeps otherwise than they were written."""

    not_ours: dict[str, str] = {}
    """Creates whose answered id is not known to be that of their record, each with the reason."""


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
        names |= recognising_fields(change)
    records = checker.read_ids(entity, [id_ for id_, _ in written], sorted(names - {"id"}))
    recogniser = checker.recogniser(run_state)
    for id_, change in written:
        record = records.get(id_, {})
        if change.action is Action.CREATE:
            seen = recogniser.recognise(change, id_, record)
            if seen.whose is not Whose.OURS:
                result.not_ours[change.id] = seen.why
                continue
        kept = {
            name: record[name]
            for name, value in run_state.values(change).items()
            if name in record and not same(record[name], value)
        }
        if kept:
            result.kept[change.id] = kept


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
