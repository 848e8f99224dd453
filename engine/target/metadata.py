"""What is known of the entities: the shipped catalogue, and what the tenant says once it is asked."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import TypeVar

from engine.errors import TargetError, TargetRejected
from engine.model.catalogue import UDF, Entity, Field
from engine.target.catalogue import Rights, read_fields, read_rights, read_udfs
from engine.target.client import AutotaskClient
from engine.target.repeating import Request

_T = TypeVar("_T")


class Metadata:
    """Asks for each entity once, and for its user-defined fields once one is used. Shared by threads."""

    def __init__(self, client: AutotaskClient, shipped: Mapping[str, Entity]) -> None:
        self._client = client
        self._shipped = shipped
        self._live: dict[str, Entity] = {}
        self._udfs: dict[str, Mapping[str, Field]] = {}
        self._locks = {name: threading.RLock() for name in shipped}

    def entity(self, name: str) -> Entity:
        """The entity as this tenant has it, with its user-defined fields once one was used. Asked once."""
        shipped = self._catalogued(name)
        with self._locks[name]:
            if name not in self._live:
                self._live[name] = self._ask(name, "/fields", read_fields(shipped))
            return self._with_udfs(self._live[name])

    def udfs(self, name: str) -> Mapping[str, Field]:
        """The tenant's user-defined fields of the entity, by `udf.Name`; asked once."""
        capable = self._catalogued(name).udf_capable != "no"
        with self._locks[name]:
            if name not in self._udfs:
                self._udfs[name] = self._ask(name, "/userDefinedFields", read_udfs) if capable else {}
            return self._udfs[name]

    def rights(self, name: str) -> Rights:
        """What Autotask offers for the entity, and what the API user is granted; asked afresh."""
        return self._ask(self._catalogued(name).name, "", read_rights)

    def knowing(self, name: str, fields: Iterable[str]) -> Entity:
        """The entity with these fields; asks only for what is not known. Raises TargetError."""
        shipped = self._catalogued(name)
        names = set(fields)
        with self._locks[name]:
            if any(shipped.field(field) is None for field in names):
                entity = self.entity(name)
            else:
                entity = self._live.get(name, shipped)
            if any(_is_udf(field) and entity.field(field) for field in names):
                self.udfs(name)
            entity = self._with_udfs(entity)
        _refuse_unknown(entity, names)
        return entity

    def _with_udfs(self, entity: Entity) -> Entity:
        udfs = self._udfs.get(entity.name)
        return replace(entity, fields={**entity.fields, **udfs}) if udfs else entity

    def _catalogued(self, name: str) -> Entity:
        if name not in self._shipped:
            raise TargetError(f"{name!r} is no entity of the catalogue{_hint(name, self._shipped)}")
        return self._shipped[name]

    def _ask(self, name: str, about: str, read: Callable[[object], _T]) -> _T:
        path = f"{name}/entityInformation{about}"
        return self._client.call(Request("GET", path, name, f"asking about {name}"), read)


def _is_udf(field: str) -> bool:
    return field.startswith(UDF)


def _refuse_unknown(entity: Entity, names: Iterable[str]) -> None:
    """A user-defined field must be one that the tenant named; without a look it would be taken for empty."""
    for name in sorted(names):
        if name not in entity.fields:
            kind = "user-defined field" if _is_udf(name) else "field"
            shown = name.removeprefix(UDF)
            said = f"{entity.name} has no {kind} {shown!r}{_hint(name, entity.fields)}"
            raise TargetRejected(said, errors=[said], status=0)


def _hint(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), 1)
    return f"; did you mean {near[0]!r}?" if near else ""
