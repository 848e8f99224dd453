"""The context of one write: inside a transaction, by a user, at an instant."""

import sqlite3
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from trueup.model.catalogue import Entity
from trueup.sandbox.autotask import records, security, wire
from trueup.sandbox.autotask.records import StoredRecord
from trueup.sandbox.autotask.responses import AutotaskError
from trueup.sandbox.autotask.security import ApiUser
from trueup.sandbox.autotask.tenant import Tenant


class WriteContext(Struct, frozen=True):
    """Where and by whom one write is made."""

    db: sqlite3.Connection
    tenant: Tenant
    user: ApiUser
    now: datetime
    resource: int | None = None  # the Resource that signs: the user's own or an impersonated one

    def entity(self, name: str) -> Entity:
        """Returns an entity of the tenant."""
        return self.tenant.entities[name]

    def record(self, entity: str, record: object) -> StoredRecord | None:
        """Returns a record by its id, or None."""
        return records.fetch(self.db, self.tenant.entities[entity], record)

    def switch(self, name: str) -> str:
        """Returns the value of a switch."""
        return self.tenant.switches[name]


def impersonated_resource(
    db: sqlite3.Connection, tenant: Tenant, user: ApiUser, headers: Mapping[str, str]
) -> int | None:
    """Returns the Resource that signs a write: the user's own, or one that the user impersonates.

    Raises `AutotaskError` if that Resource is missing or inactive.
    Source: docs/explanation/autotask.md, section 1.
    """
    header = headers.get(security.IMPERSONATION, "").strip()
    if not header:
        return tenant.signer(db, user)
    id_ = wire.as_id(header)
    resource = None if id_ is None else records.fetch(db, tenant.entities["Resources"], id_)
    if resource is None or resource["isActive"] == 0:
        raise AutotaskError(
            "The Resource referenced by ImpersonationResourceId cannot be impersonated."
        )
    return int(resource["id"] or 0)
