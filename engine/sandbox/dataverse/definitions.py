"""The metadata routes: tables, their columns, and the casts of these. Facts: work365.md, 6.8."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.sandbox.answers import Answer
from engine.sandbox.dataverse.answers import Refusal, document
from engine.sandbox.dataverse.options import expanded, options
from engine.sandbox.dataverse.schema import Attribute, Kind, as_attribute, as_definition
from engine.sandbox.request import Request

_ONE = re.compile(r"EntityDefinitions\(LogicalName='(\w+)'\)")
_CAST = re.compile(
    r"EntityDefinitions\(LogicalName='(\w+)'\)/Attributes(?:/Microsoft\.Dynamics\.CRM\.(\w+)AttributeMetadata)?"
)
_CASTS = {
    "Picklist": ("Picklist",),
    "State": ("State",),
    "Status": ("Status",),
    "DateTime": ("DateTime",),
    "Lookup": ("Lookup", "Customer", "Owner"),
    "Money": ("Money",),
    "Decimal": ("Decimal",),
}
_COMMON = ("LogicalName", "AttributeType", "DisplayName", "IsValidForUpdate", "MetadataId")


def metadata(kinds: Mapping[str, Kind], path: str, request: Request) -> Answer | None:
    """The answer to a metadata route, none where it is another route. Raises Refusal."""
    if path == "EntityDefinitions":
        said = options(request, ("$select",))
        return document({"value": [_cut(as_definition(kind), said.get("$select")) for kind in kinds.values()]})
    one, cast = _ONE.fullmatch(path), _CAST.fullmatch(path)
    if one:
        return _table(_known(kinds, one[1]), request)
    if cast:
        return _columns(_known(kinds, cast[1]), cast[2], request)
    return None


def _table(kind: Kind, request: Request) -> Answer:
    said = options(request, ("$select", "$expand"))
    shown = _cut(as_definition(kind), said.get("$select"))
    for name, columns in expanded(said.get("$expand")).items():
        if name != "Attributes":
            raise Refusal(400, "0x80060888", f"Could not find a property named '{name}' on EntityMetadata.")
        shown["Attributes"] = [_attribute(each, columns, ()) for each in kind.attributes.values()]
    return document(shown)


def _columns(kind: Kind, cast: str | None, request: Request) -> Answer:
    if cast is not None and cast not in _CASTS:
        raise Refusal(400, "0x80060888", f"The cast to '{cast}AttributeMetadata' is not supported.")
    said = options(request, ("$select", "$expand"))
    wanted = said.get("$select", "").split(",") if said.get("$select") else list(_COMMON)
    expand = expanded(said.get("$expand"))
    if expand and cast not in ("Picklist", "State", "Status"):
        raise Refusal(400, "0x80060888", f"Could not find a property named '{next(iter(expand))}'.")
    found = [each for each in kind.attributes.values() if cast is None or each.kind in _CASTS[cast]]
    return document({"value": [_attribute(each, wanted, tuple(expand)) for each in found]})


def _attribute(attribute: Attribute, wanted: Sequence[str], expand: Sequence[str]) -> dict[str, Any]:
    shown = as_attribute(attribute)
    return {name: shown[name] for name in (*wanted, *expand, "MetadataId") if name in shown}


def _cut(shown: dict[str, Any], select: str | None) -> dict[str, Any]:
    if not select:
        return shown
    for name in select.split(","):
        if name not in shown:
            raise Refusal(400, "0x80060888", f"Could not find a property named '{name}' on EntityMetadata.")
    return {name: shown[name] for name in (*select.split(","), "MetadataId")}


def _known(kinds: Mapping[str, Kind], logical: str) -> Kind:
    if logical not in kinds:
        raise Refusal(404, "0x80060888", f"Could not find an entity with name {logical}.")
    return kinds[logical]
