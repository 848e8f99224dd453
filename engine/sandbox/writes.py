"""What a body must be before it becomes a record: fields, types, lengths, picklists, references, rights."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from engine.model.catalogue import UDF, Entity, Field, Type
from engine.sandbox import access, lenient, records, wire
from engine.sandbox.access import User
from engine.sandbox.answers import Refused
from engine.sandbox.lenient import Json
from engine.sandbox.records import Kept
from engine.sandbox.tenant import Tenant

_UDFS = "userdefinedfields"
_UNCERTAIN_COST = ("ContractServices", "unitCost")
_SINGULARS = {"Companies": "Company", "Countries": "Country", "Currencies": "Currency"}


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one write is made: inside a transaction, by a user, at an instant."""

    db: sqlite3.Connection
    tenant: Tenant
    user: User
    now: datetime
    resource: int | None = None  # in whose name; the user's own unless it impersonates

    def entity(self, name: str) -> Entity:
        """An entity of the tenant."""
        return self.tenant.entities[name]

    def record(self, entity: str, record: object) -> Kept | None:
        """A record, or none."""
        return records.fetch(self.db, self.tenant.entities[entity], record)


@dataclass(slots=True)
class Reading:
    """A body on its way to values: what is wrong with it is gathered, not raised at the first fault."""

    desk: Desk
    entity: Entity
    before: Kept | None  # the record that is changed, or none on create
    whole: bool = False  # PUT: what is left out becomes null
    values: Kept = field(default_factory=dict)
    extra: dict[str, Json] = field(default_factory=dict)  # properties that are no fields
    texts: list[str] = field(default_factory=list)

    def take(self, field: Field, value: Json) -> None:
        """One field as it was sent."""
        try:
            kept = wire.stored(field, value)
        except wire.Unfit as unfit:
            self.texts.append(f"{unfit} ; on record number [1].")
            return
        if not self.desk.user.level.costs and access.is_cost(self.entity, field.name):
            return  # ignored silently
        if not self._writable(field):
            self._read_only(field, kept)
            return
        if kept is None and self._patches() and self.desk.tenant.switches["null_in_patch"] == "ignored":
            return
        self.values[field.name] = self._cut(field, kept)

    def takes(self, field: Field) -> bool:
        """May this body set the field, and has its user the right to?"""
        unseen = not self.desk.user.level.costs and access.is_cost(self.entity, field.name)
        return self._writable(field) and not unseen

    def _patches(self) -> bool:
        return self.before is not None and not self.whole

    def _writable(self, field: Field) -> bool:
        if (self.entity.name, field.name) == _UNCERTAIN_COST and self.before is not None:
            return self.desk.tenant.switches["contract_service_cost"] == "writable"
        return field.writable_on_create() if self.before is None else field.writable_on_update()

    def _read_only(self, field: Field, kept: wire.Stored) -> None:
        same = kept == (self.before or {}).get(field.name) or field.name == "id"
        if not same and self.desk.tenant.switches["read_only_field"] == "refused":
            self.texts.append(f"The field {field.name} is read only and cannot be set. ; on record number [1].")

    def _cut(self, field: Field, kept: wire.Stored) -> wire.Stored:
        limit = field.max_length
        if field.type is not Type.TEXT or limit is None or len(str(kept or "")) <= limit:
            return kept
        if self.desk.tenant.switches["text_too_long"] == "cut":
            return str(kept)[:limit]
        self.texts.append(f"The value of {field.name} exceeds the maximum length of {limit}. ; on record number [1].")
        return kept

    def refuse(self, text: str) -> None:
        """One more thing that is wrong."""
        self.texts.append(text)

    def done(self) -> None:
        """Raises Refused if anything was wrong."""
        if self.texts:
            raise Refused(*self.texts)


def read(desk: Desk, entity: Entity, said: Mapping[str, Json], before: Kept | None, *, whole: bool = False) -> Reading:
    """The values that a body (names in small letters) sets, typed and checked one by one."""
    reading = Reading(desk, entity, before, whole)
    if whole:
        reading.values = {name: None for name, field in entity.fields.items() if reading.takes(field)}
    fields = desk.tenant.fields_by_small_name[entity.name]
    for name, value in said.items():
        known = fields.get(name)
        if name == _UDFS and entity.udf_capable != "no":
            _read_udfs(reading, value)
        elif known is not None and not known.name.startswith(UDF):
            reading.take(known, value)
        else:
            _unknown(reading, name, value)
    _check_values(reading)
    return reading


def _unknown(reading: Reading, name: str, value: Json) -> None:
    reading.extra[name] = value
    if reading.desk.tenant.switches["unknown_property"] == "refused" and name != _UDFS:
        reading.refuse(f"Unable to find {name} in the {reading.entity.name} Entity.")


def _read_udfs(reading: Reading, said: Json) -> None:
    """`[{"name": …, "value": …}]`; only those that are named change."""
    fields = reading.desk.tenant.fields_by_small_name[reading.entity.name]
    if said is not None and not isinstance(said, list):
        raise Refused("userDefinedFields must be a list.")
    for one in said or ():
        pair = lenient.mapping(one, "A user-defined field")
        known = fields.get((UDF + str(pair.get("name"))).lower())
        if known is None:
            reading.refuse(f"Unable to find {pair.get('name')} in the {reading.entity.name} Entity.")
        else:
            reading.take(known, pair.get("value"))


def _check_values(reading: Reading) -> None:
    for name, kept in reading.values.items():
        described = reading.entity.fields[name]
        if kept is None:
            if described.required:
                reading.refuse(missing(name))
            continue
        if described.picklist is not None:
            _check_picklist(reading, described, kept)
        if described.reference is not None:
            _check_reference(reading, described, kept)


def _check_picklist(reading: Reading, described: Field, kept: wire.Stored) -> None:
    picks = described.picklist or ()
    if not picks or described.picklist_partial:
        return
    if not any(str(pick.value) == str(kept) and pick.active for pick in picks):
        reading.refuse(
            f"Value {kept} is not a valid picklist value for field: {described.name}. ; on record number [1]."
        )


def _check_reference(reading: Reading, described: Field, kept: wire.Stored) -> None:
    """Both texts seen in the wild say the same of a record that is missing and of one that is inactive."""
    name = described.reference or ""
    if name not in reading.desk.tenant.entities:
        return  # an entity that is not kept here: nothing is known of it
    found = reading.desk.record(name, kept)
    if found is None or found.get("isActive") == 0:
        reading.refuse(bad_reference(described))


def bad_reference(described: Field) -> str:
    """The text for a reference that is missing or inactive."""
    thing = singular(described.reference or "")
    where = f"field: {described.name} of type: {thing}"
    return f"Reference value on {where} does not exist or is invalid. ; on record number [1]."


def singular(entity: str) -> str:
    """What the texts call one record of an entity."""
    return _SINGULARS.get(entity) or entity.removesuffix("s")


def missing(name: str) -> str:
    """The text for a required field that is not given; the real wording is not known."""
    return f"Missing Required Field: {name}. ; on record number [1]."


def check_required(reading: Reading, names: Iterable[str]) -> None:
    """Adds what is missing of these."""
    for name in names:
        described = reading.entity.fields[name]
        if described.required and name != "id" and reading.values.get(name) is None and described.writable_on_create():
            text = missing(name)
            if text not in reading.texts:
                reading.refuse(text)


def check_parent(reading: Reading, key: str, parent: int) -> None:
    """Adds the refusal for a parent that is missing or inactive, unless the body was refused for it already."""
    described = reading.entity.fields[key]
    if bad_reference(described) not in reading.texts:
        _check_reference(reading, described, parent)
