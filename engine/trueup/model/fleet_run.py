"""One run of one tenant of a fleet, and the parts of a fleet's status."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct


class RunKind(StrEnum):
    """Why a run was queued."""

    SCHEDULED = "scheduled"  # its tenant's schedule
    AGAIN = "again"  # an earlier run could not do all: it goes on, or is tried again
    REQUESTED = "asked"  # `trueup fleet run`
    PLAN = "plan"  # `trueup fleet plan`: writes nothing, whatever the tenant's `run:` says
    APPROVED = "approved"  # `trueup fleet approve`: applies the plan that was approved


class FleetRunStatus(StrEnum):
    """The status of a run."""

    QUEUED = "queued"
    RUNNING = "running"
    PLANNED = "planned"  # the tenant's policy is to plan only
    DONE = "done"  # nothing was left to do, or all of it was done
    WAITING = "waiting"  # its plan waits: see `Waits`
    PARTIAL = "partial"  # applied in part: some changes failed or were held
    IN_DOUBT = "in doubt"  # the outcome of a change is unknown yet
    INTERRUPTED = "interrupted"  # its worker was stopped, or its state is locked; it goes on
    TOO_LONG = "too long"  # ended at its time limit
    FAILED = "failed"


class Waits(StrEnum):
    """What a tenant waits for."""

    NOTHING = ""
    APPROVAL = "approval"  # its plan needs an approval
    LIMITS = "limits"  # its plan exceeds limits and needs an approval for that
    WINDOW = "window"  # the time at which it may be written to
    REFUSED = "refused"  # its plan was refused: a plan with another result
    PERSON = "person"  # a change is in doubt that reading cannot settle


class PlanFigures(Struct, frozen=True):
    """The figures of a plan, in the tenant's currency; all amounts but `one_off` are per month."""

    changes: int
    blocked: int
    held: int
    more: Decimal  # on the run rate
    less: Decimal  # negative or zero
    one_off: Decimal
    under: Decimal  # billed too little now
    over: Decimal  # billed too much now; positive
    left: Decimal  # of both, what stays so after applying: held, or unexplained
    unpriced: int  # changes and ledger lines without a known price
    currency: str = ""


class Again(Struct, frozen=True):
    """A further run of the tenant, because of the last run's end."""

    at: datetime
    why: str
    is_retry: bool = True  # counts among the retries; waiting for a time that is known does not


class TenantDoubt(Struct, frozen=True):
    """Changes of a tenant whose outcome is unknown."""

    changes: int
    since: datetime | None
    until: datetime | None  # when reading settles them; None if a person must


@dataclass(frozen=True, slots=True)
class WaitingPlan:
    """A plan that waits for an approval."""

    document: str = field(repr=False)
    digest: str
    limits: tuple[str, ...] = ()  # the limits that it is over, by their names for `--over`


@dataclass(frozen=True, slots=True)
class ApprovedPlan:
    """A plan that was approved."""

    document: str = field(repr=False)
    who: str
    over: frozenset[str]  # limits that it may exceed


class RunEnd(Struct, frozen=True):
    """How a run ended, and its consequences."""

    status: FleetRunStatus
    text: str = ""
    figures: PlanFigures | None = None  # of the plan that it made
    outcomes: Mapping[str, int] = {}  # change status → changes
    waits: Waits = Waits.NOTHING
    plan: WaitingPlan | None = None
    doubt: TenantDoubt | None = None
    again: Again | None = None
    state_run: str = ""  # id of the run in the tenant's own history
    calls: int = 0


LATE = timedelta(minutes=1)
"""How long after its time a run is queued that counts as late."""


class FleetRun(Struct, frozen=True):
    """A run as the fleet's records have it."""

    id: int
    tenant: str
    kind: RunKind
    due: datetime
    missed: int  # earlier times of the schedule that it stands for, because no worker was there
    queued: datetime
    started: datetime | None
    ended: datetime | None
    begins: int  # times that it was begun; more than one after a worker died
    worker: str
    status: FleetRunStatus
    text: str
    figures: PlanFigures | None
    outcomes: Mapping[str, int]
    state_run: str
    calls: int  # requests to the target system, where it wrote

    @property
    def is_late(self) -> bool:
        """Whether the run was queued late: no worker ran, or the tenant had another run."""
        return self.kind is RunKind.SCHEDULED and self.queued - self.due > LATE

    @property
    def at_stake(self) -> Decimal:
        """What is billed wrongly each month, as far as this run did not correct it."""
        if self.figures is None:
            return Decimal(0)
        was_applied = self.status is FleetRunStatus.DONE and self.outcomes
        return self.figures.left if was_applied else self.figures.under + self.figures.over


class TenantStatus(Struct, frozen=True):
    """The status of one tenant."""

    name: str
    does: str
    last: FleetRun | None  # the run that ended last
    current: FleetRun | None  # queued or running
    next: datetime | None  # when its next run is queued
    next_why: str
    waits: Waits
    waits_since: datetime | None
    doubt: TenantDoubt | None


class WorkerStatus(Struct, frozen=True):
    """A worker that reported recently."""

    name: str
    host: str
    began: datetime
    seen: datetime
    running: int


class FleetStatus(Struct, frozen=True):
    """The status of the fleet."""

    fleet: str
    at: datetime
    tenants: tuple[TenantStatus, ...]
    workers: tuple[WorkerStatus, ...]
