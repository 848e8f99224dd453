"""One row changed, made or removed, as Dataverse does: PATCH makes what is not there, unless `If-Match` forbids it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.sandbox.answers import Answer
from engine.sandbox.dataverse.answers import Refusal, done
from engine.sandbox.dataverse.reading import absent
from engine.sandbox.dataverse.schema import Attribute, Kind
from engine.sandbox.dataverse.seed import json_of
from engine.sandbox.dataverse.store import RowStore, Values
from engine.sandbox.request import Request

_MISMATCH = "The version of the existing record doesn't match the RowVersion property provided."
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
}

Veto = Callable[[Kind, Mapping[str, Any]], str]
"""A plug-in's word against a write: empty, or why not."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Writes to the store."""

    store: RowStore
    veto: Veto

    def patch(self, kind: Kind, key: str, request: Request) -> Answer:
        """An update, or an upsert. Raises Refusal."""
        said = _body(request)
        values = {name: _wire(kind, name, value) for name, value in said.items()}
        why = self.veto(kind, said)
        if why:
            raise Refusal(400, "0x80040265", why)
        match = request.headers.get("if-match")
        with self.store.writing():
            stored = self.store.one(kind.logical, key)
            if stored is None and match is not None:
                raise absent(kind, key)
            if stored and (match not in (None, "*", f'W/"{stored.version}"')):
                raise Refusal(412, "0x80060882", _MISMATCH)
            before = stored.values() if stored else blank(kind, key)
            after = {**before, **values}
            _check_state(kind, after, said)
            version = self.store.put(kind.logical, key, after)
        return done(204, {"ETag": f'W/"{version}"', "OData-EntityId": f"{kind.entity_set}({key})"})

    def delete(self, kind: Kind, key: str) -> Answer:
        """Raises Refusal."""
        with self.store.writing():
            if self.store.one(kind.logical, key) is None:
                raise absent(kind, key)
            self.store.remove(kind.logical, key)
        return done(204, {})


def _body(request: Request) -> dict[str, Any]:
    try:
        said = json.loads(request.body, parse_float=Decimal)
    except ValueError:
        raise Refusal(400, "0x80048d19", "Error identified in Payload provided by the user.") from None
    if not isinstance(said, dict):
        raise Refusal(400, "0x80048d19", "Error identified in Payload provided by the user.")
    return said


def _wire(kind: Kind, name: str, value: object) -> str:
    """The value as it is stored. Raises Refusal on a column or type that does not fit."""
    attribute = kind.attributes.get(name)
    if attribute is None or attribute.kind in ("Lookup", "Customer"):
        words = f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{kind.logical}'."
        raise Refusal(400, "0x80048d19", words)
    if not attribute.writable:
        raise Refusal(400, "0x80040203", f"Attribute {name} cannot be updated.")
    fits = isinstance(value, _TYPES[attribute.kind]) and not (attribute.kind != "Boolean" and isinstance(value, bool))
    if value is not None and not fits:
        raise Refusal(400, "0x80048d19", f"Cannot convert the value of {name} to type {attribute.kind}.")
    _check_choice(attribute, value)
    return json_of(value)


def _check_choice(attribute: Attribute, value: object) -> None:
    if attribute.choices and value is not None and value not in [choice.value for choice in attribute.choices]:
        words = f"A validation error occurred. The value {value} of '{attribute.logical}' is outside the valid range."
        raise Refusal(400, "0x8004431a", words)


def _check_state(kind: Kind, after: Values, said: Mapping[str, Any]) -> None:
    """A status reason stands under one state, and both are to say the same."""
    status = kind.attributes.get("statuscode")
    if status is None or not {"statecode", "statuscode"} & said.keys():
        return
    wanted = {str(choice.value): str(choice.state) for choice in status.choices}
    if wanted.get(after["statuscode"], after["statecode"]) != after["statecode"]:
        words = (
            f"{after['statuscode']} is not a valid status code for state code {after['statecode']} on {kind.logical}."
        )
        raise Refusal(400, "0x80048408", words)


def blank(kind: Kind, key: str) -> Values:
    """A new row, with nothing in it but its key and what every row has."""
    values = dict.fromkeys((attribute.wire for attribute in kind.attributes.values()), "null")
    values[kind.key] = json_of(key)
    for name in ("statecode", "statuscode"):
        if name in kind.attributes:
            values[name] = json_of(kind.attributes[name].choices[0].value)
    return values
