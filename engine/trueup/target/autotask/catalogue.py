"""Parses a tenant's metadata of an entity, and lays it over the shipped catalogue.

The tenant's picklists, lengths and flags win; what its answer lacks is kept from the catalogue.
Metadata has picklist values as texts, records have integers. `required` with `readonly` means: set
on create, fixed afterwards (docs/explanation/autotask.md, section 5). The property names differ
between versions of the service (`isPickList` and `isPicklist`, `length` and `maxLength`,
`dataType` and `type`), so case is ignored and both names are read.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from trueup.model.catalogue import UDF, Entity, Field, PickValue, Type
from trueup.target.autotask.responses import MalformedResponse, clean_message

_TYPES = {
    "integer": Type.INTEGER,
    "long": Type.INTEGER,
    "short": Type.INTEGER,
    "string": Type.TEXT,
    "boolean": Type.BOOLEAN,
    "datetime": Type.INSTANT,
    "decimal": Type.DECIMAL,
    "double": Type.DECIMAL,
}

FieldInfo = Mapping[str, Any]
"""One field of the metadata; property names case folded."""


class EntityRights(Struct, frozen=True):
    """What Autotask offers for an entity, and what the API user's security level grants."""

    offered: Mapping[str, bool]  # by operation: create, query, update
    granted: Mapping[str, str]  # by operation: all, restricted, none


def fields_reader(catalogued: Entity) -> Callable[[object], Entity]:
    """Returns a function that reads an answer of `entityInformation/fields`.

    That function raises `MalformedResponse`.
    """

    def read(payload: object) -> Entity:
        own_names = {name.casefold(): name for name in catalogued.fields}
        fields = dict(catalogued.fields)
        for info in field_infos(payload):
            name = own_names.get(field_name(info).casefold(), field_name(info))
            fields[name] = _field(name, info, catalogued.fields.get(name))
        return replace(catalogued, fields=fields)

    return read


def read_udfs(payload: object) -> Mapping[str, Field]:
    """Reads an answer of `entityInformation/userDefinedFields`, by `udf.Name`.

    All values are texts. Raises `MalformedResponse`.
    """
    fields = {}
    for info in field_infos(payload):
        name = f"{UDF}{field_name(info)}"
        fields[name] = Field(
            name,
            Type.TEXT,
            required=_flag(info, "isrequired", default=False),
            readonly=_flag(info, "isreadonly", default=False),
            max_length=max_length(info),
        )
    return fields


def read_rights(payload: object) -> EntityRights:
    """Reads an answer of `entityInformation`. Raises `MalformedResponse`."""
    info = entity_info(payload)
    operations = ("create", "query", "update")
    return EntityRights(
        {operation: bool(info.get(f"can{operation}", True)) for operation in operations},
        {operation: _access(info.get(f"useraccessfor{operation}")) for operation in operations},
    )


def _access(value: object) -> str:
    """`All`, `Restricted` or `None` in lower case; some versions have numbers instead."""
    access = str(value).casefold() if value is not None else "all"
    return "none" if access in {"none", "0", "false"} else access


def _field(name: str, info: FieldInfo, catalogued: Field | None) -> Field:
    known = catalogued or Field(name, Type.TEXT)
    type_ = _type(info, known)
    required = _flag(info, "isrequired", default=known.required)
    readonly = _flag(info, "isreadonly", default=known.readonly)
    is_fixed_after_create = required and readonly and name != "id"
    lists_all_values = isinstance(info.get("picklistvalues"), list)
    return replace(
        known,
        type=type_,
        required=required,
        readonly=readonly,
        create_only=known.create_only or is_fixed_after_create,
        max_length=max_length(info) or known.max_length,
        reference=known.reference or info.get("referenceentitytype") or None,
        picklist=_picklist(info, type_, known.picklist),
        picklist_partial=known.picklist_partial and not lists_all_values,
        queryable=_flag(info, "isqueryable", default=known.queryable),
    )


def _flag(info: FieldInfo, name: str, *, default: bool) -> bool:
    value = info.get(name)
    return value if isinstance(value, bool) else default


def _type(info: FieldInfo, known: Field) -> Type:
    """The metadata has `datetime` for days too; only the catalogue knows which fields are days."""
    type_ = _TYPES.get(data_type(info), known.type)
    return Type.DAY if known.type is Type.DAY and type_ is Type.INSTANT else type_


def _picklist(
    info: FieldInfo, type_: Type, known: tuple[PickValue, ...] | None
) -> tuple[PickValue, ...] | None:
    if not _flag(info, "ispicklist", default=known is not None):
        return None
    values = pick_values(info, numbers=type_ is Type.INTEGER)
    return known or () if values is None else values


# What both readers of metadata take from a field


def entity_info(payload: object) -> FieldInfo:
    """Returns what an answer states of the entity itself. Raises `MalformedResponse`."""
    info = payload.get("info") if isinstance(payload, dict) else None
    if not isinstance(info, dict):
        raise MalformedResponse("no info of the entity")
    return case_folded(info)


def data_type(info: FieldInfo) -> str:
    """Returns the name of a field's type in lower case; empty if it is not stated."""
    return str(info.get("datatype") or info.get("type") or "").casefold()


def max_length(info: FieldInfo) -> int | None:
    """Returns the length of a field's longest text; None if it is not stated."""
    length = info.get("length") or info.get("maxlength")
    return length if isinstance(length, int) and length > 0 else None


def pick_values(info: FieldInfo, *, numbers: bool) -> tuple[PickValue, ...] | None:
    """Returns the values of a picklist, also inactive ones; None if they are not listed.

    With `numbers` they are integers in records. Entries without a value are left out.
    """
    entries = info.get("picklistvalues")
    if not isinstance(entries, list):
        return None
    found = (_pick_value(case_folded(one), numbers) for one in entries if isinstance(one, dict))
    return tuple(value for value in found if value)


def _pick_value(entry: FieldInfo, numbers: bool) -> PickValue | None:  # noqa: FBT001 -- as above
    text = "" if entry.get("value") is None else str(entry["value"]).strip()
    if not text:
        return None
    is_number = numbers and text.removeprefix("-").isdecimal()
    return PickValue(
        int(text) if is_number else text,
        str(entry.get("label") or "").strip(),
        active=_flag(entry, "isactive", default=True),
    )


def field_infos(payload: object) -> list[FieldInfo]:
    """Returns the fields of an answer. Raises `MalformedResponse`."""
    fields = payload.get("fields") if isinstance(payload, dict) else None
    if not isinstance(fields, list) or not all(isinstance(field, dict) for field in fields):
        raise MalformedResponse("no list of fields")
    return [case_folded(field) for field in fields]


def case_folded(properties: Mapping[str, Any]) -> FieldInfo:
    """Returns properties by their case-folded names."""
    return {str(name).casefold(): value for name, value in properties.items()}


def field_name(info: FieldInfo) -> str:
    """Returns the name of a field. Raises `MalformedResponse` if it has none."""
    name = info.get("name")
    if not isinstance(name, str) or not name:
        raise MalformedResponse(f"a field without a name: {clean_message(str(info), 60)}")
    return name
