"""Creates, updates and deletes a record, with all that follows from it, in one transaction."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from trueup.model.catalogue import Entity
from trueup.sandbox.autotask import adjustments, records, rules, wire, write_checks
from trueup.sandbox.autotask.contracts import Contracts
from trueup.sandbox.autotask.item_kinds import BUNDLES, ITEM_KINDS, ItemKind
from trueup.sandbox.autotask.ledger import Ledger, LedgerError
from trueup.sandbox.autotask.records import StoredRecord
from trueup.sandbox.autotask.responses import AutotaskError
from trueup.sandbox.autotask.unit_rows import LedgerWriter
from trueup.sandbox.autotask.write_checks import CheckedBody
from trueup.sandbox.autotask.write_context import WriteContext
from trueup.sandbox.http.json_types import Json

_NO_MATCH = "No matching records found for the given id."
_NOTHING_TO_DELETE = (
    "No message. No matching records found. The logged in Resource may not have the required"
    " permissions to delete the data."
)
_KIND_OF_CONTRACT_ITEM = {kind.contract_item: kind for kind in ITEM_KINDS}
_KIND_OF_ADJUSTMENT = {kind.adjustments: kind for kind in ITEM_KINDS}
_ONLY_ONE = {
    "CompanyLocations": ("isPrimary", "companyID"),
    "ProductVendors": ("isDefault", "productID"),
}
"""Flags that one record of a parent has: the flag and the parent's key, by entity."""


def create(
    context: WriteContext, entity: Entity, body: Mapping[str, Json], parent: int | None
) -> int | None:
    """Creates a record and returns its id; None for an adjustment. Raises `AutotaskError`."""
    # An id is ignored: the vendor's own examples send `id: 0`.
    values = {name: value for name, value in body.items() if name != "id"}
    checked = write_checks.check_body(context, entity, values, None)
    _set_parent(checked, parent)

    adjusted_kind = _KIND_OF_ADJUSTMENT.get(entity.name)
    if adjusted_kind is not None:
        write_checks.check_required(checked, entity.fields)
        checked.raise_errors()
        with _ledger_errors():
            return adjustments.adjust(context, adjusted_kind, checked)

    rules.set_defaults(checked)
    write_checks.check_required(checked, entity.fields)
    kind = _KIND_OF_CONTRACT_ITEM.get(entity.name)
    if kind is not None and not checked.errors:
        adjustments.check_repeat(context, kind, checked)
    rules.check(checked, {**dict.fromkeys(entity.fields), **checked.values})
    checked.raise_errors()

    if kind is not None:
        with _ledger_errors():
            return adjustments.add_to_contract(context, kind, checked.values, checked.unknown)
    return _insert(context, entity, checked.values)


def update(
    context: WriteContext,
    entity: Entity,
    body: Mapping[str, Json],
    parent: int | None,
    *,
    replace: bool,
) -> int:
    """Updates a record and returns its id. Raises `AutotaskError`.

    `replace` (PUT) sets fields that the body leaves out to null.
    """
    before = _existing(context, entity, body.get("id"), parent)
    rules.require_unbilled(entity, before)
    sent = {name: value for name, value in body.items() if name != "id"}
    checked = write_checks.check_body(context, entity, sent, before, replace=replace)
    after = {**before, **checked.values}
    rules.check(checked, after)
    checked.raise_errors()

    values = checked.values
    rules.derive(context, entity, after, values)
    rules.stamp(context, entity, values, created=False)
    record = int(before["id"] or 0)
    with _ledger_errors():
        _apply(context, entity, record, before, values)
    return record


def delete(context: WriteContext, entity: Entity, record: int, parent: int | None) -> int:
    """Deletes a record with its children and returns its id.

    Raises `AutotaskError` if it does not exist or other records refer to it.
    """
    before = _existing(context, entity, record, parent, missing=_NOTHING_TO_DELETE)
    rules.require_unbilled(entity, before)
    entities = context.tenant.entities.values()
    children = [child for child in entities if child.parent and child.parent.entity == entity.name]
    for other in entities:
        for name, field in other.fields.items():
            if field.reference == entity.name and other not in children and name != "id":
                _require_unused(context, other, name, record)

    for child in children:
        if child.parent is not None:
            rows = records.select(context.db, child, {child.parent.key: record})
            records.delete(context.db, child.name, [int(row["id"] or 0) for row in rows])
    records.delete(context.db, entity.name, [record])
    _apply_side_effects(context, entity, record, before)
    return record


def _insert(context: WriteContext, entity: Entity, values: StoredRecord) -> int:
    rules.stamp(context, entity, values, created=True)
    rules.derive(context, entity, values, values)
    record = records.insert(context.db, entity, {**dict.fromkeys(entity.fields), **values})
    _apply_side_effects(context, entity, record, values)
    return record


def _set_parent(checked: CheckedBody, parent: int | None) -> None:
    """Sets the parent's id from the address. A body that names another parent gets an error."""
    relation = checked.entity.parent
    if relation is None or parent is None:
        return
    if checked.values.setdefault(relation.key, parent) != parent:
        checked.add_error(
            f"The value of {relation.key} does not match the id in the request URL."
            " ; on record number [1]."
        )
    write_checks.check_parent(checked, relation.key, parent)


def _apply(
    context: WriteContext,
    entity: Entity,
    record: int,
    before: StoredRecord,
    values: StoredRecord,
) -> None:
    moved = _moved_ledgers(context, before, values) if entity.name == "Contracts" else []
    records.update(context.db, entity.name, record, values)

    writer = LedgerWriter(context.db, context.tenant)
    for kind, contract_item, after in moved:
        writer.move_dates(kind, contract_item, after)
    if entity.name == BUNDLES.contract_item and values.get("adjustedPrice") is not None:
        # A new price of a bundle on a contract changes the rows that are not posted.
        bundle = {**before, **values}
        writer.begin(BUNDLES, bundle, bundle["adjustedPrice"], None)
    _apply_side_effects(context, entity, record, {**before, **values})


def _moved_ledgers(
    context: WriteContext, before: StoredRecord, values: StoredRecord
) -> list[tuple[ItemKind, StoredRecord, Ledger]]:
    """Returns the ledgers of a contract whose dates move; none if they do not move."""
    start = values.get("startDate") or before["startDate"]
    end = values.get("endDate") or before["endDate"]
    if (start, end) == (before["startDate"], before["endDate"]):
        return []
    contracts = Contracts(context.db, context.tenant)
    return [
        (kind, item, contracts.ledger_between(kind, item, str(start), str(end)))
        for kind in ITEM_KINDS
        for item in contracts.contract_items(kind, before["id"])
    ]


def _existing(
    context: WriteContext,
    entity: Entity,
    id_: Json,
    parent: int | None,
    *,
    missing: str = _NO_MATCH,
) -> StoredRecord:
    """Returns the record to write. Raises `AutotaskError` if it is missing or hidden."""
    record = wire.as_id(id_)
    before = None if record is None else context.record(entity.name, record)
    hidden = context.user.level.hidden.get(entity.name, frozenset())
    if before is None or before["id"] in hidden:
        raise AutotaskError(missing)
    if parent is not None and entity.parent is not None and before[entity.parent.key] != parent:
        raise AutotaskError(missing)
    return before


def _require_unused(context: WriteContext, entity: Entity, name: str, record: int) -> None:
    if records.select(context.db, entity, {name: record}):
        raise AutotaskError(
            f"The record cannot be deleted: it is referenced by {name} of the {entity.name} Entity."
        )


def _apply_side_effects(
    context: WriteContext, entity: Entity, record: int, values: StoredRecord
) -> None:
    """Keeps one primary location and one default vendor, and updates the cost of a bundle."""
    if entity.name in _ONLY_ONE:
        flag, owner = _ONLY_ONE[entity.name]
        if values.get(flag) == 1:
            for row in records.select(context.db, entity, {owner: values[owner], flag: 1}):
                if row["id"] != record:
                    records.update(context.db, entity.name, int(row["id"] or 0), {flag: 0})
    if entity.name == "ServiceBundleServices":
        adjustments.update_bundle_cost(context, values["serviceBundleID"])


@contextmanager
def _ledger_errors() -> Iterator[None]:
    """Raises an error of the ledger as Autotask's."""
    try:
        yield
    except LedgerError as error:
        raise AutotaskError(str(error)) from None
