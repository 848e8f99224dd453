"""What a change does to the next invoice, to the run rate, and to posted periods."""

from dataclasses import replace
from decimal import Decimal

import pytest
from trueup.errors import ConfigError
from trueup.model.plan import Action
from trueup.render.markdown import plan_markdown
from trueup.render.plan_tables import Table, rows_of
from trueup.render.style import PLAIN
from trueup.render.text import plan_text

from tests.scenarios.beginnings import Service
from tests.scenarios.expected import Line, PlanFigures, agrees, expect, line_of, pounds
from tests.scenarios.world import World

SETTINGS = "trueup.yaml"
FROM_THE_START = {SETTINGS: {"changes_from: 2026-10-01": "changes_from: 2026-01-01"}}


def test_an_increase_in_an_open_month_is_prorated(tmp_path):
    world = World(tmp_path, Service(seats=13, changes={"2026-11-10": 3}, posted="2026-10-31"))
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-11-10", 3)],
        ledger={"sub": Line("under-billed", seats=13, billed=10, moved=3)},
        invoice="21.00",
        run_rate="30.00",
    )
    [change] = [one for one in plan.changes if one.invoice]
    assert (str(change.invoice.start), str(change.invoice.end)) == ("2026-11-01", "2026-11-30")
    world.apply(plan, units={"sub": {"2026-11-09": 10, "2026-11-10": 13, "2028-12-31": 13}})


@pytest.mark.parametrize(
    ("service", "invoice", "run_rate"),
    [
        pytest.param(
            Service(seats=13, unit="Annual", price="120", start="2026-02-01", end="2029-01-31",
                    changes={"2026-11-10": 3}),
            "81.86", "30.00", id="yearly +3",
        ),
        pytest.param(
            Service(seats=14, unit="Quarterly", price="30", changes={"2026-11-10": 4}),
            "67.83", "40.00", id="quarterly +4",
        ),
        pytest.param(
            Service(seats=12, unit="Semi-Annual", price="60", changes={"2026-11-10": 2}),
            "33.91", "20.00", id="semi-annual +2",
        ),
        pytest.param(
            Service(seats=5, changes={"2026-11-10": -5}), "-35.00", "-50.00", id="monthly -5"
        ),
        pytest.param(
            Service(seats=8, changes={"2026-11-20": -2}), "-7.33", "-20.00", id="monthly 10 to 8"
        ),
    ],
)  # fmt: skip
def test_a_period_is_prorated_by_its_own_days(tmp_path, service, invoice, run_rate):
    world = World(tmp_path, service)
    plan = world.plan()
    [(day, units)] = service.changes.items()
    wrong = "under-billed" if units > 0 else "over-billed"
    is_credited = units < 0 and day < world.as_of
    expect(
        plan,
        findings=["reduction-is-credited"] if is_credited else (),
        adjusts=[("sub", day, units)],
        ledger={"sub": Line(wrong, service.seats, billed=10, moved=units)},
        invoice=invoice,
        run_rate=run_rate,
    )
    world.apply(plan, units={"sub": {day: service.seats, service.end: service.seats}})


def test_money_of_several_contracts_adds_up(tmp_path):
    yearly = Service(key="y", seats=13, unit="Annual", price="120", start="2026-02-01",
                     end="2029-01-31", changes={"2026-11-10": 3})  # fmt: skip
    monthly = Service(key="m", seats=5, changes={"2026-11-10": -5})
    world = World(tmp_path, yearly, monthly)
    plan = world.plan()
    expect(
        plan,
        adjusts=[("m", "2026-11-10", -5), ("y", "2026-11-10", 3)],
        findings=["reduction-is-credited"],
        ledger={
            "y": Line("under-billed", 13, 10, moved=3),
            "m": Line("over-billed", 5, 10, moved=-5),
        },
        invoice="46.86",  # 81.86 - 35.00
        run_rate="-20.00",
    )
    assert pounds(plan.summary.invoice.more) == "81.86"
    assert pounds(plan.summary.invoice.less) == "-35.00"
    world.apply(plan, units={"y": {"2026-11-10": 13}, "m": {"2026-11-10": 5}})


def test_days_of_a_posted_month_are_lost(tmp_path):
    world = World(tmp_path, Service(seats=12, changes={"2026-10-20": 2}, posted="2026-10-31"))
    held = world.plan()
    expect(
        held,
        findings=["change-is-in-an-open-period"],
        ledger={"sub": Line("under-billed", 12, 10, held=2)},
        held={"change-is-in-an-open-period": "20.00"},
    )
    world.decide("license_change", "log-sub", "push")
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-11-01", 2)],
        ledger={"sub": Line("under-billed", 12, 10, moved=2)},
        invoice="20.00",
        run_rate="20.00",
        lost="7.74",  # 2 x £10 x 12 of 31 days
    )
    world.apply(plan, units={"sub": {"2026-10-31": 10, "2026-11-01": 12}})


def test_a_decrease_in_a_posted_month_is_owed_as_a_credit(tmp_path):
    world = World(tmp_path, Service(seats=8, changes={"2026-10-20": -2}, posted="2026-10-31"))
    world.decide("license_change", "log-sub", "push")
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-11-01", -2)],
        findings=["reduction-is-credited"],
        ledger={"sub": Line("over-billed", 8, 10, moved=-2)},
        invoice="-20.00",
        run_rate="-20.00",
        credit="7.74",
    )
    [change] = [one for one in plan.changes if one.lost]
    assert any("Licence credit" in note for note in change.notes)
    world.apply(plan, units={"sub": {"2026-10-31": 10, "2026-11-01": 8}})


BACK_DATED = Service(seats=59, price="8", changes={"2026-03-01": 49})


@pytest.mark.parametrize(("limit", "exceeded"), [("500", {"one_off_effect"}), ("3136", set())])
def test_a_back_dated_change_is_guarded_by_what_it_bills_at_once(tmp_path, limit, exceeded):
    edits = {
        SETTINGS: {
            **FROM_THE_START[SETTINGS],
            "monthly_effect: 5000": "monthly_effect: 500",
            "one_off_effect: 5000": f"one_off_effect: {limit}",
        }
    }
    world = World(tmp_path, BACK_DATED, edits=edits)
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-03-01", 49)],
        ledger={"sub": Line("under-billed", 59, 10, moved=49)},
        invoice="3528.00",  # March to November
        run_rate="392.00",
        one_off="3136.00",  # March to October
        exceeded=exceeded,
    )
    world.apply(plan, units={"sub": {"2026-02-28": 10, "2026-03-01": 59}}, over=exceeded)


FEES = {
    "id": 9001,
    "name": "Setup fees",
    "useType": 1,
    "isActive": True,
    "unitPrice": 0,
    "unitCost": 0,
}
NEW = Service(seats=10, billed=None, in_autotask=False, start="2026-11-01", end="2028-10-31",
              changes={"2026-11-01": 10}, row={"psa_system_id": None})  # fmt: skip


def test_a_setup_fee_is_part_of_the_money_and_has_its_billing_code(tmp_path):
    edits = {
        SETTINGS: {
            "setup_fee: 0": "setup_fee: 500",
            "setup_fee: null": "setup_fee: Setup fees",
            "one_off_effect: 5000": "one_off_effect: 400",
        }
    }
    world = World(tmp_path, NEW, edits=edits, more={"BillingCodes": [FEES]})
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-11-01", 10)],
        ledger={"sub": Line("under-billed", 10, 0, moved=10)},
        invoice="600.00",
        run_rate="100.00",
        one_off="500.00",
        exceeded={"one_off_effect"},
    )
    world.apply(plan, units={"sub": {"2026-11-01": 10}}, over={"one_off_effect"})
    [contract] = world.records("Contracts")
    assert (contract["setupFee"], contract["setupFeeBillingCodeID"]) == (500, FEES["id"])


def test_a_setup_fee_without_a_billing_code_is_refused(tmp_path):
    with pytest.raises(ConfigError) as refused:
        World(tmp_path, NEW, edits={SETTINGS: {"setup_fee: 0": "setup_fee: 500"}})
    [finding] = refused.value.findings
    assert finding.text == (
        "A setup fee of 500 is billed for new contracts, and no billing code is set for it."
    )
    text = (tmp_path / SETTINGS).read_text(encoding="utf-8").splitlines()
    assert text[finding.place.line - 1][finding.place.column - 1 :] == "500"


def test_a_setup_fee_with_an_unknown_billing_code_blocks_the_contract(tmp_path):
    edits = {"setup_fee: 0": "setup_fee: 500", "setup_fee: null": "setup_fee: Fees of setup"}
    plan = World(tmp_path, NEW, edits={SETTINGS: edits}).plan()
    expect(
        plan,
        findings=["setup-fee-billing-code-resolves", "depends-on-blocked"],
        ledger={"sub": Line("missing", 10, 0, held=10)},
        held={"setup-fee-billing-code-resolves": "100.00"},
    )


def test_a_contract_that_is_extended_carries_the_units_of_its_last_day(tmp_path):
    service = Service(seats=12, end="2026-11-30", end_in_work365="2027-11-30",
                      changes={"2026-12-05": 2})  # fmt: skip
    world = World(tmp_path, service)
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-12-05", 2)],
        ledger={"sub": Line("under-billed", 12, 10, moved=2)},
        invoice="0.00",
        run_rate="20.00",
    )
    assert line_of(plan).units == 10
    units = {"2026-11-30": 10, "2026-12-04": 10, "2026-12-05": 12, "2027-11-30": 12}
    again = world.apply(plan, units={"sub": units})
    assert Line.of(line_of(again)) == agrees(12)


def test_a_contract_that_is_extended_after_its_end_is_billed_on(tmp_path):
    service = Service(seats=12, end="2026-10-31", end_in_work365="2027-10-31",
                      changes={"2026-11-05": 2}, posted="2026-10-31")  # fmt: skip
    world = World(tmp_path, service)
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-11-05", 2)],
        ledger={"sub": Line("under-billed", 12, 10, moved=2)},
        invoice="117.33",  # ten seats for November, two for 26 of its 30 days
        run_rate="20.00",
    )
    [extension] = [one for one in plan.changes if one.entity == "Contracts" and one.invoice]
    assert pounds(extension.invoice.amount) == "100.00"
    world.apply(plan, units={"sub": {"2026-11-01": 10, "2026-11-05": 12}})


def test_months_since_the_end_of_a_contract_are_billed_at_once(tmp_path):
    """Nothing of July to October is billed yet: the extension is guarded by that amount."""
    edits = {SETTINGS: {"one_off_effect: 5000": "one_off_effect: 300"}}
    world = World(tmp_path, Service(end="2026-06-30", end_in_work365="2027-06-30"), edits=edits)
    plan = world.plan()
    expect(
        plan,
        ledger={"sub": agrees(10)},
        invoice="500.00",
        one_off="400.00",
        exceeded={"one_off_effect"},
    )
    world.apply(plan, units={"sub": {"2026-07-01": 10}}, over={"one_off_effect"})


def test_an_extension_within_a_period_bills_the_rest_of_that_period(tmp_path):
    """The contract ends on 20 November in Autotask: ten more days of that month are billed."""
    world = World(tmp_path, Service(end="2026-11-20", end_in_work365="2027-11-20"))
    plan = world.plan()
    expect(plan, ledger={"sub": agrees(10)}, invoice="33.33")
    world.apply(plan, units={"sub": {"2026-11-21": 10}})


def test_after_the_end_of_a_contract_nothing_is_corrected(tmp_path):
    world = World(tmp_path, Service(end="2026-10-31"))
    advice = "extend the contract, or end the subscription in Work 365"
    plan = world.plan()
    expect(plan, ledger={"sub": Line("under-billed", 10, 0, left=10)})
    assert line_of(plan).remedy == advice
    world.decide("subscription", "sub", "correct")
    plan = world.plan()
    expect(plan, ledger={"sub": Line("under-billed", 10, 0, left=10)})
    assert "its contract ended on 2026-10-31" in line_of(plan).text


def test_a_change_on_the_first_day_of_a_contract_that_has_units_goes_on_the_next_day(tmp_path):
    """Units of the first day come from an adjustment, and a day takes one."""
    service = Service(seats=13, start="2026-11-01", end="2028-10-31", changes={"2026-11-01": 3})
    world = World(tmp_path, service)
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-11-02", 3)],
        ledger={"sub": Line("under-billed", 13, 10, moved=3)},
        invoice="29.00",
        run_rate="30.00",
        lost="1.00",  # the first day: 3 x £10 x 1 of 30 days
    )
    world.apply(plan, units={"sub": {"2026-11-01": 10, "2026-11-02": 13}})


def test_a_correction_of_a_contract_that_begins_later_is_dated_at_its_start(tmp_path):
    service = Service(
        billed=None, start="2026-12-01", end="2028-11-30", row={"psa_system_id": None}
    )
    world = World(tmp_path, service)
    world.decide("subscription", "sub", "correct")
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-12-01", 10)],
        ledger={"sub": Line("under-billed", 10, 0, moved=10)},
        invoice="100.00",
        run_rate="100.00",
    )
    world.apply(plan, units={"sub": {"2026-12-01": 10}})


def test_a_quantity_of_a_change_in_the_next_period_is_not_on_this_invoice(tmp_path):
    service = replace(Service(), seats=13, changes={"2026-12-01": 3}, posted="2026-10-31")
    world = World(tmp_path, service)
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-12-01", 3)],
        ledger={"sub": Line("under-billed", 13, 10, moved=3)},
        invoice="0.00",
        run_rate="30.00",
    )
    [change] = [one for one in plan.changes if one.invoice]
    assert str(change.invoice.first_billed[0]) == "2026-12-01"
    world.apply(plan, units={"sub": {"2026-11-30": 10, "2026-12-01": 13}})


def test_posted_days_between_changes_that_cancel_are_lost(tmp_path):
    service = Service(changes={"2026-10-10": 3, "2026-10-20": -3}, posted="2026-10-31")
    world = World(tmp_path, service)
    world.sync()
    for key in service.log_keys:
        world.decide("license_change", key, "push")
    plan = world.plan()
    expect(plan, ledger={"sub": agrees(10)}, lost="9.68")  # 3 x £10 x 10 of 31 days
    [mark] = plan.changes
    assert (mark.action, pounds(mark.lost)) == (Action.WRITE_BACK, "9.68")
    shown = "£9.68 of earlier days is billed to nobody"
    assert shown in plan_text(plan, PLAIN)
    assert shown in plan_markdown(plan)
    assert sum(row["lost"] or 0 for row in rows_of(plan, Table.CHANGES)) == Decimal("9.68")
    again = world.apply(plan, units={"sub": {"2026-10-31": 10, "2026-11-01": 10}})
    assert again.summary.lost == 0


def test_a_correction_that_cancels_a_change_loses_nothing(tmp_path):
    """The units were entered by hand: the posted days are billed."""
    service = Service(seats=13, changes={"2026-10-10": 3}, keyed={"2026-10-10": 3},
                      posted="2026-10-31")  # fmt: skip
    world = World(tmp_path, service)
    world.sync()
    world.decide("license_change", "log-sub", "push")
    world.decide("subscription", "sub", "correct")
    plan = world.plan()
    expect(plan, ledger={"sub": agrees(13)})
    assert [change.action for change in plan.changes] == [Action.WRITE_BACK]


@pytest.mark.parametrize(
    ("units", "money"), [(2, {"lost": "0.67"}), (-2, {"credit": "0.67"})]
)  # 2 x £10 x 1 of 30 days
def test_the_days_until_a_free_one_are_lost(tmp_path, units, money):
    world = World(tmp_path, Service(seats=13, changes={"2026-11-10": 3}))
    world.sync()
    world.add_change("sub", "2026-11-10", units, "log-2")
    plan = world.plan()
    figures = PlanFigures.of(plan)
    assert figures.adjusts == [("sub", "2026-11-11", units)]
    assert (figures.lost, figures.credit) == (
        money.get("lost", "0.00"),
        money.get("credit", "0.00"),
    )
    world.apply(plan, units={"sub": {"2026-11-10": 13, "2026-11-11": 13 + units}})
