"""Finds posted periods that the undo of a record would cut off: the target never deletes them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date

from trueup.model.change import UnitRow
from trueup.model.mapping import AppendSpec, LedgerSpec, Manage, MappingSpec, Reference
from trueup.model.project import Project
from trueup.planning.reading import Records
from trueup.planning.undo.undone_run import UndoContext
from trueup.ports.target import Condition

RecordId = tuple[str, int]
"""A mapping, and one of its records."""


def extends(mapping: MappingSpec, name: str) -> bool:
    """Returns whether it is a field whose earlier day deletes periods."""
    return name in mapping.fields and mapping.fields[name].manage is Manage.EXTEND


def posted_periods(
    context: UndoContext, ends: Mapping[RecordId, date]
) -> Mapping[RecordId, list[UnitRow]]:
    """Returns posted unit rows of the services that refer to these records.

    They are read from the day on that each record may end on.
    """
    found: defaultdict[RecordId, list[UnitRow]] = defaultdict(list)
    target = context.world.target
    for owner, ledger, append, name, other in _ledgers(context.project):
        ids = sorted(record for mapping, record in ends if mapping == other)
        if not ids:
            continue
        services = target.read(owner.target.entity, [Condition(name, "in", ids)], [name])
        reader = Records(context.project, target, {})
        since = min(ends[other, id_] for id_ in ids)
        units = reader.units(ledger, append, [service["id"] for service in services], since)
        context.records += reader.count + len(services)
        for service in services:
            found[other, service[name]] += [
                row for row in units.get(service["id"], ()) if row.posted
            ]
    return found


def _ledgers(project: Project) -> Iterator[tuple[MappingSpec, LedgerSpec, AppendSpec, str, str]]:
    """Mappings with a ledger that refer to a mapping with a field that is extended.

    Each with the name of the field that refers to it, and the name of that mapping.
    """
    for owner in project.mappings.values():
        append = project.mappings[owner.ledger.pending].append if owner.ledger else None
        if owner.ledger is None or append is None:
            continue
        for name, spec in owner.fields.items():
            value = spec.value
            if isinstance(value, Reference):
                other = project.mappings[value.mapping]
                if any(extends(other, field) for field in other.fields):
                    yield owner, owner.ledger, append, name, value.mapping
