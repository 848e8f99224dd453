"""Chains of renewals, several of them between two plans: on one contract, and over contracts."""

from itertools import pairwise

import pytest
from trueup.model.change import Action

from tests.scenarios.beginnings import Service
from tests.scenarios.chains import Link, advised, begins, chain, ends, follow_advice, is_right
from tests.scenarios.expected import (
    PlanFigures,
    adjusting,
    agrees,
    assert_sums,
    expect,
    findings,
)
from tests.scenarios.made_once import made_once
from tests.scenarios.test_succession_later import without
from tests.scenarios.world import World

SECOND, THIRD = "2026-11-10", "2026-11-20"
CONTRACTS = ("con", "con-2")
WAYS = [(second, third) for second in CONTRACTS for third in CONTRACTS]
RIGHT = [("new", "old"), ("n3", "new")]
OVER = ("adjustments", "one_off_effect")


def two_renewals(second: str = "con", third: str = "con") -> list[Link]:
    """Ten seats became twelve, and then seven; nobody has decided anything."""
    return [Link("new", second, 12, SECOND), Link("n3", third, 7, THIRD)]


def goes_through(world: World, links: list[Link]) -> None:
    """Plans and applies once, and asserts units and money; nothing is left to plan then."""
    made = world.plan()
    assert_sums(made)
    again = world.apply(made, {}, over=OVER)
    is_right(world, links)
    assert {line.class_ for line in again.ledger} == {"match"}
    assert [one.code for one in findings(again)] == []


def test_a_chain_that_comes_back_names_each_row_and_the_one_before_it(tmp_path):
    """The service that the last row takes again was that of the first one."""
    other = Service("other", 1, 1, contract="con-2", product="pro-2")
    links = two_renewals("con-2", "con")
    world = chain(tmp_path, *links, others=[other])
    for key, predecessor in RIGHT:
        world.succeed(key, predecessor)
    plan = world.plan()
    assert [(one.name, one.unit_change) for one in adjusting(plan)] == [
        ("Alpine Dental, Mail new, monthly", 12),
        ("Alpine Dental, Mail old, monthly", -10),
        ("Alpine Dental, Mail n3, monthly", 7),
        ("Alpine Dental, Mail new, monthly", -12),
    ]
    [link] = [one for one in plan.changes if one.action is Action.LINK]
    [note] = link.notes
    assert note == (
        "succeeds Alpine Dental, Mail new, monthly, "
        "and takes over from Alpine Dental, Mail old, monthly"
    )
    [left_out] = [one for one in plan.left_out if one.code == "succeeded"]
    assert left_out.reason == (
        "succeeded by Alpine Dental, Mail new, monthly; "
        "its record goes to Alpine Dental, Mail n3, monthly"
    )


# Advice that is followed literally


def test_two_renewals_on_one_contract_are_advised_in_the_order_of_their_days(tmp_path):
    world = chain(tmp_path, *two_renewals())
    plan = world.plan()
    assert PlanFigures.of(plan).adjusts == []
    assert {*advised(plan)} == {("new", "old"), ("n3", "new")}


@pytest.mark.parametrize(("second", "third"), WAYS)
def test_advice_that_is_followed_bills_every_day(tmp_path, second, third):
    links = two_renewals(second, third)
    world = chain(tmp_path, *links)
    follow_advice(world)
    goes_through(world, links)


def test_three_renewals_on_one_contract_are_advised_one_after_the_other(tmp_path):
    links = [*two_renewals(), Link("n4", "con", 9, "2026-11-25")]
    world = chain(tmp_path, *links)
    assert {*advised(world.plan())} == {("new", "old"), ("n3", "new"), ("n4", "n3")}
    follow_advice(world)
    goes_through(world, links)


@pytest.mark.parametrize("first", RIGHT)
def test_advice_agrees_with_what_is_decided_already(tmp_path, first):
    links = two_renewals()
    world = chain(tmp_path, *links)
    world.succeed(*first)
    [other] = {*RIGHT} - {first}
    assert advised(world.plan()) == [other]
    world.succeed(*other)
    goes_through(world, links)


@pytest.mark.parametrize("first", RIGHT)
@pytest.mark.parametrize(("second", "third"), WAYS)
def test_advice_after_one_decision_never_overwrites_it(tmp_path, second, third, first):
    links = two_renewals(second, third)
    world = chain(tmp_path, *links)
    world.succeed(*first)
    assert first[0] not in {key for key, _ in advised(world.plan())}
    follow_advice(world)
    goes_through(world, links)


@pytest.mark.parametrize(("second", "third"), WAYS)
def test_two_decisions_about_one_predecessor_are_put_right(tmp_path, second, third):
    links = two_renewals(second, third)
    world = chain(tmp_path, *links)
    world.succeed("new", "old")
    world.succeed("n3", "old")
    assert advised(world.plan()) == [("new", "old"), ("n3", "new")]
    follow_advice(world)
    goes_through(world, links)


def test_several_renewals_on_a_contract_that_is_new_wait_for_each_other(tmp_path):
    """One of them would create the service and be billed, the others only after it."""
    links = [*two_renewals("con-2", "con-2"), Link("n4", "con-2", 9, "2026-11-25")]
    world = chain(tmp_path, *links)
    plan = world.plan()
    assert {key for key, _, _ in PlanFigures.of(plan).adjusts} <= {"old"}
    assert {*advised(plan)} == {("n3", "new"), ("n4", "n3")}
    follow_advice(world)
    goes_through(world, links)


def test_renewals_whose_order_is_not_clear_are_a_question(tmp_path):
    """Both begin on one day: either may have come first."""
    links = [Link("new", "con", 12, SECOND), Link("n3", "con", 7, SECOND)]
    world = chain(tmp_path, *links)
    plan = world.plan()
    assert PlanFigures.of(plan).adjusts == []
    assert {("n3", "old"), ("n3", "new")} <= {*advised(plan)}


@made_once
def overlapping(folder, third: str = "con") -> World:
    """Seven seats begin five days before the twelve end that took the place of the ten."""
    world = chain(folder, *two_renewals("con", third))
    with world.work365():
        world.row("license_change", "end-new")["effective_date"] = "2026-11-25"
    return world


@pytest.mark.parametrize("both", [False, True])
def test_renewals_that_overlap_are_a_question_that_has_an_answer(tmp_path, both):
    world = overlapping(tmp_path)
    if both:
        world.succeed("new", "old")
        world.succeed("n3", "old")
    assert PlanFigures.of(world.plan()).adjusts == []
    follow_advice(world)
    assert world.run(world.plan()).complete
    days = ("2026-11-09", SECOND, THIRD, "2026-11-25", "2026-12-31")
    assert [world.units("old", day) for day in days] == [10, 12, 19, 7, 7]
    assert world.plan().changes == ()


def test_what_ended_beside_a_subscription_that_goes_on_is_billed_with_it(tmp_path):
    world = chain(tmp_path)
    begins(world, Link("b", "con", 5, "2026-11-05"))
    ends(world, "b", SECOND)
    assert advised(world.plan()) == [("old", "b")]
    follow_advice(world)
    assert world.run(world.plan()).complete
    days = ("2026-11-04", "2026-11-05", "2026-11-09", SECOND)
    assert [world.units("old", day) for day in days] == [10, 15, 15, 10]
    assert world.plan().changes == ()


@pytest.mark.parametrize("is_gone", [False, True])
def test_what_ended_beside_a_renewal_is_billed_with_it(tmp_path, is_gone):
    world = chain(tmp_path, Link("new", "con", 12, SECOND))
    world.sync()
    begins(world, Link("b", "con", 5, "2026-11-12"))
    ends(world, "b", "2026-11-14")
    if is_gone:
        without(world, "subscription", "old")
    follow_advice(world)
    world.apply(
        world.plan(), {"old": {SECOND: 12, "2026-11-12": 17, "2026-11-13": 17, "2026-11-14": 12}}
    )


# Decisions for the whole chain


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize(("second", "third"), WAYS)
def test_a_chain_that_is_decided_bills_every_day(tmp_path, second, third, later):
    links = two_renewals(second, third)
    world = chain(tmp_path, *links[: 1 if later else 2])
    world.succeed("new", "old")
    if later:
        goes_through(world, links[:1])
        ends(world, "new", THIRD)
        begins(world, links[1])
    world.succeed("n3", "new")
    goes_through(world, links)


@pytest.mark.parametrize(("second", "third"), WAYS)
def test_a_chain_to_a_contract_that_autotask_has_bills_every_day(tmp_path, second, third):
    links = two_renewals(second, third)
    other = Service("other", 1, 1, contract="con-2", product="pro-2")
    world = chain(tmp_path, *links, others=[other])
    world.succeed("new", "old")
    world.succeed("n3", "new")
    goes_through(world, links)


@pytest.mark.parametrize(
    "contracts",
    [
        ("con", "con", "con"),
        ("con", "con-2", "con-2"),
        ("con-2", "con", "con-2"),
        ("con-2", "con-2", "con"),
    ],
)
def test_a_chain_of_four_bills_every_day(tmp_path, contracts):
    units = ((12, SECOND), (7, THIRD), (9, "2026-11-25"))
    names = ("new", "n3", "n4")
    links = [
        Link(name, contract, *what)
        for name, contract, what in zip(names, contracts, units, strict=True)
    ]
    world = chain(tmp_path, *links)
    for earlier, later in pairwise(["old", *names]):
        world.succeed(later, earlier)
    goes_through(world, links)


# Begun and ended between two plans

NEVER = "create: \"{{ 'auto' if source.state == 'Active' else 'never' }}\""


@made_once
def short_lived(folder, ended="2026-11-12", **beginning) -> World:
    """Five seats on a contract of their own, that ended before any plan saw them."""
    world = chain(folder, **beginning)
    begins(world, Link("b", "con-2", 5, "2026-11-06"))
    ends(world, "b", ended)
    return world


def test_what_has_begun_and_ended_between_two_plans_is_billed(tmp_path):
    world = short_lived(tmp_path)
    plan = world.plan()
    expect(
        plan,
        adjusts=[("b", "2026-11-06", 5), ("b", "2026-11-12", -5)],
        findings=["reduction-is-credited"],
        ledger={"old": agrees(10)},
        invoice="10.00",  # 5 x £10 x 6 of 30 days
    )
    world.apply(plan, {"b": {"2026-11-05": 0, "2026-11-06": 5, "2026-11-11": 5, "2026-11-12": 0}})


def test_days_that_nothing_bills_are_named_with_their_money(tmp_path):
    """A mapping that never creates the record of a subscription that has ended."""
    file = tmp_path / "mappings" / "subscription.yaml"
    world = short_lived(tmp_path)
    [line] = [one for one in file.read_text("utf-8").splitlines() if one.startswith("create:")]
    world.edit("mappings/subscription.yaml", line, NEVER)
    plan = world.plan()
    assert PlanFigures.of(plan).adjusts == []
    held = [one for one in findings(plan) if one.code == "not-billed"]
    assert {one.key for one in held} == {"log-b", "end-b"}
    assert "5 units from 2026-11-06 to 2026-11-11 are billed to nobody, 10.00 GBP" in held[0].text
    world.decide("subscription", "b", "create")
    world.apply(world.plan(), {"b": {"2026-11-06": 5, "2026-11-12": 0}})


def test_days_that_nothing_bills_end_with_their_contract(tmp_path):
    file = tmp_path / "mappings" / "subscription.yaml"
    world = short_lived(tmp_path)
    with world.work365():
        world.row("billing_contract", "con-2")["end_date"] = "2026-11-11"
    [line] = [one for one in file.read_text("utf-8").splitlines() if one.startswith("create:")]
    world.edit("mappings/subscription.yaml", line, NEVER)
    held = [one for one in findings(world.plan()) if one.code == "not-billed"]
    assert {one.key for one in held} == {"log-b", "end-b"}
    assert "5 units from 2026-11-06 to 2026-11-11 are billed to nobody, 10.00 GBP" in held[0].text


def test_what_ended_on_its_first_day_has_no_days(tmp_path):
    world = short_lived(tmp_path, ended="2026-11-06")
    plan = world.plan()
    assert PlanFigures.of(plan).adjusts == []
    assert [*findings(plan)] == []
