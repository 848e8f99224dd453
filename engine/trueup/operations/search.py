"""Searches records that fit a text, and names the rows that they belong to."""

from trueup import wiring
from trueup.errors import EngineError
from trueup.model.coerce import empty
from trueup.model.mapping_state import RowKey
from trueup.model.plan import RowRef
from trueup.model.project import MappingSpec, Project, Verdict
from trueup.model.record_search import Fit, FoundRecord, SearchResult
from trueup.operations import record_copy
from trueup.operations.rows import rows_of
from trueup.planning.known_records import search_known
from trueup.planning.search import Match, is_searchable, search, searched_fields
from trueup.ports import Source, StateSnapshot
from trueup.stages.search import rank

LONGEST = 200
"""Characters of a text; no name in a target is longer."""

WILDCARDS = "*%?"


def search_records(
    project: Project, mapping: str, text: str, *, fresh: bool = False
) -> SearchResult:
    """Records of the mapping's entity that fit the text, the best first.

    Looks at what the last plan read, and where nothing of it fits, or with `fresh`, at what the
    project's own runs have written and in the target. Nothing is written. Raises EngineError for a
    mapping that there is not or whose records cannot be read, for a text that cannot be searched,
    and where a side cannot be read.
    """
    spec = _searchable(project, mapping)
    text = _checked(text)
    with wiring.connections(project) as opened:
        target, snapshot = opened.target(), opened.state().load()
        entity = project.catalogue.entities[spec.target.entity]
        now = wiring.SystemClock().now()
        copy = None if fresh else record_copy.recall(project, target.identity(), now)
        found = search_known(project, spec, text, copy) if copy else []
        if not any(one.fits.best > Fit.SOME_WORDS for one in found):
            copy, entity = None, target.entity(spec.target.entity)  # as the tenant has it
            known = _known(project, spec, searched_fields(spec, entity), snapshot, text)
            found = search(project, target, spec, text, known)
        rows = _Rows(project, spec, snapshot, found)
        source = opened.source() if rows.has_any else None
        return SearchResult(
            mapping=mapping,
            entity=spec.target.entity,
            searched=searched_fields(spec, entity),
            found=tuple(
                FoundRecord(
                    record=one.record["id"],
                    title=one.title,
                    values=one.texts,
                    fits=one.fits,
                    is_active=one.record.get(entity.active) not in (False, 0),
                    linked=rows.linked(one.record["id"], source),
                    decided=rows.decided(one.record["id"], source),
                )
                for one in found
            ),
            calls=target.calls,
            read=copy.read.astimezone(project.zone) if copy else None,
            asked=now.astimezone(project.zone),
        )


def _searchable(project: Project, mapping: str) -> MappingSpec:
    if mapping not in project.mappings:
        raise EngineError(
            f"there is no mapping {mapping!r}: the project has {', '.join(project.mappings)}"
        )
    spec = project.mappings[mapping]
    entity = project.catalogue.entities[spec.target.entity]
    if not is_searchable(spec, entity):
        raise EngineError(
            f"mapping {mapping} appends {entity.name}, which cannot be read back: "
            "there are no records to search"
        )
    return spec


def _checked(text: str) -> str:
    """The text without outer spaces. Raises EngineError for one that cannot be searched."""
    text = " ".join(text.split())
    if len(text) > LONGEST:
        raise EngineError(
            f"TEXT has {len(text):,} characters, and at most {LONGEST} are searched: "
            "give a name, a number or a part of one"
        )
    wild = next(((at, char) for at, char in enumerate(text, 1) if char in WILDCARDS), None)
    if wild:
        raise EngineError(
            f"TEXT has a wildcard, {wild[1]!r}, at character {wild[0]}: leave it out, "
            "parts of names and numbers are found without"
        )
    if not any(char.isalnum() for char in text):
        raise EngineError(f"TEXT {text!r} has neither a letter nor a digit: nothing to search for")
    return text


def _known(
    project: Project,
    spec: MappingSpec,
    fields: tuple[str, ...],
    snapshot: StateSnapshot,
    text: str,
) -> list[int]:
    """Ids of records of which the state knows that they fit: what runs have written to them."""
    written: dict[int, dict[str, str]] = {}
    for row, link in snapshot.links.items():
        if link.entity == spec.target.entity and link.mapping in project.mappings:
            values = snapshot.applied.get(row, {})
            texts = {name: str(values[name]) for name in fields if not empty(values.get(name))}
            written[link.record] = written.get(link.record, {}) | texts
    return [id_ for id_, _ in rank({id_: one for id_, one in written.items() if one}, text)][:20]


class _Rows:
    """The rows of the records that were found."""

    def __init__(
        self, project: Project, spec: MappingSpec, snapshot: StateSnapshot, found: list[Match]
    ) -> None:
        self._project, self._snapshot = project, snapshot
        same = {
            name
            for name, one in project.mappings.items()
            if one.target.entity == spec.target.entity
        }
        self._linked = [(row, one.record) for row, one in snapshot.links.items() if row[0] in same]
        decided = [
            ((one.mapping, one.key), one.record)
            for one in project.decisions
            if one.verdict is Verdict.LINK and one.mapping in same and one.record is not None
        ]
        self._decided = [one for one in decided if one not in self._linked]
        records = {one.record["id"] for one in found}
        self.has_any = any(id_ in records for _, id_ in (*self._linked, *self._decided))
        self._names: dict[str, dict[str, str]] = {}

    def linked(self, record: int, source: Source | None) -> tuple[RowRef, ...]:
        return self._refs(self._linked, record, source)

    def decided(self, record: int, source: Source | None) -> tuple[RowRef, ...]:
        return self._refs(self._decided, record, source)

    def _refs(
        self, pairs: list[tuple[RowKey, int]], record: int, source: Source | None
    ) -> tuple[RowRef, ...]:
        rows = sorted(row for row, id_ in pairs if id_ == record)
        return tuple(RowRef(*row, self._name(*row, source)) for row in rows)

    def _name(self, mapping: str, key: str, source: Source | None) -> str:
        if source is None:
            return ""
        if mapping not in self._names:
            self._names[mapping] = rows_of(self._project, mapping, source, self._snapshot)
        return self._names[mapping].get(key, "")
