"""What is recorded of a run whose process did not record its own end."""

from datetime import UTC, datetime
from typing import assert_never

from trueup.fleet.child import ChildEnd
from trueup.model.fleet import Tenant
from trueup.model.fleet_run import Again, FleetRunStatus, RunEnd


def abnormal_end(end: ChildEnd, tenant: Tenant) -> RunEnd | None:
    """Returns the end to record; None if the process recorded it, or another process will."""
    now = datetime.now(UTC)
    match end:
        case ChildEnd.RECORDED | ChildEnd.BUSY:
            return None
        case ChildEnd.TOO_LONG:
            text = (
                f"ended at its time limit of {tenant.time_limit.total_seconds():,.0f} s; what was "
                "begun continues with the next run"
            )
            return RunEnd(FleetRunStatus.TOO_LONG, text, again=Again(now, "it took too long"))
        case ChildEnd.STOPPED:
            again = Again(now, "its worker was stopped", is_retry=False)
            return RunEnd(FleetRunStatus.INTERRUPTED, "its worker was stopped", again=again)
        case ChildEnd.AWAY:
            again = Again(now, "the database was away", is_retry=False)
            return RunEnd(FleetRunStatus.INTERRUPTED, "the database went away", again=again)
        case ChildEnd.CRASHED:
            text = "its process ended without a result: out of memory, killed, or a fault in trueup"
            return RunEnd(FleetRunStatus.FAILED, text, again=Again(now, "its process ended"))
        case _:
            assert_never(end)
