"""The two catalogue files in, tables and entities out: what Work 365 and Autotask say of themselves."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from engine.errors import ConfigError
from engine.model.catalogue import Catalogue, Column, Entity, Field, Parent, PickValue, Table, Type
from engine.model.finding import Finding, Place, Severity

ENTITIES = "autotask.yaml"
TABLES = "work365.yaml"

MOST_NODES = 1_000_000
DEEPEST = 40
_BRACKETS = re.compile(rb"[\[\]{}]")
_INDENTED = re.compile(rb"^ {200}|^ *(?:[-?:] +){40}", re.MULTILINE)

_TYPES = {
    "string": Type.TEXT,
    "integer": Type.INTEGER,
    "long": Type.INTEGER,
    "short": Type.INTEGER,
    "decimal": Type.DECIMAL,
    "boolean": Type.BOOLEAN,
    "datetime": Type.INSTANT,
}

_Made = TypeVar("_Made")


def load_catalogue(folder: Path) -> Catalogue:
    """Both catalogues of a schemas folder. Raises ConfigError."""
    return Catalogue(tables=load_tables(folder / TABLES), entities=load_entities(folder / ENTITIES))


def load_entities(path: Path) -> dict[str, Entity]:
    """Autotask's entities by name, in the order of the file. Raises ConfigError."""
    return _load(path, "entities", _entity)


def load_tables(path: Path) -> dict[str, Table]:
    """The Work 365 tables by the names that mappings use. Raises ConfigError."""
    return _load(path, "tables", _table)


def _load(path: Path, root: str, make: Callable[[str, Any], _Made]) -> dict[str, _Made]:
    said = _read(path)
    if not isinstance(said, dict) or not isinstance(said.get(root), dict):
        raise _refused(path, f"must have `{root}:` at the top, with a name for each")
    if _large(said):
        raise _refused(path, f"has more than {MOST_NODES:,} values")
    made = {}
    for name, described in said[root].items():
        try:
            made[str(name)] = make(str(name), described)
        except KeyError as error:
            raise _refused(path, f"{root}.{name}: {error} is missing or not known") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise _refused(path, f"{root}.{name} is not as a catalogue must be: {error}") from None
    return made


def _read(path: Path) -> object:
    """A catalogue is read whole at each start, so this takes PyYAML's short way and keeps no places."""
    try:
        raw = path.read_bytes()
        if _deep(raw):
            raise _refused(path, "is nested too deeply")
        said: object = yaml.load(raw, Loader=yaml.CSafeLoader)
    except OSError as error:
        raise _refused(path, f"cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise _refused(path, f"is no YAML: {error}") from None
    return said


def _deep(raw: bytes) -> bool:
    """Would composing it go deep? PyYAML does that by recursion in C, which ends the process at some depth."""
    depth = deepest = 0
    for bracket in _BRACKETS.findall(raw):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest > DEEPEST or _INDENTED.search(raw) is not None


def _large(said: object) -> bool:
    """Are there more values than a catalogue has? Aliases count as often as they are used."""
    waiting, count = [said], 0
    while waiting and count <= MOST_NODES:
        value = waiting.pop()
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        count += len(inner)
        waiting.extend(inner if count <= MOST_NODES else ())
    return count > MOST_NODES


def _refused(path: Path, why: str) -> ConfigError:
    text = f"the catalogue {why}"
    remedy = "take the file that ships with trueup, or remove the project's own schemas/ folder"
    return ConfigError([Finding("catalogue", Severity.ERROR, text, remedy, Place(f"{path.parent.name}/{path.name}"))])


def _entity(name: str, said: Mapping[str, Any]) -> Entity:
    parent = said.get("parent")
    return Entity(
        name=name,
        operations=frozenset(said["operations"]),
        fields={field: _field(field, described) for field, described in said["fields"].items()},
        parent=Parent(parent["entity"], parent["path"], parent["key"]) if parent else None,
        writes_via=said.get("writesVia", "root"),
        udf_capable=said.get("userDefinedFields", "no"),
        routes={route: tuple(verbs) for route, verbs in said.get("routes", {}).items()},
        rules=tuple(said.get("rules", ())),
    )


def _field(name: str, said: Mapping[str, Any]) -> Field:
    """Flags that are not known (`null`) forbid nothing: the tenant's own metadata decides at run time."""
    picks = tuple(PickValue(value, label) for value, label in said.get("picklistValues", {}).items())
    return Field(
        name=name,
        type=Type.DAY if said.get("day") else _TYPES[said["type"]],
        required=bool(said.get("required")),
        readonly=bool(said.get("readonly")),
        create_only=bool(said.get("settableOnCreate")),
        max_length=said.get("maxLength"),
        reference=said.get("reference"),
        picklist=picks if said.get("picklist") else None,
        picklist_partial=bool(said.get("picklistPartial")),
        queryable=said.get("queryable", True),
        required_if=said.get("requiredIf", ""),
        data_type=said["type"],
    )


def _table(name: str, said: Mapping[str, Any]) -> Table:
    columns = {column: _column(column, described) for column, described in said["columns"].items()}
    for role in ("key", "title"):
        columns[said[role]]  # KeyError: names a column that is not there
    return Table(
        name=name,
        logical=said["logical"],
        entity_set=said["entity_set"],
        label=said["label"],
        key=said["key"],
        title=said["title"],
        columns=columns,
        assumed=said.get("assumed", False),
    )


def _column(name: str, said: Mapping[str, Any]) -> Column:
    return Column(
        name=name,
        type=Type(said["type"]),
        logical=said["logical"],
        label=said.get("label", ""),
        table=said["table"] if said["type"] == Type.LOOKUP else None,
        choices=said.get("choices", {}),
        required=said.get("required", False),
        assumed=said.get("assumed", False),
    )
