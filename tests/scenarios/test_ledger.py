"""What is billed now, what the plan moves, what is held, what is left, and what is not known."""

import sqlite3

import pytest
from trueup.errors import EngineError

from tests.scenarios.beginnings import Service
from tests.scenarios.expected import Line, agrees, expect, findings, line_of, pounds
from tests.scenarios.world import World

BLOCKED = {"phone": "n/a"}


def test_units_of_a_blocked_customer_that_autotask_bills_already(tmp_path):
    world = World(tmp_path, account=BLOCKED)
    plan = world.plan()
    expect(
        plan,
        findings=["customer-phone-is-valid", "depends-on-blocked"],
        ledger={"sub": agrees(10)},
    )


def test_units_of_a_blocked_customer_that_only_a_match_key_finds(tmp_path):
    world = World(tmp_path, account=BLOCKED, company={"udf.Work 365 Id": None})
    plan = world.plan()
    expect(
        plan,
        findings=["customer-phone-is-valid", "depends-on-blocked"],
        ledger={"sub": agrees(10)},
    )


def test_a_change_of_a_blocked_customer_is_held_and_its_billed_units_are_not(tmp_path):
    service = Service(seats=12, changes={"2026-11-10": 2})
    world = World(tmp_path, service, account=BLOCKED)
    plan = world.plan()
    expect(
        plan,
        findings=["customer-phone-is-valid", "depends-on-blocked"],
        ledger={"sub": Line("under-billed", 12, 10, held=2)},
        held={"customer-phone-is-valid": "20.00"},
    )


def test_what_autotask_bills_for_a_blocked_customer_may_be_unknown(tmp_path):
    """Two companies carry the customer's number: which of them is billed cannot be told."""
    other = {"id": 102, "companyName": "Alpine Dental Labs", "companyNumber": "A-1",
             "companyType": 1, "phone": "+44 20 7946 0777", "isActive": True}  # fmt: skip
    world = World(tmp_path, account=BLOCKED, identities=False, more={"Companies": [other]})
    plan = world.plan()
    line = line_of(plan)
    assert (str(line.class_), line.units, line.monthly) == ("unknown", None, None)
    assert "not known" in line.text
    assert plan.summary.ledger.under.units == 0
    assert plan.summary.ledger.unknown == 1


def test_units_of_a_contract_that_is_inactive_are_over_billed(tmp_path):
    world = World(tmp_path)
    with world.work365():
        world.row("billing_contract")["state"] = "Inactive"
    plan = world.plan()
    expect(plan, ledger={"sub": Line("over-billed", 0, 10, left=-10)})
    assert pounds(plan.summary.ledger.over.monthly) == "100.00"


def test_money_of_a_held_change_is_shown_by_its_reason(tmp_path):
    service = Service(
        seats=30, changes={"2026-11-10": 20}, log={"provisioning_status": "Awaiting Provisioning"}
    )
    world = World(tmp_path, service)
    plan = world.plan()
    expect(
        plan,
        findings=["change-is-provisioned"],
        ledger={"sub": Line("under-billed", 30, 10, held=20)},
        held={"change-is-provisioned": "200.00"},
    )
    again = world.apply(plan, units={"sub": {"2026-11-10": 10}})
    assert Line.of(line_of(again)) == Line("under-billed", 30, 10, held=20)


def test_what_is_held_is_not_billed(tmp_path):
    service = Service(seats=13, keyed={"2026-06-01": 2}, changes={"2026-11-10": 3})
    world = World(tmp_path, service)
    plan = world.plan()
    expect(
        plan,
        findings=["ledger-differs"],
        ledger={"sub": Line("under-billed", 13, 12, held=3, left=-2)},
        held={"ledger-differs": "30.00"},
    )
    totals = plan.summary.ledger
    assert (pounds(totals.under.monthly), pounds(totals.over.monthly)) == ("10.00", "0.00")


def test_a_decision_to_correct_is_used_up_by_the_run_that_obeys_it(tmp_path):
    world = World(tmp_path, Service(seats=10, billed=8))
    differs = world.plan()
    expect(differs, ledger={"sub": Line("under-billed", 10, 8, left=2)})
    world.decide("subscription", "sub", "correct")
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-11-15", 2)],
        ledger={"sub": Line("under-billed", 10, 8, moved=2)},
        invoice="10.67",  # 2 x £10 x 16 of 30 days
        run_rate="20.00",
    )
    world.apply(plan, units={"sub": {"2026-11-14": 8, "2026-11-15": 10}})

    world.adjust("sub", "2026-12-01", 5)
    later = world.plan(as_of="2026-12-10")
    expect(later, ledger={"sub": Line("over-billed", 10, 15, left=-5)})
    assert "another one" in line_of(later).text
    world.decide("subscription", "sub", "correct")
    expect(
        world.plan(),
        adjusts=[("sub", "2026-12-10", -5)],
        ledger={"sub": Line("over-billed", 10, 15, moved=-5)},
        invoice="-35.48",  # 5 x £10 x 22 of 31 days
        run_rate="-50.00",
    )


def test_a_decision_to_correct_is_about_the_difference_that_was_seen(tmp_path):
    world = World(tmp_path, Service(seats=10, billed=8))
    world.decide("subscription", "sub", "correct")
    world.adjust("sub", "2026-11-01", 5)
    plan = world.plan()
    expect(plan, ledger={"sub": Line("over-billed", 10, 13, left=-3)})
    assert "another difference" in line_of(plan).text


def test_a_customer_with_a_comma_in_its_name(tmp_path):
    name = "Dunmore, Surveyors & Sons"
    world = World(tmp_path, account={"name": name}, company={"companyName": name})
    plan = world.plan()
    line = line_of(plan)
    assert line.customer == name
    assert line.customer_row == ("customer", "acc", name)
    expect(plan, ledger={"sub": agrees(10)})


def test_a_service_without_a_row_is_over_billed(tmp_path):
    world = World(tmp_path)
    world.sync()
    with world.work365() as tables:
        tables["subscription"].clear()
        tables["license_change"].clear()
    plan = world.plan()
    expect(
        plan,
        findings=["gone"],
        ledger={"sub": Line("over-billed", 0, 10, left=-10)},
    )


@pytest.fixture
def late(tmp_path):
    """A linked customer in a tenant that has not written the unit rows of November yet."""
    world = World(tmp_path, Service(seats=12, changes={"2026-11-10": 2}))
    with world.work365():
        world.row("license_change", "log-sub")["provisioning_status"] = "Awaiting Provisioning"
    world.sync()
    with world.work365():
        world.row("license_change", "log-sub")["provisioning_status"] = "Provisioned"
    world.setting("switches", unit_rows_ahead="job_is_late")
    return world


def test_a_day_without_a_unit_row_is_not_known(late):
    plan = late.plan()
    expect(
        plan,
        findings=["ledger-unknown"],
        ledger={"sub": Line("unknown", 12, None, held=2, left=None)},
    )
    line = line_of(plan)
    assert line.text == "not known: no unit row covers 15 Nov 2026"
    assert "correct" not in line.remedy
    assert plan.summary.ledger.unknown == 1
    with pytest.raises(EngineError, match="no unit row covers 15 Nov 2026"):
        late.decide("subscription", "sub", "correct")


def test_a_unit_row_that_is_missing_between_others_is_not_known(tmp_path):
    """The next row begins later: that is no reason to compare on its first day."""
    world = World(tmp_path, Service())
    world.sync()
    database = sqlite3.connect(tmp_path / "autotask.sqlite")
    with database:
        database.execute("DELETE FROM ContractServiceUnits WHERE startDate LIKE '2026-11-01%'")
    database.close()
    expect(world.plan(), ledger={"sub": Line("unknown", 10, None, left=None)})


def test_a_day_without_a_unit_row_is_not_corrected_either(late):
    late.edit("mappings/subscription.yaml", "difference: hold", "difference: correct")
    expect(
        late.plan(),
        findings=["ledger-unknown"],
        ledger={"sub": Line("unknown", 12, None, held=2, left=None)},
    )


def test_the_change_is_sent_once_the_unit_row_is_written(late):
    expect(
        late.plan(),
        findings=["ledger-unknown"],
        ledger={"sub": Line("unknown", 12, None, held=2, left=None)},
    )
    late.setting("switches", unit_rows_ahead="to_contract_end")
    plan = late.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-11-10", 2)],
        ledger={"sub": Line("under-billed", 12, 10, moved=2)},
        invoice="14.00",
        run_rate="20.00",
    )
    late.apply(plan, units={"sub": {"2026-11-09": 10, "2026-11-10": 12}})


def ends_nowhere(world):
    world.row("billing_contract")["end_date"] = None


def is_retired(world):
    world.row("product")["state"] = "Retired"


def lacks_a_log(world):
    world.tables["license_change"].clear()


def is_on_another_customers_contract(world):
    other = {**world.row("account"), "id": "other", "name": "Brook Ltd", "number": "B-1"}
    world.tables["account"].append(other)
    world.row("subscription")["customer"] = "other"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (ends_nowhere, "contract-has-an-end"),
        (is_retired, "subscription-product-is-active"),
        (lacks_a_log, "subscription-logs-give-its-quantity"),
        (is_on_another_customers_contract, "subscription-customer-is-its-contracts"),
    ],
)
def test_units_are_read_whatever_blocks_the_row(tmp_path, fault, code):
    world = World(tmp_path)
    with world.work365():
        fault(world)
    plan = world.plan()
    assert code in {one.code for one in findings(plan)}
    assert Line.of(line_of(plan)) == agrees(10)


def test_a_change_is_held_by_the_row_at_fault(tmp_path):
    world = World(tmp_path, Service(seats=12, changes={"2026-11-10": 2}))
    with world.work365():
        ends_nowhere(world)
    plan = world.plan()
    expect(
        plan,
        findings=["contract-has-an-end", "depends-on-blocked"],
        ledger={"sub": Line("under-billed", 12, 10, held=2)},
        held={"contract-has-an-end": "20.00"},
    )
    [held] = line_of(plan).held
    assert (held.row.mapping, held.row.key, held.keys) == ("contract", "con-sub", ("log-sub",))


@pytest.mark.parametrize(
    "columns",
    [
        {"state": "Inactive", "status": "Cancelled"},
        {"billable": False},
        {"is_trial": True},
        {"type": "Usage"},
    ],
)
def test_units_of_a_subscription_that_is_not_billed_are_over_billed(tmp_path, columns):
    plan = World(tmp_path, Service(row=columns)).plan()
    expect(plan, ledger={"sub": Line("over-billed", 0, 10, left=-10)})


def test_a_paused_subscription_is_billed_on(tmp_path):
    expect(World(tmp_path, Service(row={"status": "Suspended"})).plan(), ledger={"sub": agrees(10)})


def test_later_changes_wait_and_count_with_the_reason_of_the_first(tmp_path):
    service = Service(seats=15, changes={"2026-11-05": 2, "2026-11-10": 3})
    world = World(tmp_path, service)
    with world.work365():
        world.row("license_change", "log-sub")["provisioning_status"] = "Awaiting Provisioning"
    expect(
        world.plan(),
        findings=["change-is-provisioned", "waits-its-turn"],
        ledger={"sub": Line("under-billed", 15, 10, held=5)},
        held={"change-is-provisioned": "50.00"},
    )


def test_changes_of_one_day_that_cancel_out_move_nothing(tmp_path):
    world = World(tmp_path, Service(seats=12, changes={"2026-11-10": 2}))
    world.add_change("sub", "2026-11-10", -2, "back")
    plan = world.plan()
    expect(plan, ledger={"sub": agrees(10)})
    world.apply(plan, units={"sub": {"2026-11-10": 10}})
    assert {row["status"] for row in world.rows("license_change").values()} == {"Archived"}
