"""A discovery in; a table for people, and the profile as YAML, out."""

import json
from collections.abc import Iterator

from engine.source.dataverse.discover import ColumnMatch, Discovery, Sure, TableMatch

_HEAD = """\
# What Work 365's tables are called in {environment}: found by `trueup discover`.
# Behind each name stands how it was found. Correct what is wrong; what is left out is as in schemas/work365.yaml.
tables:
"""


def as_text(discovery: Discovery) -> str:
    """One line a column, those that need a person marked."""
    return "\n".join(line for match in discovery.tables for line in _lines(match)) + "\n"


def as_yaml(discovery: Discovery) -> str:
    """The profile; what was not found is there as a comment."""
    body = "".join(_table(match) for match in discovery.tables)
    return _HEAD.format(environment=discovery.environment) + body


def _lines(match: TableMatch) -> Iterator[str]:
    name = match.definition.logical if match.definition else "?"
    yield f"{_mark(match.sure)} {match.table.name}  {name}  {match.sure}"
    for each in match.columns:
        name = each.attribute.logical if each.attribute else "?"
        yield f"{_mark(each.sure)}   {each.column.name}  {name}  {each.sure}"
        yield from (f"        {note}" for note in each.notes)


def _mark(sure: Sure) -> str:
    return {Sure.NAME: " ", Sure.LABEL: " ", Sure.GUESS: "?", Sure.MISSING: "!"}[sure]


def _table(match: TableMatch) -> str:
    name = match.table.name
    if match.definition is None:
        return f"  # {name}: {match.sure} (label: {match.table.label})\n"
    lines = [
        f"  {name}:   # {match.sure}",
        f"    logical: {_scalar(match.definition.logical)}",
        f"    entity_set: {_scalar(match.definition.entity_set)}",
        "    columns:",
        *(f"      {line}" for each in match.columns for line in _column(each)),
    ]
    return "\n".join(lines) + "\n"


def _column(match: ColumnMatch) -> Iterator[str]:
    name = match.column.name
    if match.attribute is None:
        yield f"# {name}: {match.sure} (label: {match.column.label})"
    else:
        yield f"{name}: {{logical: {_scalar(match.attribute.logical)}}}   # {match.sure}"
    yield from (f"# {note}" for note in match.notes)


def _scalar(text: str) -> str:
    """Plain where that is safe in YAML, quoted where it is not."""
    return text if text.replace("_", "").isalnum() and text.isascii() else json.dumps(text)
