"""Successions that take more than one plan: a half waits, a row leaves, another renewal follows."""

import pytest

from tests.scenarios.beginnings import Service, license_change
from tests.scenarios.expected import Line, PlanFigures, agrees, expect, findings
from tests.scenarios.made_once import made_once
from tests.scenarios.test_policies import DECREASE, INCREASE, SUBSCRIPTION
from tests.scenarios.test_succession import (
    RENEWAL_DAY,
    renewed,
    succession_between_contracts,
)
from tests.scenarios.world import World

AWAITING, PROVISIONED = "Awaiting Provisioning", "Provisioned"
BOTH = [("new", RENEWAL_DAY, 12), ("old", RENEWAL_DAY, -10)]
PAID_IN_FULL = {"old": {"2026-11-09": 10, RENEWAL_DAY: 0}, "new": {RENEWAL_DAY: 12}}


def provisioned(world: World, key: str, status: str) -> None:
    with world.work365():
        world.row("license_change", key)["provisioning_status"] = status


def without(world: World, table: str, key: str) -> dict:
    """Takes a row out of an export; returns it."""
    with world.work365() as tables:
        row = world.row(table, key)
        tables[table].remove(row)
    return row


def adjusts(world: World) -> list:
    return PlanFigures.of(world.plan()).adjusts


def codes(world: World) -> set[str]:
    return {one.code for one in findings(world.plan())}


# On another contract: two records, two halves


@pytest.mark.parametrize("half", ["log-new", "log-old"])
def test_halves_that_waited_are_sent_together(tmp_path, half):
    """The successor has its record by then: it is still not the predecessor's."""
    world = succession_between_contracts(tmp_path)
    provisioned(world, half, AWAITING)
    world.sync()
    provisioned(world, half, PROVISIONED)
    plan = world.plan()
    expect(
        plan,
        adjusts=BOTH,
        findings=["reduction-is-credited"],
        ledger={
            "new": Line("under-billed", 12, 0, moved=12),
            "old": Line("over-billed", 0, 10, moved=-10),
        },
        invoice="14.00",
        run_rate="20.00",
    )
    world.apply(plan, PAID_IN_FULL)


def test_the_increase_waits_until_something_ends_the_units_that_it_replaces(tmp_path):
    """Nothing in Work 365 takes the old seats away: 22 would be billed for 12."""
    world = succession_between_contracts(tmp_path)
    late = without(world, "license_change", "log-old")
    world.sync()
    expect(
        world.plan(),
        findings=["waits-for-its-other-half"],
        ledger={
            "new": Line("under-billed", 12, 0, held=12),
            "old": Line("over-billed", 0, 10, left=-10),
        },
        held={"waits-for-its-other-half": "120.00"},
    )
    with world.work365() as tables:
        tables["license_change"].append(late)
    assert sorted(adjusts(world)) == sorted(BOTH)
    world.apply(world.plan(), PAID_IN_FULL)


def test_a_correction_ends_the_units_that_a_successor_replaces(tmp_path):
    world = succession_between_contracts(tmp_path)
    without(world, "license_change", "log-old")
    [waits] = [one for one in findings(world.plan()) if one.code == "waits-for-its-other-half"]
    assert "decide subscription old correct" in waits.remedy
    world.decide("subscription", "old", "correct")
    plan = world.plan()
    assert sum(change.unit_change for change in plan.changes if change.adjustment) == 2
    assert world.run(plan).complete
    assert [world.units(key, "2026-12-01") for key in ("old", "new")] == [0, 12]
    assert world.plan().changes == ()


def test_units_entered_for_a_predecessor_are_seen(tmp_path):
    world = succession_between_contracts(tmp_path)
    world.sync()
    world.adjust("old", "2026-11-14", 5)
    expect(
        world.plan(),
        ledger={"new": agrees(12), "old": Line("over-billed", 0, 5, left=-5)},
    )


def test_a_successor_outlives_the_row_of_its_predecessor(tmp_path):
    """An export of active rows only: on another contract, the decision about it stays."""
    for name, world in (
        ("handed over", renewed(tmp_path / "same")),
        ("another contract", succession_between_contracts(tmp_path / "other")),
    ):
        world.sync()
        without(world, "subscription", "old")
        world.add_change("new", "2026-11-20", 3, "log-more")
        plan = world.plan()
        assert PlanFigures.of(plan).adjusts == [("new", "2026-11-20", 3)], name
        assert world.run(plan).complete, name
        assert world.plan().changes == (), name


@pytest.mark.parametrize(
    ("instead", "policy"),
    [
        (INCREASE, "increase: {on: next_period}"),
        (INCREASE, "increase: {on: decided}"),
        (DECREASE, "decrease: {on: next_period}"),
        (DECREASE, "decrease: {on: decided}"),
    ],
)
def test_day_policies_leave_no_gap_between_contracts(tmp_path, instead, policy):
    world = succession_between_contracts(tmp_path)
    world.edit(SUBSCRIPTION, instead, policy)
    plan = world.plan()
    assert PlanFigures.of(plan).adjusts == BOTH
    world.apply(plan, PAID_IN_FULL)


# On the same contract: one record, one net step


@pytest.mark.parametrize(
    ("instead", "policy", "seats", "step", "invoice"),
    [
        (INCREASE, "increase: {on: next_period}", 12, ("2026-12-01", 2), "0.00"),
        (INCREASE, "increase: {on: next_period}", 7, (RENEWAL_DAY, -3), "-21.00"),
        (DECREASE, "decrease: {on: next_period}", 12, (RENEWAL_DAY, 2), "14.00"),
        (DECREASE, "decrease: {on: next_period}", 7, ("2026-12-01", -3), "0.00"),
        (DECREASE, "decrease: {on: decided}", 12, (RENEWAL_DAY, 2), "14.00"),
    ],
)
def test_day_policies_see_a_renewal_as_one_step(tmp_path, instead, policy, seats, step, invoice):
    world = renewed(tmp_path, seats=seats)
    world.edit(SUBSCRIPTION, instead, policy)
    plan = world.plan()
    figures = PlanFigures.of(plan)
    assert (figures.adjusts, figures.invoice) == ([("new", *step)], invoice)
    world.apply(plan, {"old": {"2026-11-09": 10, step[0]: seats}})


def test_a_renewal_that_a_person_must_date_needs_one_day_for_both(tmp_path):
    world = renewed(tmp_path, seats=7)
    world.edit(SUBSCRIPTION, DECREASE, "decrease: {on: decided}")
    assert adjusts(world) == []
    world.push_on("log-old", "2026-11-20")
    plan = world.plan()
    assert PlanFigures.of(plan).adjusts == [("new", "2026-11-20", -3)]
    world.apply(plan, {"old": {"2026-11-19": 10, "2026-11-20": 7}})


@pytest.mark.parametrize("half", ["log-new", "log-old"])
def test_a_renewal_waits_for_both_of_its_changes(tmp_path, half):
    world = renewed(tmp_path)
    provisioned(world, half, AWAITING)
    expect(
        world.plan(),
        findings=["change-is-provisioned", "waits-its-turn"],
        ledger={"new": Line("under-billed", 12, 10, held=2)},
        held={"change-is-provisioned": "20.00"},
    )
    world.sync()
    provisioned(world, half, PROVISIONED)
    world.apply(world.plan(), {"old": {"2026-11-09": 10, RENEWAL_DAY: 12}})


def test_a_later_change_does_not_hold_a_renewal(tmp_path):
    world = renewed(tmp_path)
    world.add_change("new", "2026-11-20", 3, "log-more", provisioning_status=AWAITING)
    assert adjusts(world) == [("new", RENEWAL_DAY, 2)]


def test_an_undone_renewal_is_pushed_as_a_whole(tmp_path):
    world = renewed(tmp_path)
    run = world.run(world.plan()).run
    assert world.run(world.plan(undo=run)).complete
    world.decide("license_change", "log-new", "push")
    assert adjusts(world) == []
    world.decide("license_change", "log-old", "push")
    [(_, _, units)] = adjusts(world)
    assert units == 2


def test_a_cancellation_waits_while_its_service_may_be_taken_over(tmp_path):
    world = renewed(tmp_path)
    with world.work365() as tables:
        tables["subscription"].append({**world.row("subscription", "old"), "id": "older"})
        tables["subscription"][-1]["quantity"] = 0
    plan = world.plan()
    assert PlanFigures.of(plan).adjusts == []
    [waits] = [one for one in findings(plan) if one.code == "waits-for-its-other-half"]
    assert "succeed --of old" in waits.remedy
    world.sync()
    assert world.units("old", "2026-12-01") == 10
    world.succeed("new", "old")
    world.apply(world.plan(), {"old": {"2026-11-09": 10, RENEWAL_DAY: 12}})


def test_a_second_renewal_takes_the_same_service_over(tmp_path):
    world = renewed(tmp_path)
    world.sync()
    with world.work365() as tables:
        new = world.row("subscription", "new")
        tables["subscription"].append({**new, "id": "third", "quantity": 15})
        tables["subscription"][-1]["psa_system_id"] = None
        log = license_change("third", new["unit"], "log-third", "2026-12-10", 15, {})
        tables["license_change"].append(log)
    world.add_change("new", "2026-12-10", -12, "log-end")
    with world.work365():
        world.row("subscription", "new").update(state="Inactive", status="Expired")
    assert adjusts(world) == []  # which of two that have ended is renewed?
    world.succeed("third", "new")
    world.apply(world.plan(), {"old": {"2026-12-09": 12, "2026-12-10": 15}})
    world.add_change("third", "2026-12-12", 4, "log-more")
    assert codes(world) == set()
    assert adjusts(world) == [("third", "2026-12-12", 4)]


def test_a_blocked_successor_keeps_its_record(tmp_path):
    """Its predecessor has the identity that the record carries, and does not claim it."""
    world = renewed(tmp_path)
    world.sync()
    with world.work365():
        world.row("subscription", "new")["quantity"] = -1
    plan = world.plan()
    assert "claimed-twice" not in codes(world)
    assert [(line.key, line.units) for line in plan.ledger] == [("new", 12)]


@pytest.mark.parametrize(
    ("begins", "steps"),
    [("2026-11-12", [(RENEWAL_DAY, -10), ("2026-11-12", 12)]), (RENEWAL_DAY, [("2026-12-01", 2)])],
)
def test_a_renewal_with_a_gap_has_the_gap_that_work_365_has(tmp_path, begins, steps):
    world = renewed(tmp_path)
    with world.work365():
        world.row("license_change", "log-new")["effective_date"] = begins
    world.edit(SUBSCRIPTION, INCREASE, "increase: {on: next_period}")
    assert adjusts(world) == [("new", *step) for step in steps]


def test_a_row_that_ends_and_comes_back_by_itself_follows_the_policy(tmp_path):
    service = Service(seats=12, changes={RENEWAL_DAY: -10, "2026-11-12": 12})
    edits = {SUBSCRIPTION: {INCREASE: "increase: {on: next_period}"}}
    world = World(tmp_path, service, edits=edits)
    assert adjusts(world) == [("sub", RENEWAL_DAY, -10), ("sub", "2026-12-01", 12)]


def test_halves_that_an_expression_pairs_stay_a_pair(tmp_path):
    """Without a decision: the state remembers what `successor_of` gave when the record was made."""
    world = renewed(tmp_path, contract="con-2", product="pro-2")
    text = (tmp_path / SUBSCRIPTION).read_text(encoding="utf-8")
    [line] = [one for one in text.splitlines() if one.startswith("successor_of:")]
    world.edit(SUBSCRIPTION, line, "successor_of: \"{{ 'old' if source.id == 'new' else none }}\"")
    provisioned(world, "log-old", AWAITING)
    world.sync()
    provisioned(world, "log-old", PROVISIONED)
    assert adjusts(world) == BOTH
    world.apply(world.plan(), PAID_IN_FULL)


# What else happens to the two rows does not part the halves


def sends_neither(world: World) -> None:
    assert adjusts(world) == []
    world.sync()
    assert [world.units(key, "2026-12-01") for key in ("old", "new")] == [10, 0]


def test_a_later_change_that_is_held_does_not_part_the_halves(tmp_path):
    world = succession_between_contracts(tmp_path)
    provisioned(world, "log-old", AWAITING)
    world.add_change("new", "2026-11-12", 3, "log-more", provisioning_status=AWAITING)
    sends_neither(world)
    provisioned(world, "log-old", PROVISIONED)
    assert adjusts(world) == BOTH


def test_units_entered_for_the_successor_hold_both_halves(tmp_path):
    world = succession_between_contracts(tmp_path)
    provisioned(world, "log-new", AWAITING)
    world.sync()
    world.adjust("new", "2026-11-01", 1)
    provisioned(world, "log-new", PROVISIONED)
    assert adjusts(world) == []


def test_a_push_beside_units_entered_for_the_predecessor_takes_both_halves(tmp_path):
    world = succession_between_contracts(tmp_path)
    world.adjust("old", "2026-10-01", 2)
    assert adjusts(world) == []
    world.decide("license_change", "log-old", "push")
    assert adjusts(world) == BOTH


@pytest.mark.parametrize(("first", "second"), [("log-old", "log-new"), ("log-new", "log-old")])
def test_both_halves_are_pushed_on_one_day(tmp_path, first, second):
    world = succession_between_contracts(tmp_path)
    world.push_on(first, "2026-11-20")
    plan = world.plan()
    assert PlanFigures.of(plan).adjusts == []
    remedies = {one.remedy for one in findings(plan)}
    assert f"`trueup decide license_change {second} push --on 2026-11-20 --reason …`" in remedies
    world.push_on(second, "2026-11-20")
    assert adjusts(world) == [("new", "2026-11-20", 12), ("old", "2026-11-20", -10)]


def test_an_increase_that_ends_before_it_is_billed_moves_nothing(tmp_path):
    """+2 would be billed from December; the cancellation of all twelve is of November."""
    world = succession_between_contracts(tmp_path)
    world.edit(SUBSCRIPTION, INCREASE, "increase: {on: next_period}")
    with world.work365() as tables:
        unit = world.row("subscription", "old")["unit"]
        world.row("license_change", "log-old")["quantity"] = -12
        tables["license_change"].append(license_change("old", unit, "more", "2026-11-05", 2, {}))
    assert adjusts(world) == BOTH


@made_once
def moved_on(folder) -> World:
    """A renewal that was applied, whose successor has gone on to another contract since."""
    world = renewed(folder)
    world.sync()
    with world.work365() as tables:
        new = {"id": "con-2", "name": "con-2", "number": "con-2"}
        tables["billing_contract"].append({**world.row("billing_contract"), **new})
        world.row("subscription", "new")["contract"] = "con-2"
    assert world.run(world.plan()).complete
    return world


def test_a_successor_that_moves_on_leaves_nothing_to_its_predecessor(tmp_path):
    """The service that it leaves carries the predecessor's identity, and is nobody's any more."""
    world = moved_on(tmp_path)
    again = world.plan()
    assert again.changes == ()
    assert "another-state" not in {one.code for one in findings(again)}
    assert {line.key: Line.of(line) for line in again.ledger} == {"new": agrees(12)}


def test_units_on_what_a_successor_left_behind_are_seen(tmp_path):
    """The service carries the identity of the row's predecessor: its units count for the row."""
    world = moved_on(tmp_path)
    world.adjust("old", "2026-11-20", 5)
    plan = world.plan("2026-11-21")
    lines = {line.key or "orphan": Line.of(line) for line in plan.ledger}
    assert lines == {"new": Line("over-billed", 12, 17, left=-5)}
