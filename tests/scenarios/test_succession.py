"""Renewals: one subscription takes the place of another."""

import pytest

from tests.scenarios.beginnings import Service
from tests.scenarios.expected import Line, agrees, expect, finding, findings
from tests.scenarios.made_once import made_once
from tests.scenarios.world import World

RENEWAL_DAY = "2026-11-10"


@made_once
def renewed(folder, *, product="", contract="", seats=12, begins=RENEWAL_DAY) -> World:
    """A subscription of ten seats that has ended, and one of twelve that has begun."""
    old = Service(key="old", contract="con", product="pro")
    new = Service(key="new", seats=seats, billed=None, contract=contract or "con",
                  product=product or "pro", changes={begins: seats},
                  row={"psa_system_id": None, "effective_start": begins})  # fmt: skip
    world = World(folder, old, new)
    with world.work365() as tables:
        later = [tables["subscription"].pop(), tables["license_change"].pop()]
    world.sync()
    with world.work365() as tables:
        tables["subscription"].append(later[0])
        tables["license_change"].append(later[1])
    world.add_change("old", RENEWAL_DAY, -10, "log-old")
    with world.work365():
        world.row("subscription", "old").update(state="Inactive", status="Expired")
    return world


def test_a_renewal_on_the_same_contract_takes_over_the_service(tmp_path):
    world = renewed(tmp_path)
    plan = world.plan()
    expect(
        plan,
        adjusts=[("new", "2026-11-10", 2)],
        ledger={"new": Line("under-billed", 12, 10, moved=2)},
        invoice="14.00",  # 2 x £10 x 21 of 30 days
        run_rate="20.00",
    )
    [link] = [change for change in plan.changes if change.succeeds]
    assert (link.how, link.succeeds.key, link.record) == ("succession", "old", world.id_of("old"))
    again = world.apply(plan, units={"old": {"2026-11-09": 10, "2026-11-10": 12}})
    assert {line.key: Line.of(line) for line in again.ledger} == {"new": agrees(12)}
    [service] = world.records("ContractServices")
    assert service["id"] == world.id_of("old")


def test_a_renewal_with_fewer_seats_takes_the_difference_away(tmp_path):
    world = renewed(tmp_path, seats=7)
    plan = world.plan()
    expect(
        plan,
        adjusts=[("new", "2026-11-10", -3)],
        findings=["reduction-is-credited"],
        ledger={"new": Line("over-billed", 7, 10, moved=-3)},
        invoice="-21.00",
        run_rate="-30.00",
    )
    world.apply(plan, units={"old": {"2026-11-09": 10, "2026-11-10": 7}})


def test_a_renewal_with_the_same_seats_sends_nothing(tmp_path):
    world = renewed(tmp_path, seats=10)
    plan = world.plan()
    expect(plan, ledger={"new": agrees(10)})
    world.apply(plan, units={"old": {"2026-11-09": 10, "2026-11-10": 10}})


def test_a_cancellation_waits_while_it_is_unclear_who_takes_the_service_over(tmp_path):
    world = renewed(tmp_path, begins="2026-10-05")
    plan = world.plan()
    assert {one.code for one in findings(plan)} == {
        "successor-unclear",
        "depends-on-blocked",
        "waits-for-its-other-half",
    }
    question, waiting = (
        finding(plan, "successor-unclear"),
        finding(plan, "waits-for-its-other-half"),
    )
    assert "create" not in question.remedy  # Autotask takes the service once a contract
    assert waiting.remedy == question.remedy
    world.apply(plan, units={"old": {"2026-10-05": 10, "2026-11-09": 10, "2026-11-10": 10}})
    world.succeed("new", "old")
    world.apply(world.plan(), units={"old": {"2026-10-04": 10, "2026-10-05": 22, "2026-11-10": 12}})


def test_of_two_that_have_ended_a_person_decides_which_is_renewed(tmp_path):
    world = renewed(tmp_path)
    with world.work365() as tables:
        other = {**world.row("subscription", "old"), "id": "older", "quantity": 0}
        tables["subscription"].append(other)
    plan = world.plan()
    [taken] = [one for one in findings(plan) if one.code == "service-taken"]
    assert "succeed --of old" in taken.remedy
    assert plan.summary.ledger.held.units != 0
    world.succeed("new", "old")
    plan = world.plan()
    assert [
        (one.adjustment.row.key, one.unit_change) for one in plan.changes if one.adjustment
    ] == [("new", 2)]
    world.apply(plan, units={"old": {"2026-11-09": 10, "2026-11-10": 12}})


@made_once
def succession_between_contracts(folder) -> World:
    """The successor is on another contract, which Autotask has, without the service."""
    world = renewed(folder, contract="con-2", product="pro-2")
    world.succeed("new", "old")
    return world


def test_a_successor_on_another_contract_is_one_unit_with_its_predecessor(tmp_path):
    world = succession_between_contracts(tmp_path)
    plan = world.plan()
    expect(
        plan,
        adjusts=[("new", "2026-11-10", 12), ("old", "2026-11-10", -10)],  # the increase first
        findings=["reduction-is-credited"],
        ledger={
            "new": Line("under-billed", 12, 0, moved=12),
            "old": Line("over-billed", 0, 10, moved=-10),
        },
        invoice="14.00",
        run_rate="20.00",
    )
    more, less = (change for change in plan.changes if change.adjustment)
    assert (more.together, less.together) == ((less.id,), (more.id,))
    assert more.id in less.needs
    units = {
        "old": {"2026-11-09": 10, "2026-11-10": 0},
        "new": {"2026-11-09": 0, "2026-11-10": 12},
    }
    world.apply(plan, units=units)


@pytest.mark.parametrize("half", ["log-new", "log-old"])
def test_a_successor_on_another_contract_waits_for_both_halves(tmp_path, half):
    world = succession_between_contracts(tmp_path)
    with world.work365():
        world.row("license_change", half)["provisioning_status"] = "Awaiting Provisioning"
    plan = world.plan()
    assert [change.name for change in plan.changes if change.adjustment] == []
    codes = {one.code for one in findings(plan)}
    assert codes == {"change-is-provisioned", "waits-for-its-other-half"}
    lines = {line.key: Line.of(line) for line in plan.ledger}
    assert lines == {
        "new": Line("under-billed", 12, 0, held=12),
        "old": Line("over-billed", 0, 10, held=-10),
    }
    world.apply(plan, units={"old": {"2026-11-10": 10}, "new": {"2026-11-10": 0}})


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("adjustment", [1, 2])
def test_no_day_is_unbilled_if_a_run_dies_between_the_halves(tmp_path, adjustment, when):
    world = succession_between_contracts(tmp_path)
    world.kill(world.plan(), adjustment, when)
    on_both = [world.units(key, "2026-11-10") for key in ("old", "new")]
    assert sum(on_both) >= 10
    outcome = world.resume()
    assert outcome.complete, [one for one in outcome.changes if one.text]
    assert [world.units(key, "2026-11-10") for key in ("old", "new")] == [0, 12]
    assert world.plan().changes == ()


def test_without_the_state_a_renewal_is_known_again(tmp_path):
    world = renewed(tmp_path)
    assert world.run(world.plan()).complete
    world.lose_state()
    plan = world.plan()
    expect(plan, ledger={"new": agrees(12)})
    assert {str(change.action) for change in plan.changes} == {"link"}
