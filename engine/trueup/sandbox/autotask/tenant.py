"""The tenant: users, levels, picklists, user-defined fields, switches, clock and zone.

All of these are settings in the database, so that every process that has it open sees the same
tenant. They are read again only when their version has changed.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from msgspec.structs import replace

from trueup.errors import SandboxError
from trueup.model.catalogue import UDF, Entity, Field, PickValue, Type
from trueup.sandbox.autotask import security, settings
from trueup.sandbox.autotask.security import ApiUser, SecurityLevel
from trueup.sandbox.autotask.store import add_column
from trueup.sandbox.autotask.switches import Switches
from trueup.sandbox.autotask.wire import Formatter, formatters
from trueup.sandbox.http import clock
from trueup.sandbox.http.json_types import Json, JsonObject

DEFAULT_USER = {
    "username": "api@demo.example",
    "secret": "demo",
    "integration_code": "DEMO",
    "level": security.FULL,
}
"""The user of a tenant whose seed names none."""

UDF_LENGTH = 8000  # characters


@dataclass(frozen=True)
class Tenant:
    """One version of the settings.

    `entities` have this tenant's picklists and user-defined fields.
    """

    version: int
    entities: Mapping[str, Entity]
    users: tuple[ApiUser, ...]
    switches: Switches
    clock: JsonObject
    zone: str

    @cached_property
    def fields_by_lower_name(self) -> Mapping[str, Mapping[str, Field]]:
        """The fields of each entity by their names in lower case."""
        return {
            name: {field.lower(): described for field, described in entity.fields.items()}
            for name, entity in self.entities.items()
        }

    @cached_property
    def formatters(self) -> Mapping[str, Mapping[str, Formatter]]:
        """For each entity, what formats its stored values for a response."""
        return {name: formatters(entity, self.switches) for name, entity in self.entities.items()}

    def now(self) -> datetime:
        """Returns the instant that this tenant's clock shows."""
        return clock.now(self.clock)

    def signer(self, connection: sqlite3.Connection, user: ApiUser) -> int | None:
        """Returns the Resource that signs what a user writes.

        Every record of Autotask has a creator. A user without a Resource of its own signs as the
        first one of the tenant; None if the tenant has no Resource.
        """
        if user.resource is not None:
            return user.resource
        row = connection.execute('SELECT min(id) FROM "Resources"').fetchone()
        return None if row[0] is None else int(row[0])


class TenantCache:
    """The current tenant, kept until the version of its settings changes."""

    def __init__(self, entities: Mapping[str, Entity], base: Switches) -> None:
        """`base` are the switches that hold unless the database has others."""
        self._entities = entities
        self._base = base
        self._tenant: Tenant | None = None

    def current(self, connection: sqlite3.Connection) -> Tenant:
        """Returns the tenant as this connection sees it. Raises `SandboxError`."""
        version = int(settings.get(connection, "version", 0))
        tenant = self._tenant
        if tenant is None or tenant.version != version:
            tenant = self._tenant = _read_tenant(connection, self._entities, self._base, version)
        return tenant


def define_udf(connection: sqlite3.Connection, entity: Entity, name: str) -> None:
    """Inside a write: defines a user-defined field, unless one of that name exists in any case.

    Raises `SandboxError` if the entity cannot have user-defined fields.
    """
    if entity.udf_capable == "no":
        raise SandboxError(f"{entity.name} cannot have user-defined fields")
    udfs = settings.get(connection, "udfs", {})
    names = udfs.setdefault(entity.name, [])
    if name.lower() not in (defined.lower() for defined in names):
        names.append(name)
        add_column(connection, entity.name, UDF + name)
        settings.put(connection, "udfs", udfs)


def customized(entity: Entity, picklists: JsonObject, udfs: Json) -> Entity:
    """Returns the entity with a tenant's picklists and user-defined fields."""
    if not picklists and not udfs:
        return entity
    fields = dict(entity.fields)
    for name, values in picklists.items():
        picks = tuple(
            PickValue(value["value"], value["label"], value.get("active", True)) for value in values
        )
        fields[name] = replace(fields[name], picklist=picks, picklist_partial=False)
    for name in udfs:
        fields[UDF + name] = Field(UDF + name, Type.TEXT, max_length=UDF_LENGTH)
    return replace(entity, fields=fields)


def _read_tenant(
    connection: sqlite3.Connection, entities: Mapping[str, Entity], base: Switches, version: int
) -> Tenant:
    picklists = settings.get(connection, "picklists", {})
    udfs = settings.get(connection, "udfs", {})
    users = settings.get(connection, "users", []) or [DEFAULT_USER]
    levels = settings.get(connection, "levels", {})
    return Tenant(
        version=version,
        entities={
            name: customized(entity, picklists.get(name, {}), udfs.get(name, ()))
            for name, entity in entities.items()
        },
        users=tuple(_user(user, levels) for user in users),
        switches=base.replaced(settings.get(connection, "switches", {})),
        clock=settings.get(connection, "clock", {}),
        zone=settings.get(connection, "zone", ""),
    )


def _user(user: JsonObject, levels: Mapping[str, JsonObject]) -> ApiUser:
    return ApiUser(
        username=user["username"],
        secret=user["secret"],
        code=user["integration_code"],
        level=_level(user.get("level", security.FULL), levels),
        resource=user.get("resource"),
        api=user.get("api", True),
        impersonates=user.get("impersonates", False),
    )


def _level(name: str, levels: Mapping[str, JsonObject]) -> SecurityLevel:
    if name == security.FULL:
        return security.EVERYTHING
    if name not in levels:
        known = ", ".join([security.FULL, *levels])
        raise SandboxError(f"there is no security level {name!r}; there are {known}")
    level = levels[name]
    grants = level.get("entities", {}).items()
    hidden = level.get("hidden", {}).items()
    return SecurityLevel(
        name=name,
        grants={entity: frozenset(operations) for entity, operations in grants},
        costs=level.get("costs", True),
        hidden={entity: frozenset(ids) for entity, ids in hidden},
    )
