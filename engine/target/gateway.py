"""Autotask behind the Target port: typed records in and out, every request through the client.

Calls: one zone look-up and one question for the threshold a run (more near the hour's limit); one for
the metadata of an entity that is asked for, one more where its user-defined fields are used. A read
costs one call per 500 values of its `in` list and per further page of 500 records, and one count for
a whole entity, and for a read of one piece that takes more than one page; a list of ids is never counted,
for there cannot be more records than ids. A create or an update costs one call.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from engine.errors import TargetError, TargetRejected
from engine.model.catalogue import Entity, Field
from engine.ports import Condition, Record, Threshold
from engine.target.answers import Garbled
from engine.target.catalogue import Rights
from engine.target.client import AutotaskClient
from engine.target.limits import PER_ENDPOINT
from engine.target.metadata import Metadata
from engine.target.paging import Item, Pages
from engine.target.query import Filter, filters, most
from engine.target.wire import ID, NotWire, included, reader
from engine.target.writes import create_request, created, parent_key, update_request, updated


class HttpTarget:
    """A tenant of Autotask, or the sandbox; it cannot tell which. Shared by threads."""

    def __init__(self, client: AutotaskClient, entities: Mapping[str, Entity], name: str, identity: str = "") -> None:
        """`entities` is the shipped catalogue; `name` is what people call the target.

        `identity` is which one it is, where address and user do not say so: a sandbox has another port each time.
        """
        self.client = client
        self._metadata = Metadata(client, entities)
        self._name = name
        self._identity = identity or client.identity

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self.client.close()

    def describe(self) -> str:
        """What people call it, without secrets."""
        return self._name

    def identity(self) -> str:
        """Which tenant it is, without secrets and without a call."""
        return self._identity

    def guarded(self, guard: Callable[[], None]) -> None:
        """From now on called right before each write is sent, repeats too; what it raises ends the write unsent."""
        self.client.guard = guard

    def stop(self) -> None:
        """From now on nothing is repeated or waited for: what is in flight ends, and says how."""
        self.client.stop()

    def keep_back(self, calls: int) -> None:
        """From now on a request is sent only if so many can be sent after it; else it raises CallsUsedUp."""
        self.client.keep_back(calls)

    @property
    def calls(self) -> int:
        """Requests sent so far, all of them."""
        return self.client.calls

    def threshold(self) -> Threshold:
        """Calls used of the hour, asked afresh. Raises TargetError."""
        return self.client.threshold()

    def entity(self, name: str) -> Entity:
        """The entity as this tenant has it; asked once, then known. Raises TargetError.

        User-defined fields are in it once one was used in a read or write; before, any is taken for text.
        """
        return self._metadata.entity(name)

    def udfs(self, name: str) -> Mapping[str, Field]:
        """The tenant's user-defined fields of the entity, by `udf.Name`; asked once. Raises TargetError."""
        return self._metadata.udfs(name)

    def rights(self, name: str) -> Rights:
        """What Autotask offers for the entity, and what the API user is granted. Raises TargetError."""
        return self._metadata.rights(name)

    def read(self, entity: str, where: Sequence[Condition], fields: Sequence[str]) -> list[Record]:
        """All records that fit, ascending by id, with `id` and these fields.

        Raises TargetError: a failed read is never an empty one.
        """
        names = list(dict.fromkeys(fields))
        known = self._metadata.knowing(entity, [*names, *(condition.field for condition in where)])
        if "query" not in known.operations:
            raise TargetError(f"{entity} cannot be read: Autotask has no query for it")
        pages = Pages(self.client, entity, included(names))
        items = self._all(pages, filters(known, where), counted=not where)
        record = reader(known, names)
        try:
            return [record(items[number]) for number in sorted(items)]
        except Garbled as fault:
            raise TargetError(f"reading {entity} in Autotask failed: {fault}") from None

    def create(self, entity: str, values: Mapping[str, object]) -> int | None:
        """Creates a record; its id, None where Autotask gives none.

        Raises TargetRejected, TargetUnavailable (`may_have_landed` says) or CallsUsedUp.
        """
        known = self._metadata.knowing(entity, values)
        try:
            request = create_request(known, values)
        except NotWire as fault:
            raise TargetRejected(f"not sent: {fault}", errors=[str(fault)], status=0) from None
        return self.client.call(request, created)

    def update(self, entity: str, record: int, values: Mapping[str, object]) -> None:
        """Sets these fields and leaves the others; a parent's key in `values` only shows the way.

        Raises TargetRejected, TargetUnavailable (`may_have_landed` says) or CallsUsedUp.
        """
        known = self._metadata.knowing(entity, values)
        key = parent_key(known)
        changed = {name: value for name, value in values.items() if name not in {key, ID}}
        if not changed:
            return
        parent = values.get(key) if key else None
        if key and parent is None:
            parent = self._parent_of(entity, record, key)
        try:
            request = update_request(known, record, changed, parent)
        except NotWire as fault:
            raise TargetRejected(f"not sent: {fault}", errors=[str(fault)], status=0) from None
        self.client.call(request, updated(record))

    def _parent_of(self, entity: str, record: int, key: str) -> object:
        """The way to a record whose parent the caller does not know; costs a call."""
        found = self.read(entity, [Condition(ID, "in", [record])], [key])
        if not found:
            raise TargetRejected(f"Autotask shows no {entity} {record} to update", status=0)
        return found[0][key]

    def _all(self, pages: Pages, asked: Sequence[Filter], *, counted: bool) -> Mapping[int, Item]:
        """The pieces of a read, three at a time; a record that two pieces find is one."""
        if len(asked) == 1:
            return pages.all(asked[0], counted=counted, most=most(asked[0]))
        found: dict[int, Item] = {}
        with ThreadPoolExecutor(min(PER_ENDPOINT, self.client.workers)) as pool:
            reads = [pool.submit(pages.all, piece, counted=False, most=most(piece), thorough=False) for piece in asked]
            try:
                for read in reads:
                    found.update(read.result())
            finally:
                for read in reads:
                    read.cancel()
        return found
