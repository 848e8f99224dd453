"""What a tenant states about an entity, as facts of the catalogue.

It is read from `entityInformation` and costs two calls, and one more where the entity has
user-defined fields. Metadata does not state below which parent an entity is written, nor which
datetimes are days: these facts of the catalogue are documented elsewhere and stay
(docs/explanation/autotask.md, section 5).
"""

import re
from collections.abc import Collection
from http import HTTPStatus
from itertools import takewhile
from typing import Any

from trueup.errors import TargetError, TargetRejected
from trueup.model.catalogue import UDF
from trueup.model.suggestions import closest
from trueup.ports.target import DescribedEntity, Facts
from trueup.target.autotask.catalogue import (
    FieldInfo,
    data_type,
    entity_info,
    field_infos,
    field_name,
    max_length,
    pick_values,
)
from trueup.target.autotask.client import AutotaskClient
from trueup.target.autotask.retry import ApiRequest

_TYPES = {"double": "decimal"}
"""Types of the metadata that the catalogue calls otherwise."""

_INTEGERS = frozenset({"integer", "long", "short"})
_KNOWN_TYPES = _INTEGERS | {"string", "decimal", "boolean", "datetime"}
_OPERATIONS = ("create", "query", "update", "delete")


def describe(client: AutotaskClient, name: str, entities: Collection[str]) -> DescribedEntity:
    """Reads an entity's metadata. `entities` are names that references may lead to.

    Raises `TargetError`, also if the tenant has no such entity.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,99}", name):
        raise TargetError(f"{name!r} cannot be the name of an entity")
    try:
        info = _get(client, name, "", entity_info)
    except TargetRejected as refusal:
        if refusal.status == HTTPStatus.NOT_FOUND:
            near = closest(name, entities)
            remedy = (
                f"did you mean {near!r}?"
                if near
                else "names are plural, such as Companies, and the API user must see the entity"
            )
            raise TargetError(f"this tenant has no entity {name}: {remedy}") from refusal
        raise
    has_udfs = info.get("hasuserdefinedfields") is True
    fields = _get(client, name, "/fields", field_infos)
    udfs = _get(client, name, "/userDefinedFields", field_infos) if has_udfs else []
    return DescribedEntity(
        name=spelling(name, str(info.get("name") or "")),
        operations=tuple(one for one in _OPERATIONS if info.get(f"can{one}") is True),
        has_udfs=has_udfs,
        fields={
            **{field_name(field): _facts(field, field_name(field), entities) for field in fields},
            **{f"{UDF}{field_name(udf)}": _udf_facts(udf) for udf in udfs},
        },
    )


def spelling(given: str, stated: str) -> str:
    """Returns the name of an entity with the capitals that the tenant states.

    The API takes a name in any case, and states it in the singular: `companies`, and `Company`.
    """
    pairs = zip(given.casefold(), stated.casefold(), strict=False)
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    if not stated or common < len(stated) - 1:  # `y` becomes `ies`
        return given
    return stated[:common] + given[common:].lower()


def _get(client: AutotaskClient, name: str, route: str, read: Any) -> Any:  # noqa: ANN401 -- what `read` returns
    path, what = f"{name}/entityInformation{route}", f"reading the metadata of {name}"
    return client.call(ApiRequest("GET", path, name, what), read)


def _facts(info: FieldInfo, name: str, entities: Collection[str]) -> Facts:
    """The facts that are not the default of the catalogue."""
    type_ = _type(info)
    required, readonly = info.get("isrequired") is True, info.get("isreadonly") is True
    facts: dict[str, Any] = {"type": type_}
    if required:
        facts["required"] = True
    if readonly:
        facts["readonly"] = True
    if required and readonly and name != "id":
        facts["settableOnCreate"] = True
    if length := max_length(info):
        facts["maxLength"] = length
    if reference := info.get("referenceentitytype"):
        facts["reference"] = _plural(str(reference), entities)
    if info.get("isqueryable") is False:
        facts["queryable"] = False
    if info.get("ispicklist") is True:
        facts["picklist"] = True
        facts.update(_picklist(info, type_))
    return facts


def _udf_facts(info: FieldInfo) -> Facts:
    """All values of user-defined fields are texts in records."""
    facts: dict[str, Any] = {"type": "string"}
    if info.get("isrequired") is True:
        facts["required"] = True
    if info.get("isreadonly") is True:
        facts["readonly"] = True
    if length := max_length(info):
        facts["maxLength"] = length
    return facts


def _type(info: FieldInfo) -> str:
    name = data_type(info)
    name = _TYPES.get(name, name)
    return name if name in _KNOWN_TYPES else "string"


def _picklist(info: FieldInfo, type_: str) -> Facts:
    """Active values by their number; nothing where the tenant does not list them."""
    values = pick_values(info, numbers=type_ in _INTEGERS) or ()
    found = {one.value: one.label for one in values if one.active}
    return {"picklistValues": found} if found else {}


def _plural(singular: str, entities: Collection[str]) -> str:
    """The entity's name as paths have it, where the catalogue knows it."""
    for name in (f"{singular}s", f"{singular.removesuffix('y')}ies", f"{singular}es", singular):
        if name in entities:
            return name
    return singular
