"""Prices are set on create and never compared: a price that is edited in Autotask stays."""

from decimal import Decimal

from msgspec.structs import replace
from trueup.model.mapping import Manage

from tests.rules.small_tenant import SERVICE, Small, shipped


def with_prices_edited():
    small = Small()
    service = small.record("Services")
    service.update(unitPrice=Decimal("99.00"), unitCost=Decimal("98.00"), externalID="pro")
    small.record("ContractServices").update(internalCurrencyAdjustedPrice=Decimal("55.00"))
    small.record("Products").update(unitPrice=Decimal("1.00"))
    return small


def written(plan):
    return {
        (change.entity, field.field)
        for change in plan.changes
        for field in change.fields
        if change.action in ("create", "update")
    }


def test_a_price_edited_in_autotask_is_not_a_difference():
    prices = {
        (entity, field)
        for entity, field in written(with_prices_edited().plan())
        if "rice" in field or "Cost" in field
    }
    assert prices == set()


def test_a_price_that_the_mapping_manages_is_compared():
    mapping = shipped().mappings["service"]
    price = replace(mapping.fields["unitPrice"], manage=Manage.ALWAYS)
    managed = replace(mapping, fields={**mapping.fields, "unitPrice": price})
    plan = with_prices_edited().plan(mappings={**shipped().mappings, "service": managed})
    assert ("Services", "unitPrice") in written(plan)
    assert [
        change.record
        for change in plan.changes
        if change.entity == "Services" and change.action == "update"
    ] == [SERVICE]


def test_a_new_service_gets_the_price_of_work_365():
    small = Small()
    small.forget("Services", "ContractServices", "ContractServiceUnits")
    created = [
        change
        for change in small.plan().changes
        if change.entity == "Services" and change.action == "create"
    ]
    assert [change.values["unitPrice"] for change in created] == [Decimal("20.2000")]


def test_amounts_are_computed_with_the_price_in_autotask():
    small = with_prices_edited()
    adjustments = [change for change in small.plan().changes if change.action == "adjust"]
    assert [(change.units, change.monthly) for change in adjustments] == [
        ((10, 12), Decimal("110.00"))
    ]
