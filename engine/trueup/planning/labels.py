"""The display names of rows and records."""

from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import Undefined

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.expressions.compiled import Compiled
from trueup.expressions.namespace import Namespace
from trueup.model.change import RowRef
from trueup.model.mapping_state import MappingState, Row
from trueup.model.project import Project

LONGEST = 200
"""Characters of a label: changes and messages repeat it, and a name may have millions of them."""


class RowLabels:
    """The display names of one plan; each is computed once."""

    def __init__(
        self,
        project: Project,
        states: Mapping[str, MappingState],
        namespaces: Mapping[str, Namespace],
        compiled: Mapping[str, Compiled],
    ) -> None:
        self._project, self._states = project, states
        self._namespaces, self._compiled = namespaces, compiled
        self._labels: dict[tuple[str, str], str] = {}
        self._keys: dict[str, dict[object, str]] = {}  # by mapping: record → key

    def row(self, mapping: str, key: str) -> str:
        """The mapping's label, else the table's title; of a row that is gone its record's name."""
        known = self._labels.get((mapping, key))
        if known is None:
            known = _shortened(self._row(mapping, key))
            if key in self._states[mapping].rows:  # else its record may not have been read yet
                self._labels[mapping, key] = known
        return known

    def ref(self, mapping: str, key: str) -> RowRef:
        """The row with its label."""
        return RowRef(mapping, key, self.row(mapping, key))

    def _row(self, mapping: str, key: str) -> str:
        spec, state = self._project.mappings[mapping], self._states[mapping]
        row: Row = {}
        if key in state.rows:
            row = state.rows[key]
        elif key in state.unreadable:
            row = state.unreadable[key].row
        if spec.label and state.has(key):
            try:
                return str(evaluate(spec.label.raw, self._namespaces[mapping].names(row)))
            except EVALUATION_ERRORS:  # a label must not stop a plan: the title serves as well
                pass
        title = row.get(self._project.catalogue.tables[spec.source.table].title)
        title = None if isinstance(title, Undefined) else title
        return str(title or self.record(mapping, state.record_ids.get(key)) or key)

    def record(self, mapping: str, id_: int | None) -> str:
        """Returns a record's own name, else the names of the rows it refers to; "" if unknown."""
        return _shortened(self._record(mapping, id_))

    def _record(self, mapping: str, id_: int | None) -> str:
        spec = self._project.mappings[mapping]
        record = self._states[mapping].records.get(id_) if id_ is not None else None
        if record is None:
            return ""
        own = next((str(record[name]) for name in spec.similar if record.get(name)), "")
        own = own or " ".join(str(record[name]) for name in spec.name_fields if record.get(name))
        return own or ", ".join(self._referred_rows(mapping, record))

    def _referred_rows(self, mapping: str, record: Mapping[str, Any]) -> Iterator[str]:
        for slot in self._compiled[mapping].slots:
            if slot.reference and slot.reference.mapping != mapping:
                key = self.key_of(slot.reference.mapping, record.get(slot.name))
                if key:
                    yield self.row(slot.reference.mapping, key)

    def key_of(self, mapping: str, record: object) -> str | None:
        """Returns the key of the row that has this record.

        `record` is Unknown if it is to be created.
        """
        if mapping not in self._keys:
            state = self._states[mapping]
            keys: dict[object, str] = {value: key for key, value in state.referable.items()}
            keys |= {id_: key for key, id_ in state.record_ids.items()}
            self._keys[mapping] = keys
        return self._keys[mapping].get(record)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
