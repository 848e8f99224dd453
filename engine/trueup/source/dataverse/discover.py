"""Our catalogue and an environment's metadata in; which of its names are ours, and how sure that is, out.

A table or column is found by its logical name, else by its display label, else by a label like it: the last is a
guess that a person has to look at. Nothing is taken twice, and nothing of a type that cannot fit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import TypeVar

from engine.model.catalogue import Column, Table, Type
from engine.source.dataverse.client import DataverseClient
from engine.source.dataverse.columns import Found, choices_here
from engine.source.dataverse.metadata import LOOKUPS, Attribute, Definition, definition, definitions
from engine.source.profile import IDS, Here

_ALIKE = 0.75
_NUMBERS = frozenset({"Decimal", "Money", "Double", "Integer", "BigInt"})
_FITS: Mapping[Type, frozenset[str]] = {
    Type.TEXT: frozenset({"String", "Memo", "Picklist", "Integer", "BigInt"}) | LOOKUPS,
    Type.INTEGER: frozenset({"Integer", "BigInt"}),
    Type.DECIMAL: _NUMBERS,
    Type.BOOLEAN: frozenset({"Boolean", "Picklist"}),
    Type.DAY: frozenset({"DateTime"}),
    Type.INSTANT: frozenset({"DateTime"}),
    Type.LOOKUP: LOOKUPS,
    Type.CHOICE: frozenset({"Picklist", "State", "Status"}) | LOOKUPS,
}

_Theirs = TypeVar("_Theirs", Definition, Attribute)


class Sure(StrEnum):
    """How something was found."""

    NAME = "by its logical name"
    LABEL = "by its display label"
    GUESS = "by a label like it: check this"
    MISSING = "not found"


@dataclass(frozen=True, slots=True)
class ColumnMatch:
    """One of our columns, and what it is there."""

    column: Column
    sure: Sure
    attribute: Attribute | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableMatch:
    """One of our tables, and what it is there."""

    table: Table
    sure: Sure
    definition: Definition | None = None
    columns: tuple[ColumnMatch, ...] = ()


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found in one environment."""

    environment: str
    tables: tuple[TableMatch, ...]

    def unresolved(self, needed: Mapping[str, Iterable[str]]) -> list[str]:
        """The tables and columns among these that were not found or only guessed: `license_change.status`."""
        sure = {
            (match.table.name, each.column.name): each.sure in (Sure.NAME, Sure.LABEL)
            for match in self.tables
            for each in match.columns
        }
        return [f"{table}.{name}" for table, names in needed.items() for name in names if not sure.get((table, name))]


def discover(client: DataverseClient, tables: Mapping[str, Table]) -> Discovery:
    """Asks for all tables, then for the columns of those that are ours. Raises SourceError."""
    theirs = definitions(client)
    found = []
    for table in tables.values():
        match, sure = _match(table.logical, table.label, theirs)
        described = definition(client, match.logical) if match else None
        columns = tuple(_columns(table, described)) if described else ()
        found.append(TableMatch(table, sure, described, columns))
    return Discovery(client.name, tuple(found))


def _columns(table: Table, described: Definition) -> Iterable[ColumnMatch]:
    taken: set[str] = set()
    matches: dict[str, ColumnMatch] = {}
    # Sure ones first: a guess never takes what belongs to another column by name or label.
    for wanted in (Sure.NAME, Sure.LABEL, Sure.GUESS):
        for column in table.columns.values():
            if column.name in matches:
                continue
            free = [each for each in described.attributes.values() if each.logical not in taken]
            match, sure = _match(column.logical, column.label, _fitting(table, column, described, free))
            if match and sure is wanted:
                taken.add(match.logical)
                matches[column.name] = ColumnMatch(column, sure, match, tuple(_notes(column, match)))
    return [matches.get(name, ColumnMatch(column, Sure.MISSING)) for name, column in table.columns.items()]


def _fitting(table: Table, column: Column, described: Definition, free: Sequence[Attribute]) -> list[Attribute]:
    if column.name == table.key:
        return [each for each in free if each.logical == described.key]
    return [each for each in free if each.kind in _FITS[column.type]]


def _match(logical: str, label: str, theirs: Sequence[_Theirs]) -> tuple[_Theirs | None, Sure]:
    """The one that is it, and how sure that is; two that are alike are none."""
    for each in theirs:
        if each.logical == logical:
            return each, Sure.NAME
    wanted = label.casefold()
    same = [each for each in theirs if each.label and each.label.casefold() == wanted]
    if len(same) == 1:
        return same[0], Sure.LABEL
    alike = sorted(((_likeness(wanted, each.label), at) for at, each in enumerate(theirs)), reverse=True)[:2]
    if not same and alike and alike[0][0] >= _ALIKE and (len(alike) == 1 or alike[1][0] < alike[0][0]):
        return theirs[alike[0][1]], Sure.GUESS
    return None, Sure.MISSING


def _likeness(wanted: str, label: str) -> float:
    return SequenceMatcher(None, wanted, label.casefold()).ratio() if wanted and label else 0.0


def _notes(column: Column, attribute: Attribute) -> Iterable[str]:
    if column.name in IDS:
        yield "say `holds: <Autotask entity>`, or nothing is written here"
    if column.type is not Type.CHOICE or not attribute.options:
        return
    known = set(choices_here(Found(column, attribute, Here())).values())
    lacking = [label for label in column.choices.values() if label not in known]
    if lacking:
        theirs = ", ".join(f"{option.value}: {option.label}" for option in attribute.options)
        yield f"no choice here is {' or '.join(lacking)}; there are {{{theirs}}}: say `choices:` or `labels:`"
