"""Rights: API users, their security levels, and what each level hides.

Source: docs/explanation/autotask.md, section 1.
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from trueup.model.catalogue import Entity, Type
from trueup.sandbox.autotask.responses import AutotaskError

OPERATIONS = ("create", "query", "update", "delete")
FULL = "full"
_NO_RIGHT = "The logged in Resource does not have the adequate permissions to {operation} {entity}."
IMPERSONATION = "impersonationresourceid"
"""The header, in lower case, that names the Resource to act for."""


class SecurityLevel(Struct, frozen=True):
    """A security level. `grants` are operations by entity, with `*` for all others."""

    name: str
    grants: Mapping[str, frozenset[str]]
    costs: bool = True  # cost fields are shown and may be written
    hidden: Mapping[str, frozenset[int]] = {}  # ids by entity

    def grants_operation(self, operation: str, entity: str) -> bool:
        """Returns whether the level grants an operation on an entity."""
        return operation in self.grants.get(entity, self.grants.get("*", frozenset()))

    def access(self, operation: str, entity: str) -> str:
        """Returns the access that entityInformation shows: None, Restricted or All."""
        if not self.grants_operation(operation, entity):
            return "None"
        return "Restricted" if self.hidden.get(entity) else "All"


@dataclass(frozen=True, slots=True)
class ApiUser:
    """An API user. With `api` false it is an ordinary one, who may use the zone look-up only."""

    username: str
    secret: str = field(repr=False)
    code: str = field(repr=False)  # the integration's tracking code
    level: SecurityLevel
    resource: int | None = None  # the Resource that signs the user's writes
    api: bool = True
    impersonates: bool = False  # may write in the name of another Resource


EVERYTHING = SecurityLevel(FULL, {"*": frozenset(OPERATIONS)})


def authenticate(users: Iterable[ApiUser], headers: Mapping[str, str]) -> ApiUser:
    """Returns the user that the headers name; header names are in lower case.

    Raises `AutotaskError` for an unknown integration code (500), or a wrong user or secret (401).
    """
    users = tuple(users)
    code = headers.get("apiintegrationcode", "")
    if not any(_same(user.code, code) for user in users):
        raise AutotaskError("IntegrationCode is invalid.")

    name, secret = headers.get("username", ""), headers.get("secret", "")
    for user in users:
        if user.username.lower() == name.lower() and _same(user.secret, secret) and user.api:
            return user
    raise AutotaskError("Unauthorized", status=401)


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(
        expected.encode("utf-8", "replace"), given.encode("utf-8", "replace")
    )


def require_right(user: ApiUser, operation: str, entity: str, status: str) -> None:
    """Raises `AutotaskError` with this status unless the user's level grants the operation."""
    if not user.level.grants_operation(operation, entity):
        message = _NO_RIGHT.format(operation=operation, entity=entity)
        raise AutotaskError(message, status=int(status))


def require_impersonation(user: ApiUser, headers: Mapping[str, str], operation: str) -> None:
    """Raises `AutotaskError` if the headers name another Resource and the user may not act for it.

    Autotask refuses reads too, with a text about permissions.
    """
    if headers.get(IMPERSONATION, "").strip() and not user.impersonates:
        raise AutotaskError(_NO_RIGHT.format(operation=operation, entity="this entity type"))


def is_cost(entity: Entity, name: str) -> bool:
    """Returns whether a field is a cost, which needs a permission of its own."""
    return entity.fields[name].type is Type.DECIMAL and "cost" in name.lower()
