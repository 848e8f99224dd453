"""What a tenant says of an entity, laid over what the shipped catalogue knows.

The tenant's picklists, lengths and flags win; what its answer lacks is kept. Metadata gives picklist
values as texts, records hold integers; `required` with `readonly` means: given on create, fixed
afterwards (autotask-api.md, section 5). Property names differ between captures of the service
(`isPickList` and `isPicklist`, `length` and `maxLength`, `dataType` and `type`), so case does not matter.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.model.catalogue import UDF, Entity, Field, PickValue, Type
from engine.target.answers import Garbled, clean

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

Said = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rights:
    """What Autotask offers for an entity, and what the API user's level grants: all, restricted, none."""

    offered: Mapping[str, bool]  # by operation: create, query, update
    granted: Mapping[str, str]


def read_fields(shipped: Entity) -> Callable[[object], Entity]:
    """What reads an answer of `entityInformation/fields`; it raises Garbled."""

    def read(payload: object) -> Entity:
        names = {name.casefold(): name for name in shipped.fields}
        fields = dict(shipped.fields)
        for said in _listed(payload):
            name = names.get(_name(said).casefold(), _name(said))
            fields[name] = _field(name, said, shipped.fields.get(name))
        return replace(shipped, fields=fields)

    return read


def read_udfs(payload: object) -> Mapping[str, Field]:
    """An answer of `entityInformation/userDefinedFields`, by `udf.Name`; values are texts. Raises Garbled."""
    fields = {}
    for said in _listed(payload):
        name = f"{UDF}{_name(said)}"
        required, readonly = (_flag(said, flag, default=False) for flag in ("isrequired", "isreadonly"))
        fields[name] = Field(name, Type.TEXT, required, readonly, max_length=_length(said))
    return fields


def read_rights(payload: object) -> Rights:
    """An answer of `entityInformation`. Raises Garbled."""
    info = payload.get("info") if isinstance(payload, dict) else None
    if not isinstance(info, dict):
        raise Garbled("no info of the entity")
    said = _plain(info)
    operations = ("create", "query", "update")
    return Rights(
        {operation: bool(said.get(f"can{operation}", True)) for operation in operations},
        {operation: _access(said.get(f"useraccessfor{operation}")) for operation in operations},
    )


def _access(said: object) -> str:
    """`All`, `Restricted` or `None`; some captures have numbers in their place."""
    word = str(said).casefold() if said is not None else "all"
    return "none" if word in {"none", "0", "false"} else word


def _field(name: str, said: Said, shipped: Field | None) -> Field:
    known = shipped or Field(name, Type.TEXT)
    type_ = _type(said, known)
    required = _flag(said, "isrequired", default=known.required)
    readonly = _flag(said, "isreadonly", default=known.readonly)
    fixed = required and readonly and name != "id"
    return replace(
        known,
        type=type_,
        required=required,
        readonly=readonly,
        create_only=known.create_only or fixed,
        max_length=_length(said) or known.max_length,
        reference=known.reference or said.get("referenceentitytype") or None,
        picklist=_picklist(said, type_, known.picklist),
        picklist_partial=known.picklist_partial and not isinstance(said.get("picklistvalues"), list),
        queryable=_flag(said, "isqueryable", default=known.queryable),
    )


def _flag(said: Said, name: str, *, default: bool) -> bool:
    value = said.get(name)
    return value if isinstance(value, bool) else default


def _type(said: Said, known: Field) -> Type:
    """The metadata calls days `datetime` too; that a field is a day is known from the catalogue."""
    given = _TYPES.get(str(said.get("datatype") or said.get("type") or "").casefold(), known.type)
    return Type.DAY if known.type is Type.DAY and given is Type.INSTANT else given


def _length(said: Said) -> int | None:
    length = said.get("length") or said.get("maxlength")
    return length if isinstance(length, int) and length > 0 else None


def _picklist(said: Said, type_: Type, known: tuple[PickValue, ...] | None) -> tuple[PickValue, ...] | None:
    if not _flag(said, "ispicklist", default=known is not None):
        return None
    values = said.get("picklistvalues")
    if not isinstance(values, list):
        return known or ()
    return tuple(_pick(_plain(value), type_) for value in values if isinstance(value, dict))


def _pick(said: Said, type_: Type) -> PickValue:
    text = str(said.get("value")).strip()
    whole = type_ is Type.INTEGER and text.removeprefix("-").isdecimal()
    label = str(said.get("label") or "").strip()
    return PickValue(int(text) if whole else text, label, active=_flag(said, "isactive", default=True))


def _listed(payload: object) -> list[Said]:
    fields = payload.get("fields") if isinstance(payload, dict) else None
    if not isinstance(fields, list) or not all(isinstance(said, dict) for said in fields):
        raise Garbled("no list of fields")
    return [_plain(said) for said in fields]


def _plain(said: Mapping[str, Any]) -> Said:
    return {str(name).casefold(): value for name, value in said.items()}


def _name(said: Said) -> str:
    name = said.get("name")
    if not isinstance(name, str) or not name:
        raise Garbled(f"a field without a name: {clean(str(said), 60)}")
    return name
