"""Creates and updates: the way that Autotask wants, the body, and what the answer says.

Some children are written through their parent only; an update is a PATCH on the collection with the id
in the body. Read-only fields are never sent, since nobody knows whether they are refused or ignored
(autotask-api.md, sections 2, 4 and 10).
"""

from collections.abc import Callable, Mapping

from engine.model.catalogue import Entity
from engine.target.answers import Garbled
from engine.target.repeating import Request
from engine.target.wire import ID, NotWire, body_of, to_wire


def create_request(entity: Entity, values: Mapping[str, object]) -> Request:
    """The request that creates a record. Raises NotWire for what must not be sent."""
    _refuse(entity, "create", [name for name in values if not _takes(entity, name, create=True)])
    what = f"creating a record of {entity.name}"
    body = body_of(entity, values)
    path = _path(entity, values)
    return Request("POST", path, entity.name, what, body, writes=True, repeatable=False)


def update_request(entity: Entity, record: int, changed: Mapping[str, object], parent: object) -> Request:
    """The request that sets these fields. `parent` is the parent's id, where the way leads through it."""
    _refuse(entity, "update", [name for name in changed if not _takes(entity, name, create=False)])
    body = {ID: record, **body_of(entity, changed)}
    path = _path(entity, {entity.parent.key: parent} if entity.parent else {})
    return Request("PATCH", path, entity.name, f"updating {entity.name} {record}", body, writes=True)


def parent_key(entity: Entity) -> str | None:
    """The field that holds the parent's id, where updates go through the parent."""
    return entity.parent.key if entity.parent and entity.writes_via == "parent" else None


def _takes(entity: Entity, name: str, *, create: bool) -> bool:
    field = entity.field(name)
    if field is None:
        return False
    return field.writable_on_create() if create else field.writable_on_update()


def _refuse(entity: Entity, operation: str, wrong: list[str]) -> None:
    if operation not in entity.operations:
        raise NotWire(f"Autotask offers no {operation} for {entity.name}")
    if wrong:
        raise NotWire(f"{entity.name} takes no {', '.join(sorted(wrong))} on {operation}")


def _path(entity: Entity, values: Mapping[str, object]) -> str:
    key = parent_key(entity)
    if key is None or entity.parent is None:
        return entity.name
    field, value = entity.field(key), values.get(key)
    if field is None or value is None:
        raise NotWire(f"{entity.name} is written through {entity.parent.entity}, and {key} is not given")
    return entity.parent.path.replace("{parentId}", str(to_wire(field, value))).lstrip("/")


def created(payload: object) -> int | None:
    """The id of a created record; None where Autotask gives none, as for adjustments. Raises Garbled."""
    number = _item_id(payload)
    if number is not None and number <= 0:
        raise Garbled(f"a new record with the id {number}")
    return number


def updated(record: int) -> Callable[[object], None]:
    """What reads the answer of an update of that record."""

    def read(payload: object) -> None:
        number = _item_id(payload)
        if number not in {None, record}:
            raise Garbled(f"the answer is for record {number}")

    return read


def _item_id(payload: object) -> int | None:
    """`itemId` has no type in the service's own description, and is null for adjustments."""
    said = {str(name).casefold(): value for name, value in payload.items()} if isinstance(payload, dict) else {}
    if "itemid" not in said:
        raise Garbled("no itemId")
    number = said["itemid"]
    if isinstance(number, str) and number.isdecimal():
        return int(number)
    if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
        raise Garbled("an itemId that is no number")
    return number
