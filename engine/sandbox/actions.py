"""Create, update and delete, each with all that follows from it, inside one transaction."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from engine.model.catalogue import Entity
from engine.sandbox import adjusting, records, rules, wire, writes
from engine.sandbox.answers import Refused
from engine.sandbox.contracts import BUNDLES, LINES, Books, Line
from engine.sandbox.ledger import Ledger, NotAllowed
from engine.sandbox.lenient import Json
from engine.sandbox.records import Kept
from engine.sandbox.writes import Desk, Reading

_Result = TypeVar("_Result")
_NO_MATCH = "No matching records found for the given id."
_HOLDERS = {line.holder: line for line in LINES}
_ADJUSTMENTS = {line.adjustments: line for line in LINES}
_ONE_ONLY = {"CompanyLocations": ("isPrimary", "companyID"), "ProductVendors": ("isDefault", "productID")}


def create(desk: Desk, entity: Entity, body: Mapping[str, Json], parent: int | None) -> int | None:
    """A new record; its id, or none for an adjustment. Raises Refused."""
    said = {name: value for name, value in body.items() if name != "id"}  # `id: 0` is sent by the vendor's own examples
    reading = writes.read(desk, entity, said, None)
    _under_parent(reading, parent)
    line = _ADJUSTMENTS.get(entity.name)
    if line is not None:
        writes.check_required(reading, entity.fields)
        reading.done()
        return _told(lambda: adjusting.adjust(desk, line, reading))
    rules.defaults(reading)
    writes.check_required(reading, entity.fields)
    holder = _HOLDERS.get(entity.name)
    if holder is not None and not reading.texts:
        adjusting.check_repeat(desk, holder, reading)
    rules.check(reading, {**dict.fromkeys(entity.fields), **reading.values})
    reading.done()
    if holder is not None:
        return _told(lambda: adjusting.begin(desk, holder, reading.values, reading.extra))
    return _insert(desk, entity, reading.values)


def _insert(desk: Desk, entity: Entity, values: Kept) -> int:
    rules.stamp(desk, entity, values, created=True)
    rules.derive(entity, values, values)
    record = records.insert(desk.db, entity, {**dict.fromkeys(entity.fields), **values})
    _follow(desk, entity, record, values)
    return record


def _under_parent(reading: Reading, parent: int | None) -> None:
    """The parent's id comes from the address; a body that names another one is refused."""
    place = reading.entity.parent
    if place is None or parent is None:
        return
    named = reading.values.setdefault(place.key, parent)
    if named != parent:
        reading.refuse(f"The value of {place.key} does not match the id in the request URL. ; on record number [1].")
    writes.check_parent(reading, place.key, parent)


def update(desk: Desk, entity: Entity, body: Mapping[str, Json], parent: int | None, *, whole: bool) -> int:
    """Changes a record that exists; `whole` (PUT) sets what is left out to null. Its id. Raises Refused."""
    before = _found(desk, entity, body.get("id"), parent)
    said = {name: value for name, value in body.items() if name != "id"}
    reading = writes.read(desk, entity, said, before, whole=whole)
    after = {**before, **reading.values}
    rules.check(reading, after)
    reading.done()
    values = reading.values
    rules.derive(entity, after, values)
    rules.stamp(desk, entity, values, created=False)
    record = int(before["id"] or 0)
    _told(lambda: _apply(desk, entity, record, before, values))
    return record


def _apply(desk: Desk, entity: Entity, record: int, before: Kept, values: Kept) -> None:
    moved = _moved(desk, before, values) if entity.name == "Contracts" else []
    records.update(desk.db, entity.name, record, values)
    books = Books(desk.db, desk.tenant)
    for line, holder, after in moved:
        books.cut(line, holder, after)
    if entity.name == BUNDLES.holder and values.get("adjustedPrice") is not None:
        books.reopen(BUNDLES, {**before, **values})
    _follow(desk, entity, record, {**before, **values})


def _moved(desk: Desk, before: Kept, values: Kept) -> list[tuple[Line, Kept, Ledger]]:
    """The ledgers of a contract after its dates have moved; none where they have not."""
    start, end = values.get("startDate") or before["startDate"], values.get("endDate") or before["endDate"]
    if (start, end) == (before["startDate"], before["endDate"]):
        return []
    books = Books(desk.db, desk.tenant)
    return [
        (line, holder, books.moved(line, holder, str(start), str(end)))
        for line in LINES
        for holder in books.holders(line, before["id"])
    ]


def _found(desk: Desk, entity: Entity, said: Json, parent: int | None) -> Kept:
    record = wire.as_id(said)
    before = None if record is None else desk.record(entity.name, record)
    hidden = desk.user.level.hidden.get(entity.name, frozenset())
    if before is None or before["id"] in hidden:
        raise Refused(_NO_MATCH)
    if parent is not None and entity.parent is not None and before[entity.parent.key] != parent:
        raise Refused(_NO_MATCH)
    return before


def delete(desk: Desk, entity: Entity, record: int, parent: int | None) -> int:
    """Takes a record away, and its children with it; refused while others refer to it."""
    before = _found(desk, entity, record, parent)
    children = [child for child in desk.tenant.entities.values() if child.parent and child.parent.entity == entity.name]
    for other in desk.tenant.entities.values():
        for name, field in other.fields.items():
            if field.reference == entity.name and other not in children and name != "id":
                _refuse_if_used(desk, other, name, record)
    for child in children:
        if child.parent is not None:
            rows = records.select(desk.db, child, {child.parent.key: record})
            records.delete(desk.db, child.name, [int(row["id"] or 0) for row in rows])
    records.delete(desk.db, entity.name, [record])
    _follow(desk, entity, record, before)
    return record


def _refuse_if_used(desk: Desk, entity: Entity, name: str, record: int) -> None:
    if records.select(desk.db, entity, {name: record}):
        raise Refused(f"The record cannot be deleted: it is referenced by {name} of the {entity.name} Entity.")


def _follow(desk: Desk, entity: Entity, record: int, values: Kept) -> None:
    """What a write entails elsewhere: one primary location, one default vendor, a bundle's cost."""
    if entity.name in _ONE_ONLY:
        flag, owner = _ONE_ONLY[entity.name]
        if values.get(flag) == 1:
            for row in records.select(desk.db, entity, {owner: values[owner], flag: 1}):
                if row["id"] != record:
                    records.update(desk.db, entity.name, int(row["id"] or 0), {flag: 0})
    if entity.name == "ServiceBundleServices":
        adjusting.roll_up(desk, values["serviceBundleID"])


def _told(act: Callable[[], _Result]) -> _Result:
    """Runs something of the ledger; its refusals become Autotask's."""
    try:
        return act()
    except NotAllowed as refusal:
        raise Refused(str(refusal)) from None
