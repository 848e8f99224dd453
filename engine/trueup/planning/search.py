"""Searches records by a text: queries the target by parts of the text, then ranks the results."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from trueup.expressions.filters import domain
from trueup.model.catalogue import Entity, Type
from trueup.model.mapping import MappingSpec, Reference
from trueup.model.mapping_state import Record
from trueup.model.project import Project
from trueup.model.record_search import Fit, Fits
from trueup.planning.reading import Records
from trueup.ports.target import Condition, Target
from trueup.stages.search import rank, words_of

SHORTEST = 3
"""Characters from which on parts of values are searched; a shorter text must be the whole value."""

MOST_WORDS = 3
"""Words of a text for which the target is queried, the longest ones."""

END = 4
"""Characters at either end of a word by which a word that nothing contains is searched again."""

REFERS = " → "
"""Between a reference and the field of its record: `companyID → companyName`."""

MOST_PARENTS = 500
"""Records of a reference through which records are searched: as many as one query takes."""

_WORD = re.compile(r"[^\W_]+")


class Match(Struct, frozen=True):
    """A record that fits."""

    record: Record
    texts: Mapping[str, str]  # searched values by field; those of references by `field → field`
    fits: Fits

    @property
    def title(self) -> str:
        """The display name of the record: its first text, or those of all that it refers to."""
        own = [text for name, text in self.texts.items() if REFERS not in name]
        return own[0] if own else ", ".join(self.texts.values())


def searched_fields(mapping: MappingSpec, entity: Entity) -> tuple[str, ...]:
    """Returns the text fields that a search uses; the first is a record's display name."""
    keys = [name for key in mapping.match for name in key.fields]
    named = mapping.search or (*mapping.similar, *mapping.evidence, *keys)
    return tuple(name for name in dict.fromkeys(named) if _is_text(entity, name))


def search(
    project: Project, target: Target, mapping: MappingSpec, text: str, known: Iterable[int]
) -> list[Match]:
    """Returns the records of the mapping's entity that fit the text, the best first.

    `known`: ids of records that may fit, as far as they are known without a query. Searches the
    fields of `searched_fields`, and those of the records that the match keys refer to. Records that
    only share a word with the text are left out if any other fits better. Raises TargetError.
    """
    base = {"settings": project.settings}
    records = Records(project, target, base)
    return without_poor_fits(_Search(project, target, records).search(mapping, text, known))


def without_poor_fits(found: Sequence[Match]) -> list[Match]:
    """Removes records that only share a word with the text, if any other fits better."""
    best = max((one.fits.best for one in found), default=Fit.SOME_WORDS)
    return [one for one in found if one.fits.best > Fit.SOME_WORDS or best is Fit.SOME_WORDS]


def is_searchable(mapping: MappingSpec, entity: Entity) -> bool:
    """Whether the mapping has records that can be read back."""
    return mapping.append is None and "query" in entity.operations


def references(project: Project, mapping: MappingSpec) -> dict[str, MappingSpec]:
    """Fields of match keys that refer to another mapping's record, with that mapping."""
    return {
        name: project.mappings[spec.value.mapping]
        for key in mapping.match
        for name, spec in key.fields.items()
        if isinstance(spec.value, Reference)
    }


class _Search(Struct):
    _project: Project
    _target: Target
    _records: Records
    _titles: dict[tuple[str, int], Mapping[str, str]] = {}

    def search(self, mapping: MappingSpec, text: str, known: Iterable[int]) -> list[Match]:
        records = self._candidates(mapping, _queries(text))
        records |= self._through_references(mapping, text)
        missing = sorted({*known} - records.keys())
        if missing:
            records |= self._read(mapping, [Condition("id", "in", missing)])
        ranked = self._ranked(mapping, records, text)
        if not ranked and len(text) > END:
            ranked = self._ranked(mapping, self._candidates(mapping, _ends(text)), text)
        return ranked

    def _ranked(
        self, mapping: MappingSpec, records: Mapping[int, Record], text: str
    ) -> list[Match]:
        names = self._fields(mapping)
        texts = {
            id_: {
                **{name: str(value) for name in names if (value := record.get(name))},
                **self._reference_texts(mapping, record),
            }
            for id_, record in self._with_references(mapping, records).items()
        }
        filled = {id_: one for id_, one in texts.items() if one}
        return [Match(records[id_], filled[id_], fits) for id_, fits in rank(filled, text)]

    def _fields(self, mapping: MappingSpec) -> tuple[str, ...]:
        return searched_fields(mapping, self._target.entity(mapping.target.entity))

    def _candidates(
        self, mapping: MappingSpec, queries: Iterable[tuple[str, str]]
    ) -> dict[int, Record]:
        """Returns records of which a searched field fits one of the queries: operator and value."""
        found: dict[int, Record] = {}
        for operator, value in queries:
            for name in self._fields(mapping):
                found |= self._read(mapping, [Condition(name, operator, value)])
        return found

    def _read(self, mapping: MappingSpec, where: Sequence[Condition]) -> dict[int, Record]:
        entity = self._target.entity(mapping.target.entity)
        names = [*self._fields(mapping), *references(self._project, mapping)]
        names += [entity.active] if entity.active and entity.field(entity.active) else []
        every = [*self._records.constant_conditions(mapping), *where]
        read = self._records.read(mapping.target.entity, every, sorted(set(names)))
        return {record["id"]: record for record in read}

    # Records that the match keys refer to

    def _through_references(self, mapping: MappingSpec, text: str) -> dict[int, Record]:
        """Records whose contract, company, … fits, by the reference with the fewest records."""
        ways = {
            name: self._candidates(other, _queries(text))
            for name, other in references(self._project, mapping).items()
        }
        usable = {name: ids for name, ids in ways.items() if 0 < len(ids) <= MOST_PARENTS}
        if not usable:
            return {}
        name = min(usable, key=lambda one: (len(usable[one]), one))
        return self._read(mapping, [Condition(name, "in", sorted(usable[name]))])

    def _with_references(
        self, mapping: MappingSpec, records: Mapping[int, Record]
    ) -> Mapping[int, Record]:
        """Returns the same records, once the titles of all that they refer to are known."""
        for name, other in references(self._project, mapping).items():
            entity = other.target.entity
            ids = {record[name] for record in records.values() if record.get(name)}
            missing = sorted(id_ for id_ in ids if (entity, id_) not in self._titles)
            fields = self._fields(other)[:1]
            if missing and fields:
                where = [Condition("id", "in", missing)]
                for record in self._records.read(entity, where, fields):
                    title = str(record.get(fields[0]) or "")
                    self._titles[entity, record["id"]] = {fields[0]: title} if title else {}
        return records

    def _reference_texts(self, mapping: MappingSpec, record: Record) -> dict[str, str]:
        return {
            f"{name}{REFERS}{of}": title
            for name, other in references(self._project, mapping).items()
            for of, title in self._titles.get(
                (other.target.entity, record.get(name) or 0), {}
            ).items()
        }


def _is_text(entity: Entity, name: str) -> bool:
    known = entity.field(name)
    return (
        known is not None and known.type is Type.TEXT and known.queryable and known.picklist is None
    )


def _queries(text: str) -> Iterator[tuple[str, str]]:
    """Returns the queries for a text: the text itself, its longest words, and its domain."""
    if len(text) < SHORTEST:
        yield from (("eq", value) for value in _cases(text))
        return
    words = {word for word in (*_WORD.findall(text), *words_of(text)) if len(word) >= SHORTEST}
    longest = sorted(words, key=lambda one: (-len(one), one))[:MOST_WORDS]
    parts = [text, domain(text) or text, *(part for word in longest for part in _spellings(word))]
    yield from (("contains", part) for part in dict.fromkeys(parts))


def _spellings(word: str) -> Iterable[str]:
    """Returns texts that a value with the word contains, whether the target minds case or not.

    Which of the two the target does may be unknown. A long word is searched without its first
    letter, which may be a capital; values in capitals alone are found by `_ends`.
    """
    if any(char.isdigit() for char in word) or len(word) <= END:
        return _cases(word)
    return (word[1:].lower(),)


def _cases(word: str) -> Iterable[str]:
    return dict.fromkeys((word, word.upper(), word.lower(), word.capitalize()))


def _ends(text: str) -> Iterator[tuple[str, str]]:
    """Returns both ends of the longest words, and the words in capitals.

    The ends find words with an accent that was not typed, or a wrong letter.
    """
    words = sorted((word for word in _WORD.findall(text) if len(word) > END), key=len)
    for word in words[-MOST_WORDS:]:
        for part in (word.upper(), word[1 : END + 1].lower(), word[-END:].lower()):
            yield "contains", part
