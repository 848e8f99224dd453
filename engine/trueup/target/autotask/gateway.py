"""Autotask behind the `Target` port: typed records, and every request through the client.

What it costs in calls:

- one zone look-up and one reading of the threshold in a run (more near the hour's limit), none in a
  plan of less than 25 calls if an earlier command has kept them;
- one for the metadata of an entity that is asked for, one more if its user-defined fields are used,
  none if an earlier plan has kept it;
- for a read, one call for each 500 values of its `in` list and for each further page of 500
  records. A whole entity is counted, which is one more call; so is a read of one piece that takes
  more than one page. A list of ids is never counted, because it cannot find more records than ids;
- one for a create or an update.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from trueup.errors import TargetError, TargetRejected
from trueup.model.catalogue import Entity
from trueup.model.plan import PartialRead
from trueup.ports.target import CallCosts, Condition, Record, Threshold
from trueup.target.autotask.call_costs import COSTS
from trueup.target.autotask.changed_reads import ChangedReads, Changes
from trueup.target.autotask.client import AutotaskClient
from trueup.target.autotask.contradictions import contradict
from trueup.target.autotask.kept_answers import KeptAnswers
from trueup.target.autotask.kept_notices import kept_notices
from trueup.target.autotask.metadata import Metadata
from trueup.target.autotask.pieces import Query, merged, read_pieces
from trueup.target.autotask.query import filters
from trueup.target.autotask.responses import MalformedResponse
from trueup.target.autotask.wire import ID, UnsendableValue, include_fields, record_reader
from trueup.target.autotask.writes import (
    create_request,
    created_id,
    parent_key,
    update_reader,
    update_request,
)

_OPERATIONS = ("create", "query", "update")


class HttpTarget:
    """A tenant of Autotask, or the sandbox: it cannot distinguish them. Shared by threads."""

    def __init__(
        self,
        client: AutotaskClient,
        entities: Mapping[str, Entity],
        name: str,
        identity: str = "",
        kept: KeptAnswers | None = None,
        changes: Changes | None = None,
    ) -> None:
        """`entities` is the shipped catalogue; `name` is the target's name in messages.

        `identity` replaces the client's identity if address and user do not identify the tenant: a
        sandbox has another port in each run. `kept` has metadata of earlier plans, `changes` their
        records; without them everything is read in full.
        """
        self.client = client
        self._denied: dict[str, frozenset[str]] = {}
        self._moves = 0  # of the tenant, that `renew` has seen
        self._name = name
        self._identity = identity or client.identity
        self.metadata = Metadata(client, entities, kept, self._identity)
        self._changed = (
            ChangedReads(client, changes, lambda: client.reads_as(self._identity))
            if changes
            else None
        )

    def close(self) -> None:
        """Closes the connections, and keeps what was read for later plans."""
        self.metadata.answers.save()
        if self._changed:
            self._changed.save()
        self.client.close()

    def describe(self) -> str:
        """Returns the name of the target, without secrets."""
        return self._name

    def identity(self) -> str:
        """Returns which tenant it is, without secrets and without a call."""
        return self._identity

    def before_write(self, guard: Callable[[], None]) -> None:
        """Calls the guard right before each write is sent, also before repeats.

        An error that it raises prevents the write.
        """
        self.client.before_write(guard)

    def stop(self) -> None:
        """Stops repeats and waits. Requests in flight still end."""
        self.client.stop()

    def reserve_calls(self, calls: int) -> None:
        """Reserves calls of the run: a request that would leave fewer raises `CallsUsedUp`."""
        self.client.reserve_calls(calls)

    @property
    def call_costs(self) -> CallCosts:
        """How Autotask pages and counts requests."""
        return COSTS

    @property
    def calls(self) -> int:
        """All requests sent so far."""
        return self.client.calls

    @property
    def spared(self) -> int:
        """Requests that were not sent because of what an earlier plan has kept."""
        records = self._changed.spared if self._changed else 0
        return len(self.client.kept_since()) + self.metadata.answers.count() + records

    def threshold(self) -> Threshold | None:
        """Returns the calls of the current hour, read from the service.

        None if it does not report them. Raises `TargetError`.
        """
        return self.client.threshold()

    def entity(self, name: str) -> Entity:
        """Returns the entity as this tenant has it; its metadata is read once.

        User-defined fields are part of it once one was used in a read or write; before, any name is
        taken for a text. Raises `TargetError`.
        """
        return self.metadata.entity(name)

    def denied(self, entity: str) -> frozenset[str]:
        """Returns those of create, query and update that the API user may not do; read once.

        Raises `TargetError`.
        """
        if entity not in self._denied:
            self._denied[entity] = self.metadata.denied(entity, _OPERATIONS)
        return self._denied[entity]

    def renew(self, entities: Iterable[str]) -> bool:
        """Reads kept metadata again that is in doubt; returns whether it has changed.

        In doubt is that of these entities, and what an answer has contradicted; all of it, if the
        tenant has moved to another zone meanwhile, which counts as a change. Raises `TargetError`.
        """
        has_moved = self.client.moves > self._moves
        if has_moved:
            self._moves = self.client.moves
            self._denied.clear()
            entities = {*entities, *self.metadata.answers.since()}
        has_changed = self.metadata.renew(entities) or has_moved
        if has_changed and self._changed:
            self._changed.begin_again()
        return has_changed

    @property
    def partial_reads(self) -> Sequence[PartialRead]:
        """Returns what was not read in full."""
        return self._changed.partial if self._changed else ()

    @property
    def notices(self) -> Sequence[str]:
        """Returns what an earlier plan has read, and when: zone, metadata and records."""
        since = self.client.kept_since()
        return kept_notices(self._name, since, self.metadata.answers, self._changed)

    def read(self, entity: str, where: Sequence[Condition], fields: Sequence[str]) -> list[Record]:
        """Returns all records that meet the conditions, ordered by id, with `id` and these fields.

        Raises `TargetError`; a failed read never looks like an empty one.
        """
        names = list(dict.fromkeys(fields))
        condition_fields = [condition.field for condition in where]
        definition = self.metadata.with_fields(entity, names, condition_fields)
        if "query" not in definition.operations:
            raise TargetError(f"{entity} cannot be read: Autotask has no query for it")
        with self.metadata.forgetting(entity):
            if self._changed:
                items = self._changed.read(definition, where, names)
            else:
                query = Query(entity, filters(definition, where), counted=not where)
                items = merged(read_pieces(self.client, query, include_fields(names)))
        record = record_reader(definition, names)
        try:
            records = [record(items[number]) for number in sorted(items)]
        except MalformedResponse as fault:
            raise TargetError(f"reading {entity} in Autotask failed: {fault}") from None
        if self.metadata.answers.has(entity) and contradict(definition, names, items, records):
            self.metadata.contradict(entity)
        return records

    def create(self, entity: str, values: Mapping[str, object]) -> int | None:
        """Creates a record, and returns its id, None if Autotask gives none.

        Raises `TargetRejected` or `TargetUnavailable` (with `may_have_landed` it may have been
        carried out) or `CallsUsedUp` (not sent).
        """
        definition = self.metadata.with_fields(entity, values)
        try:
            request = create_request(definition, values)
        except UnsendableValue as fault:
            raise _not_sent(fault) from None
        with self.metadata.forgetting(entity):
            return self.client.call(request, created_id)

    def update(self, entity: str, record: int, values: Mapping[str, object]) -> None:
        """Sets these fields and leaves the others; a parent's key in `values` is for the path only.

        Raises `TargetRejected` or `TargetUnavailable` (with `may_have_landed` it may have been
        carried out) or `CallsUsedUp` (not sent).
        """
        definition = self.metadata.with_fields(entity, values)
        key = parent_key(definition)
        changed = {name: value for name, value in values.items() if name not in {key, ID}}
        if not changed:
            return
        parent = values.get(key) if key else None
        if key and parent is None:
            parent = self._read_parent(entity, record, key)
        try:
            request = update_request(definition, record, changed, parent)
        except UnsendableValue as fault:
            raise _not_sent(fault) from None
        with self.metadata.forgetting(entity):
            self.client.call(request, update_reader(record))

    def _read_parent(self, entity: str, record: int, key: str) -> object:
        """The parent's id of a record, if the caller does not know it; costs one call."""
        records = self.read(entity, [Condition(ID, "in", [record])], [key])
        if not records:
            raise TargetRejected(f"Autotask has no {entity} {record} to update", status=0)
        return records[0][key]


def _not_sent(fault: UnsendableValue) -> TargetRejected:
    return TargetRejected(f"not sent: {fault}", errors=[str(fault)], status=0)
