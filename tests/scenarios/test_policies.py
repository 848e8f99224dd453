"""Policies: the day from which a change is billed, and how many units a quantity becomes."""

from decimal import Decimal

import pytest

from tests.scenarios.beginnings import Service
from tests.scenarios.expected import (
    Line,
    PlanFigures,
    agrees,
    expect,
    finding,
    findings,
    line_of,
    pounds,
)
from tests.scenarios.world import World

SUBSCRIPTION = "mappings/subscription.yaml"
INCREASE = "increase: {on: as_dated}   # as_dated | next_period | first_of_month | decided"
DECREASE = "decrease: {on: as_dated}"
INCLUDED = 'included: "{{ source.included_quantity or 0 }}"   # free units'


def policy(*lines: str, instead: str = INCLUDED) -> dict:
    """The shipped mapping with other lines of its policy."""
    text = "\n  ".join(lines)
    return {SUBSCRIPTION: {instead: text}}


def notes(plan) -> str:
    return "\n".join(note for change in plan.changes for note in change.notes)


MID_MONTH = {"start": "2026-01-20", "end": "2028-12-19"}


@pytest.mark.parametrize(
    ("effective", "day", "invoice"),
    [
        ("as_dated", "2026-11-10", "9.68"),  # 3 x £10 x 10 of 31 days: 20 October to 19 November
        ("next_period", "2026-11-20", "0.00"),
        ("first_of_month", "2026-12-01", "0.00"),
    ],
)
def test_the_effective_date_of_an_increase(tmp_path, effective, day, invoice):
    service = Service(seats=13, changes={"2026-11-10": 3}, posted="2026-10-19", **MID_MONTH)
    edits = policy(f"increase: {{on: {effective}}}", instead=INCREASE)
    world = World(tmp_path, service, edits=edits)
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", day, 3)],
        ledger={"sub": Line("under-billed", 13, 10, moved=3)},
        invoice=invoice,
        run_rate="30.00",
    )
    is_moved = effective != "as_dated"
    assert (f"billed from {day} (policy: increase)" in notes(plan)) == is_moved
    world.apply(plan, units={"sub": {"2026-11-09": 10, day: 13}})


@pytest.mark.parametrize(
    ("effective", "day", "invoice"),
    [
        ("as_dated", "2026-11-10", "-6.45"),  # 2 x £10 x 10 of 31 days
        ("next_period", "2026-11-20", "0.00"),
        ("first_of_month", "2026-12-01", "0.00"),
    ],
)
def test_the_effective_date_of_a_decrease(tmp_path, effective, day, invoice):
    service = Service(seats=8, changes={"2026-11-10": -2}, posted="2026-10-19", **MID_MONTH)
    edits = policy(f"decrease: {{on: {effective}}}", instead=DECREASE)
    world = World(tmp_path, service, edits=edits)
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", day, -2)],
        findings=["reduction-is-credited"] if effective == "as_dated" else (),
        ledger={"sub": Line("over-billed", 8, 10, moved=-2)},
        invoice=invoice,
        run_rate="-20.00",
    )
    is_moved = effective != "as_dated"
    assert (f"billed from {day} (policy: decrease)" in notes(plan)) == is_moved
    world.apply(plan, units={"sub": {"2026-11-09": 10, day: 8}})


def test_a_policy_of_increases_leaves_decreases_alone(tmp_path):
    service = Service(seats=8, changes={"2026-11-10": -2})
    edits = policy("increase: {on: next_period}", instead=INCREASE)
    plan = World(tmp_path, service, edits=edits).plan()
    expect(
        plan,
        adjusts=[("sub", "2026-11-10", -2)],
        findings=["reduction-is-credited"],
        ledger={"sub": Line("over-billed", 8, 10, moved=-2)},
        invoice="-14.00",
        run_rate="-20.00",
    )


def test_a_day_that_a_decision_names(tmp_path):
    service = Service(seats=8, changes={"2026-11-10": -2})
    edits = policy("decrease: {on: decided}", instead=DECREASE)
    world = World(tmp_path, service, edits=edits)
    expect(
        world.plan(),
        findings=["needs-day"],
        ledger={"sub": Line("over-billed", 8, 10, held=-2)},
        held={"needs-day": "-20.00"},
    )
    world.push_on("log-sub", "2026-12-20")
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-12-20", -2)],
        ledger={"sub": Line("over-billed", 8, 10, moved=-2)},
        invoice="0.00",
        run_rate="-20.00",
    )
    world.apply(plan, units={"sub": {"2026-12-19": 10, "2026-12-20": 8}})


def test_a_day_that_a_decision_names_in_a_posted_month(tmp_path):
    """It is sent from the first open day on; what is billed already is owed as a credit."""
    service = Service(seats=8, changes={"2026-11-10": -2}, posted="2026-10-31")
    edits = policy("decrease: {on: decided}", instead=DECREASE)
    world = World(tmp_path, service, edits=edits)
    world.push_on("log-sub", "2026-10-10")
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-11-01", -2)],
        findings=["reduction-is-credited"],
        ledger={"sub": Line("over-billed", 8, 10, moved=-2)},
        invoice="-20.00",
        run_rate="-20.00",
        credit="14.19",  # 2 x £10 x 22 of 31 days
    )
    world.apply(plan, units={"sub": {"2026-10-31": 10, "2026-11-01": 8}})


def test_included_units_are_not_billed(tmp_path):
    world = World(tmp_path, Service(seats=10, billed=8, row={"included_quantity": 2}))
    expect(world.plan(), ledger={"sub": agrees(8)})


def test_included_units_that_are_billed_all_the_same(tmp_path):
    world = World(tmp_path, Service(seats=10, billed=10, row={"included_quantity": 2}))
    plan = world.plan()
    expect(plan, ledger={"sub": Line("over-billed", 8, 10, left=-2)})
    assert pounds(plan.summary.ledger.over.monthly) == "20.00"


def test_a_change_within_the_included_units_bills_only_the_rest(tmp_path):
    service = Service(seats=5, billed=None, row={"included_quantity": 4, "psa_system_id": None},
                      changes={"2026-11-02": 3, "2026-11-10": 2})  # fmt: skip
    world = World(tmp_path, service)
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-11-10", 1)],
        ledger={"sub": Line("under-billed", 1, 0, moved=1)},
        invoice="7.00",
        run_rate="10.00",
    )
    assert "+2 in quantity are +1 billed units (policy: 4 included)" in notes(plan)
    world.apply(plan, units={"sub": {"2026-11-09": 0, "2026-11-10": 1}})


def test_a_minimum_is_billed_where_there_are_fewer(tmp_path):
    service = Service(seats=3, billed=5, changes={"2026-11-10": 1})  # 2 before: 5 are billed
    world = World(tmp_path, service, edits=policy(INCLUDED, "minimum: 5"))
    plan = world.plan()
    expect(plan, ledger={"sub": agrees(5)})
    world.apply(plan, units={"sub": {"2026-11-10": 5}})
    assert world.rows("license_change")["log-sub"]["status"] == "Archived"


def test_a_change_from_below_the_minimum_bills_what_is_above_it(tmp_path):
    service = Service(seats=7, billed=5, changes={"2026-11-10": 4})
    world = World(tmp_path, service, edits=policy(INCLUDED, "minimum: 5"))
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-11-10", 2)],
        ledger={"sub": Line("under-billed", 7, 5, moved=2)},
        invoice="14.00",
        run_rate="20.00",
    )
    assert "(policy: minimum 5)" in notes(plan)
    world.apply(plan, units={"sub": {"2026-11-09": 5, "2026-11-10": 7}})


@pytest.mark.parametrize(
    ("way", "quantity", "logs", "billed", "steps"),
    [
        ("up", "10", ["2.5"], 10, [3]),
        ("down", "10", ["2.5"], 10, [2]),
        ("nearest", "10", ["2.4"], 10, [2]),
        ("nearest", "10", ["2.5"], 10, [3]),
        ("up", "10", ["1.5", "1.5"], 10, [2, 1]),
        ("down", "10", ["1.5", "1.5"], 10, [1, 2]),
        ("up", "10", ["-0.5", "-1.5"], 10, [0, -2]),
        ("up", "8.4", ["2"], 9, [2]),
        ("down", "8.4", ["2"], 8, [2]),
        ("nearest", "0.4", ["0.05", "0.1"], 0, [0, 1]),
    ],
)
def test_parts_of_a_unit_are_rounded(tmp_path, way, quantity, logs, billed, steps):
    """The quantity is rounded; a change is the difference of two rounded quantities."""
    after = billed + sum(steps)
    days = [f"2026-11-1{number}" for number in range(len(logs))]
    service = Service(
        seats=str(Decimal(quantity) + sum(map(Decimal, logs))),
        billed=billed,
        changes=dict(zip(days, logs, strict=True)),
    )
    world = World(tmp_path, service, edits=policy(INCLUDED, f"rounding: {way}"))
    plan = world.plan()
    sent = [("sub", day, step) for day, step in zip(days, steps, strict=True) if step]
    assert PlanFigures.of(plan).adjusts == sent
    assert plan.blocked == ()
    line = line_of(plan)
    assert (line.quantity, line.units, line.moved) == (after, billed, sum(steps))
    is_rounded = any(Decimal(log) != step for log, step in zip(logs, steps, strict=True) if step)
    assert (f"(policy: rounded {way})" in notes(plan)) == is_rounded
    world.apply(plan, units={"sub": {"2026-11-09": billed, days[-1]: after}})
    assert {one["status"] for one in world.rows("license_change").values()} == {"Archived"}


def test_parts_of_a_unit_wait_for_a_policy(tmp_path):
    """Without rounding nothing is guessed: the change is held, with its money."""
    service = Service(seats="12.5", changes={"2026-11-10": "2.5"})
    world = World(tmp_path, service)
    plan = world.plan()
    expect(
        plan,
        ledger={"sub": Line("under-billed", Decimal("12.5"), 10, held=Decimal("2.5"))},
        held={"not-whole": "25.00"},
        findings=["not-whole"],
    )
    found = finding(plan, "not-whole")
    assert found.text == "it changes units by +2.5; Autotask counts whole units"
    assert "policy.rounding" in found.remedy


def test_a_ceiling_above_which_a_person_must_agree(tmp_path):
    service = Service(seats=13, changes={"2026-11-10": 3})
    world = World(tmp_path, service, edits=policy(INCLUDED, "ceiling: 12"))
    plan = world.plan()
    expect(
        plan,
        findings=["above-ceiling"],
        ledger={"sub": Line("under-billed", 13, 10, held=3)},
        held={"above-ceiling": "30.00"},
    )
    assert finding(plan, "above-ceiling").text == (
        "13 units are above the ceiling of 12 (policy: ceiling)"
    )
    world.decide("license_change", "log-sub", "push")
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-11-10", 3)],
        ledger={"sub": Line("under-billed", 13, 10, moved=3)},
        invoice="21.00",
        run_rate="30.00",
    )
    world.apply(plan, units={"sub": {"2026-11-10": 13}})


@pytest.mark.parametrize(
    ("changes", "sent"),
    [
        ({"2026-11-10": 5, "2026-11-20": -4}, []),  # 15 for ten days
        ({"2026-11-10": 2, "2026-11-12": 2}, [("sub", "2026-11-10", 2)]),  # 12, then 14
        (
            {"2026-11-10": -1, "2026-11-12": 3},
            [("sub", "2026-11-10", -1), ("sub", "2026-11-12", 3)],
        ),
    ],
)
def test_a_ceiling_holds_for_the_units_after_each_change(tmp_path, changes, sent):
    service = Service(seats=10 + sum(changes.values()), changes=changes)
    plan = World(tmp_path, service, edits=policy(INCLUDED, "ceiling: 12")).plan()
    assert PlanFigures.of(plan).adjusts == sent


def test_a_decrease_is_not_billed_before_the_increase_that_it_reduces(tmp_path):
    service = Service(seats=3, billed=0, changes={"2026-11-05": 5, "2026-11-20": -2})
    edits = policy("increase: {on: next_period}", instead=INCREASE)
    world = World(tmp_path, service, edits=edits)
    plan = world.plan()
    assert PlanFigures.of(plan).adjusts == [("sub", "2026-12-01", 3)]
    assert "with the increase that it reduces (policy: increase)" in notes(plan)
    world.apply(plan, units={"sub": {"2026-11-30": 0, "2026-12-01": 3}})


@pytest.mark.parametrize("units", [3, -3])
def test_a_policy_that_leaves_the_contract_asks_a_person(tmp_path, units):
    """The next period would begin after the contract's end."""
    service = Service(seats=10 + units, changes={"2026-11-10": units}, end="2026-11-30")
    edits = {
        SUBSCRIPTION: {
            INCREASE: "increase: {on: next_period}",
            DECREASE: "decrease: {on: next_period}",
        }
    }
    world = World(tmp_path, service, edits=edits)
    plan = world.plan()
    [held] = [one for one in findings(plan) if one.code == "after-end"]
    assert held.text == (
        "dated 2026-11-10, it would be billed from 2026-12-01 by the policy, "
        "and its contract ends on 2026-11-30"
    )
    world.push_on("log-sub", "2026-11-20")
    assert PlanFigures.of(world.plan()).adjusts == [("sub", "2026-11-20", units)]


@pytest.mark.parametrize(
    "selector",
    ["customer: Alpine Dental", "customer: acc", "service: pro-a", "subscription: a"],
)
def test_an_override_holds_for_some_rows(tmp_path, selector):
    services = [Service(key=key, seats=3, billed=5) for key in ("a", "b")]
    edits = policy(INCLUDED, "overrides:", f"  - {{{selector}, minimum: 5}}")
    plan = World(tmp_path, *services, edits=edits).plan()
    of_both = selector.startswith("customer")
    expect(
        plan,
        ledger={"a": agrees(5), "b": agrees(5) if of_both else Line("over-billed", 3, 5, left=-2)},
    )


def test_an_override_that_holds_for_no_row_is_a_warning(tmp_path):
    edits = policy(INCLUDED, "overrides:", "  - {customer: Alpine Dentil, minimum: 5}")
    plan = World(tmp_path, edits=edits).plan()
    expect(plan, findings=["policy-without-row"], ledger={"sub": agrees(10)})
    assert line_of(plan).quantity == 10


def test_a_credit_names_the_refund_product(tmp_path):
    service = Service(seats=8, changes={"2026-10-20": -2}, posted="2026-10-31")
    edits = {SUBSCRIPTION: {'refund: "{{ settings.default_refund_product }}"': "refund: Goodwill"}}
    world = World(tmp_path, service, edits=edits)
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
    assert "Goodwill" in notes(plan)
