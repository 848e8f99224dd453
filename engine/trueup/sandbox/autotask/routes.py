"""The routes of the API, made from the catalogue: entity, purpose and verbs by address.

Addresses are compared in lower case, because Autotask ignores case. Numbers are placeholders.
Source: docs/explanation/autotask.md, section 2.
"""

import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import unquote

from msgspec import Struct

from trueup.model.catalogue import Entity

_NUMBER = re.compile(r"-?\d{1,19}\Z")
_PLACEHOLDER = re.compile(r"\{\w+\}")
_ID = "{}"
_LARGEST_ID = (1 << 63) - 1

Purpose = Literal[
    "collection",
    "item",
    "query",
    "next",
    "count",
    "child collection",
    "child item",
    "information",
    "fields",
    "user-defined fields",
]


_METADATA: Mapping[str, Purpose] = {
    "": "information",
    "/fields": "fields",
    "/userdefinedfields": "user-defined fields",
}


class Route(Struct, frozen=True):
    """One address: its entity, its purpose, and the verbs that it allows."""

    entity: str
    purpose: Purpose
    verbs: tuple[str, ...]


class Match(Struct, frozen=True):
    """A route with the ids in the address: of the parent and of the record."""

    route: Route
    parent: int | None = None
    record: int | None = None


def route_table(entities: Mapping[str, Entity]) -> dict[str, Route]:
    """Returns the routes of all entities by address, in lower case and with `{}` for each id.

    A collection that allows no verb has no route: its address is unknown.
    """
    routes: dict[str, Route] = {}
    for entity in entities.values():
        root = f"/{entity.name.lower()}"
        for path, verbs in entity.routes.items():
            address = _PLACEHOLDER.sub(_ID, path.lower())
            routes[address] = Route(entity.name, _purpose(address, root), tuple(verbs))
            if address == f"{root}/query":
                routes[f"{address}/next"] = Route(entity.name, "next", tuple(verbs))

        addresses = [root]
        if entity.parent is not None:
            addresses.append(_PLACEHOLDER.sub(_ID, entity.parent.path.lower()))
        for address in addresses:
            for tail, purpose in _METADATA.items():
                routes[f"{address}/entityinformation{tail}"] = Route(entity.name, purpose, ("GET",))
    return routes


def _purpose(address: str, root: str) -> Purpose:
    own: dict[str, Purpose] = {
        root: "collection",
        f"{root}/{_ID}": "item",
        f"{root}/query": "query",
        f"{root}/query/count": "count",
    }
    if address in own:
        return own[address]
    return "child item" if address.endswith(_ID) else "child collection"


def find_route(routes: Mapping[str, Route], path: str) -> Match | None:
    """Returns the route of a path below the version segment, or None."""
    segments = [unquote(segment) for segment in path.strip("/").split("/")]
    ids = [int(segment) for segment in segments if _NUMBER.match(segment)]
    names = [_ID if _NUMBER.match(segment) else segment.lower() for segment in segments]

    route = routes.get("/" + "/".join(names))
    if route is None or any(abs(number) > _LARGEST_ID for number in ids):
        return None
    if route.purpose.startswith("child"):
        return Match(route, ids[0], ids[1] if len(ids) > 1 else None)
    return Match(route, None, ids[0] if ids else None)
