"""entityInformation: an entity, its fields and its user-defined fields, as the user's level allows.

Source: docs/explanation/autotask.md, section 5.
"""

from typing import Any

from trueup.model.catalogue import UDF, Entity, Field, PickValue, Type
from trueup.sandbox.autotask import wire
from trueup.sandbox.autotask.names import model_name
from trueup.sandbox.autotask.routes import Purpose
from trueup.sandbox.autotask.security import ApiUser

_WITH_WEBHOOKS = frozenset({"Companies", "Contacts"})
_OPERATIONS = ("create", "delete", "query", "update")


def document(purpose: Purpose, entity: Entity, user: ApiUser) -> dict[str, Any]:
    """Returns the document of a metadata route: information, fields or user-defined fields."""
    if purpose == "information":
        return {"info": _information(entity, user)}
    if purpose == "fields":
        return {"fields": [_field(field) for field in _fields(entity, user_defined=False)]}
    return {"fields": [_udf(field) for field in _fields(entity, user_defined=True)]}


def _fields(entity: Entity, *, user_defined: bool) -> list[Field]:
    return [field for name, field in entity.fields.items() if name.startswith(UDF) is user_defined]


def _information(entity: Entity, user: ApiUser) -> dict[str, Any]:
    """What the entity allows at all, and what the user's level allows."""
    information: dict[str, Any] = {"name": entity.name}
    for operation in _OPERATIONS:
        information[f"can{operation.capitalize()}"] = operation in entity.operations
    for operation in _OPERATIONS:
        allowed = operation in entity.operations
        access = user.level.access(operation, entity.name) if allowed else "None"
        information[f"userAccessFor{operation.capitalize()}"] = access

    has_udfs = any(name.startswith(UDF) for name in entity.fields)
    information["hasUserDefinedFields"] = entity.udf_capable == "yes" or has_udfs
    information["supportsWebhookCallouts"] = entity.name in _WITH_WEBHOOKS
    return information


def _field(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "dataType": wire.data_type(field),
        "length": field.max_length or 0,
        "isRequired": field.required,
        "isReadOnly": field.readonly,
        "isQueryable": field.queryable,
        "isReference": field.reference is not None,
        "referenceEntityType": model_name(field.reference or ""),
        "isPickList": field.picklist is not None,
        "picklistValues": None if field.picklist is None else _picklist(field.picklist),
        "picklistParentValueField": "",
        "isSupportedWebhookField": False,
    }


def _picklist(picks: tuple[PickValue, ...]) -> list[dict[str, Any]]:
    """Values are text here, but whole numbers in records."""
    return [
        {
            "value": str(pick.value),
            "label": pick.label,
            "isDefaultValue": False,
            "sortOrder": position,
            "parentValue": "",
            "isActive": pick.active,
            "isSystem": False,
        }
        for position, pick in enumerate(picks, 1)
    ]


def _udf(field: Field) -> dict[str, Any]:
    """The name of a user-defined field is its label."""
    name = field.name.removeprefix(UDF)
    return {
        "name": name,
        "label": name,
        "type": "string" if field.type is Type.TEXT else wire.data_type(field),
        "length": field.max_length or 0,
        "description": None,
        "isRequired": False,
        "isReadOnly": False,
        "isQueryable": True,
        "isReference": False,
        "referenceEntityType": None,
        "isPickList": False,
        "picklistValues": None,
        "picklistParentValueField": None,
        "defaultValue": "",
        "isSupportedWebhookField": False,
    }
