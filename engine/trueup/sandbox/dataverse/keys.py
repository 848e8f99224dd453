"""Alternate keys that a client defines. They are kept in the environment's database.

Source: docs/explanation/work365.md, section 6.4.
"""

import json
import re
from collections.abc import Sequence

from trueup.sandbox.dataverse.address import GUID, Segment
from trueup.sandbox.dataverse.documents import key_metadata
from trueup.sandbox.dataverse.metadata import table_with
from trueup.sandbox.dataverse.payload import parsed
from trueup.sandbox.dataverse.reader import API
from trueup.sandbox.dataverse.relations import Definitions
from trueup.sandbox.dataverse.responses import DataverseError, no_content, unsupported
from trueup.sandbox.dataverse.schema import TableDefinition
from trueup.sandbox.dataverse.store import RowStore
from trueup.sandbox.http.request import Request
from trueup.sandbox.http.responses import Response

MOST = 10  # keys of one table
_FACT = "alternate_keys"
_KINDS = ("String", "Integer", "Decimal", "DateTime", "Lookup", "Customer", "Picklist")
"""Types of columns that a key may have."""


def load(store: RowStore, definitions: Definitions) -> None:
    """Gives the tables the keys that clients have defined; without any, they keep their own."""
    text = store.facts.get(_FACT, "")
    if not text:
        return
    stored = json.loads(text)
    for table in definitions.values():
        keys = stored.get(table.logical, {})
        table.keys = {name: tuple(columns) for name, columns in keys.items()}


def change(
    store: RowStore, definitions: Definitions, parts: Sequence[Segment], request: Request
) -> Response | None:
    """Adds or deletes a key; None for a path or a verb that does neither.

    Raises `DataverseError`.
    """
    if [part.name for part in parts] != ["EntityDefinitions", "Keys"]:
        return None
    table = table_with(definitions, parts[0].arguments or "")
    match request.verb, parts[1].arguments:
        case "POST", None:
            name = _added(store, table, request)
        case "DELETE", str(key):
            name = ""
            del table.keys[_found(table, key)]
        case _:
            return None
    stored = {definition.logical: definition.keys for definition in definitions.values()}
    with store.writing():
        store.facts.set(_FACT, json.dumps(stored))
    if not name:
        return no_content({})
    owner = f"{request.base}{API}EntityDefinitions(LogicalName='{table.logical}')"
    return no_content(
        {"OData-EntityId": f"{owner}/Keys({key_metadata(table, name)['MetadataId']})"}
    )


def _added(store: RowStore, table: TableDefinition, request: Request) -> str:
    body = parsed(request.body)
    name, columns = str(body.get("SchemaName", "")).lower(), body.get("KeyAttributes")
    if not re.fullmatch(r"\w{1,100}", name) or name in table.keys:
        raise unsupported(f"The SchemaName '{name:.100}' of the key is missing, wrong or in use.")
    if not isinstance(columns, list) or not columns or len(set(map(str, columns))) < len(columns):
        raise unsupported("KeyAttributes must name columns, each of them once.")
    for column in columns:
        attribute = table.attributes.get(str(column))
        if attribute is None or attribute.kind not in _KINDS:
            raise unsupported(f"The column '{column}' cannot be a part of a key.")
    if len(table.keys) >= MOST or tuple(columns) in table.keys.values():
        raise unsupported(f"The table has {MOST} keys, or a key of these columns.")
    _refuse_duplicates(store, table, columns)
    table.keys[name] = tuple(columns)
    return name


def _refuse_duplicates(store: RowStore, table: TableDefinition, columns: Sequence[str]) -> None:
    """Raises `DataverseError` if two rows have the same values. Texts are compared in any case."""
    wires = [table.attributes[column].wire for column in columns]
    seen = set()
    for row in store.after(table.logical, 0, 1 << 31, gone=False):
        values = row.values()
        identity = tuple(values.get(wire, "null").casefold() for wire in wires)
        if "null" not in identity and identity in seen:
            raise DataverseError(
                412, "0x80040237", "A record with matching key values already exists."
            )
        seen.add(identity)


def _found(table: TableDefinition, key: str) -> str:
    """Returns the name of the key that an address names by its id or its name."""
    for name in table.keys:
        by_name = key in (f"LogicalName='{name}'", f"SchemaName='{name}'")
        if by_name or (GUID.fullmatch(key) and key_metadata(table, name)["MetadataId"] == key):
            return name
    raise DataverseError(404, "0x80060888", f"Could not find a key with {key}.")
