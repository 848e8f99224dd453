"""Plans that wait for a person, and what was said about them."""

import zlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from trueup.errors import EngineError
from trueup.fleet.connection import Connection, translated
from trueup.fleet.records import storable
from trueup.model.fleet_run import ApprovedPlan

YES, NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class KeptPlan:
    """A plan that waits for a person."""

    tenant: str
    digest: str
    document: str
    limits: tuple[str, ...]  # that it is over
    made: datetime
    answer: str  # yes, no, or nothing yet
    who: str
    over: tuple[str, ...]  # limits that whoever said yes allowed


def kept_plan(connection: Connection, tenant: str) -> KeptPlan | None:
    """The plan of a tenant that waits for a person."""
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
    return KeptPlan(tenant, digest, text, tuple(limits), made, answer, who, tuple(over))


def approved_plan(connection: Connection, tenant: str) -> ApprovedPlan | None:
    """The plan of a tenant that somebody said yes to, and that is not applied yet."""
    kept = kept_plan(connection, tenant)
    if kept is None or kept.answer != YES:
        return None
    return ApprovedPlan(kept.document, kept.who, frozenset(kept.over))


def write_answer(
    connection: Connection,
    kept: KeptPlan,
    answer: str,
    who: str,
    reason: str,
    over: Collection[str],
) -> None:
    """Keeps what somebody said about a plan, in the caller's transaction.

    Raises EngineError if the tenant was planned again meanwhile, with another result.
    """
    with translated():
        found = connection.execute(
            """
            UPDATE trueup_fleet.plans
               SET answer = %s, who = %s, reason = %s, over_limits = %s, answered = now()
             WHERE tenant = %s AND digest = %s
            """,
            [answer, who, storable(reason), list(over), kept.tenant, kept.digest],
        )
    if not found.rowcount:
        raise EngineError(
            f"{kept.tenant} was planned again meanwhile, with another result: look at that plan"
        )
