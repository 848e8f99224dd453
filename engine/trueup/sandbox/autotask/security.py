"""Who may do what: API users, their security levels, and what each level hides."""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from engine.model.catalogue import Entity, Type
from engine.sandbox.answers import Refused

OPERATIONS = ("create", "query", "update", "delete")
FULL = "full"
_NO_RIGHT = "The logged in Resource does not have the adequate permissions to {operation} {entity}."


@dataclass(frozen=True, slots=True)
class Level:
    """A security level: operations by entity (`*` for all others), costs or not, rows that it hides."""

    name: str
    grants: Mapping[str, frozenset[str]]
    costs: bool = True
    hidden: Mapping[str, frozenset[int]] = field(default_factory=dict)

    def may(self, operation: str, entity: str) -> bool:
        """Is it granted?"""
        return operation in self.grants.get(entity, self.grants.get("*", frozenset()))

    def access(self, operation: str, entity: str) -> str:
        """The word that entityInformation has for it."""
        if not self.may(operation, entity):
            return "None"
        return "Restricted" if self.hidden.get(entity) else "All"


@dataclass(frozen=True, slots=True)
class User:
    """An API user. `api` is false for an ordinary one, who passes the zone look-up and nothing else."""

    username: str
    secret: str = field(repr=False)
    code: str = field(repr=False)  # the integration's tracking code
    level: Level
    resource: int | None = None  # the Resource that its writes are signed with
    api: bool = True
    impersonates: bool = False


EVERYTHING = Level(FULL, {"*": frozenset(OPERATIONS)})


def sign_in(users: Iterable[User], headers: Mapping[str, str]) -> User:
    """The user whom the headers name (in small letters). Raises Refused with Autotask's texts."""
    known = tuple(users)
    code = headers.get("apiintegrationcode", "")
    if not any(_same(user.code, code) for user in known):
        raise Refused("IntegrationCode is invalid.")
    name, secret = headers.get("username", ""), headers.get("secret", "")
    for user in known:
        if user.username.lower() == name.lower() and _same(user.secret, secret) and user.api:
            return user
    raise Refused("Unauthorized", status=401)


def _same(ours: str, theirs: str) -> bool:
    return hmac.compare_digest(ours.encode("utf-8", "replace"), theirs.encode("utf-8", "replace"))


def demand(user: User, operation: str, entity: str, status: str) -> None:
    """Raises Refused unless the user's level grants the operation."""
    if not user.level.may(operation, entity):
        raise Refused(_NO_RIGHT.format(operation=operation, entity=entity), status=int(status))


def is_cost(entity: Entity, name: str) -> bool:
    """Is this one of the fields that the permission to see costs is about?"""
    return entity.fields[name].type is Type.DECIMAL and "cost" in name.lower()
