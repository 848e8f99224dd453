"""The metadata routes: tables, columns, alternate keys, relationships, in one form of question.

Each is a list of documents or one of them, with `$select`, `$filter` and `$expand`; they are not
paged. Source: docs/explanation/work365.md, section 6.8.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from trueup.sandbox.dataverse.address import GUID, Segment, segments
from trueup.sandbox.dataverse.documents import (
    Document,
    attribute_metadata,
    cast_kinds,
    key_metadata,
    relationship_metadata,
    table_metadata,
)
from trueup.sandbox.dataverse.filters import Field, compile_filter
from trueup.sandbox.dataverse.query_options import Expand, expanded, options
from trueup.sandbox.dataverse.relations import Definitions, Relation, references, relations
from trueup.sandbox.dataverse.responses import (
    DataverseError,
    from_document,
    unknown_property,
    unknown_segment,
    unsupported,
)
from trueup.sandbox.dataverse.schema import TableDefinition
from trueup.sandbox.http.request import Request
from trueup.sandbox.http.responses import Response

ROOTS = ("EntityDefinitions", "RelationshipDefinitions", "GlobalOptionSetDefinitions")
"""The entity sets of metadata. Only someone who may customise the environment can change them."""

_CRM = "Microsoft.Dynamics.CRM."
_CONTEXT = "api/data/v9.2/$metadata#"
_QUERY_FUNCTION = "RetrieveMetadataChanges"


def metadata(definitions: Definitions, path: str, request: Request) -> Response | None:
    """Answers a metadata route; None for any other path. Raises `DataverseError`."""
    name = path.partition("(")[0].partition("/")[0]
    if name == _QUERY_FUNCTION:
        return _changes(definitions, request)
    if name not in ROOTS:
        return None
    parts = segments(path)
    if name == "EntityDefinitions":
        found = _tables(definitions, parts)
    elif name == "RelationshipDefinitions":
        found = _listed(
            [relationship_metadata(relation) for relation in relations(definitions)],
            parts,
            "RelationshipMetadataBase",
        )
    else:
        found = _listed([], parts, "OptionSetMetadataBase")
    return found.answer(request)


class _Found(Struct, frozen=True):
    """The documents that a path leads to: a list, or one of them."""

    documents: Sequence[Document]
    owner: str  # the type that errors name
    single: bool = False
    always: Sequence[str] = ("MetadataId",)  # properties that `$select` cannot leave out
    expand: Callable[[Document, Expand], object] | None = None
    expandable: Sequence[str] = ()

    def answer(self, request: Request) -> Response:
        known = ("$select", "$expand", *(() if self.single else ("$filter", "$count", "$top")))
        given = options(request, (*known, "LabelLanguages"))
        if "$top" in given:
            raise unsupported('The "$top" query parameter is not supported for metadata.')
        documents = list(self.documents)
        if given.get("$filter") is not None:
            test = compile_filter(given["$filter"], self._field)
            documents = [document for document in documents if test(document)]
        items = expanded(given.get("$expand"))
        for item in items:
            if self.expand is None or item.name not in self.expandable:
                raise unknown_property(item.name, self.owner)
        shown = [self._shown(document, given.get("$select"), items) for document in documents]
        context = f"{request.base}/{_CONTEXT}{self.owner}"
        if self.single:
            return from_document({"@odata.context": context, **shown[0]})
        count = {"@odata.count": len(shown)} if given.get("$count") == "true" else {}
        return from_document({"@odata.context": context, **count, "value": shown})

    def _shown(
        self, document: Document, select: str | None, items: Sequence[Expand]
    ) -> dict[str, Any]:
        shown = dict(document)
        if select:
            names = [name.strip() for name in select.split(",")]
            for name in names:
                if name not in document:
                    raise unknown_property(name, self.owner)
            kept = (*names, *self.always, "@odata.type")
            shown = {name: document[name] for name in kept if name in document}
        for name in self.expandable:
            if not any(item.name == name for item in items):
                shown.pop(name, None)
        for item in items:
            if self.expand is not None:
                shown[item.name] = self.expand(document, item)
        return shown

    def _field(self, name: str) -> Field:
        """Returns a property as a filter sees it: a text, a number or a truth value."""
        sample = [document[name] for document in self.documents if name in document]
        if not sample and self.documents:
            raise unknown_property(name, self.owner)
        values = [value for value in sample if value is not None]
        if any(isinstance(value, dict | list) for value in values):
            raise unsupported(f"A filter by '{name}' is not supported.")
        return Field(_type_of(values, name), lambda document: document.get(name))


def _type_of(values: Sequence[object], name: str) -> str:
    if values and isinstance(values[0], bool):
        return "Boolean"
    if values and isinstance(values[0], int):
        return "Number"
    return "Guid" if name == "MetadataId" else "String"


def _tables(definitions: Definitions, parts: Sequence[Segment]) -> _Found:
    documents = [table_metadata(table) for table in definitions.values()]
    if parts[0].arguments is None:
        if len(parts) > 1:
            raise unknown_segment(parts[1].name)
        return _Found(
            documents,
            "EntityMetadata",
            expand=lambda document, item: _expanded(definitions, document, item),
            expandable=_EXPANDABLE,
        )

    table = table_with(definitions, parts[0].arguments)
    if len(parts) == 1:
        return _Found(
            [table_metadata(table)],
            "EntityMetadata",
            single=True,
            expand=lambda document, item: _expanded(definitions, document, item),
            expandable=_EXPANDABLE,
        )
    if parts[1].name == "Attributes":
        return _columns(table, parts[1:])
    below = _below(definitions, table, parts[1].name)
    if below is None:
        raise unknown_segment(parts[1].name)
    return _listed(below, parts[1:], f"{parts[1].name}Metadata")


def table_with(definitions: Definitions, key: str) -> TableDefinition:
    """Returns the table with a key of metadata, by name or by id. Raises `DataverseError`."""
    found = None
    if GUID.fullmatch(key.removeprefix("MetadataId=")):
        wanted = key.removeprefix("MetadataId=").lower()
        tables = definitions.values()
        found = next(
            (table for table in tables if table_metadata(table)["MetadataId"] == wanted), None
        )
    elif key.startswith("LogicalName='") and key.endswith("'"):
        key = key.removeprefix("LogicalName='")[:-1]
        found = definitions.get(key)
    if found is None:
        raise DataverseError(404, "0x80060888", f"Could not find an entity with name {key}.")
    return found


def _columns(table: TableDefinition, parts: Sequence[Segment]) -> _Found:
    """The columns of a table, one of them, or those of one type."""
    attributes = list(table.attributes.values())
    kinds = None
    cast = parts[-1].name if len(parts) > 1 else ""
    if cast:
        kinds = cast_kinds(cast.removeprefix(_CRM))
        if kinds is None or len(parts) > 2:  # noqa: PLR2004 -- Attributes and a cast
            kind = cast.rpartition(".")[2]
            raise unsupported(f"The cast to '{kind}' is not supported.")
        attributes = [one for one in attributes if one.kind in kinds]

    documents = [attribute_metadata(table, attribute) for attribute in attributes]
    one = parts[0].arguments or (parts[-1].arguments if cast else None)
    if one is not None:
        documents = [document for document in documents if _is(document, one)]
        if not documents:
            raise DataverseError(
                404, "0x80060888", f"Could not find an attribute with {one} on {table.logical}."
            )
    with_options = kinds is not None and {"Picklist", "State", "Status"} & set(kinds)
    return _Found(
        documents,
        "AttributeMetadata",
        single=one is not None,
        expand=_option_set if with_options else None,
        expandable=("OptionSet", "GlobalOptionSet"),
    )


def _option_set(document: Document, item: Expand) -> object:
    value = document.get(item.name)
    if isinstance(value, Mapping) and item.select:
        return {name: value[name] for name in item.select if name in value}
    return value


def _is(document: Document, key: str) -> bool:
    name, _, text = key.partition("=")
    if not text:
        return bool(document["MetadataId"] == key.lower())
    return bool(document.get(name) == text.strip("'"))


def _listed(documents: Sequence[Document], parts: Sequence[Segment], owner: str) -> _Found:
    """A list of documents, or the one that the last part of the path names."""
    last = parts[-1]
    if last.name.startswith(_CRM) and len(parts) > 1:
        wanted = last.name.removeprefix(_CRM)
        documents = [one for one in documents if one["@odata.type"] == f"#{_CRM}{wanted}"]
        parts = parts[:-1]
    key = parts[-1].arguments
    if key is None:
        return _Found(documents, owner)
    found = [document for document in documents if _is(document, key)]
    if not found:
        raise DataverseError(404, "0x80060888", f"Could not find {parts[-1].name} with {key}.")
    return _Found(found, owner, single=True)


_EXPANDABLE = (
    "Attributes",
    "Keys",
    "OneToManyRelationships",
    "ManyToOneRelationships",
    "ManyToManyRelationships",
)


def _below(
    definitions: Definitions, table: TableDefinition, name: str
) -> Sequence[Document] | None:
    """The documents that belong to a table; None for an unknown name."""
    match name:
        case "Attributes":
            return [attribute_metadata(table, attribute) for attribute in table.attributes.values()]
        case "Keys":
            return [key_metadata(table, key) for key in table.keys]
        case "OneToManyRelationships":
            found: Sequence[Relation] = [
                relation for relation in relations(definitions) if relation.referenced is table
            ]
            return [relationship_metadata(one) for one in found]
        case "ManyToOneRelationships":
            return [
                relationship_metadata(reference) for reference in references(definitions, table)
            ]
        case "ManyToManyRelationships":
            return []
        case _:
            return None


def _expanded(definitions: Definitions, document: Document, item: Expand) -> object:
    """The columns, keys or relationships in a table's document; options are those of a list."""
    table = definitions[document["LogicalName"]]
    found = _below(definitions, table, item.name) or []
    if item.options.keys() - {"$select"}:
        raise unsupported(f"The $expand of '{item.name}' is supported with $select only.")
    if not item.select:
        return list(found)
    names = (*item.select, "MetadataId", "@odata.type")
    return [{name: one[name] for name in names if name in one} for one in found]


def _changes(definitions: Definitions, request: Request) -> Response:
    """Answers RetrieveMetadataChanges for tables and columns named by `Equals`."""
    given = options(request, ("@p1", "@Query", "Query"))
    try:
        query = json.loads(next(iter(given.values()), ""))
        table_query = _conditions(query.get("Criteria"))
        attribute_query = query["AttributeQuery"]
        column_query = _conditions(attribute_query.get("Criteria"))
        names = [str(name) for name in attribute_query["Properties"]["PropertyNames"]]
    except (ValueError, TypeError, AttributeError, KeyError):
        raise unsupported("The Query of RetrieveMetadataChanges is not supported.") from None

    tables = []
    for table in definitions.values():
        document = table_metadata(table)
        if not all(document.get(name) == value for name, value in table_query.items()):
            continue
        columns = []
        for attribute in table.attributes.values():
            column = attribute_metadata(table, attribute)
            if all(column.get(name) == value for name, value in column_query.items()):
                kept = ("@odata.type", "LogicalName", "MetadataId", *names)
                columns.append({name: column[name] for name in kept if name in column})
        tables.append(
            {"LogicalName": table.logical, "MetadataId": document["MetadataId"],
             "Attributes": columns}
        )  # fmt: skip
    return from_document(
        {
            "@odata.context": f"{request.base}/{_CONTEXT}{_CRM}RetrieveMetadataChangesResponse",
            "ServerVersionStamp": "1",
            "EntityMetadata": tables,
        }
    )


def _conditions(criteria: Mapping[str, Any] | None) -> dict[str, Any]:
    """Returns values by property. Raises `ValueError` for anything but `Equals`."""
    wanted = {}
    for condition in (criteria or {}).get("Conditions", []):
        if condition["ConditionOperator"] != "Equals":
            raise ValueError(condition["ConditionOperator"])
        wanted[condition["PropertyName"]] = condition["Value"]["Value"]
    return wanted
