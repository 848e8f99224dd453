"""Searches records that fit a text, and names the rows that are linked to them."""

from collections.abc import Mapping
from functools import cache

from trueup import wiring
from trueup.errors import EngineError
from trueup.model.coerce import empty
from trueup.model.mapping import MappingSpec
from trueup.model.project import Project
from trueup.model.record_search import Fit, SearchResult
from trueup.operations import record_copy
from trueup.operations.record_owners import RecordOwners
from trueup.operations.rows import known_rows, require_mapping, rows_of
from trueup.planning.known_records import known_texts, search_known
from trueup.planning.search import is_searchable, search, searched_fields
from trueup.ports.state import StateSnapshot
from trueup.stages.search import Texts, rank

LONGEST = 200
"""Characters of a text; no name in a target is longer."""

WILDCARDS = "*%?"

MOST_FOUND = 20
"""Records that a search while typing shows; a longer text finds fewer."""


def search_records(
    project: Project, mapping: str, text: str, *, fresh: bool = False
) -> SearchResult:
    """Returns records of the mapping's entity that fit the text, the best first.

    Searches the records of the last plan. If none fits, or with `fresh`, it searches what the
    project's own runs have written, and the target. Nothing is written. Raises EngineError for an
    unknown mapping or one whose records cannot be read, for an invalid text, and if a side cannot
    be read.
    """
    spec = _searchable(project, mapping)
    text = _checked(text)
    with wiring.connections(project) as opened:
        target, snapshot = opened.target(), opened.state().load()
        entity = project.catalogue.entities[spec.target.entity]
        now = wiring.SystemClock().now()
        copy = None if fresh else record_copy.recall(project, target.identity(), now)
        found = search_known(copy, spec, known_texts(project, spec, copy), text) if copy else []
        if not any(one.fits.best > Fit.SOME_WORDS for one in found):
            copy, entity = None, target.entity(spec.target.entity)  # as the tenant has it
            known = _known(project, spec, searched_fields(spec, entity), snapshot, text)
            found = search(project, target, spec, text, known)
        names = cache(lambda name: rows_of(project, name, opened.source(), snapshot))
        owners = RecordOwners(project, spec, snapshot, names)
        return SearchResult(
            mapping=mapping,
            entity=spec.target.entity,
            searched=searched_fields(spec, entity),
            found=owners.found(found, entity),
            calls=target.calls,
            read=copy.read.astimezone(project.zone) if copy else None,
            at=now.astimezone(project.zone),
        )


def _searchable(project: Project, mapping: str) -> MappingSpec:
    require_mapping(project, mapping)
    spec = project.mappings[mapping]
    entity = project.catalogue.entities[spec.target.entity]
    if not is_searchable(spec, entity):
        raise EngineError(
            f"mapping {mapping} appends {entity.name}, which cannot be read back: "
            "there are no records to search"
        )
    return spec


def _checked(text: str) -> str:
    """Returns the text without outer spaces. Raises EngineError for an invalid text."""
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
    """Returns ids of records to which runs have written values that fit, from the state."""
    written: dict[int, dict[str, str]] = {}
    for row, link in snapshot.links.items():
        if link.entity == spec.target.entity and link.mapping in project.mappings:
            values = snapshot.applied.get(row, {})
            texts = {name: str(values[name]) for name in fields if not empty(values.get(name))}
            written[link.record] = written.get(link.record, {}) | texts
    return [id_ for id_, _ in rank({id_: one for id_, one in written.items() if one}, text)][:20]


class LocalSearch:
    """Searches the records of the last plan, without calls.

    Its data does not change: after a plan or a run, make a new one. Any thread may use it.
    """

    def __init__(self, project: Project) -> None:
        """Reads the copy and the state. Raises EngineError if they cannot be read."""
        self._project = project
        with wiring.connections(project) as opened:
            self._snapshot, identity = opened.state().load(), opened.target().identity()
        self._read_at = wiring.SystemClock().now()
        self._copy = record_copy.recall(project, identity, self._read_at)
        self._texts = cache(self._texts_of)
        self._names = cache(lambda mapping: known_rows(project, mapping))

    def find(self, mapping: str, text: str) -> SearchResult | None:
        """Returns the records that fit the text, the best first; None without records of a plan.

        Raises EngineError as `search_records` does.
        """
        spec, text = _searchable(self._project, mapping), _checked(text)
        if self._copy is None:
            return None
        entity = self._project.catalogue.entities[spec.target.entity]
        found = search_known(self._copy, spec, self._texts(mapping), text)[:MOST_FOUND]
        owners = RecordOwners(self._project, spec, self._snapshot, self._names)
        zone = self._project.zone
        return SearchResult(
            mapping=mapping,
            entity=entity.name,
            searched=searched_fields(spec, entity),
            found=owners.found(found, entity),
            calls=0,
            read=self._copy.read.astimezone(zone),
            at=self._read_at.astimezone(zone),
        )

    def _texts_of(self, mapping: str) -> Mapping[int, Texts]:
        spec = self._project.mappings[mapping]
        return known_texts(self._project, spec, self._copy) if self._copy else {}
