"""The target that bills, as Autotask: its records, metadata and limits.

A record is a plain dict by the target's field names (user-defined fields as `udf.Name`) with `id`.
Values are Python's, as `model.catalogue.Type` says.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from trueup.model import mapping_state as work
from trueup.model.catalogue import Entity
from trueup.model.plan import PartialRead

Record = work.Record


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a query; conditions are ANDed. `op` is Autotask's: eq, in, gte, …"""

    field: str
    op: str
    value: object = None


@dataclass(frozen=True, slots=True)
class Threshold:
    """Calls in the current hour, of the whole tenant, and the limit."""

    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class CallCosts:
    """What requests to a target cost, for the estimate that a plan shows."""

    page: int  # records of a page, and values of an `in` list, at most
    in_flight: int  # requests that one endpoint takes at a time
    per_entity: int  # calls for an entity's metadata
    fixed: int  # calls of every run: to sign in, to ask for the limit, and one retry
    between_checks: int  # calls after which the limit is asked for again at the earliest


class Target(Protocol):
    """Autotask. Reads are bulk; every value goes out and comes in typed by the catalogue."""

    def describe(self) -> str:
        """What people call it, without secrets."""
        ...

    def identity(self) -> str:
        """The tenant, without secrets and without a call; different for each tenant."""
        ...

    def entity(self, name: str) -> Entity:
        """The entity in this tenant: picklists, user-defined fields, rights; read once."""
        ...

    def denied(self, entity: str) -> frozenset[str]:
        """Those of create, query and update that the API user may not do. Asked once, then known.

        Raises TargetError.
        """
        ...

    def renew(self, entities: Iterable[str]) -> bool:
        """Asks again for what `entity` had from an earlier plan, where that is in doubt.

        That is of these entities, and of those that a record or a refusal contradicted. Returns
        whether any of it has changed: then what was planned with it is planned again. Raises
        TargetError.
        """
        ...

    @property
    def notices(self) -> Sequence[str]:
        """Remarks about reading that no plan depends on: metadata that an earlier plan has read."""
        ...

    @property
    def partial_reads(self) -> Sequence[PartialRead]:
        """Queries of which only what changed was read since an earlier plan; most targets: none."""
        ...

    def read(self, entity: str, where: Sequence[Condition], fields: Sequence[str]) -> list[Record]:
        """All records that fit, ascending by id, with `id` and these fields.

        An `in` list of any length is asked in pieces. A read of a whole entity (no conditions)
        is checked against query/count. Raises TargetError; a failed read is never an empty one.
        """
        ...

    def create(self, entity: str, values: Mapping[str, object]) -> int | None:
        """Creates a record, below its parent if needed. Returns its id, or None if it has none.

        Raises TargetRejected (it did not happen) or TargetUnavailable (`may_have_landed` says).
        """
        ...

    def update(self, entity: str, record: int, values: Mapping[str, object]) -> None:
        """Sets these fields and leaves the others. `values` may hold the parent key for routing."""
        ...

    def before_write(self, guard: Callable[[], None]) -> None:
        """Sets what is called right before each write; if it raises, the write is not sent."""
        ...

    def stop(self) -> None:
        """From now on nothing is repeated or waited for: what is in flight ends, and says how."""
        ...

    def reserve_calls(self, calls: int) -> None:
        """From now on a request is sent only if this many of the run's calls are left after it.

        Otherwise CallsUsedUp is raised. The calls kept back prove what was sent; 0 frees them.
        """
        ...

    def threshold(self) -> Threshold:
        """How much of the hour's calls is used."""
        ...

    @property
    def call_costs(self) -> CallCosts:
        """How this target pages and counts requests."""
        ...

    @property
    def calls(self) -> int:
        """Requests sent so far, all of them."""
        ...

    @property
    def spared(self) -> int:
        """Requests that were not sent because an earlier plan has kept their answers."""
        ...
