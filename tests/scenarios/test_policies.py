"""Policies: the day from which a change is billed, and how many units a quantity becomes."""

import re
from calendar import monthrange
from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.scenarios.beginnings import Service
from tests.scenarios.expected import (
    PlanFigures,
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
    ("day", "code", "text"),
    [
        (
            "2026-12-05",
            "after-end",
            (
                r"dated 2026-11-10, it would be billed from 2026-12-05 as decided "
                r"\(mappings/decisions\.yaml:\d+:\d+\), and its contract ends on 2026-11-30"
            ),
        ),
        (
            "2025-12-05",
            "change-is-within-the-autotask-contract",
            (
                r"Dated 2026-11-10, it would be billed from 2025-12-05; "
                r".* runs from 2026-\d\d-\d\d to 2026-11-30 in Autotask\."
            ),
        ),
    ],
)
def test_a_decided_day_outside_of_the_contract_is_put_down_to_the_decision(
    tmp_path, day, code, text
):
    world = World(tmp_path, Service(seats=13, changes={"2026-11-10": 3}, end="2026-11-30"))
    world.push_on("log-sub", day)

    [held] = [one for one in findings(world.plan()) if one.code == code]

    assert re.fullmatch(text, held.text)
    assert "push --on DAY --reason …" in held.remedy


FIRST_OF_MONTH = {
    SUBSCRIPTION: {
        INCREASE: "increase: {on: first_of_month}",
        DECREASE: "decrease: {on: first_of_month}",
    }
}


def too_little(world: World, seats: int, since: str) -> str:
    """What the unit rows bill too little from a day until today, at £10 a unit and month."""
    first = date.fromisoformat(since)
    days = [
        first + timedelta(days=n) for n in range((date.fromisoformat(world.as_of) - first).days)
    ]
    missing = [(day, seats - world.units("sub", str(day))) for day in days]
    return pounds(
        sum(
            (Decimal(10 * units) / monthrange(day.year, day.month)[1] for day, units in missing),
            Decimal(0),
        )
    )


@pytest.mark.parametrize("is_archived_before", [False, True])
def test_what_was_archived_by_a_decision_keeps_the_day_of_its_policy(tmp_path, is_archived_before):
    """Of three seats that count from November on, a person entered one."""
    service = Service(seats=13, keyed={"2026-11-01": 1}, changes={"2026-10-10": 3})
    world = World(tmp_path, service, edits=FIRST_OF_MONTH)
    world.decide("license_change", "log-sub", "archive")
    if is_archived_before:
        world.sync()
    world.decide("subscription", "sub", "correct")

    figures = PlanFigures.of(world.plan())

    assert figures.adjusts == [("sub", "2026-11-15", 2)]
    assert figures.lost == too_little(world, 13, "2026-11-01") == "9.33"


@pytest.mark.parametrize("quantity", ["abc", None])
def test_what_is_archived_is_marked_once_the_day_of_its_policy_is_known(tmp_path, quantity):
    """The subscription cannot be read, or has no quantity, when the change is archived."""
    service = Service(seats=13, keyed={"2026-11-01": 1}, changes={"2026-10-10": 3})
    world = World(tmp_path, service, edits=FIRST_OF_MONTH)
    world.decide("license_change", "log-sub", "archive")
    with world.work365():
        world.row("subscription", "sub")["quantity"] = quantity
    waits = world.sync()
    with world.work365():
        world.row("subscription", "sub")["quantity"] = 13
    world.decide("subscription", "sub", "correct")

    figures = PlanFigures.of(world.plan())

    assert [one for one in waits.changes if one.marks_changes] == []
    assert figures.lost == too_little(world, 13, "2026-11-01") == "9.33"


def test_an_archive_that_leaves_a_difference_says_that_days_are_in_no_amount(tmp_path):
    """In one plan with the correction, the days are counted; after it, those without a gap are."""
    service = Service(seats=9, changes={"2026-11-13": -2, "2026-10-10": 1})
    world = World(tmp_path, service)
    for key in ("log-sub", "log-sub-2"):
        world.decide("license_change", key, "archive")

    archived = world.plan()
    world.decide("subscription", "sub", "correct")
    corrected = world.plan()

    notes = [note for plan in (archived, corrected) for one in plan.changes for note in one.notes]
    in_no_amount = (
        "both sides differ: days that were billed otherwise are in no amount of this plan"
    )
    assert notes.count(in_no_amount) == 1
    assert (PlanFigures.of(archived).lost, PlanFigures.of(corrected).lost) == ("0.00", "10.43")


def test_changes_that_cancelled_out_keep_the_day_of_their_policy(tmp_path):
    """Both count from November on, so October has ten seats."""
    service = Service(seats=10, changes={"2026-10-05": 3, "2026-10-20": -3})
    world = World(tmp_path, service, edits=FIRST_OF_MONTH)
    world.sync()
    world.adjust("sub", "2026-10-02", -2)
    world.decide("subscription", "sub", "correct")

    assert PlanFigures.of(world.plan()).lost == too_little(world, 10, "2026-10-02") == "28.69"


def test_days_that_a_correction_has_shown_do_not_count_again(tmp_path):
    """The three seats of November were entered four days late."""
    service = Service(seats=13, keyed={"2026-11-05": 3}, changes={"2026-10-10": 3})
    world = World(tmp_path, service, edits=FIRST_OF_MONTH)
    world.decide("subscription", "sub", "correct")
    shown = PlanFigures.of(world.sync()).lost
    world.adjust("sub", "2026-11-03", -2)
    world.decide("subscription", "sub", "correct")

    assert shown == "4.00"
    since = Decimal(too_little(world, 13, "2026-11-01"))
    assert PlanFigures.of(world.plan()).lost == pounds(since - Decimal(shown))


def test_changes_that_cancelled_out_are_compared_on_the_day_of_their_policy(tmp_path):
    """Both count from December on; by then, a person's unit is there."""
    changes = {"2026-11-18": 3, "2026-11-20": -3}
    service = Service(seats=11, keyed={"2026-11-25": 1}, changes=changes)
    world = World(tmp_path, service, edits=FIRST_OF_MONTH)
    before = line_of(world.plan())
    world.sync()

    after = line_of(world.plan())

    assert (str(before.day), before.difference) == ("2026-12-01", 0)
    assert (after.day, after.difference) == (before.day, 0)
