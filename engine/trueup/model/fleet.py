"""A fleet as fleet.yaml states it: many tenants, each a project, on a schedule.

Nothing here holds the value of a secret: a tenant names where each secret is kept, and
`trueup.fleet.secrets` reads it when a run begins. Paths are absolute.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec import Struct

from trueup.model.finding import Finding, Place
from trueup.model.overlay import Overrides
from trueup.model.wall_clock import instant_of

EMBEDDED = "embedded"
"""`database:` of a fleet that starts its own PostgreSQL on this machine."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Days of the week as fleet.yaml writes them; the index is that of `date.weekday`."""


class RunMode(StrEnum):
    """What a scheduled run of a tenant does."""

    PLAN = "plan"  # plans; writes nothing
    APPLY = "apply"  # applies a plan that is within `RunPolicy.within`; a larger one waits
    APPLY_APPROVED = "apply-approved"  # every plan waits for an approval, and is applied after it


class PolicyLimits(Struct, frozen=True):
    """Up to which figures a scheduled run applies its plan without an approval.

    They apply in addition to the project's guards. Amounts are in the project's currency.
    """

    changes: int  # of the plan
    monthly_effect: Decimal  # on the run rate: more, and less, each by itself
    one_off_effect: Decimal  # charged once: more, and less, owed or lost, each by itself


class RunPolicy(Struct, frozen=True):
    """`run:` of a tenant."""

    do: RunMode = RunMode.PLAN
    within: PolicyLimits | None = None  # never None for `apply`


class Schedule(Struct, frozen=True):
    """When a tenant's runs begin. `trueup.config.cron.due_after` computes the instants."""

    cron: str  # five fields, as crontab(5): minute, hour, day of month, month, day of week
    zone: ZoneInfo  # whose clock the cron is about
    place: Place


class Window(Struct, frozen=True):
    """When a tenant may be written to, on the clock of its schedule's zone.

    It begins on each of `days` at `start` and ends at `end`, which does not belong to it. Where
    `end` is not after `start`, it ends on the following day; midnight as `end` is that of the
    following day.
    """

    start: time
    end: time
    days: frozenset[int] = frozenset(range(7))  # on which it begins; Monday is 0

    def is_open(self, instant: datetime, zone: ZoneInfo) -> bool:
        """Whether the tenant may be written to at an instant."""
        local = instant.astimezone(zone)
        return self.includes(local.weekday(), local.time())

    def includes(self, weekday: int, at: time) -> bool:
        """Whether the window includes a time on a day of the week (Monday is 0)."""
        if self.start < self.end:
            return weekday in self.days and self.start <= at < self.end
        began_today = weekday in self.days and at >= self.start
        began_yesterday = (weekday - 1) % 7 in self.days and at < self.end
        return began_today or began_yesterday

    def opens_after(self, instant: datetime, zone: ZoneInfo) -> datetime:
        """Returns the instant itself if the window is open, otherwise its next opening, in UTC.

        If the clocks skip the opening time, it opens when they go forward.
        """
        if self.is_open(instant, zone):
            return instant.astimezone(UTC)
        day = instant.astimezone(zone).date() - timedelta(days=1)
        while True:
            opening = instant_of(datetime.combine(day, self.start), zone)
            if opening > instant and self.is_open(opening, zone):
                return opening
            day += timedelta(days=1)


class EnvironmentSecret(Struct, frozen=True):
    """A secret in an environment variable of the process that runs the tenant."""

    variable: str
    place: Place


class FileSecret(Struct, frozen=True):
    """A secret that is the content of a file, without one line end at its end."""

    path: Path
    place: Place


class KeyringSecret(Struct, frozen=True):
    """A secret in the keyring of the operating system."""

    service: str
    user: str
    place: Place


@dataclass(frozen=True, slots=True)
class CommandSecret:
    """A secret that a program prints, without one line end at its end. No shell is involved."""

    program: str  # the first of `arguments`; messages name it alone
    arguments: tuple[str, ...] = field(repr=False)
    folder: Path  # in which it is started
    timeout: timedelta
    place: Place


SecretReference = EnvironmentSecret | FileSecret | KeyringSecret | CommandSecret
"""Where a secret is kept; never the secret."""


class Tenant(Struct, frozen=True):
    """One tenant: its project, and how it is run."""

    name: str  # letters, digits and hyphens: the key of its state, jobs and metrics
    project_folder: Path  # trueup.yaml, mappings, rules; many tenants may share it, none writes it
    folder: Path  # what is the tenant's own: decisions, notes, and all that is written
    overrides: Overrides  # laid over trueup.yaml: `set` and `notify`
    secrets: Mapping[str, SecretReference]  # by NAME of `{{ env.NAME }}` in the project
    schedule: Schedule | None  # None: no run begins by itself
    run: RunPolicy
    window: Window | None  # None: may be written to at any time
    time_limit: timedelta  # a run that takes longer is ended; it can be resumed
    place: Place  # of its name in fleet.yaml
    project_place: Place | None = None  # of the folder that it, or `defaults`, names as its project

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the schedule and the window; UTC without a schedule."""
        return self.schedule.zone if self.schedule else ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class FleetDatabase:
    """The PostgreSQL database of a fleet: its jobs, records and the state of its tenants."""

    url: str = field(repr=False)  # empty for the embedded one; may hold a password
    place: Place
    unset: tuple[Finding, ...] = ()  # environment variables that it needs and that are not set

    @property
    def is_embedded(self) -> bool:
        """Whether the fleet starts its own PostgreSQL on this machine, below `Fleet.root`."""
        return not self.url and not self.unset


class Fleet(Struct, frozen=True):
    """fleet.yaml, checked."""

    root: Path  # the folder of fleet.yaml
    name: str
    database: FleetDatabase
    tenants: Mapping[str, Tenant]  # by name, in the order of the file
