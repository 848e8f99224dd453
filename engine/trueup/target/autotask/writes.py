"""The requests of creates and updates, and how their responses are read.

Some children are written only through their parent. An update is a PATCH on the collection with the
id in the body. Read-only fields are never sent, because it is unknown whether Autotask refuses or
ignores them (docs/explanation/autotask.md, sections 2, 4 and 10).
"""

from collections.abc import Callable, Iterable, Mapping

from trueup.model.catalogue import Entity, Field
from trueup.target.autotask.responses import MalformedResponse
from trueup.target.autotask.retry import ApiRequest
from trueup.target.autotask.wire import ID, UnsendableValue, body_of, to_wire


def create_request(entity: Entity, values: Mapping[str, object]) -> ApiRequest:
    """Returns the request that creates a record. Raises `UnsendableValue`."""
    _check_fields(entity, "create", values, Field.writable_on_create)
    body = body_of(entity, values)
    return ApiRequest(
        "POST",
        _path(entity, values),
        entity.name,
        f"creating a record of {entity.name}",
        body,
        writes=True,
        repeatable=False,
    )


def update_request(
    entity: Entity, record: int, changed: Mapping[str, object], parent: object
) -> ApiRequest:
    """Returns the request that sets these fields. Raises `UnsendableValue`.

    `parent` is the id of the parent, if the entity is written through it.
    """
    _check_fields(entity, "update", changed, Field.writable_on_update)
    return ApiRequest(
        "PATCH",
        _path(entity, {entity.parent.key: parent} if entity.parent else {}),
        entity.name,
        f"updating {entity.name} {record}",
        {ID: record, **body_of(entity, changed)},
        writes=True,
    )


def parent_key(entity: Entity) -> str | None:
    """Returns the field with the parent's id, if the entity is written through its parent."""
    return entity.parent.key if entity.parent and entity.writes_via == "parent" else None


def _check_fields(
    entity: Entity, operation: str, names: Iterable[str], is_writable: Callable[[Field], bool]
) -> None:
    """Raises `UnsendableValue` for an operation or a field that Autotask does not accept."""
    if operation not in entity.operations:
        raise UnsendableValue(f"Autotask offers no {operation} for {entity.name}")
    fields = {name: entity.field(name) for name in names}
    refused = [name for name, field in fields.items() if field is None or not is_writable(field)]
    if refused:
        listed = ", ".join(sorted(refused))
        raise UnsendableValue(f"{entity.name} does not accept {listed} on {operation}")


def _path(entity: Entity, values: Mapping[str, object]) -> str:
    """The collection to write to: the entity's own, or the one of its parent."""
    key = parent_key(entity)
    if key is None or entity.parent is None:
        return entity.name
    field, value = entity.field(key), values.get(key)
    if field is None or value is None:
        raise UnsendableValue(
            f"{entity.name} is written through {entity.parent.entity}, and {key} is not given"
        )
    return entity.parent.path.replace("{parentId}", str(to_wire(field, value))).lstrip("/")


def created_id(payload: object) -> int | None:
    """Returns the id of a created record, None if Autotask gives none, as for adjustments.

    Raises `MalformedResponse`.
    """
    number = _item_id(payload)
    if number is not None and number <= 0:
        raise MalformedResponse(f"a new record with the id {number}")
    return number


def update_reader(record: int) -> Callable[[object], None]:
    """Returns a function that checks the response to an update of that record."""

    def check(payload: object) -> None:
        number = _item_id(payload)
        if number not in {None, record}:
            raise MalformedResponse(f"the answer is for record {number}")

    return check


def _item_id(payload: object) -> int | None:
    """`itemId` has no type in the service's own description, and is null for adjustments."""
    properties = payload.items() if isinstance(payload, dict) else ()
    answer = {str(name).casefold(): value for name, value in properties}
    if "itemid" not in answer:
        raise MalformedResponse("no itemId")
    number = answer["itemid"]
    if isinstance(number, str) and number.isdecimal():
        return int(number)
    if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
        raise MalformedResponse("an itemId that is not a number")
    return number
