"""Reads the two catalogue files: the tables of Work 365 and the entities of Autotask.

`load_catalogue` reads both from a folder. A project's own files extend those that ship with trueup:
they add entities, fields, tables and columns, and what they state of a known one counts. The files
state their own sources in their comments.
"""

import codecs
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import yaml
from yaml.parser import ParserError
from yaml.scanner import ScannerError

from trueup.config.catalogue_entries import (
    each_of,
    entity,
    table,
    unknown_fields,
    unknown_tables,
)
from trueup.config.catalogue_facts import InvalidEntry
from trueup.config.documents import parse as parse_document
from trueup.config.syntax_errors import syntax_error
from trueup.config.yaml_events import Lines, given_twice
from trueup.errors import ConfigError, HasLine
from trueup.local_files import is_absent, read_regular
from trueup.model.catalogue import Catalogue, Entity, SystemNames, Table
from trueup.model.coerce import shown
from trueup.model.finding import Finding, Place, Severity
from trueup.model.suggestions import closest

ENTITIES = "autotask.yaml"
TABLES = "work365.yaml"

_ROOTS = {"entities": {"entities", "system", "active"}, "tables": {"tables", "system"}}
"""The keys at the top of a file, by the one that holds its entries."""

MOST_NODES = 1_000_000
DEEPEST = 40
_BRACKETS = re.compile(rb"[\[\]{}]")
_INDENTED = re.compile(rb"^ {200}|^ *(?:[-?:] +){40}", re.MULTILINE)

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

_REMEDY = "correct the file, or remove it: trueup ships with a catalogue"

_Made = TypeVar("_Made")


class _RepeatedKey(Exception):
    """A mapping of a catalogue has a key twice. `first` and `second` are where they begin."""

    def __init__(self, key: str, first: yaml.Mark, second: yaml.Mark) -> None:
        super().__init__(key)
        self.key, self.first, self.second = key, first, second


_MERGE = "tag:yaml.org,2002:merge"


class _Loader(yaml.CSafeLoader):
    """PyYAML's fast loader, which keeps the last of two equal keys. This one refuses them."""

    def __init__(self, stream: bytes) -> None:
        super().__init__(stream)
        self._own: dict[int, list[yaml.Node]] = {}  # the keys of a mapping, without those of `<<`

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Adds the keys of `<<` to the node, which the mapping may have itself."""
        self._own.setdefault(id(node), [key for key, _ in node.value if key.tag != _MERGE])
        super().flatten_mapping(node)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 -- PyYAML's
        made = super().construct_mapping(node, deep)
        if len(made) < len(node.value):
            self._require_single_keys(self._own[id(node)])
        return made

    def _require_single_keys(self, keys: list[yaml.Node]) -> None:
        seen: dict[object, yaml.Mark] = {}
        for one in keys:
            key = self.construct_object(one)
            if key in seen:
                raise _RepeatedKey(one.value, seen[key], one.start_mark)
            seen[key] = one.start_mark


def load_catalogue(shipped: Path, own: Path | None = None) -> Catalogue:
    """Returns both catalogues of a folder, extended by those of a project's own folder.

    Raises `ConfigError`, with their places, for all entries of both that are not valid.
    """
    found: list[HasLine] = []
    with _collected(found):
        path, data = _extended(shipped / TABLES, own / TABLES if own else None, "tables")
        source, tables = _system(data, "Work 365"), _tables(path, data)
    with _collected(found):
        path, data = _extended(shipped / ENTITIES, own / ENTITIES if own else None, "entities")
        target, entities = _system(data, "Autotask"), _entities(path, data)
    if found:
        raise ConfigError(found)
    return Catalogue(tables, entities, SystemNames(source, target))


@contextmanager
def _collected(found: list[HasLine]) -> Iterator[None]:
    """Adds the findings of a `ConfigError` that is raised in the block to `found`."""
    try:
        yield
    except ConfigError as error:
        found += error.findings


def known_entries(shipped: Path, own: Path, name: str, root: str) -> Mapping[str, Any]:
    """Returns what both files of a name state, as data. Raises `ConfigError`."""
    path, data = _extended(shipped / name, own / name, root)
    found = _require_root(path, data, root)
    if faults := [*_misspelt(path, found, root)]:
        raise _invalid(path, faults)
    entries: Mapping[str, Any] = found[root]
    return entries


def load_entities(path: Path) -> dict[str, Entity]:
    """Returns the target's entities by name, in the order of the file. Raises `ConfigError`."""
    return _entities(path, _read(path))


def load_tables(path: Path) -> dict[str, Table]:
    """Returns the source's tables by the names that mappings use. Raises `ConfigError`."""
    return _tables(path, _read(path))


def _extended(shipped: Path, own: Path | None, root: str) -> tuple[Path, object]:
    """The data of the shipped file and of the own one on top; errors name the own one, if any."""
    if own is None or is_absent(own):
        return shipped, _read(shipped)
    added = _read(own)
    if _is_copy(shipped, own):  # as `trueup init` makes it: the second reading would take as long
        return own, added
    return own, _merged(_read(shipped), _stated(own, added, root), 5)


def _stated(own: Path, added: object, root: str) -> object:
    """Returns what a project's own file states. It may leave out `root`, or be empty."""
    if added is None:
        return {}
    if isinstance(added, dict) and added.get(root) is None:
        added = {key: value for key, value in added.items() if key != root} | {root: {}}
    _require_root(own, added, root)
    return added


def _is_copy(shipped: Path, own: Path) -> bool:
    try:
        return shipped.read_bytes() == own.read_bytes()
    except OSError:
        return False


def _merged(data: object, added: object, levels: int) -> object:
    """Mappings are united down to a field or column. Any other value is replaced.

    What a key is set to `null` in a field is replaced too: it then is unknown.
    """
    if not levels or not isinstance(data, dict) or not isinstance(added, dict):
        return added
    known = {key: _merged(data[key], added[key], levels - 1) for key in data.keys() & added.keys()}
    return {**data, **added, **known}


def _system(data: object, default: str) -> str:
    """Returns the display name of the system. Catalogues of older projects do not state it."""
    name = data.get("system") if isinstance(data, dict) else None
    return name if isinstance(name, str) else default


def _entities(path: Path, data: object) -> dict[str, Entity]:
    active = data.get("active", "isActive") if isinstance(data, dict) else ""
    if not isinstance(active, str):
        raise _refused(path, "must name one field as `active:`, between quotes if YAML needs them")

    def make(name: str, described: object) -> Entity:
        return entity(name, described, active)

    return _build(path, data, "entities", make, lambda made, _: unknown_fields(made))


def _tables(path: Path, data: object) -> dict[str, Table]:
    return _build(path, data, "tables", table, unknown_tables)


def _require_root(path: Path, data: object, root: str) -> Mapping[Any, Any]:
    """Returns the data. Raises if it has no entries."""
    if not isinstance(data, dict) or not isinstance(data.get(root), dict):
        raise _refused(path, f"must have `{root}:` at the top, with a key for each name")
    return data


def _misspelt(path: Path, data: Mapping[Any, Any], root: str) -> Iterator[InvalidEntry]:
    """Yields an error for each key at the top that likely means a known one.

    Other keys may hold what entries share by YAML's aliases, under any name.
    """
    for key in sorted(data.keys() - _ROOTS[root], key=str):
        meant = closest(str(key), _ROOTS[root])
        if meant and str(key) not in _anchored(path):
            text = f"{shown(key)} is not known here"
            yield InvalidEntry(text, f"did you mean {meant!r}?", str(key))


def _anchored(path: Path) -> set[str]:
    """Returns the keys at the top of a file whose values have an anchor that others refer to."""
    found: set[str] = set()
    owners: dict[str, str] = {}  # the keys at the top, by the anchors inside
    key, depth = "", 0
    is_key = False
    for event in yaml.parse(_content(path), Loader=yaml.CSafeLoader):
        depth -= isinstance(event, yaml.CollectionEndEvent)
        at_key = depth == 1 and is_key
        if at_key and isinstance(event, yaml.ScalarEvent):
            key = event.value
        if isinstance(event, yaml.AliasEvent):
            found |= {owners[str(event.anchor)]} - {key}
        elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.anchor:
            owners[event.anchor] = "" if at_key else key  # the key itself is no shared part
        depth += isinstance(event, yaml.CollectionStartEvent)
        is_key = depth == 1 and not is_key
    return found


def _build(
    path: Path,
    data: object,
    root: str,
    make: Callable[[str, Any], _Made],
    unknown: Callable[[Mapping[str, _Made], Collection[str]], Iterator[InvalidEntry]],
) -> dict[str, _Made]:
    """Returns the entries of a file.

    `unknown` checks what refers to other entries: those that were made, and the names of all.
    """
    found = _require_root(path, data, root)
    if _is_too_large(found):
        raise _refused(path, f"has more than {MOST_NODES:,} values")

    def make_one(name: str, described: object) -> _Made:
        try:
            return make(name, described)
        except (AttributeError, TypeError, ValueError) as error:
            raise _refused(path, f"{root}.{name} is not valid: {error}") from None

    made, faults = each_of(found[root], make_one)
    faults += unknown(made, {str(name) for name in found[root]})
    below = [InvalidEntry(fault.text, fault.remedy, root, *fault.steps) for fault in faults]
    if all_faults := [*_misspelt(path, found, root), *below]:
        raise _invalid(path, all_faults)
    return made


def _read(path: Path) -> object:
    """Returns the data of a catalogue file.

    The file is read at each start, so this uses PyYAML's fast loader, which keeps no places.
    """
    try:
        raw = _content(path)
        if _is_too_deep(raw):
            raise _refused(path, "is nested too deeply")
        data: object = yaml.load(raw, Loader=_Loader)  # noqa: S506 -- a safe loader
    except _RepeatedKey as error:
        lines = Lines(raw.decode("utf-8-sig"), _file_name(path))
        first, second = lines.place(error.first.index), lines.place(error.second.index)
        raise ConfigError([given_twice(error.key, first.line, second)]) from None
    except OSError as error:
        raise _refused(path, f"cannot be read: {error.strerror}") from None
    except (ScannerError, ParserError) as error:
        text = raw.decode("utf-8-sig", "replace")
        raise ConfigError([syntax_error(error, text, _file_name(path))]) from None
    except (yaml.YAMLError, ValueError) as error:
        raise _refused(path, f"is not valid YAML: {error}") from None
    return data


def _content(path: Path) -> bytes:
    """Returns the content of a file in UTF-8. As YAML allows, it may be in UTF-16.

    Raises `OSError`, and `ValueError` for what is no UTF-16.
    """
    raw = read_regular(path)
    return raw.decode("utf-16").encode() if raw.startswith(_UTF16_MARKS) else raw


def _is_too_deep(raw: bytes) -> bool:
    """Returns whether the YAML is nested so deeply that loading it could end the process.

    PyYAML composes the tree by recursion in C. Brackets and indentation are counted instead.
    """
    depth = deepest = 0
    for bracket in _BRACKETS.findall(raw):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest > DEEPEST or _INDENTED.search(raw) is not None


def _is_too_large(data: object) -> bool:
    """Returns whether there are more values than any catalogue has.

    Aliases count as often as they are used.
    """
    waiting, count = [data], 0
    while waiting and count <= MOST_NODES:
        inner = _parts(waiting.pop())
        count += len(inner)
        if count <= MOST_NODES:
            waiting.extend(inner)
    return count > MOST_NODES


def _parts(value: object) -> list[Any]:
    if isinstance(value, dict):
        return [*value.values()]
    return value if isinstance(value, list) else []


def _file_name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _refused(path: Path, why: str) -> ConfigError:
    place = Place(_file_name(path))
    return ConfigError(
        [Finding("catalogue", Severity.ERROR, f"the catalogue {why}", _REMEDY, place)]
    )


def _invalid(path: Path, faults: Iterable[InvalidEntry]) -> ConfigError:
    """The errors at their places. Places are only kept by a slower reader, which is used now."""
    file = _file_name(path)
    documents, _ = parse_document(_content(path), file)
    findings = []
    for fault in faults:
        place = documents[0].key_place(*fault.steps) if documents else Place(file)
        text = f"{'.'.join(fault.steps)}: {fault.text}"
        findings.append(Finding("catalogue", Severity.ERROR, text, fault.remedy, place))
    return ConfigError(findings)
