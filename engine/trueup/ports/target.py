"""The target port: the system that bills, such as Autotask; its records, metadata and limits.

A record is a plain dict by the target's field names (user-defined fields as `udf.Name`) with `id`.
Values have the Python types of `model.catalogue.Type`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum, auto
from typing import Any, Protocol

from msgspec import Struct

from trueup.model import mapping_state as work
from trueup.model.catalogue import Entity
from trueup.model.plan import PartialRead

Record = work.Record


class CachePolicy(Enum):
    """How a command uses answers of the target that an earlier command kept."""

    IGNORED = auto()  # it is not used, and nothing is kept
    RENEWED = auto()  # it is not used, and what is read replaces it
    USED = auto()  # it is used, and what is read besides is added


Facts = Mapping[str, Any]
"""Facts of a field under the keys of the catalogue of entities."""


class DescribedEntity(Struct, frozen=True):
    """An entity as the tenant describes it."""

    name: str
    operations: tuple[str, ...]
    has_udfs: bool
    fields: Mapping[str, Facts]  # user-defined ones as `udf.Name`


class Condition(Struct, frozen=True):
    """One condition of a query; conditions are ANDed. `op`: eq, in, gte, …"""

    field: str
    op: str
    value: object = None


class Threshold(Struct, frozen=True):
    """Calls in the current hour, of the whole tenant, and the limit."""

    used: int
    limit: int


class CallCosts(Struct, frozen=True):
    """What requests to a target cost, for the estimate in a plan."""

    page: int  # records of a page, and values of an `in` list, at most
    in_flight: int  # requests that one endpoint takes at a time
    per_entity: int  # calls for an entity's metadata
    fixed: int  # calls of every run: to sign in, to ask for the limit, and one retry
    between_checks: int  # calls after which the limit is asked for again at the earliest


class Target(Protocol):
    """A system that bills. Reads are bulk; the catalogue defines the types of all values."""

    def describe(self) -> str:
        """Returns the display name, without secrets."""
        ...

    def identity(self) -> str:
        """Returns the tenant, without secrets and without a call; different for each tenant."""
        ...

    def entity(self, name: str) -> Entity:
        """Returns the entity in this tenant: picklists, user-defined fields, rights; read once."""
        ...

    def denied(self, entity: str) -> frozenset[str]:
        """Returns those of create, query and update that the API user may not do; read once.

        Raises TargetError.
        """
        ...

    def renew(self, entities: Iterable[str]) -> bool:
        """Reads metadata again that an earlier plan kept and that is in doubt.

        In doubt is that of these entities, and of those that a record or a refusal contradicted.
        Returns whether any of it has changed: then the plan must be made again. Raises TargetError.
        """
        ...

    @property
    def notices(self) -> Sequence[str]:
        """Returns remarks about reading that no plan depends on, such as reused metadata."""
        ...

    @property
    def partial_reads(self) -> Sequence[PartialRead]:
        """Returns the queries that read only what changed since an earlier plan; often none."""
        ...

    def read(self, entity: str, where: Sequence[Condition], fields: Sequence[str]) -> list[Record]:
        """Returns all records that fit, ascending by id, with `id` and these fields.

        An `in` list may have any length. A read of a whole entity (no conditions) is checked
        against query/count. Raises TargetError; a failed read never returns an empty result.
        """
        ...

    def create(self, entity: str, values: Mapping[str, object]) -> int | None:
        """Creates a record, below its parent if needed. Returns its id, or None if it has none.

        Raises TargetRejected or TargetUnavailable: with `may_have_landed` of either, it may have
        happened all the same.
        """
        ...

    def update(self, entity: str, record: int, values: Mapping[str, object]) -> None:
        """Sets these fields and leaves the others. `values` may hold the parent key for routing.

        Raises as `create` does.
        """
        ...

    def before_write(self, guard: Callable[[], None]) -> None:
        """Sets a function that is called right before each write; its error prevents the write."""
        ...

    def stop(self) -> None:
        """Ends all repeats and waits: requests in flight end, with their result."""
        ...

    def reserve_calls(self, calls: int) -> None:
        """Reserves calls of the run: requests that would leave fewer than these raise CallsUsedUp.

        The reserved calls prove what was sent; 0 releases them.
        """
        ...

    def threshold(self) -> Threshold | None:
        """Returns how much of the hour's calls is used; None if the system does not report it."""
        ...

    @property
    def call_costs(self) -> CallCosts:
        """Returns how this target pages and counts requests."""
        ...

    @property
    def calls(self) -> int:
        """The number of requests sent so far."""
        ...

    @property
    def spared(self) -> int:
        """The number of requests that answers of an earlier plan made unnecessary."""
        ...
