"""The entities: from the shipped catalogue, and from the tenant's metadata where it is needed."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from trueup.errors import TargetError, TargetRejected
from trueup.model.catalogue import UDF, Entity, Field
from trueup.model.suggestions import closest
from trueup.target.autotask.catalogue import EntityRights, fields_reader, read_rights, read_udfs
from trueup.target.autotask.client import AutotaskClient
from trueup.target.autotask.retry import ApiRequest

_Result = TypeVar("_Result")


class Metadata:
    """Reads each entity's metadata once, and its user-defined fields once they are used.

    It is shared by threads. All methods raise `TargetError`.
    """

    def __init__(self, client: AutotaskClient, catalogue: Mapping[str, Entity]) -> None:
        """`catalogue` has the shipped entities by name."""
        self._client = client
        self._catalogue = catalogue
        self._tenant: dict[str, Entity] = {}
        self._udfs: dict[str, Mapping[str, Field]] = {}
        self._locks = {name: threading.RLock() for name in catalogue}

    def entity(self, name: str) -> Entity:
        """Returns the entity as this tenant has it; its metadata is read once.

        The user-defined fields are part of it once one was used.
        """
        catalogued = self._catalogued(name)
        with self._locks[name]:
            if name not in self._tenant:
                self._tenant[name] = self._read(name, "/fields", fields_reader(catalogued))
            return self._with_udfs(self._tenant[name])

    def udfs(self, name: str) -> Mapping[str, Field]:
        """Returns the tenant's user-defined fields of the entity by `udf.Name`; read once."""
        is_capable = self._catalogued(name).udf_capable != "no"
        with self._locks[name]:
            if name not in self._udfs:
                self._udfs[name] = (
                    self._read(name, "/userDefinedFields", read_udfs) if is_capable else {}
                )
            return self._udfs[name]

    def rights(self, name: str) -> EntityRights:
        """Returns what Autotask offers for the entity and grants the API user; read each time."""
        return self._read(self._catalogued(name).name, "", read_rights)

    def with_fields(self, name: str, fields: Iterable[str]) -> Entity:
        """Returns the entity with these fields; reads metadata only for unknown ones.

        Raises `TargetRejected` for a field that does not exist.
        """
        catalogued = self._catalogued(name)
        names = set(fields)
        with self._locks[name]:
            if any(catalogued.field(field) is None for field in names):
                entity = self.entity(name)
            else:
                entity = self._tenant.get(name, catalogued)
            if any(_is_udf(field) and entity.field(field) for field in names):
                self.udfs(name)
            entity = self._with_udfs(entity)
        _check_exist(entity, names)
        return entity

    def _with_udfs(self, entity: Entity) -> Entity:
        udfs = self._udfs.get(entity.name)
        return replace(entity, fields={**entity.fields, **udfs}) if udfs else entity

    def _catalogued(self, name: str) -> Entity:
        if name not in self._catalogue:
            hint = _suggestion(name, self._catalogue)
            raise TargetError(f"{name!r} is not an entity of the catalogue{hint}")
        return self._catalogue[name]

    def _read(self, name: str, route: str, read: Callable[[object], _Result]) -> _Result:
        path, what = f"{name}/entityInformation{route}", f"reading the metadata of {name}"
        return self._client.call(ApiRequest("GET", path, name, what), read)


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
