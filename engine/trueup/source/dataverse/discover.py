"""Finds the catalogue's tables and columns in the metadata of an environment.

A table or column is found by its logical name, else by its display label, else by a similar label.
The last is a guess that a person has to check. No table or column is matched twice, and no column
is matched with one of an incompatible kind.
"""

from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from enum import StrEnum
from typing import TypeVar

from msgspec import Struct

from trueup.model.catalogue import Column, Table, Type
from trueup.source.dataverse.client import DataverseClient
from trueup.source.dataverse.columns import BoundColumn, labels_by_number
from trueup.source.dataverse.metadata import (
    LOOKUPS,
    AttributeDefinition,
    TableDefinition,
    read_definition,
    read_definitions,
)
from trueup.source.profile import ID_COLUMNS, ColumnProfile

_SIMILAR = 0.75
"""Least similarity of two labels for a guess, from 0 to 1."""

_NUMBERS = frozenset({"Decimal", "Money", "Double", "Integer", "BigInt"})
_COMPATIBLE: Mapping[Type, frozenset[str]] = {
    Type.TEXT: frozenset({"String", "Memo", "Picklist", "Integer", "BigInt"}) | LOOKUPS,
    Type.INTEGER: frozenset({"Integer", "BigInt"}),
    Type.DECIMAL: _NUMBERS,
    Type.BOOLEAN: frozenset({"Boolean", "Picklist"}),
    Type.DAY: frozenset({"DateTime"}),
    Type.INSTANT: frozenset({"DateTime"}),
    Type.LOOKUP: LOOKUPS,
    Type.CHOICE: frozenset({"Picklist", "State", "Status"}) | LOOKUPS,
}
"""The kinds of attributes that a column of each type can be."""

_Candidate = TypeVar("_Candidate", TableDefinition, AttributeDefinition)


class MatchedBy(StrEnum):
    """How a table or column was found."""

    NAME = "by its logical name"
    LABEL = "by its display label"
    GUESS = "by a similar label: check this"
    MISSING = "not found"


class ColumnMatch(Struct, frozen=True):
    """A column of the catalogue, and its attribute in the environment."""

    column: Column
    matched_by: MatchedBy
    attribute: AttributeDefinition | None = None
    notes: tuple[str, ...] = ()


class TableMatch(Struct, frozen=True):
    """A table of the catalogue, and its definition in the environment."""

    table: Table
    matched_by: MatchedBy
    definition: TableDefinition | None = None
    columns: tuple[ColumnMatch, ...] = ()


class Discovery(Struct, frozen=True):
    """The matches of all the catalogue's tables in one environment."""

    environment: str
    tables: tuple[TableMatch, ...]

    def unresolved(self, needed: Mapping[str, Iterable[str]]) -> list[str]:
        """Returns those of the needed columns that are missing or only guessed.

        `needed` is columns by table; a result is `license_change.status`.
        """
        resolved = {
            (match.table.name, column.column.name)
            for match in self.tables
            for column in match.columns
            if column.matched_by in (MatchedBy.NAME, MatchedBy.LABEL)
        }
        return [
            f"{table}.{name}"
            for table, names in needed.items()
            for name in names
            if (table, name) not in resolved
        ]


def discover(client: DataverseClient, tables: Mapping[str, Table]) -> Discovery:
    """Reads all tables, then the columns of those that match ours. Raises `SourceError`."""
    candidates = read_definitions(client)
    matches = []
    for table in tables.values():
        match, matched_by = _match(table.logical, table.label, candidates)
        definition = read_definition(client, match.logical) if match else None
        columns = tuple(_match_columns(table, definition)) if definition else ()
        matches.append(TableMatch(table, matched_by, definition, columns))
    return Discovery(client.name, tuple(matches))


def _match_columns(table: Table, definition: TableDefinition) -> Iterable[ColumnMatch]:
    taken: set[str] = set()
    matches: dict[str, ColumnMatch] = {}
    # Certain matches first, so that a guess never takes the attribute of another column.
    for sought in (MatchedBy.NAME, MatchedBy.LABEL, MatchedBy.GUESS):
        for column in table.columns.values():
            if column.name in matches:
                continue
            free = [each for each in definition.attributes.values() if each.logical not in taken]
            candidates = _compatible(table, column, definition, free)
            match, matched_by = _match(column.logical, column.label, candidates)
            if match and matched_by is sought:
                taken.add(match.logical)
                notes = tuple(_notes(column, match))
                matches[column.name] = ColumnMatch(column, matched_by, match, notes)
    return [
        matches.get(name, ColumnMatch(column, MatchedBy.MISSING))
        for name, column in table.columns.items()
    ]


def _compatible(
    table: Table,
    column: Column,
    definition: TableDefinition,
    attributes: Sequence[AttributeDefinition],
) -> list[AttributeDefinition]:
    if column.name == table.key:
        return [each for each in attributes if each.logical == definition.key]
    return [each for each in attributes if each.kind in _COMPATIBLE[column.type]]


def _match(
    logical: str, label: str, candidates: Sequence[_Candidate]
) -> tuple[_Candidate | None, MatchedBy]:
    """The one candidate that matches, and how; two that match equally well are no match."""
    for candidate in candidates:
        if candidate.logical == logical:
            return candidate, MatchedBy.NAME

    folded = label.casefold()
    same = [each for each in candidates if each.label and each.label.casefold() == folded]
    if same:
        return (same[0], MatchedBy.LABEL) if len(same) == 1 else (None, MatchedBy.MISSING)

    ranked = sorted(
        ((_similarity(folded, each.label), at) for at, each in enumerate(candidates)), reverse=True
    )
    best = ranked[0][0] if ranked else 0.0
    is_unique = len(ranked) == 1 or (len(ranked) > 1 and ranked[1][0] < best)
    if best >= _SIMILAR and is_unique:
        return candidates[ranked[0][1]], MatchedBy.GUESS
    return None, MatchedBy.MISSING


def _similarity(label: str, other: str) -> float:
    return SequenceMatcher(None, label, other.casefold()).ratio() if label and other else 0.0


def _notes(column: Column, attribute: AttributeDefinition) -> Iterable[str]:
    """What a person has to add to the profile."""
    if column.name in ID_COLUMNS:
        yield "set `holds: <Autotask entity>`, or nothing is written here"
    if column.type is not Type.CHOICE or not attribute.options:
        return
    known = set(labels_by_number(BoundColumn(column, attribute, ColumnProfile())).values())
    missing = [label for label in column.choices.values() if label not in known]
    if missing:
        options = ", ".join(f"{option.value}: {option.label}" for option in attribute.options)
        yield (
            f"no choice here is {' or '.join(missing)}; there are {{{options}}}:"
            " set `choices:` or `labels:`"
        )
