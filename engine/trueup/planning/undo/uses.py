"""Finds what still uses a record that an undo would switch off.

A later run, or a user, may have put contracts, services and units on what the run created. With
that record off, they would be billed on something inactive.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
        # By record: what uses it, each with the name of the field that refers to it.
        self._users: dict[RecordId, set[tuple[RecordId, str]]] = defaultdict(set)
        by_entity: dict[str, set[int]] = defaultdict(set)
        for mapping, ids in records.items():
            by_entity[self._entity(mapping)].update(ids)
        for other, ids in by_entity.items():
            for owner, name in self._references(other):
                for user in self._read(owner, name, sorted(ids)):
                    one = owner.target.entity, user["id"]
                    self._users[other, user[name]].add((one, name))

    def switch_off(self, entity: str, record: int) -> None:
        """Notes that the undo switches this record off: it uses nothing from then on."""
        self._switched_off.add((entity, record))

    def restore(self, entity: str, record: int, fields: Iterable[str]) -> None:
        """Notes that the undo restores these fields: they no longer refer to what the run made."""
        self._restored |= {((entity, record), name) for name in fields}

    def of(self, mapping: str, record: int) -> list[str]:
        """Returns the names of what uses one of a mapping's records."""
        users = self._users[self._entity(mapping), record] - self._restored
        left = {one for one, _ in users} - self._switched_off
        names = self._names({entity for entity, _ in left})
        return sorted(names.get(one, f"{one[0]} {one[1]}") for one in left)

    def _entity(self, mapping: str) -> str:
        return self._context.project.mappings[mapping].target.entity

    def _names(self, entities: Collection[str]) -> dict[RecordId, str]:
        links = self._context.snapshot.links
        return {
            (entity, record): f"{name} {key}"
            for name in self._context.project.mappings
            if (entity := self._entity(name)) in entities
            for key, record in links.of(name, entity).items()
        }

    def _references(self, other: str) -> Iterator[tuple[MappingSpec, str]]:
        """The fields that refer to records of the entity, each with a mapping of its own entity.

        Also those that no mapping writes, such as the company that a contract is billed to.
        """
        mappings = self._context.project.mappings.values()
        owners = [one for one in mappings if one.append is None]  # what is appended cannot be read
        seen: set[tuple[str, str]] = set()
        for owner in owners:
            for name, spec in {**owner.identity, **owner.fields}.items():
                reference = spec.value if isinstance(spec.value, Reference) else None
                if reference and self._entity(reference.mapping) == other:
                    seen.add((owner.target.entity, name))
                    yield owner, name
        for owner in owners:
            for name in self._reference_fields(owner.target.entity, other):
                if (owner.target.entity, name) not in seen:
                    seen.add((owner.target.entity, name))
                    yield owner, name

    def _reference_fields(self, entity: str, other: str) -> list[str]:
        """The fields of the entity that refer to the other one, as far as they can be queried."""
        world, catalogue = self._context.world, self._context.project.catalogue
        known = catalogue.entities[entity].fields.values()
        names = [one.name for one in known if one.reference == other]
        # Metadata costs calls, so only that of entities with such fields is read.
        tenant = world.target.entity(entity).fields if names else {}
        return [name for name in names if name in tenant and tenant[name].queryable]

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
