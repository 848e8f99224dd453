"""Weighs the evidence for and against a record that a match key finds.

An equal value proves little if it is a placeholder, if other records have it too, or if the names
differ. Then the match is a question, and a person answers it.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, assert_never

from trueup.expressions.filters import as_text
from trueup.expressions.value_filters import fold_all
from trueup.model.mapping import MatchKey, Strength
from trueup.model.mapping_state import MappingState
from trueup.stages.match.agreement import agree
from trueup.stages.match.candidates import RecordIndex
from trueup.stages.match.result import FieldValues

PLACEHOLDERS = frozenset(
    [
        "?",
        "-",
        "--",
        ".",
        "/",
        "n",
        "a",
        "na",
        "none",
        "nil",
        "null",
        "no",
        "not",
        "known",
        "yet",
        "assigned",
        "available",
        "applicable",
        "provided",
        "unknown",
        "tbc",
        "tbd",
        "tba",
        "todo",
        "tbs",
        "pending",
        "later",
        "missing",
        "blank",
        "empty",
        "test",
        "tester",
        "testing",
        "dummy",
        "sample",
        "example",
        "default",
        "placeholder",
        "temp",
        "tmp",
        "various",
        "misc",
        "other",
        "new",
        "x",
        "xx",
        "xxx",
        "xxxx",
        "y",
        "yy",
        "z",
        "zz",
        "0",
        "00",
        "000",
        "0000",
        "1",
        "123",
        "1234",
        "12345",
        "123456",
        "999",
        "9999",
        "99999",
        "k.a.",
        "ka",
        "keine",
        "unbekannt",
        "offen",
        "leer",
        "s.o.",
        "inconnu",
        "aucun",
        "néant",
        "onbekend",
        "geen",
    ]
)
"""Values that people enter where they have none, in lower case."""


class MatchEvidence:
    """Weighs the candidates of one mapping."""

    def __init__(
        self,
        state: MappingState,
        values: FieldValues,
        index: Callable[[tuple[str, ...]], RecordIndex],
        placeholders: Collection[str] = (),
    ) -> None:
        """`index` finds the mapping's records by fields; `placeholders` are the project's."""
        self._state, self._mapping, self._values, self._index = state, state.mapping, values, index
        self._placeholders = PLACEHOLDERS | {one.strip().casefold() for one in placeholders}
        self._rows: dict[int, Counter[str]] = {}  # match key → rows with each of its values

    def doubt(self, key: str, match_key: MatchKey, values: Mapping[str, Any], record: int) -> str:
        """Returns why the record that fits may be another one; "" if the match is sure."""
        doubts = [*self._placeholder(values)]
        match match_key.strength:
            case Strength.STRONG:
                return "; ".join(doubts)
            case Strength.NORMAL:
                needs_proof = False
            case Strength.WEAK:
                needs_proof = True
            case _:
                assert_never(match_key.strength)
        agrees, differing = self._compare(key, values, record)
        doubts += differing
        if not agrees:
            doubts += self._shared(match_key, values)
            if needs_proof and not doubts:
                names = ", ".join(match_key.fields)
                doubts.append(f"{names} alone is no proof, and no other field agrees")
        return "; ".join(doubts)

    def _placeholder(self, values: Mapping[str, Any]) -> Iterator[str]:
        for name, value in values.items():
            if isinstance(value, str) and is_placeholder(value, self._placeholders):
                yield f"{name} {value.strip()!r} is a placeholder"

    def _shared(self, match_key: MatchKey, values: Mapping[str, Any]) -> Iterator[str]:
        shown = ", ".join(f"{name} {as_text(value)}" for name, value in values.items())
        rows = self._rows_with(match_key)[fold_all(values.values())]
        if rows > 1:
            yield f"{rows} rows have {shown}"
        records = len(self._index(tuple(values)).having(values.values()))
        if records > 1:
            yield f"{records} {self._mapping.target.entity} have {shown}"

    def _rows_with(self, match_key: MatchKey) -> Counter[str]:
        """Returns the values of a match key of all rows, also of those that have a record."""
        number = self._mapping.match.index(match_key)
        if number not in self._rows:
            every = (self._values(key, match_key.fields) for key in self._state.ready)
            self._rows[number] = Counter(fold_all(one.values()) for one in every if one)
        return self._rows[number]

    def _compare(
        self, key: str, matched: Mapping[str, Any], record: int
    ) -> tuple[bool, Sequence[str]]:
        """Returns whether a text of `evidence` agrees, and each field that contradicts."""
        agrees, differing = False, []
        actual = self._state.records[record]
        for name in self._mapping.evidence:
            if name in matched:
                continue
            desired = self._desired(key, name)
            verdict = agree(desired, actual.get(name))
            if verdict is False:
                differing.append(f"{name} is {desired!s} here and {actual[name]!s} there")
            agrees = agrees or (verdict is True and isinstance(desired, str))
        return agrees, differing

    def _desired(self, key: str, name: str) -> object:
        """The row's own value; None if it has none, or none that can be evaluated."""
        spec = self._mapping.fields.get(name)
        values = self._values(key, {name: spec}) if spec else None
        return values.get(name) if values else None


def is_placeholder(value: str, placeholders: Collection[str] = PLACEHOLDERS) -> bool:
    """Returns whether a text is a placeholder, such as `TBC`, `n/a` or `0000`."""
    text = value.strip().casefold()
    letters = [char for char in text if char.isalnum()]
    bare = "".join(letters)
    if not letters or text in placeholders or bare in placeholders:
        return True
    words = text.split()
    if len(words) > 1 and all(word.isalpha() and word in placeholders for word in words):
        return True  # "not known"; "A 1" has a figure
    is_one_digit = len({*letters}) == 1 and not letters[0].isalpha()
    # 11 and 22 are numbers of customers like any other; 111 and 00 hardly are.
    return is_one_digit and len(letters) > (1 if letters[0] == "0" else 2)
