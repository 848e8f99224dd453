"""Plans that wait for an approval, and the answers to them, in the fleet's database."""

import zlib
from collections.abc import Collection
from datetime import datetime

from msgspec import Struct

from trueup.errors import EngineError
from trueup.fleet.connection import Connection, translated
from trueup.fleet.records import storable
from trueup.model.fleet_run import ApprovedPlan

YES, NO = "yes", "no"


class StoredPlan(Struct, frozen=True):
    """A plan that waits for an approval, as the fleet's database has it."""

    tenant: str
    digest: str
    document: str
    limits: tuple[str, ...]  # the limits that it exceeds
    made: datetime
    answer: str  # "yes", "no", or "" before an answer
    who: str
    over: tuple[str, ...]  # limits that the approver allowed it to exceed


def read_stored_plan(connection: Connection, tenant: str) -> StoredPlan | None:
    """Returns the plan of a tenant that waits for an approval, or None."""
    with translated():
        row = connection.execute(
            """
            SELECT digest, document, limits, made, answer, who, over_limits
              FROM trueup_fleet.plans WHERE tenant = %s
            """,
            [tenant],
        ).fetchone()
    if row is None:
        return None
    digest, document, limits, made, answer, who, over = row
    text = zlib.decompress(bytes(document)).decode()
    return StoredPlan(tenant, digest, text, tuple(limits), made, answer, who, tuple(over))


def read_approved_plan(connection: Connection, tenant: str) -> ApprovedPlan | None:
    """Returns the plan of a tenant that is approved and not applied yet, or None."""
    stored = read_stored_plan(connection, tenant)
    if stored is None or stored.answer != YES:
        return None
    return ApprovedPlan(stored.document, stored.who, frozenset(stored.over))


def write_answer(
    connection: Connection,
    stored: StoredPlan,
    answer: str,
    who: str,
    reason: str,
    over: Collection[str],
) -> None:
    """Writes an answer to a stored plan, in the caller's transaction.

    Raises EngineError if the tenant was planned again meanwhile, with another result.
    """
    with translated():
        updated = connection.execute(
            """
            UPDATE trueup_fleet.plans
               SET answer = %s, who = %s, reason = %s, over_limits = %s, answered = now()
             WHERE tenant = %s AND digest = %s
            """,
            [answer, who, storable(reason), list(over), stored.tenant, stored.digest],
        )
    if not updated.rowcount:
        raise EngineError(
            f"{stored.tenant} was planned again meanwhile, with another result: look at that plan"
        )
