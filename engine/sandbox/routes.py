"""The surface, made from the catalogue: which address is which entity's, and what may be done there.

Addresses are compared in small letters, numbers as a placeholder: case means nothing to the service.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from engine.model.catalogue import Entity

_NUMBER = re.compile(r"-?\d{1,19}\Z")
_PLACEHOLDER = re.compile(r"\{\w+\}")
_ID = "{}"
_LARGEST = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Route:
    """One address: whose it is, what it does, which verbs it knows."""

    entity: str
    does: str  # query, next, count, item, collection, child item, child collection, information, fields, udfs
    verbs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """A route with the numbers of the address: the parent's id and the record's."""

    route: Route
    parent: int | None = None
    record: int | None = None


def table(entities: Mapping[str, Entity]) -> dict[str, Route]:
    """Every address of every entity, in small letters."""
    routes: dict[str, Route] = {}
    for entity in entities.values():
        root = f"/{entity.name.lower()}"
        routes.setdefault(root, Route(entity.name, "collection", ()))
        for path, verbs in entity.routes.items():
            key = _PLACEHOLDER.sub(_ID, path.lower())
            routes[key] = Route(entity.name, _does(key, root), tuple(verbs))
            if key == f"{root}/query":
                routes[f"{key}/next"] = Route(entity.name, "next", tuple(verbs))
        for path, does in (("", "information"), ("/fields", "fields"), ("/userdefinedfields", "udfs")):
            routes[f"{root}/entityinformation{path}"] = Route(entity.name, does, ("GET",))
    return routes


def _does(key: str, root: str) -> str:
    own = {root: "collection", f"{root}/{_ID}": "item", f"{root}/query": "query", f"{root}/query/count": "count"}
    if key in own:
        return own[key]
    return "child item" if key.endswith(_ID) else "child collection"


def find(routes: Mapping[str, Route], path: str) -> Match | None:
    """The route of an address below the version segment, or none."""
    segments = [unquote(segment) for segment in path.strip("/").split("/")]
    numbers = [int(segment) for segment in segments if _NUMBER.match(segment)]
    key = "/" + "/".join(_ID if _NUMBER.match(segment) else segment.lower() for segment in segments)
    route = routes.get(key)
    if route is None or any(abs(number) > _LARGEST for number in numbers):
        return None
    if route.does.startswith("child"):
        return Match(route, numbers[0], numbers[1] if len(numbers) > 1 else None)
    return Match(route, None, numbers[0] if numbers else None)
