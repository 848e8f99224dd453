"""The service document, and `$metadata`: the tables of the environment in OData's CSDL, as XML."""

from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

from trueup.sandbox.dataverse.relations import (
    Definitions,
    references,
    relations,
)
from trueup.sandbox.dataverse.schema import Attribute, TableDefinition
from trueup.sandbox.http.request import Request
from trueup.sandbox.http.responses import Response

NAMESPACE = "Microsoft.Dynamics.CRM"
_EDM: Mapping[str, str] = {
    "String": "Edm.String",
    "Memo": "Edm.String",
    "Boolean": "Edm.Boolean",
    "DateTime": "Edm.DateTimeOffset",
    "Decimal": "Edm.Decimal",
    "Money": "Edm.Decimal",
    "Uniqueidentifier": "Edm.Guid",
    "Lookup": "Edm.Guid",
    "Customer": "Edm.Guid",
    "Owner": "Edm.Guid",
}
"""Types by AttributeType; the others are Edm.Int32."""


def service_document(definitions: Definitions, request: Request) -> Mapping[str, object]:
    """Returns the list of entity sets."""
    return {
        "@odata.context": f"{request.base}/api/data/v9.2/$metadata",
        "value": [
            {"name": table.entity_set, "kind": "EntitySet", "url": table.entity_set}
            for table in definitions.values()
        ],
    }


def csdl(definitions: Definitions) -> Response:
    """Returns the response to `$metadata`."""
    types = "".join(_entity_type(definitions, table) for table in definitions.values())
    sets = "".join(_entity_set(definitions, table) for table in definitions.values())
    text = (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">'
        f'<edmx:DataServices><Schema Namespace="{NAMESPACE}" Alias="mscrm"'
        ' xmlns="http://docs.oasis-open.org/odata/ns/edm">'
        f"{types}"
        '<Function Name="WhoAmI"><ReturnType Type="mscrm.WhoAmIResponse" Nullable="false"/>'
        "</Function>"
        '<ComplexType Name="WhoAmIResponse">'
        '<Property Name="BusinessUnitId" Type="Edm.Guid" Nullable="false"/>'
        '<Property Name="UserId" Type="Edm.Guid" Nullable="false"/>'
        '<Property Name="OrganizationId" Type="Edm.Guid" Nullable="false"/></ComplexType>'
        f'<EntityContainer Name="System">{sets}'
        '<FunctionImport Name="WhoAmI" Function="mscrm.WhoAmI"/></EntityContainer>'
        "</Schema></edmx:DataServices></edmx:Edmx>"
    )
    return Response(
        body=text.encode(), content_type="application/xml", headers={"OData-Version": "4.0"}
    )


def _entity_type(definitions: Definitions, table: TableDefinition) -> str:
    properties = "".join(_property(attribute) for attribute in table.attributes.values())
    singles = "".join(
        f"<NavigationProperty Name={quoteattr(reference.navigation)}"
        f" Type={quoteattr(f'mscrm.{reference.referenced.logical}')}"
        f" Partner={quoteattr(reference.name)}>"
        f"<ReferentialConstraint Property={quoteattr(reference.attribute.wire)}"
        f" ReferencedProperty={quoteattr(reference.referenced.key)}/></NavigationProperty>"
        for reference in references(definitions, table)
    )
    collections = "".join(
        f"<NavigationProperty Name={quoteattr(relation.name)}"
        f" Type={quoteattr(f'Collection(mscrm.{relation.referencing.logical})')}"
        f" Partner={quoteattr(relation.navigation)}/>"
        for relation in relations(definitions)
        if relation.referenced is table
    )
    key = f"<Key><PropertyRef Name={quoteattr(table.key)}/></Key>"
    return (
        f"<EntityType Name={quoteattr(table.logical)}>{key}{properties}{singles}{collections}"
        "</EntityType>"
    )


def _property(attribute: Attribute) -> str:
    edm = _EDM.get(attribute.kind, "Edm.Int32")
    if attribute.behaviour == "DateOnly":
        edm = "Edm.Date"
    return f"<Property Name={quoteattr(attribute.wire)} Type={quoteattr(edm)}/>"


def _entity_set(definitions: Definitions, table: TableDefinition) -> str:
    bindings = "".join(
        f"<NavigationPropertyBinding Path={quoteattr(reference.navigation)}"
        f" Target={quoteattr(reference.referenced.entity_set)}/>"
        for reference in references(definitions, table)
    )
    return (
        f"<EntitySet Name={quoteattr(table.entity_set)}"
        f" EntityType={quoteattr(f'{NAMESPACE}.{table.logical}')}>{bindings}</EntitySet>"
    )
