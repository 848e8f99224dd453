"""Finds rows to be created that resemble each other, or the record of another row."""

from collections.abc import Iterable, Mapping
from functools import cached_property

from trueup.model.finding import named_apart
from trueup.model.mapping import FieldSpec, Reference
from trueup.model.mapping_state import MappingState
from trueup.stages.match.advice import MOST
from trueup.stages.match.candidates import Forms, SimilarIndex, forms_of
from trueup.stages.match.result import MatchInputs, MatchResult

Parents = tuple[object, ...] | None
"""The records of the rows that a row refers to, or Unknown, in the order of the mapping."""


class TwinFinder:
    """Compares rows by the forms of their `similar` fields, once all other rows are placed."""

    def __init__(
        self,
        state: MappingState,
        inputs: MatchInputs,
        result: MatchResult,
        similar: SimilarIndex,
        forms: Mapping[str, Forms],
    ) -> None:
        """`forms` are those of rows that nothing in the target resembles."""
        self._state, self._inputs, self._result = state, inputs, result
        self._similar, self._forms = similar, forms

    def find(self, keys: Iterable[str]) -> dict[str, str]:
        """Returns the rows among `keys` that resemble something, with its description."""
        keys = list(keys)
        twins = self._twins(keys)
        found: dict[str, str] = {}
        for key in keys:
            others = twins.get(key, set())
            named = self._named(key, *others)
            names = " and ".join(sorted(named[other] for other in others))
            verb = "is" if len(others) == 1 else "are"
            text = f"looks like {names}, which {verb} new as well" if others else ""
            if text := text or self._like_record(key):
                found[key] = text
        return found

    def _named(self, *keys: str) -> dict[str, str]:
        return named_apart({key: self._inputs.label(key) for key in keys})

    def _twins(self, keys: Iterable[str]) -> dict[str, set[str]]:
        groups: dict[tuple[str, str, Parents], list[str]] = {}
        for key in keys:
            every = self._forms.get(key, {})
            parents = self._parents(key) if every else ()
            for name, forms in every.items():
                for form in forms:
                    groups.setdefault((name, form, parents), []).append(key)
        twins: dict[str, set[str]] = {}
        for group in groups.values():
            for key in group if len(group) > 1 else ():
                # A few are enough to ask, however many rows have one name.
                twins.setdefault(key, set()).update(
                    other
                    for other in group[:MOST]
                    if other != key and _is_alike(self._forms[key], self._forms[other])
                )
        return twins

    def _like_record(self, key: str) -> str:
        """Returns the record of another row that the row resembles; "" if there is none."""
        forms = self._forms.get(key, {})
        for record in self._similar.like(forms):
            owner = self._owners.get(record)
            values = self._state.records[record]
            theirs = forms_of({name: values.get(name) for name in forms})
            if owner and _is_alike(forms, theirs) and self._refer_alike(key, owner):
                shown = shown_record(self._state, record)
                return f"looks like {shown}, which is {self._named(key, owner)[owner]}'s"
        return ""

    @cached_property
    def _owners(self) -> dict[int, str]:
        """Records by the ready row that has them."""
        ids = self._result.record_ids
        return {record: key for key, record in ids.items() if key in self._state.ready}

    def _refer_alike(self, key: str, other: str) -> bool:
        return self._parents(key) == self._parents(other)

    def _parents(self, key: str) -> Parents:
        """Returns the row's parents, such as the customer of a contract; None if not known."""
        values = self._inputs.values(key, self._references) if self._references else {}
        return None if values is None else tuple(values.values())

    @cached_property
    def _references(self) -> Mapping[str, FieldSpec]:
        fields = self._state.mapping.fields
        return {name: spec for name, spec in fields.items() if isinstance(spec.value, Reference)}


def _is_alike(mine: Forms, theirs: Forms) -> bool:
    """Whether two rows or records have a form in common in each field that both have."""
    both = [name for name in mine if mine[name] and theirs.get(name)]
    return bool(both) and all(mine[name] & theirs[name] for name in both)


def shown_record(state: MappingState, record: int) -> str:
    """Returns the display text of a record: its entity, its id and its names."""
    mapping, values = state.mapping, state.records[record]
    fields = dict.fromkeys((*mapping.similar, *mapping.evidence))
    names = [str(values[name]) for name in fields if isinstance(values.get(name), str)]
    shown = f" ({', '.join(names)})" if names else ""
    return f"{mapping.target.entity} {record}{shown}"
