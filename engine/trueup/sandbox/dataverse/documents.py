"""Documents of the metadata: one table, column, alternate key or relationship.

Source: docs/explanation/work365.md, section 6.8.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from trueup.sandbox.dataverse.relations import Relation
from trueup.sandbox.dataverse.schema import Attribute, TableDefinition, row_id

Document = Mapping[str, Any]
"""A JSON object that describes a part of the environment."""

RIGHTS = ("Create", "Read", "Write", "Delete")
"""Rights that a table has privileges for: `prvReadaccount`."""

_CRM = "#Microsoft.Dynamics.CRM."
_CASTS: Mapping[str, tuple[str, ...]] = {
    "PicklistAttributeMetadata": ("Picklist",),
    "StateAttributeMetadata": ("State",),
    "StatusAttributeMetadata": ("Status",),
    "EnumAttributeMetadata": ("Picklist", "State", "Status"),
    "DateTimeAttributeMetadata": ("DateTime",),
    "LookupAttributeMetadata": ("Lookup", "Customer", "Owner"),
    "MoneyAttributeMetadata": ("Money",),
    "DecimalAttributeMetadata": ("Decimal",),
    "StringAttributeMetadata": ("String",),
    "IntegerAttributeMetadata": ("Integer",),
    "BooleanAttributeMetadata": ("Boolean",),
}
_TEXT = {"Format": "Text", "FormatName": {"Value": "Text"}}
_DECIMAL = {"MinValue": -100_000_000_000, "MaxValue": 100_000_000_000}
_BOUNDS: Mapping[str, Document] = {
    "String": _TEXT,
    "Memo": _TEXT,
    "Decimal": _DECIMAL,
    "Money": _DECIMAL,
    "Integer": {"MinValue": -(2**31), "MaxValue": 2**31 - 1, "Format": "None"},
}
"""Properties of columns by AttributeType that are the same for all of them here."""
_STANDARD = ("accountid", "contactid", "productid", "uomid", "transactioncurrencyid")


def cast_kinds(name: str) -> Sequence[str] | None:
    """Returns the kinds of columns that a cast selects; None for an unknown cast."""
    return _CASTS.get(name)


def table_metadata(definition: TableDefinition) -> Document:
    """Returns a table as `EntityDefinitions` shows it, without its columns."""
    logical = definition.logical
    return {
        "MetadataId": row_id("table", logical),
        "LogicalName": logical,
        "SchemaName": logical,
        "EntitySetName": definition.entity_set,
        "LogicalCollectionName": definition.entity_set,
        "CollectionSchemaName": definition.entity_set,
        "PrimaryIdAttribute": definition.key,
        "PrimaryNameAttribute": definition.name,
        "DisplayName": _label(definition.label),
        "DisplayCollectionName": _label(f"{definition.label}s"),
        "Description": _label(""),
        "OwnershipType": "UserOwned",
        "IsPrivate": False,
        "IsIntersect": False,
        "IsActivity": False,
        "IsLogicalEntity": False,
        "IsManaged": True,
        "IsCustomEntity": definition.key not in _STANDARD,
        "HasChanged": None,
        "ChangeTrackingEnabled": definition.tracked,
        "IsOptimisticConcurrencyEnabled": definition.concurrent,
        "Privileges": [
            {
                "Name": f"prv{right}{logical}",
                "PrivilegeType": right,
                "PrivilegeId": row_id("privilege", right + logical),
            }
            for right in RIGHTS
        ],
    }


def attribute_metadata(table: TableDefinition, attribute: Attribute) -> Document:
    """Returns a column with the properties of its type."""
    logical = attribute.logical
    key = logical == table.key
    return {
        "@odata.type": f"{_CRM}{_metadata_type(attribute.kind)}",
        "MetadataId": row_id("column", f"{table.logical}.{logical}"),
        "LogicalName": logical,
        "SchemaName": logical,
        "EntityLogicalName": table.logical,
        "AttributeType": attribute.kind,
        "AttributeTypeName": {"Value": f"{attribute.kind}Type"},
        "AttributeOf": None,
        "ColumnNumber": list(table.attributes).index(logical) + 1,
        "DisplayName": _label(attribute.label),
        "Description": _label(""),
        "IsPrimaryId": key,
        "IsPrimaryName": logical == table.name,
        "IsCustomAttribute": logical.startswith("work365_"),
        "IsManaged": True,
        "IsLogical": False,
        "IsValidForRead": True,
        "IsValidForCreate": attribute.writable or key,
        "IsValidForUpdate": attribute.writable,
        "RequiredLevel": {
            "Value": "SystemRequired" if key else "None",
            "CanBeChanged": False,
            "ManagedPropertyLogicalName": "canmodifyrequirementlevelsettings",
        },
        **_own_properties(attribute),
    }


def key_metadata(table: TableDefinition, name: str) -> Document:
    """Returns an alternate key."""
    return {
        "@odata.type": f"{_CRM}EntityKeyMetadata",
        "MetadataId": row_id("key", f"{table.logical}.{name}"),
        "LogicalName": name,
        "SchemaName": name,
        "EntityLogicalName": table.logical,
        "DisplayName": _label(name),
        "KeyAttributes": list(table.keys[name]),
        "EntityKeyIndexStatus": "Active",
        "IsManaged": True,
    }


def relationship_metadata(relation: Relation) -> Document:
    """Returns a reference between two tables as a one-to-many relationship."""
    return {
        "@odata.type": f"{_CRM}OneToManyRelationshipMetadata",
        "MetadataId": relation.id,
        "SchemaName": relation.name,
        "RelationshipType": "OneToManyRelationship",
        "IsCustomRelationship": relation.name.find("work365_") >= 0,
        "IsManaged": True,
        "ReferencedEntity": relation.referenced.logical,
        "ReferencedAttribute": relation.referenced.key,
        "ReferencedEntityNavigationPropertyName": relation.name,
        "ReferencingEntity": relation.referencing.logical,
        "ReferencingAttribute": relation.attribute.logical,
        "ReferencingEntityNavigationPropertyName": relation.navigation,
        "CascadeConfiguration": {"Delete": "Cascade" if relation.cascades else "RemoveLink"},
    }


def _metadata_type(kind: str) -> str:
    if kind == "Uniqueidentifier":
        return "UniqueIdentifierAttributeMetadata"
    return f"{'Lookup' if kind in ('Customer', 'Owner') else kind}AttributeMetadata"


def _own_properties(attribute: Attribute) -> Document:
    """The properties that only columns of this type have."""
    if attribute.choices:
        return {"OptionSet": _options(attribute), "GlobalOptionSet": None}
    if attribute.targets:
        return {"Targets": list(attribute.targets)}
    if attribute.kind == "DateTime":
        form = "DateOnly" if attribute.behaviour == "DateOnly" else "DateAndTime"
        return {"DateTimeBehavior": {"Value": attribute.behaviour}, "Format": form}
    bounds = _BOUNDS.get(attribute.kind, {})
    if attribute.kind in ("String", "Memo"):
        return {"MaxLength": attribute.longest, **bounds}
    if attribute.kind in ("Decimal", "Money"):
        return {"Precision": attribute.precision, **bounds}
    return bounds


def _options(attribute: Attribute) -> Document:
    choices = []
    for choice in attribute.choices:
        state = {} if choice.state is None else {"State": choice.state}
        choices.append({"Value": choice.value, "Label": _label(choice.label), **state})
    return {
        "MetadataId": row_id("options", attribute.logical),
        "Name": f"{attribute.logical}_options",
        "IsGlobal": False,
        "OptionSetType": attribute.kind,
        "Options": choices,
    }


def _label(text: str) -> Document:
    localized = {"Label": text, "LanguageCode": 1033, "IsManaged": True}
    return {"LocalizedLabels": [localized], "UserLocalizedLabel": localized}
