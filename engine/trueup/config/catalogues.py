"""Reads the two catalogue files: the tables of Work 365 and the entities of Autotask.

`load_catalogue` reads both from a folder. The files state their own sources in their comments.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from trueup.errors import ConfigError
from trueup.local_files import read_regular
from trueup.model.catalogue import (
    Catalogue,
    Column,
    Entity,
    Field,
    Parent,
    PickValue,
    SystemNames,
    Table,
    Type,
)
from trueup.model.finding import Finding, Place, Severity

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
    """Returns both catalogues of a schemas folder. Raises `ConfigError` if one is not valid."""
    return load_catalogues(folder / TABLES, folder / ENTITIES)


def load_catalogues(tables: Path, entities: Path) -> Catalogue:
    """Returns the catalogues of these two files. Raises `ConfigError` if one is not valid."""
    tables_data, entities_data = _read(tables), _read(entities)
    systems = SystemNames(
        source=_system(tables_data, "Work 365"), target=_system(entities_data, "Autotask")
    )
    return Catalogue(
        tables=_build(tables, tables_data, "tables", _table),
        entities=_entities(entities, entities_data),
        systems=systems,
    )


def load_entities(path: Path) -> dict[str, Entity]:
    """Returns the target's entities by name, in the order of the file. Raises `ConfigError`."""
    return _entities(path, _read(path))


def load_tables(path: Path) -> dict[str, Table]:
    """Returns the source's tables by the names that mappings use. Raises `ConfigError`."""
    return _build(path, _read(path), "tables", _table)


def _system(data: object, default: str) -> str:
    """Returns what people call the system. Catalogues of older projects do not state it."""
    name = data.get("system") if isinstance(data, dict) else None
    return name if isinstance(name, str) else default


def _entities(path: Path, data: object) -> dict[str, Entity]:
    active = data.get("active", "isActive") if isinstance(data, dict) else ""

    def make(name: str, described: Mapping[str, Any]) -> Entity:
        return _entity(name, described, active if active in described["fields"] else "")

    return _build(path, data, "entities", make)


def _build(
    path: Path, data: object, root: str, make: Callable[[str, Any], _Made]
) -> dict[str, _Made]:
    if not isinstance(data, dict) or not isinstance(data.get(root), dict):
        raise _refused(path, f"must have `{root}:` at the top, with a key for each name")
    if _is_too_large(data):
        raise _refused(path, f"has more than {MOST_NODES:,} values")

    made = {}
    for name, described in data[root].items():
        try:
            made[str(name)] = make(str(name), described)
        except KeyError as error:
            raise _refused(path, f"{root}.{name}: {error} is missing or unknown") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise _refused(path, f"{root}.{name} is not valid: {error}") from None
    return made


def _read(path: Path) -> object:
    """Returns the data of a catalogue file.

    The file is read at each start, so this uses PyYAML's fast loader, which keeps no places.
    """
    try:
        raw = read_regular(path)
        if _is_too_deep(raw):
            raise _refused(path, "is nested too deeply")
        data: object = yaml.load(raw, Loader=yaml.CSafeLoader)
    except OSError as error:
        raise _refused(path, f"cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise _refused(path, f"is not valid YAML: {error}") from None
    return data


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


def _refused(path: Path, why: str) -> ConfigError:
    text = f"the catalogue {why}"
    remedy = "take the file that ships with trueup, or remove the project's own schemas/ folder"
    place = Place(f"{path.parent.name}/{path.name}")
    return ConfigError([Finding("catalogue", Severity.ERROR, text, remedy, place)])


def _entity(name: str, data: Mapping[str, Any], active: str) -> Entity:
    parent = data.get("parent")
    return Entity(
        name=name,
        operations=frozenset(data["operations"]),
        fields={field: _field(field, described) for field, described in data["fields"].items()},
        parent=Parent(parent["entity"], parent["path"], parent["key"]) if parent else None,
        writes_via=data.get("writesVia", "root"),
        udf_capable=data.get("userDefinedFields", "no"),
        routes={route: tuple(verbs) for route, verbs in data.get("routes", {}).items()},
        rules=tuple(data.get("rules", ())),
        active=active,
    )


def _field(name: str, data: Mapping[str, Any]) -> Field:
    """Returns a field. Unknown flags (`null`) forbid nothing: the tenant's own metadata decides."""
    picks = tuple(
        PickValue(value, label) for value, label in data.get("picklistValues", {}).items()
    )
    return Field(
        name=name,
        type=Type.DAY if data.get("day") else _TYPES[data["type"]],
        required=bool(data.get("required")),
        readonly=bool(data.get("readonly")),
        create_only=bool(data.get("settableOnCreate")),
        max_length=data.get("maxLength"),
        reference=data.get("reference"),
        picklist=picks if data.get("picklist") else None,
        picklist_partial=bool(data.get("picklistPartial")),
        queryable=data.get("queryable", True),
        required_if=data.get("requiredIf", ""),
        reference_is=data.get("referenceIs", {}),
        data_type=data["type"],
    )


def _table(name: str, data: Mapping[str, Any]) -> Table:
    columns = {column: _column(column, described) for column, described in data["columns"].items()}
    for role in ("key", "title"):
        columns[data[role]]  # raises KeyError if it names a column that does not exist
    return Table(
        name=name,
        logical=data["logical"],
        entity_set=data["entity_set"],
        label=data["label"],
        key=data["key"],
        title=data["title"],
        columns=columns,
        assumed=data.get("assumed", False),
    )


def _column(name: str, data: Mapping[str, Any]) -> Column:
    return Column(
        name=name,
        type=Type(data["type"]),
        logical=data["logical"],
        label=data.get("label", ""),
        table=data["table"] if data["type"] == Type.LOOKUP else None,
        choices=data.get("choices", {}),
        required=data.get("required", False),
        assumed=data.get("assumed", False),
    )
