"""What a mapping names is what is used: entities, fields, orders and conditions, one by one."""

from datetime import date
from decimal import Decimal

import pytest
from trueup.model.outcome import ChangeStatus

from tests.support.scene import (
    END,
    LINE,
    START,
    Scene,
    actions,
    adjusts,
    change_of,
    day,
    kept,
    line_of,
    log,
    settled,
    statuses,
)
from tests.support.small_project import changed
from tests.support.starting_points import REPEATED, by_hand, twins

SUBSCRIPTION, CHANGE = "mappings/subscription.yaml", "mappings/license_change.yaml"
UNITS = "entity: ContractServiceUnits, on: {contractServiceID: "
BUNDLES = "entity: ContractServiceBundleUnits, on: {contractServiceBundleID: "


def unit_row(units: int, price: int, service: int = LINE) -> dict[str, object]:
    return {
        "id": 1,
        "contractServiceID": service,
        "contractServiceBundleID": service,
        "startDate": START,
        "endDate": END,
        "units": units,
        "price": price,
        "approveAndPostDate": None,
    }


def test_units_are_read_from_the_entity_that_is_named_and_found_by_its_field():
    scene = kept()
    scene.target.records["ContractServiceUnits"][1] = unit_row(3, 0)
    scene.target.records["ContractServiceBundleUnits"][1] = unit_row(7, 0)
    assert line_of(scene.plan()).units == 3

    scene.files(changed(SUBSCRIPTION, UNITS, BUNDLES), changed(CHANGE, UNITS, BUNDLES))

    assert line_of(scene.plan()).units == 7


def test_units_are_the_value_of_the_field_that_is_named():
    scene = kept()
    scene.target.records["ContractServiceUnits"][1] = unit_row(3, 8)

    scene.files(
        changed(SUBSCRIPTION, "value: units,", "value: price,"),
        changed(CHANGE, "endDate, units]", "endDate, price]"),
    )

    assert line_of(scene.plan()).units == 8


def test_units_need_no_field_that_shows_what_is_posted():
    scene = by_hand((day(10, 5), 10))
    scene.add("license_change", log("first", day(10, 5), 10, status="Archived"))
    scene.target.post(LINE, day(10, 31))
    asked, read = set(), scene.target.read
    scene.target.read = lambda entity, where, fields: (
        asked.update(fields) or read(entity, where, fields)
    )

    scene.files(changed(SUBSCRIPTION, "none: 0,\n     posted: approveAndPostDate}", "none: 0}"))
    made = scene.sync()

    assert adjusts(made) == [(("second",), day(11, 20), 2)]
    assert not asked & {"", "approveAndPostDate"}


@pytest.mark.parametrize(
    ("entity", "status"), [(UNITS, ChangeStatus.APPLIED), (BUNDLES, ChangeStatus.IN_DOUBT)]
)
def test_an_adjustment_is_proven_by_rows_of_the_entity_that_is_named(entity, status):
    scene = Scene()
    scene.files(changed(SUBSCRIPTION, UNITS, entity), changed(CHANGE, UNITS, entity))

    outcome = scene.apply(scene.plan())

    assert statuses(outcome)["license_change:first"] is status


@pytest.mark.parametrize(
    ("order", "keys"),
    [("created_on", ("early", "late")), ("name", ("late", "early"))],
)
def test_changes_are_taken_in_the_order_that_is_named(order, keys):
    scene = settled()
    early, late = date(2026, 11, 1), date(2026, 11, 2)
    scene.add(
        "license_change",
        log("early", day(11, 25), 3, created_on=early, name="Z"),
        log("late", day(11, 25), -1, created_on=late, name="A"),
    )
    scene.row("subscription")["quantity"] = Decimal(14)

    scene.files(changed(CHANGE, "[effective_date, created_on, id]", f"[effective_date, {order}]"))

    assert adjusts(scene.plan()) == [(keys, day(11, 25), 2)]


def test_a_repeated_record_is_made_by_the_entity_and_with_the_values_that_are_named():
    repeat = "  by: ContractServiceAdjustments\n  set: {allowRepeatService: true}"
    bundles = "  by: ContractServiceBundleAdjustments\n  set: {allowRepeatServiceBundle: true}"
    made = []
    for text in (repeat, bundles):
        scene = twins(settled())
        scene.files(REPEATED, changed(SUBSCRIPTION, repeat, text))
        made.append(change_of(scene.plan(), "subscription:twin"))

    assert [one.entity for one in made] == [
        "ContractServiceAdjustments",
        "ContractServiceBundleAdjustments",
    ]
    assert [{*one.values} & {"allowRepeatService", "allowRepeatServiceBundle"} for one in made] == [
        {"allowRepeatService"},
        {"allowRepeatServiceBundle"},
    ]


def test_the_period_of_a_price_is_that_of_the_reference_and_the_field_that_are_named():
    scene = Scene()
    scene.row("subscription")["product"] = "yea"
    scene.row("billing_contract")["billing_frequency"] = "Monthly"
    of_service = "per: {ref: service, field: periodType}"
    of_contract = "per: {ref: contract, field: contractPeriodType}"

    prices = []
    for per in (of_service, of_contract):
        scene.files(changed(SUBSCRIPTION, "per: service.periodType", per))
        prices.append(line_of(scene.plan()).price)

    assert prices == [10, 120]


@pytest.mark.parametrize(("when", "written"), [("not source.psa_system_id", 1), ("false", 0)])
def test_a_row_is_written_back_to_where_the_condition_holds(when, written):
    scene = Scene()

    scene.files(changed(SUBSCRIPTION, "not source.psa_system_id", when))

    marks = [one for one in actions(scene.plan()) if one == ("write back", "subscription")]
    assert len(marks) == written
