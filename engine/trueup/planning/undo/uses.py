"""Finds what still uses a record that an undo would switch off.

A later run, or a user, may have put contracts, services and units on what the run created. With
that record off, they would be billed on something inactive.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from trueup.errors import ConfigError
from trueup.expressions import EVALUATION_ERRORS
from trueup.expressions.rules import expression_failed
from trueup.model.change import Action
from trueup.model.coerce import CoercionError, same
from trueup.model.mapping import LedgerSpec, MappingSpec, Reference
from trueup.model.units import adjust
from trueup.planning.reading import read_unit_rows
from trueup.planning.undo.undone_run import UndoContext
from trueup.ports.target import Condition, Record
from trueup.stages.diff import deactivation

RecordId = tuple[str, int]
"""An entity, and one of its records."""


def off_values(context: UndoContext, mapping: MappingSpec) -> Mapping[str, Any]:
    """Returns the values that deactivate a record of the mapping; empty if it has none.

    Raises ConfigError for an expression that cannot be evaluated.
    """
    names = {"settings": context.project.settings, "plan": {"as_of": context.as_of}}
    entity = context.world.target.entity(mapping.target.entity)
    try:
        return deactivation(mapping, entity, {}, names)[1]
    except (CoercionError, *EVALUATION_ERRORS) as fault:
        finding = expression_failed(mapping.name, "", "deactivate", mapping.place, fault)
        raise ConfigError([finding]) from fault


class Uses:
    """What uses the records that an undo would switch off. Its adjustments are planned already."""

    def __init__(self, context: UndoContext, records: Mapping[str, Iterable[int]]) -> None:
        """`records`: by mapping, the ids of what would be switched off."""
        self._context = context
        self._made = {
            (change.makes.entity if change.makes else change.entity, context.ids[change.id])
            for change in context.done
            if change.id in context.ids
        }
        self._switched_off: set[RecordId] = set()
        self._restored: set[tuple[RecordId, str]] = set()  # with the name of the field
        # By mapping and record: what uses it, each with its mapping and the field that refers.
        self._users: dict[tuple[str, int], dict[RecordId, tuple[str, str]]] = defaultdict(dict)
        for other, ids in records.items():
            for owner, name in self._references(other):
                for user in self._read(owner, name, sorted(set(ids))):
                    known = self._users[other, user[name]]
                    known[owner.target.entity, user["id"]] = owner.name, name

    def switch_off(self, entity: str, record: int) -> None:
        """Notes that the undo switches this record off: it uses nothing from then on."""
        self._switched_off.add((entity, record))

    def restore(self, entity: str, record: int, fields: Iterable[str]) -> None:
        """Notes that the undo restores these fields: they no longer refer to what the run made."""
        self._restored |= {((entity, record), name) for name in fields}

    def of(self, mapping: str, record: int) -> list[str]:
        """Returns the names of what uses one of a mapping's records."""
        users = self._users[mapping, record]
        left = {
            one: owner
            for one, (owner, name) in users.items()
            if one not in self._switched_off and (one, name) not in self._restored
        }
        names = self._names(set(left.values()))
        return sorted(names.get(one, f"{one[0]} {one[1]}") for one in left)

    def _names(self, mappings: Iterable[str]) -> dict[RecordId, str]:
        links = self._context.snapshot.links
        entities = {name: self._context.project.mappings[name].target.entity for name in mappings}
        return {
            (entity, record): f"{name} {key}"
            for name, entity in entities.items()
            for key, record in links.of(name, entity).items()
        }

    def _references(self, other: str) -> Iterator[tuple[MappingSpec, str]]:
        """The fields that refer to records of the mapping, each with the mapping that has it."""
        for owner in self._context.project.mappings.values():
            if owner.append is not None:
                continue  # what is appended cannot be read
            for name, spec in {**owner.identity, **owner.fields}.items():
                if isinstance(spec.value, Reference) and spec.value.mapping == other:
                    yield owner, name

    def _read(self, owner: MappingSpec, name: str, ids: Sequence[int]) -> Iterable[Record]:
        target, off = self._context.world.target, off_values(self._context, owner)
        entity = target.entity(owner.target.entity)
        fields = sorted({name, entity.active, *off} - {""})
        found = target.read(entity.name, [Condition(name, "in", ids)], fields)
        self._context.records += len(found)
        active = [
            record
            for record in found
            if entity.is_active(record)
            and not (off and all(same(record.get(field), value) for field, value in off.items()))
        ]
        if owner.ledger:
            return self._billed(owner.ledger, active)
        # What the run itself created, and no undo can switch off, is of no use without the rest.
        return [one for one in active if off or (entity.name, one["id"]) not in self._made]

    def _billed(self, ledger: LedgerSpec, services: Sequence[Record]) -> Iterator[Record]:
        """Those of the services that still have units once the undo of units took effect."""
        context = self._context
        append = context.project.mappings[ledger.pending].append
        if append is None:
            return
        ids = [service["id"] for service in services]
        rows = read_unit_rows(context.world.target, append, ledger, ids, context.as_of)
        context.records += sum(len(found) for found in rows.values())
        opposites = defaultdict(list)
        for change in context.changes:
            if change.action is Action.ADJUST and change.adjustment:
                opposites[change.record].append((change.adjustment.day, change.unit_change))
        for service in services:
            units, last = rows.get(service["id"], ()), context.as_of
            for day, unit_change in opposites[service["id"]]:
                units, last = adjust(units, day, unit_change), max(last, day)
            if any(row.units > 0 for row in units if row.end >= last):
                yield service
