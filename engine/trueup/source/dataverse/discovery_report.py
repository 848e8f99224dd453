"""Renders a discovery: as lines for a terminal, and as the YAML of a profile."""

import json
from collections.abc import Iterator

from msgspec import Struct

from trueup.source.dataverse.discover import ColumnMatch, Discovery, MatchedBy, TableMatch

_HEAD = """\
# The names of Work 365's tables in {environment}, found by `trueup discover`.
# The comment after a name is how it was found. Correct what is wrong.
# What is left out is as in schemas/work365.yaml.
tables:
"""
_MARKS = {
    MatchedBy.NAME: " ",
    MatchedBy.LABEL: " ",
    MatchedBy.GUESS: "?",
    MatchedBy.MISSING: "!",
}


class ReportLine(Struct, frozen=True):
    """A table, a column, or a note on a column."""

    mark: str  # `?` or `!` if a person has to check it, else a space
    depth: int  # 0: a table, 1: a column, 2: a note
    texts: tuple[str, ...]  # its name here, its name in the environment, and how it was found


def report_lines(discovery: Discovery) -> list[ReportLine]:
    """Returns one line for each table and column, each followed by its notes."""
    return [line for match in discovery.tables for line in _table_lines(match)]


def as_yaml(discovery: Discovery) -> str:
    """Returns the profile; what was not found is a comment."""
    body = "".join(_table_yaml(match) for match in discovery.tables)
    return _HEAD.format(environment=discovery.environment) + body


def _table_lines(match: TableMatch) -> Iterator[ReportLine]:
    name = match.definition.logical if match.definition else "?"
    yield ReportLine(_MARKS[match.matched_by], 0, (match.table.name, name, match.matched_by))
    for column in match.columns:
        name = column.attribute.logical if column.attribute else "?"
        texts = (column.column.name, name, column.matched_by)
        yield ReportLine(_MARKS[column.matched_by], 1, texts)
        yield from (ReportLine(" ", 2, (note,)) for note in column.notes)


def _table_yaml(match: TableMatch) -> str:
    name = match.table.name
    if match.definition is None:
        return f"  # {name}: {match.matched_by} (label: {match.table.label})\n"
    lines = [
        f"  {name}:   # {match.matched_by}",
        f"    logical: {_yaml_scalar(match.definition.logical)}",
        f"    entity_set: {_yaml_scalar(match.definition.entity_set)}",
        "    columns:",
        *(f"      {line}" for column in match.columns for line in _column_yaml(column)),
    ]
    return "\n".join(lines) + "\n"


def _column_yaml(match: ColumnMatch) -> Iterator[str]:
    name = match.column.name
    if match.attribute is None:
        yield f"# {name}: {match.matched_by} (label: {match.column.label})"
    else:
        logical = _yaml_scalar(match.attribute.logical)
        yield f"{name}: {{logical: {logical}}}   # {match.matched_by}"
    yield from (f"# {note}" for note in match.notes)


def _yaml_scalar(text: str) -> str:
    """The text as it is where that is safe in YAML, else in quotes."""
    return text if text.replace("_", "").isalnum() and text.isascii() else json.dumps(text)
