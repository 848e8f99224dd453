"""Reads the paths below the API's root, and finds the rows that they address.

A row is addressed by its key, `accounts(<guid>)`, or by the columns of an alternate key,
`accounts(accountnumber='A-1')`. Source: docs/explanation/work365.md, section 6.4.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from trueup.sandbox.dataverse.filters import number, same
from trueup.sandbox.dataverse.relations import Definitions
from trueup.sandbox.dataverse.responses import DataverseError, unknown_segment, unsupported
from trueup.sandbox.dataverse.row_fields import edm_type, value_of
from trueup.sandbox.dataverse.schema import Attribute, TableDefinition
from trueup.sandbox.dataverse.store import RowStore, StoredRow, Values

API_PATH = re.compile(r"(?:https?:/+[^/]*)?/?(?:api/data/v\d+\.\d+/)?")
GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SEGMENT = re.compile(r"([\w.$]+)(?:\((.*)\))?", re.DOTALL)
_KEY_PART = re.compile(r"(\w+)=('(?:[^']|'')*'|[^,']*)(?:,|$)")
_NOT_IN_KEYS = re.compile(r"[/<>*%&:\\?+]")  # such values cannot be addressed
_ALL = 1 << 31


class Segment(Struct, frozen=True):
    """One part of a path: a name, and what stands in parentheses behind it."""

    name: str
    arguments: str | None


class RowAddress(Struct, frozen=True):
    """A row that may or may not exist."""

    table: TableDefinition
    key: str | None  # None for an alternate key without a row
    row: StoredRow | None
    columns: Values  # stored values of the alternate key's columns


def segments(path: str) -> list[Segment]:
    """Splits a path. Raises `DataverseError` for a part that has no known form."""
    parts = []
    for text in _parts(path):
        match = _SEGMENT.fullmatch(text)
        if match is None:
            raise unknown_segment(text)
        parts.append(Segment(match[1], match[2]))
    return parts


def _parts(path: str) -> Iterator[str]:
    """Splits at slashes outside parentheses and quoted texts."""
    start, level, quoted = 0, 0, False
    for position, character in enumerate(path):
        if character == "'":
            quoted = not quoted
        elif not quoted:
            level += {"(": 1, ")": -1}.get(character, 0)
            if character == "/" and level == 0:
                yield path[start:position]
                start = position + 1
    yield path[start:]


def table_of(definitions: Definitions, entity_set: str) -> TableDefinition:
    """Returns the table with an entity set. Raises `DataverseError` if there is none."""
    found = (table for table in definitions.values() if table.entity_set == entity_set)
    table = next(found, None)
    if table is None:
        raise unknown_segment(entity_set)
    return table


def find(store: RowStore, table: TableDefinition, key: str) -> RowAddress:
    """Finds the row that a segment's parentheses address.

    Raises `DataverseError` if the text is neither a key nor an alternate key of the table.
    """
    given = key.removeprefix(f"{table.key}=").strip("'")
    if GUID.fullmatch(given):
        return RowAddress(table, given.lower(), store.get(table.logical, given.lower()), {})

    texts = _key_texts(key)
    if set(texts) not in [set(_wire(table, columns)) for columns in table.keys.values()]:
        raise unsupported(
            "The key in the request URI is not valid for resource"
            f" 'Microsoft.Dynamics.CRM.{table.logical}'. Ensure that the names and number of key"
            " properties match the declared key or alternate key properties for the resource"
            f" 'Microsoft.Dynamics.CRM.{table.logical}'."
        )
    columns = {name: _stored(_by_wire(table)[name], text) for name, text in texts.items()}
    row = _with_values(store, table, columns)
    return RowAddress(table, row.key if row else None, row, columns)


def find_link(store: RowStore, definitions: Definitions, link: str) -> RowAddress:
    """Finds the row that a link such as `/accounts(<guid>)` addresses. Raises `DataverseError`."""
    match = API_PATH.match(link)
    path = link[match.end() :] if match else link
    parts = segments(path)
    if len(parts) != 1 or parts[0].arguments is None:
        raise unsupported(f"The link '{link:.200}' does not address a row.")
    return find(store, table_of(definitions, parts[0].name), parts[0].arguments)


def duplicate(
    store: RowStore, table: TableDefinition, key: str, values: Values
) -> StoredRow | None:
    """Returns another row with the same values in all columns of an alternate key, or None."""
    for names in table.keys.values():
        columns = {name: values.get(name, "null") for name in _wire(table, names)}
        if "null" in columns.values():
            continue
        found = _with_values(store, table, columns, other_than=key)
        if found is not None:
            return found
    return None


def missing(address: RowAddress) -> DataverseError:
    """Returns the error for a row that does not exist."""
    logical = address.table.logical
    if address.key is None:
        return DataverseError(
            404,
            "0x80060891",
            f"A record with the specified key values does not exist in {logical} entity",
        )
    return DataverseError(404, "0x80040217", f"{logical} With Id = {address.key} Does Not Exist")


def _key_texts(key: str) -> dict[str, str]:
    texts, position = {}, 0
    while position < len(key):
        match = _KEY_PART.match(key, position)
        if match is None:
            raise unsupported(f"Bad Request - Error in query syntax near '{key[position:]:.60}'.")
        texts[match[1]] = match[2]
        position = match.end()
    return texts


def _stored(attribute: Attribute, text: str) -> str:
    """Returns a value of an address as it is stored. Raises `DataverseError`."""
    quoted = text.startswith("'")
    if quoted is not (edm_type(attribute) == "String"):
        raise unsupported(f"The value of the key property '{attribute.wire}' has a wrong type.")
    if quoted and _NOT_IN_KEYS.search(text):
        raise unsupported("Bad Request - Error in query syntax.")
    if quoted:
        return json.dumps(text[1:-1].replace("''", "'"), ensure_ascii=False)
    if edm_type(attribute) == "Number":
        try:
            return format(number(text), "f")
        except ValueError:
            raise unsupported(f"The value of '{attribute.wire}' is not a number.") from None
    return json.dumps(text.lower())


def _with_values(
    store: RowStore, table: TableDefinition, columns: Mapping[str, str], other_than: str = ""
) -> StoredRow | None:
    by_wire = _by_wire(table)
    wanted = {
        by_wire[name]: same(json.loads(text, parse_float=Decimal)) for name, text in columns.items()
    }
    for row in store.after(table.logical, 0, _ALL, gone=False):
        if row.key != other_than and all(
            same(value_of(attribute, row)) == value for attribute, value in wanted.items()
        ):
            return row
    return None


def _by_wire(table: TableDefinition) -> Mapping[str, Attribute]:
    return {attribute.wire: attribute for attribute in table.attributes.values()}


def _wire(table: TableDefinition, logical: Sequence[str]) -> list[str]:
    return [table.attributes[name].wire for name in logical]
