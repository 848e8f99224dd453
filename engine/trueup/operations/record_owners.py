"""Finds the rows that are linked to records, or decided to be."""

from collections.abc import Callable, Iterable, Mapping

from trueup.model.catalogue import Entity
from trueup.model.change import RowRef
from trueup.model.mapping import MappingSpec
from trueup.model.mapping_state import RowKey
from trueup.model.project import Project
from trueup.model.record_search import FoundRecord
from trueup.model.verdict import Verdict
from trueup.planning.search import Match
from trueup.ports.state import StateSnapshot

Names = Callable[[str], Mapping[str, str]]
"""By mapping: the keys of its rows with their names."""


class RecordOwners:
    """The rows of records of one mapping's entity."""

    def __init__(
        self, project: Project, spec: MappingSpec, snapshot: StateSnapshot, names: Names
    ) -> None:
        """`names` is called only for mappings of which a row is named."""
        self._names = names
        same = {
            name
            for name, one in project.mappings.items()
            if one.target.entity == spec.target.entity
        }
        linked = [(row, one.record) for row, one in snapshot.links.items() if row[0] in same]
        decided = [
            ((decision.mapping, decision.key), decision.record)
            for decision in project.decisions
            if decision.verdict is Verdict.LINK
            and decision.mapping in same
            and decision.record is not None
        ]
        known = {*linked}
        self._linked = _by_record(linked)
        self._decided = _by_record(one for one in decided if one not in known)

    def found(self, matches: Iterable[Match], entity: Entity) -> tuple[FoundRecord, ...]:
        """Returns the results of a search, with the rows of each record."""
        return tuple(
            FoundRecord(
                record=match.record["id"],
                title=match.title,
                values=match.texts,
                fits=match.fits,
                is_active=entity.is_active(match.record),
                linked=self._refs(self._linked, match.record["id"]),
                decided=self._refs(self._decided, match.record["id"]),
            )
            for match in matches
        )

    def _refs(self, rows: Mapping[int, list[RowKey]], record: int) -> tuple[RowRef, ...]:
        found = sorted(rows.get(record, ()))
        return tuple(RowRef(*row, self._names(row[0]).get(row[1], "")) for row in found)


def _by_record(pairs: Iterable[tuple[RowKey, int]]) -> Mapping[int, list[RowKey]]:
    found: dict[int, list[RowKey]] = {}
    for row, record in pairs:
        found.setdefault(record, []).append(row)
    return found
