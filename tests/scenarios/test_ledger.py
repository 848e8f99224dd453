"""What is billed now, what the plan moves, what is held, what is left, and what is not known."""

import sqlite3

import pytest
from trueup.errors import EngineError

from tests.scenarios.beginnings import Service
from tests.scenarios.expected import Line, PlanFigures, agrees, expect, findings, line_of
from tests.scenarios.world import World


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


def test_days_that_an_earlier_correction_has_shown_do_not_count_again(tmp_path):
    """It went with a change of the same day, in a project that corrects differences."""
    service = Service(seats=4, changes={"2026-11-20": -6}, keyed={"2026-11-06": 2})
    world = World(tmp_path, service)
    world.edit("mappings/subscription.yaml", "difference: hold", "difference: correct")
    plan = world.plan()
    assert PlanFigures.of(plan).adjusts == [("sub", "2026-11-20", -8)]
    assert PlanFigures.of(plan).credit == "9.33"  # 2 x £10 x 14 of 30 days
    world.apply(plan, units={"sub": {"2026-11-19": 12, "2026-11-20": 4}})
    world.adjust("sub", "2026-11-10", 5)
    plan = world.plan("2026-11-25")
    assert PlanFigures.of(plan).adjusts == [("sub", "2026-11-25", -5)]
    assert PlanFigures.of(plan).credit == "25.00"  # 5 x £10 x 15 of 30 days
