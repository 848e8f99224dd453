"""The links of a state in little memory, because there may be a million."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from trueup.model.run import Link

_Kind = tuple[str, str]
"""Entity of a link, and how it was made."""


class Links(Mapping[tuple[str, str], Link]):
    """Links by mapping and key.

    Only keys and records are kept for each of them, which takes 120 bytes; a dictionary of `Link`
    took 270. Nearly all links of a mapping are of one kind, so that kind is kept once.
    """

    __slots__ = ("_kinds", "_others", "_records")

    def __init__(self, links: Iterable[Link] = ()) -> None:
        self._records: dict[str, dict[str, int]] = {}  # by mapping: key → record
        self._kinds: dict[str, _Kind] = {}  # by mapping: that of the first link
        self._others: dict[str, dict[str, _Kind]] = {}  # by mapping: links of another kind
        kinds: dict[_Kind, _Kind] = {}  # each as one object
        for link in links:
            kind = link.entity, link.how
            kind = kinds.setdefault(kind, kind)
            self._records.setdefault(link.mapping, {})[link.key] = link.record
            others = self._others.setdefault(link.mapping, {})
            if self._kinds.setdefault(link.mapping, kind) != kind:
                others[link.key] = kind
            elif others:
                others.pop(link.key, None)

    def __getitem__(self, row: tuple[str, str]) -> Link:
        mapping, key = row
        record = self._records[mapping][key]
        entity, how = self._others.get(mapping, {}).get(key) or self._kinds[mapping]
        return Link(mapping, key, entity, record, how)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((mapping, key) for mapping, records in self._records.items() for key in records)

    def __len__(self) -> int:
        return sum(map(len, self._records.values()))

    def __contains__(self, row: object) -> bool:
        return isinstance(row, tuple) and row[1] in self._records.get(row[0], ())

    def of(self, mapping: str, entity: str | None = None) -> Mapping[str, int]:
        """Returns the records of a mapping's rows by key; of one entity, if one is given.

        A link to an entity that the mapping had before its YAML was changed has that entity.
        """
        records, others = self._records.get(mapping, {}), self._others.get(mapping, {})
        kinds = {*others.values(), *filter(None, [self._kinds.get(mapping)])}
        if entity is None or all(kind[0] == entity for kind in kinds):
            return records
        common = self._kinds[mapping]
        return {
            key: record for key, record in records.items() if others.get(key, common)[0] == entity
        }

    def by_entity(self) -> Counter[str]:
        """Returns how many links each entity has."""
        found: Counter[str] = Counter()
        for mapping, records in self._records.items():
            others = self._others.get(mapping, {})
            found[self._kinds[mapping][0]] += len(records) - len(others)
            found.update(entity for entity, _ in others.values())
        return +found
