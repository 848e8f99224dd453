"""The entities: from the shipped catalogue, and from the tenant's metadata where needed.

Metadata may come from a file of an earlier plan (`kept_answers`). A kept answer is read again

- if it lacks a field or a user-defined field that is named;
- before a condition on a user-defined field is sent, because what Autotask does with one that was
  deleted meanwhile is UNCERTAIN, and a query that finds nothing looks like records to create;
- if a record lacks a user-defined field that it names, or holds a picklist's value that it lacks
  (`contradict`, then `renew`);
- if it denies a right: a person may have granted it after a plan needed it;
- after a refusal of the entity, by the next process (`forgetting`).
"""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from msgspec.structs import replace

from trueup.errors import TargetError, TargetRejected
from trueup.model.catalogue import UDF, Entity, Field
from trueup.model.suggestions import closest
from trueup.target.autotask.catalogue import EntityRights, fields_reader, read_rights, read_udfs
from trueup.target.autotask.client import AutotaskClient
from trueup.target.autotask.kept_answers import KeptAnswers
from trueup.target.autotask.metadata_answers import MetadataAnswers, answer_path
from trueup.target.autotask.retry import ApiRequest

_RIGHTS, _FIELDS, _UDFS = "", "/fields", "/userDefinedFields"
"""Routes below `entityInformation`."""

_Result = TypeVar("_Result")


class Metadata:
    """Reads each entity's metadata once, and its user-defined fields once they are used.

    It is shared by threads. All methods raise `TargetError`.
    """

    def __init__(
        self,
        client: AutotaskClient,
        catalogue: Mapping[str, Entity],
        kept: KeptAnswers | None = None,
        tenant: str = "",
    ) -> None:
        """`catalogue` has the shipped entities by name; `kept` are answers of earlier plans.

        `tenant` is its identity, to which kept answers belong, with API user and zone.
        """
        self._client = client
        self._catalogue = catalogue
        self.answers = MetadataAnswers(self._read, kept, lambda: client.reads_as(tenant))
        self._tenant: dict[str, Entity] = {}
        self._udfs: dict[str, Mapping[str, Field]] = {}
        self._contradicted: set[str] = set()
        self._changed: set[str] = set()  # entities of which a kept answer was another one
        self._locks = {name: threading.RLock() for name in catalogue}

    def entity(self, name: str) -> Entity:
        """Returns the entity as this tenant has it; its metadata is read once.

        The user-defined fields are part of it once one was used.
        """
        catalogued = self._catalogued(name)
        with self._locks[name]:
            if name not in self._tenant:
                self._tenant[name] = self.answers.get(name, _FIELDS, fields_reader(catalogued))
            return self._with_udfs(self._tenant[name])

    def udfs(self, name: str) -> Mapping[str, Field]:
        """Returns the tenant's user-defined fields of the entity by `udf.Name`; read once."""
        is_capable = self._catalogued(name).udf_capable != "no"
        with self._locks[name]:
            if name not in self._udfs:
                self._udfs[name] = self.answers.get(name, _UDFS, read_udfs) if is_capable else {}
            return self._udfs[name]

    def rights(self, name: str) -> EntityRights:
        """Returns what Autotask offers for the entity and grants the API user; read each time."""
        return self.answers.read_again(self._catalogued(name).name, _RIGHTS, read_rights)

    def denied(self, name: str, operations: Collection[str]) -> frozenset[str]:
        """Returns those of the operations that the API user may not do.

        A kept answer is used unless it withholds one that Autotask offers.
        """
        with self._locks[self._catalogued(name).name]:
            rights = self.answers.get(name, _RIGHTS, read_rights)
            withheld = {
                operation for operation in operations if rights.offered.get(operation, True)
            } & _denied(rights, operations)
            if withheld and self.answers.is_kept(name, _RIGHTS):
                rights = self.answers.read_again(name, _RIGHTS, read_rights)
            return _denied(rights, operations)

    def with_fields(
        self, name: str, fields: Iterable[str], conditions: Iterable[str] = ()
    ) -> Entity:
        """Returns the entity with these fields; reads metadata only for unknown ones.

        `conditions` are those that a query is restricted by. Raises `TargetRejected` for a field
        that does not exist.
        """
        catalogued = self._catalogued(name)
        restricting = {*conditions}
        names = {*fields, *restricting}
        with self._locks[name]:
            entity = self._having(catalogued, names)
            is_doubtful = any(field not in entity.fields for field in names)
            if is_doubtful or any(_is_udf(field) for field in restricting):
                routes = (_FIELDS, _UDFS) if is_doubtful else (_UDFS,)
                self._renew(name, routes)
                entity = self._having(catalogued, names)
        _check_exist(entity, names)
        return entity

    def contradict(self, name: str) -> None:
        """Notes that an answer has something that the entity's kept metadata lacks."""
        self._contradicted.add(name)

    def renew(self, names: Iterable[str]) -> bool:
        """Reads kept metadata again of these entities, and of those that were contradicted.

        Returns whether any of it has changed since it was kept.
        """
        for name in sorted({*names, *self._contradicted} & self._catalogue.keys()):
            with self._locks[name]:
                self._renew(name, (_FIELDS, _UDFS))
        changed = bool(self._changed)
        self._changed.clear()
        return changed

    @contextmanager
    def forgetting(self, name: str) -> Iterator[None]:
        """Drops the kept metadata of an entity if it is refused: it may be out of date.

        The next process reads it again.
        """
        try:
            yield
        except TargetRejected:
            self.answers.forget(name)
            raise

    def _having(self, catalogued: Entity, names: Iterable[str]) -> Entity:
        """The entity, with the metadata that these fields need; it may lack some of them."""
        name = catalogued.name
        if any(catalogued.field(field) is None for field in names):
            entity = self.entity(name)
        else:
            entity = self._tenant.get(name, catalogued)
        if any(_is_udf(field) and entity.field(field) for field in names):
            self.udfs(name)
        return self._with_udfs(entity)

    def _renew(self, name: str, routes: Iterable[str]) -> None:
        """Asks again for those of the answers that came from the file."""
        before = self._tenant.get(name), self._udfs.get(name)
        for route in routes:
            if self.answers.is_kept(name, route) and route == _FIELDS:
                reader = fields_reader(self._catalogued(name))
                self._tenant[name] = self.answers.read_again(name, route, reader)
            elif self.answers.is_kept(name, route):
                self._udfs[name] = self.answers.read_again(name, route, read_udfs)
        if before != (self._tenant.get(name), self._udfs.get(name)):
            self._changed.add(name)

    def _with_udfs(self, entity: Entity) -> Entity:
        udfs = self._udfs.get(entity.name)
        return replace(entity, fields={**entity.fields, **udfs}) if udfs else entity

    def _catalogued(self, name: str) -> Entity:
        if name not in self._catalogue:
            hint = _suggestion(name, self._catalogue)
            raise TargetError(f"{name!r} is not an entity of the catalogue{hint}")
        return self._catalogue[name]

    def _read(self, name: str, route: str, read: Callable[[object], _Result]) -> _Result:
        path, what = answer_path(name, route), f"reading the metadata of {name}"
        return self._client.call(ApiRequest("GET", path, name, what), read)


def _denied(rights: EntityRights, operations: Iterable[str]) -> frozenset[str]:
    return frozenset(
        operation
        for operation in operations
        if not rights.offered.get(operation, True) or rights.granted.get(operation) == "none"
    )


def _is_udf(field: str) -> bool:
    return field.startswith(UDF)


def _check_exist(entity: Entity, names: Iterable[str]) -> None:
    """Raises `TargetRejected` for an unknown field.

    A user-defined field that the tenant does not have would otherwise be read as empty.
    """
    for name in sorted(names):
        if name not in entity.fields:
            kind = "user-defined field" if _is_udf(name) else "field"
            hint = _suggestion(name, entity.fields)
            text = f"{entity.name} has no {kind} {name.removeprefix(UDF)!r}{hint}"
            raise TargetRejected(text, errors=[text], status=0)


def _suggestion(name: str, known: Iterable[str]) -> str:
    near = closest(name, known)
    return f"; did you mean {near!r}?" if near else ""
