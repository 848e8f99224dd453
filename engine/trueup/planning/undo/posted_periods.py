"""Posted periods behind the records that an undo would cut: Autotask deletes none of these."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date

from engine.model.plan import UnitRow
from engine.model.project import AppendSpec, LedgerSpec, Manage, MappingSpec, Project, Reference
from engine.planning.reading import Records
from engine.planning.undoing import Undoing
from engine.ports import Condition

Row = tuple[str, int]
"""A mapping, and one of its records."""


def extends(mapping: MappingSpec, name: str) -> bool:
    """Is it a field whose earlier day deletes periods?"""
    return name in mapping.fields and mapping.fields[name].manage is Manage.EXTEND


def posted_periods(work: Undoing, ends: Mapping[Row, date]) -> Mapping[Row, list[UnitRow]]:
    """Posted unit rows of the contract services that refer to these records, from the day on that each may end on."""
    found: defaultdict[Row, list[UnitRow]] = defaultdict(list)
    for owner, ledger, append, name, other in _ledgers(work.project):
        ids = sorted(record for mapping, record in ends if mapping == other)
        if not ids:
            continue
        services = work.world.target.read(owner.target.entity, [Condition(name, "in", ids)], [name])
        reader = Records(work.project, work.world.target, {})
        units = reader.units(ledger, append, [one["id"] for one in services], min(ends[other, id_] for id_ in ids))
        work.records += reader.count + len(services)
        for one in services:
            found[other, one[name]] += [row for row in units.get(one["id"], ()) if row.posted]
    return found


def _ledgers(project: Project) -> Iterator[tuple[MappingSpec, LedgerSpec, AppendSpec, str, str]]:
    """Mappings with a ledger, their fields that refer to a mapping which extends something, and that one's name."""
    for owner in project.mappings.values():
        append = project.mappings[owner.ledger.pending].append if owner.ledger else None
        if owner.ledger is None or append is None:
            continue
        for name, spec in owner.fields.items():
            value = spec.value
            if isinstance(value, Reference):
                other = project.mappings[value.mapping]
                if any(extends(other, one) for one in other.fields):
                    yield owner, owner.ledger, append, name, value.mapping
