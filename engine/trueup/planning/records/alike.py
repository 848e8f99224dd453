"""Finds the values by which a record would be taken for that of a row to be created.

Apply looks for such records again before it creates: what another user, or another state, has
created since the plan must not be created a second time.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from trueup.model.change import Alike, Unknown
from trueup.model.coerce import empty
from trueup.model.mapping import MappingSpec
from trueup.planning.context import PlanContext
from trueup.planning.records.identity import most_selective
from trueup.planning.records.key_values import KeyValues
from trueup.stages.match import RecordIndex


class AlikeRecords:
    """Finds the values by which records of one mapping would be taken for that of a row."""

    def __init__(self, context: PlanContext, mapping: MappingSpec) -> None:
        self._mapping = mapping
        self._entity = context.entity(mapping.target.entity)
        self._records = context.states[mapping.name].records
        self._keys = KeyValues(context, mapping)
        self._indexes: dict[tuple[str, ...], RecordIndex] = {}
        self._counts: dict[str, Counter[Any]] = {}  # field → records with each value

    def of(self, key: str) -> tuple[Alike, ...]:
        """Returns the values of the mapping's match keys for a row."""
        found = (self._keys.values(key, one.fields) for one in self._mapping.match)
        return tuple(value for values in found if values for value in self.with_values(values))

    def with_values(self, values: Mapping[str, Any]) -> tuple[Alike, ...]:
        """Returns `values` with the records that have them already; nothing if one is empty.

        No record has the id of one that is yet to be created. Once it is created, a record may:
        another user may add a service to a contract before the run does.
        """
        if any(empty(value) for value in values.values()):
            return ()
        names = tuple(values)
        by = most_selective(self._entity, names)
        if any(isinstance(value, Unknown) for value in values.values()):
            return (Alike(by, values),)
        known = self._index(names).having(values.values())
        return (Alike(by, values, tuple(known), self._count(by, values[by])),)

    def _index(self, names: tuple[str, ...]) -> RecordIndex:
        if names not in self._indexes:
            self._indexes[names] = RecordIndex(self._records, names)
        return self._indexes[names]

    def _count(self, name: str, value: object) -> int:
        if name not in self._counts:
            self._counts[name] = Counter(self._values(name))
        return self._counts[name][value]

    def _values(self, name: str) -> Iterable[Any]:
        return (record.get(name) for record in self._records.values())
