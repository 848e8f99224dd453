"""Adds entities and tables to a project's own catalogue files, and refreshes what they state.

Comments, and facts that the tenant does not state, stay as they are.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from trueup.config import round_trip
from trueup.config.text_file import (
    BOM,
    create_text_file,
    read_text_file,
    refused,
    replace_text_file,
)

_HEAD = "# What this tenant has, beside what trueup ships with.\n{root}:\n"
_UNSAFE = "cannot be extended with its comments kept"
_MANUALLY = "edit it manually"

_DEFAULTS: Mapping[str, object] = {"required": False, "readonly": False, "queryable": True}
"""What a fact is where a catalogue does not state it."""

_REFRESHED = ("required", "readonly", "queryable", "maxLength", "picklist", "picklistValues")
"""Facts of a known field that the tenant's metadata settles."""


class CatalogueChange(Struct, frozen=True):
    """One thing that was added to a catalogue, or changed in it."""

    name: str  # `Companies`, `Companies.phone`, `account.region`
    what: str = ""  # of a change: `maxLength 25 → 30`; empty if it is new


class Addition(Struct, frozen=True):
    """One entity or table as its system describes it."""

    name: str
    head: Mapping[str, Any]  # facts of the entity itself, where it is new
    parts: Mapping[str, Mapping[str, Any]]  # fields or columns by name


def extend(
    path: Path,
    root: str,
    part: str,
    known: Mapping[str, Any],
    additions: Iterable[Addition],
) -> list[CatalogueChange]:
    """Writes into the file at `path` what it and the shipped catalogue lack; returns what that was.

    `root` is `entities` with `part` `fields`, or `tables` with `columns`. `known` is what both
    files state together. Nothing is written where nothing is new. Raises `ConfigError`.
    """
    name = f"{path.parent.name}/{path.name}"
    exists = path.exists()
    file = read_text_file(path, name) if exists else None
    try:
        text = file.content.decode("utf-8-sig") if file else _HEAD.format(root=root)
    except UnicodeDecodeError as error:
        raise refused(name, "is not UTF-8 text", "save the file as UTF-8") from error
    try:
        documents = round_trip.load(text.replace("\r\n", "\n"))
        if len(documents) != 1 or not isinstance(documents[0], dict):
            raise refused(
                name, f"{_UNSAFE}: it must be one document of names and values", _MANUALLY
            )
        if documents[0].get(root) is None:
            documents[0][root] = {}
        changes = [
            change
            for addition in additions
            for change in _add(documents[0][root], part, known.get(addition.name), addition)
        ]
        new = round_trip.dump(documents)
        is_same = yaml.load(new, Loader=yaml.CSafeLoader) == _plain(documents[0])
    except (round_trip.CommentsLost, yaml.YAMLError, AttributeError, TypeError) as error:
        raise refused(name, f"{_UNSAFE}: {error}", _MANUALLY) from error
    if not is_same:
        raise refused(name, _UNSAFE, _MANUALLY)
    if changes and file:
        new = new.replace("\n", "\r\n") if file.has_crlf else new
        bom = BOM if file.content.startswith(BOM) else b""
        replace_text_file(file, bom + new.encode())
    elif changes:
        create_text_file(path, name, new.encode())
    return changes


def _add(
    entries: Any,  # noqa: ANN401 -- ruamel's mapping
    part: str,
    known: Mapping[str, Any] | None,
    addition: Addition,
) -> Iterator[CatalogueChange]:
    if known is None:
        parts = {
            name: round_trip.in_one_line(dict(facts)) for name, facts in addition.parts.items()
        }
        head = {key: round_trip.safe_text(value) for key, value in addition.head.items()}
        entries[addition.name] = {**head, part: parts}
        yield CatalogueChange(addition.name)
        return
    for name, facts in addition.parts.items():
        before = known.get(part, {}).get(name)
        if before is None:
            _parts(entries, part, addition.name)[name] = round_trip.in_one_line(dict(facts))
            yield CatalogueChange(f"{addition.name}.{name}")
        elif part == "fields":
            yield from _refresh(entries, addition.name, name, before, facts)


def _refresh(
    entries: Any,  # noqa: ANN401 -- ruamel's mapping
    entity: str,
    name: str,
    before: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> Iterator[CatalogueChange]:
    """Writes the facts of a known field in which the tenant differs."""
    differing = {
        fact: facts.get(fact, _DEFAULTS.get(fact))
        for fact in _REFRESHED
        if _is_stated(fact, facts) and _fact(before, fact) != facts.get(fact, _DEFAULTS.get(fact))
    }
    if facts.get("settableOnCreate") and not before.get("settableOnCreate"):
        differing["settableOnCreate"] = True
    if "picklistValues" in facts and before.get("picklistPartial"):
        differing["picklistPartial"] = False
    if not differing:
        return
    fields = _parts(entries, "fields", entity)
    if fields.get(name) is None:
        fields[name] = round_trip.in_one_line({})
    for fact, value in differing.items():
        shown = f"{fact} {_shown(_fact(before, fact))} → {_shown(value)}"
        fields[name][fact] = round_trip.in_one_line(value) if isinstance(value, dict) else value
        yield CatalogueChange(f"{entity}.{name}", shown)


def _is_stated(fact: str, facts: Mapping[str, Any]) -> bool:
    """Whether the metadata settles a fact: flags always, lengths and lists where it has them."""
    return fact in facts or fact in _DEFAULTS


def _fact(facts: Mapping[str, Any], name: str) -> object:
    """A fact of the catalogue. A flag that is `null` is unknown, which is unlike any value."""
    return facts[name] if name in facts else _DEFAULTS.get(name)


def _parts(entries: Any, part: str, name: str) -> Any:  # noqa: ANN401 -- ruamel's mapping
    """The fields or columns of an entry in the file; the entry is created where it is missing."""
    if entries.get(name) is None:
        entries[name] = {}
    if entries[name].get(part) is None:
        entries[name][part] = {}
    return entries[name][part]


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return f"{len(value)} values"
    return "unknown" if value is None else str(value).lower()


def _plain(value: Any) -> Any:  # noqa: ANN401 -- any YAML
    """The data without ruamel's own types, as PyYAML reads it."""
    plain: dict[type, Callable[[Any], Any]] = {
        dict: lambda one: {key: _plain(item) for key, item in one.items()},
        list: lambda one: [_plain(item) for item in one],
        str: str,
        float: float,
    }
    for kind, convert in plain.items():
        if isinstance(value, kind):
            return convert(value)
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value
