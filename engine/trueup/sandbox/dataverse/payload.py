"""Turns the JSON object of a write into stored values, and checks names, types and choices.

References are written by their navigation property: `"<name>@odata.bind": "/accounts(<guid>)"`.
Source: docs/explanation/work365.md, section 6.4.
"""

import json
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from msgspec import Struct

from trueup.sandbox.dataverse.address import GUID, find_link, missing
from trueup.sandbox.dataverse.filters import instant
from trueup.sandbox.dataverse.relations import Definitions, single
from trueup.sandbox.dataverse.responses import DataverseError
from trueup.sandbox.dataverse.schema import Attribute, TableDefinition
from trueup.sandbox.dataverse.seed import to_json, utc_text
from trueup.sandbox.dataverse.store import RowStore, Values

_BIND = "@odata.bind"
_TYPES: Mapping[str, tuple[type, ...]] = {
    "String": (str,),
    "Memo": (str,),
    "Boolean": (bool,),
    "DateTime": (str,),
    "Integer": (int,),
    "Decimal": (int, Decimal),
    "Money": (int, Decimal),
    "Picklist": (int,),
    "State": (int,),
    "Status": (int,),
    "Uniqueidentifier": (str,),
}


_LARGEST = {"Integer": 2**31 - 1, "Decimal": 100_000_000_000, "Money": 922_337_203_685_477}
"""The largest numbers by AttributeType; the smallest are their opposites."""


class Payload(Struct, frozen=True):
    """Reads the objects that are written to one table."""

    store: RowStore
    definitions: Definitions
    table: TableDefinition

    def values(self, body: Mapping[str, Any], *, new: bool) -> Values:
        """Returns the stored values of an object; a new row may bring its key.

        Raises `DataverseError` for a wrong column, type or reference.
        """
        values: Values = {}
        for name, value in body.items():
            if name.endswith(_BIND):
                values.update(self._reference(name.removesuffix(_BIND), value))
            elif new and name == self.table.key:
                values[name] = to_json(_key(name, value))
            elif "@" not in name:  # other annotations are ignored
                values[name] = self._value(name, value)
        return values

    def _reference(self, name: str, value: object) -> Values:
        relation = single(self.definitions, self.table, name)
        if relation is None:
            raise DataverseError(
                400,
                "0x80048d19",
                "Error identified in Payload provided by the user for Entity :"
                f"'{self.table.entity_set}'. An undeclared property '{name}' which only has"
                " property annotations in the payload but no property value was found in the"
                " payload.",
            )
        if value is None:
            return {relation.attribute.wire: "null"}
        address = find_link(self.store, self.definitions, str(value))
        if address.table is not relation.referenced:
            raise _invalid(
                f"A resource of type 'Microsoft.Dynamics.CRM.{address.table.logical}' cannot be"
                f" bound to the property '{name}'."
            )
        if address.row is None:
            raise missing(address)
        return {relation.attribute.wire: to_json(address.row.key)}

    def _value(self, name: str, value: object) -> str:
        table = self.table
        attribute = table.attributes.get(name)
        if attribute is None or attribute.targets:
            raise _invalid(
                f"Could not find a property named '{name}' on type"
                f" 'Microsoft.Dynamics.CRM.{table.logical}'."
            )
        if not attribute.writable:
            raise DataverseError(400, "0x80040203", f"Attribute {name} cannot be updated.")
        if value is not None and not _has_type(attribute, value):
            raise _invalid(f"Cannot convert the value of {name} to type {attribute.kind}.")
        _check_choice(attribute, value)
        _check_range(attribute, value)
        if attribute.kind == "DateTime" and isinstance(value, str):
            return to_json(_date_text(attribute, value))
        return to_json(_as_kept(attribute, value))


def parsed(body: bytes) -> dict[str, Any]:
    """Parses the JSON object of a request. Raises `DataverseError` if it is none."""
    invalid = _invalid("Error identified in Payload provided by the user.")
    try:
        document = json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise invalid from None
    if not isinstance(document, dict):
        raise invalid
    return document


def _key(name: str, value: object) -> str:
    if not isinstance(value, str) or not GUID.fullmatch(value):
        raise _invalid(f"Cannot convert the value of {name} to type Guid.")
    return value.lower()


def _has_type(attribute: Attribute, value: object) -> bool:
    if isinstance(value, bool):  # in Python also an int
        return attribute.kind == "Boolean"
    if attribute.kind == "DateTime" and isinstance(value, str):
        try:
            instant(value)
        except ValueError:
            return False
    return isinstance(value, _TYPES[attribute.kind])


def _check_choice(attribute: Attribute, value: object) -> None:
    values = [choice.value for choice in attribute.choices]
    if values and value is not None and value not in values:
        raise DataverseError(
            400,
            "0x8004431a",
            f"A validation error occurred. The value {value} of '{attribute.logical}' is outside"
            " the valid range.",
        )


def _check_range(attribute: Attribute, value: object) -> None:
    is_text = isinstance(value, str) and attribute.kind in ("String", "Memo")
    if is_text and len(str(value)) > attribute.longest:
        raise DataverseError(
            400,
            "0x80044331",
            f"A validation error occurred. The length of the '{attribute.logical}' attribute"
            f" exceeded the maximum allowed length of '{attribute.longest}'.",
        )
    largest = _LARGEST.get(attribute.kind)
    if largest is None or not isinstance(value, int | Decimal):
        return
    if not -largest <= value <= largest:
        raise DataverseError(
            400,
            "0x8004431a",
            f"A validation error occurred. The value of '{attribute.logical}' is outside the valid"
            f" range. Accepted Values: -{largest} to {largest}",
        )


def _as_kept(attribute: Attribute, value: object) -> object:
    """Returns a value as Dataverse keeps it: empty text as null, numbers with the column's places.

    Sections 6.4 and 6.7. How it rounds is UNCERTAIN; half away from zero is usual.
    """
    if value == "":
        return None
    if isinstance(value, Decimal) and not value.is_zero():
        places = Decimal(1).scaleb(-attribute.precision)
        rounded = value.quantize(places, ROUND_HALF_UP)
        return value if value == rounded else rounded
    return value


def _date_text(attribute: Attribute, text: str) -> str:
    """Returns a day, or an instant in UTC, as Dataverse sends it."""
    moment = instant(text)
    return moment.date().isoformat() if attribute.behaviour == "DateOnly" else utc_text(moment)


def _invalid(message: str) -> DataverseError:
    return DataverseError(400, "0x80048d19", message)
