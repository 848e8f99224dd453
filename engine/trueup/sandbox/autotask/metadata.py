"""entityInformation: what an entity is, its fields, its user-defined fields, as the user's level sees them."""

from typing import Any

from engine.model.catalogue import UDF, Entity, Field, Type
from engine.sandbox import wire
from engine.sandbox.access import User

_WEBHOOKS = frozenset({"Companies", "Contacts"})


def information(entity: Entity, user: User) -> dict[str, Any]:
    """What may be done with the entity at all, and what this user may do."""
    level = user.level
    info = {
        "name": entity.name,
        **{f"can{word.capitalize()}": word in entity.operations for word in ("create", "delete", "query", "update")},
        **{
            f"userAccessFor{word.capitalize()}": level.access(word, entity.name)
            if word in entity.operations
            else "None"
            for word in ("create", "delete", "query", "update")
        },
        "hasUserDefinedFields": entity.udf_capable == "yes" or any(name.startswith(UDF) for name in entity.fields),
        "supportsWebhookCallouts": entity.name in _WEBHOOKS,
    }
    return {"info": info}


def fields(entity: Entity) -> dict[str, Any]:
    """Every field with its type, length, flags, reference and picklist."""
    described = [field for name, field in entity.fields.items() if not name.startswith(UDF)]
    return {"fields": [_field(field) for field in described]}


def _field(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "dataType": wire.data_type(field),
        "length": field.max_length or 0,
        "isRequired": field.required,
        "isReadOnly": field.readonly,
        "isQueryable": field.queryable,
        "isReference": field.reference is not None,
        "referenceEntityType": field.reference or "",
        "isPickList": field.picklist is not None,
        "picklistValues": None if field.picklist is None else _picks(field),
        "picklistParentValueField": "",
        "isSupportedWebhookField": False,
    }


def _picks(field: Field) -> list[dict[str, Any]]:
    """Values are text here and whole numbers in records."""
    return [
        {
            "value": str(pick.value),
            "label": pick.label,
            "isDefaultValue": False,
            "sortOrder": place,
            "parentValue": "",
            "isActive": pick.active,
            "isSystem": False,
        }
        for place, pick in enumerate(field.picklist or (), 1)
    ]


def user_defined_fields(entity: Entity) -> dict[str, Any]:
    """The tenant's own fields; their names are their labels."""
    described = [field for name, field in entity.fields.items() if name.startswith(UDF)]
    return {"fields": [_udf(field) for field in described]}


def _udf(field: Field) -> dict[str, Any]:
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
