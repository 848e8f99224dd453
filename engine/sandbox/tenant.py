"""What makes this database a tenant: users, levels, picklists, user-defined fields, switches, clock, zone.

All of it lies in the database, so that every process that has it open sees the same. It is read again
only when its version has moved.
"""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from engine.errors import SandboxError
from engine.model.catalogue import UDF, Entity, Field, PickValue, Type
from engine.sandbox import access, clock
from engine.sandbox.access import Level, User
from engine.sandbox.clock import Clock
from engine.sandbox.lenient import Json
from engine.sandbox.store import add_column
from engine.sandbox.switches import Switches
from engine.sandbox.wire import Shower, showers

DEFAULT_USER = {"username": "api@demo.example", "secret": "demo", "integration_code": "DEMO", "level": access.FULL}
LENGTH_OF_UDF = 8000


@dataclass(frozen=True)
class Tenant:
    """One version of the settings. `entities` have this tenant's picklists and user-defined fields."""

    version: int
    entities: Mapping[str, Entity]
    users: tuple[User, ...]
    switches: Switches
    clock: Clock
    zone: str

    @cached_property
    def by_small_name(self) -> Mapping[str, Entity]:
        """Entities by their name in small letters: case means nothing in a path."""
        return {name.lower(): entity for name, entity in self.entities.items()}

    @cached_property
    def fields_by_small_name(self) -> Mapping[str, Mapping[str, Field]]:
        """For each entity its fields by their names in small letters."""
        return {
            name: {field.lower(): described for field, described in entity.fields.items()}
            for name, entity in self.entities.items()
        }

    @cached_property
    def showers(self) -> Mapping[str, Mapping[str, Shower]]:
        """For each entity what turns kept values into shown ones."""
        return {name: showers(entity, self.switches) for name, entity in self.entities.items()}

    def now(self) -> datetime:
        """The instant by this tenant's clock."""
        return clock.now(self.clock)


class Tenants:
    """The current tenant, kept until its version moves."""

    def __init__(self, entities: Mapping[str, Entity], base: Switches) -> None:
        self._entities = entities
        self._base = base
        self._current: Tenant | None = None

    def current(self, connection: sqlite3.Connection) -> Tenant:
        """The tenant as this connection sees it."""
        version = int(get(connection, "version", 0))
        known = self._current
        if known is None or known.version != version:
            known = self._current = _load(connection, self._entities, self._base, version)
        return known


def get(connection: sqlite3.Connection, key: str, default: Json) -> Json:
    """One setting."""
    row = connection.execute("SELECT value FROM _settings WHERE key = ?", [key]).fetchone()
    return json.loads(row[0]) if row else default


def put(connection: sqlite3.Connection, key: str, value: object) -> None:
    """Changes one setting, inside a write; every process takes notice."""
    _put(connection, key, value)
    _put(connection, "version", int(get(connection, "version", 0)) + 1)


def _put(connection: sqlite3.Connection, key: str, value: object) -> None:
    connection.execute("INSERT OR REPLACE INTO _settings VALUES (?, ?)", [key, json.dumps(value)])


def define_udf(connection: sqlite3.Connection, entity: Entity, name: str) -> None:
    """Defines a user-defined field, unless there is one of that name in any case."""
    if entity.udf_capable == "no":
        raise SandboxError(f"{entity.name} has no user-defined fields")
    defined = get(connection, "udfs", {})
    names = defined.setdefault(entity.name, [])
    if name.lower() not in (known.lower() for known in names):
        names.append(name)
        add_column(connection, entity.name, UDF + name)
        put(connection, "udfs", defined)


def _load(connection: sqlite3.Connection, entities: Mapping[str, Entity], base: Switches, version: int) -> Tenant:
    picklists, udfs = get(connection, "picklists", {}), get(connection, "udfs", {})
    return Tenant(
        version=version,
        entities={
            name: tailored(entity, picklists.get(name, {}), udfs.get(name, ())) for name, entity in entities.items()
        },
        users=_users(get(connection, "users", []) or [DEFAULT_USER], get(connection, "levels", {})),
        switches=base.replaced(get(connection, "switches", {})),
        clock=get(connection, "clock", {}),
        zone=get(connection, "zone", ""),
    )


def tailored(entity: Entity, picklists: Mapping[str, Json], udfs: Json) -> Entity:
    """The entity with a tenant's picklists and user-defined fields."""
    fields = dict(entity.fields)
    for name, values in picklists.items():
        picks = tuple(PickValue(said["value"], said["label"], said.get("active", True)) for said in values)
        fields[name] = replace(fields[name], picklist=picks, picklist_partial=False)
    for name in udfs:
        fields[UDF + name] = Field(UDF + name, Type.TEXT, max_length=LENGTH_OF_UDF)
    return replace(entity, fields=fields)


def _users(said: list[Mapping[str, Json]], levels: Mapping[str, Mapping[str, Json]]) -> tuple[User, ...]:
    return tuple(
        User(
            username=user["username"],
            secret=user["secret"],
            code=user["integration_code"],
            level=level(user.get("level", access.FULL), levels),
            resource=user.get("resource"),
            api=user.get("api", True),
            impersonates=user.get("impersonates", False),
        )
        for user in said
    )


def level(name: str, levels: Mapping[str, Mapping[str, Json]]) -> Level:
    """The level of that name. Raises SandboxError if there is none."""
    if name == access.FULL:
        return access.EVERYTHING
    if name not in levels:
        raise SandboxError(f"there is no security level {name!r}; there are {', '.join([access.FULL, *levels])}")
    said = levels[name]
    return Level(
        name=name,
        grants={entity: frozenset(operations) for entity, operations in said.get("entities", {}).items()},
        costs=said.get("costs", True),
        hidden={entity: frozenset(ids) for entity, ids in said.get("hidden", {}).items()},
    )
