"""Chains of renewals that are held, undone, resumed, planned on other days, or leave the export."""

import pytest

from tests.scenarios.beginnings import Service
from tests.scenarios.chains import Link, begins, chain, ends, follow_advice, is_right
from tests.scenarios.expected import Line, PlanFigures, adjusting, findings, line_of
from tests.scenarios.made_once import made_once
from tests.scenarios.test_halves import part_of
from tests.scenarios.test_policies import INCREASE, SUBSCRIPTION
from tests.scenarios.test_succession_chains import (
    CONTRACTS,
    OVER,
    WAYS,
    goes_through,
    two_renewals,
)
from tests.scenarios.test_succession_later import AWAITING, PROVISIONED, provisioned, without
from tests.scenarios.world import World

BACK = ("con-2", "con")  # to another contract, and back


def decided(folder, second: str, third: str, links=None, **beginning) -> tuple[World, list[Link]]:
    """Two renewals, and the decisions which of them takes whose place."""
    links = links or two_renewals(second, third)
    return with_decisions(folder, *links, **beginning), links


@made_once
def with_decisions(folder, *links, **beginning) -> World:
    world = chain(folder, *links, **beginning)
    world.succeed("new", "old")
    world.succeed("n3", "new")
    return world


def is_right_up_to_one(world: World, links: list[Link]) -> int:
    """How many of the renewals are billed, where those are billed wholly; asserts that they are."""
    for count in range(len(links) + 1):
        try:
            is_right(world, links[:count])
        except AssertionError:
            continue
        return count
    raise AssertionError("a renewal is billed in part")


@pytest.mark.parametrize("half", ["end-old", "log-new", "end-new", "log-n3"])
@pytest.mark.parametrize(("second", "third"), WAYS)
def test_a_renewal_of_a_chain_is_sent_as_a_whole_or_not_at_all(tmp_path, second, third, half):
    world, links = decided(tmp_path, second, third)
    provisioned(world, half, AWAITING)
    assert world.run(world.plan(), over=OVER).complete
    is_right_up_to_one(world, links)
    provisioned(world, half, PROVISIONED)
    goes_through(world, links)


@pytest.mark.parametrize("as_of", ["2026-11-05", "2026-11-12", "2026-12-05"])
@pytest.mark.parametrize(("second", "third"), WAYS)
def test_a_chain_is_billed_alike_on_whichever_day_it_is_planned(tmp_path, second, third, as_of):
    world, links = decided(tmp_path, second, third)
    world.plan(as_of)
    goes_through(world, links)


@pytest.mark.parametrize(("second", "third"), WAYS)
def test_the_undo_of_a_chain_bills_what_was_billed_before(tmp_path, second, third):
    world, _ = decided(tmp_path, second, third)
    run = world.run(world.plan(), over=OVER).run
    undone = world.run(world.plan(undo=run), over=OVER)
    assert undone.complete, [one for one in undone.changes if one.text]
    billed = dict.fromkeys(CONTRACTS, 0)
    names = {row["id"]: row["contractName"] for row in world.records("Contracts")}
    for service in world.records("ContractServices"):
        billed[names[service["contractID"]]] += world.units(service["id"], "2026-12-31")
    assert billed == {"con": 10, "con-2": 0}


@pytest.mark.parametrize(
    ("adjustment", "when"), [(1, "after"), (2, "before"), (3, "after"), (4, "before")]
)
def test_a_chain_that_goes_back_is_resumed(tmp_path, adjustment, when):
    world, links = decided(tmp_path, *BACK)
    world.kill(world.plan(), adjustment, when)
    outcome = world.resume()
    assert outcome.complete, [one for one in outcome.changes if one.text]
    is_right(world, links)
    assert world.plan().changes == ()


@pytest.mark.parametrize(
    ("key", "renewals"), [("end-old", 1), ("log-new", 1), ("end-new", 2), ("log-n3", 2)]
)
def test_a_part_of_a_chain_has_whole_renewals_up_to_what_it_names(tmp_path, key, renewals):
    world, links = decided(tmp_path, *BACK)
    plan = part_of(world, targets=(f"license_change:{key}",))
    assert len(adjusting(plan)) == 2 * renewals
    assert world.run(plan).complete
    assert is_right_up_to_one(world, links) == renewals
    goes_through(world, links)


@pytest.mark.parametrize(("second", "third"), WAYS)
def test_a_chain_outlives_the_rows_that_have_ended(tmp_path, second, third):
    world, links = decided(tmp_path, second, third)
    assert world.run(world.plan(), over=OVER).complete
    without(world, "subscription", "old")
    without(world, "subscription", "new")
    world.add_change("n3", "2026-11-25", 2, "log-more")
    assert PlanFigures.of(world.plan()).adjusts == [("n3", "2026-11-25", 2)]
    assert world.run(world.plan()).complete
    is_right(world, [*links, Link("n3", third, 9, "2026-11-25")])
    assert world.plan().changes == ()


@pytest.mark.parametrize(("second", "third"), WAYS)
def test_without_the_state_a_chain_is_linked_again(tmp_path, second, third):
    world, links = decided(tmp_path, second, third)
    assert world.run(world.plan(), over=OVER).complete
    world.lose_state()
    plan = world.plan()
    assert {str(change.action) for change in plan.changes} == {"link"}
    assert world.run(plan, over=OVER).complete
    is_right(world, links)
    again = world.plan()
    assert again.changes == ()
    assert [one.code for one in findings(again)] == []


def test_a_policy_leaves_no_gap_in_a_chain_that_goes_back(tmp_path):
    edits = {SUBSCRIPTION: {INCREASE: "increase: {on: next_period}"}}
    world, links = decided(tmp_path, *BACK, edits=edits)
    goes_through(world, links)


def test_a_chain_in_posted_days_is_pushed_on_the_first_open_day(tmp_path):
    links = [Link("new", "con", 12, "2026-10-10"), Link("n3", "con", 7, "2026-10-20")]
    world, _ = decided(tmp_path, "con", "con", links)
    world.post("2026-10-31")
    held = world.plan()
    assert adjusting(held) == []
    for key in ("end-old", "log-new", "end-new", "log-n3"):
        world.decide("license_change", key, "push")
    plan = world.plan()
    figures = PlanFigures.of(plan)
    assert figures.adjusts == [("n3", "2026-11-01", -3)]
    # 2 x £10 x 10 of 31 days are lost, 3 x £10 x 12 of 31 days are owed: both in one step
    assert (figures.lost, figures.credit) == ("0.00", "5.16")
    world.apply(plan, {"old": {"2026-10-31": 10, "2026-11-01": 7}})


# A row of the chain moved to another contract as the same row


@made_once
def moved_and_renewed(folder, *more: Link) -> World:
    """Twelve seats went to another contract as the same row, ended there, and were renewed."""
    other = Service("other", 1, 1, contract="con-2", product="pro-2")
    world = chain(folder, Link("new", "con", 12, "2026-11-10"), others=[other])
    world.sync()
    with world.work365():
        world.row("subscription", "new")["contract"] = "con-2"
    before = "new"
    for link in more:
        ends(world, before, link.day)
        begins(world, link)
        before = link.key
    return world


def test_what_moved_and_was_renewed_there_goes_to_its_successor_at_once(tmp_path):
    world = moved_and_renewed(tmp_path, Link("n3", "con-2", 7, "2026-11-20"))
    plan = world.plan()
    assert PlanFigures.of(plan).adjusts == [("n3", "2026-11-20", 7), ("new", "2026-11-20", -12)]
    world.apply(
        plan,
        {"old": {"2026-11-19": 12, "2026-11-20": 0}, "n3": {"2026-11-19": 0, "2026-11-20": 7}},
    )


def test_what_moved_and_is_in_question_keeps_its_record_and_units(tmp_path):
    more = [Link("n3", "con-2", 7, "2026-11-20"), Link("n4", "con-2", 9, "2026-11-25")]
    world = moved_and_renewed(tmp_path, *more)
    plan = world.plan()
    assert [change.name for change in plan.changes if change.action == "create"] == []
    assert adjusting(plan) == []
    assert Line.of(line_of(plan, "new")) == Line("over-billed", 0, 12, held=-12)
    world.sync()
    follow_advice(world)
    world.apply(
        world.plan(),
        {
            "old": {"2026-11-19": 12, "2026-11-20": 0},
            "n4": {"2026-11-19": 0, "2026-11-20": 7, "2026-11-25": 9},
        },
    )
