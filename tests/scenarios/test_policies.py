"""Policies: the day from which a change is billed, and how many units a quantity becomes."""

import re
from decimal import Decimal

import pytest

from tests.scenarios.beginnings import Service
from tests.scenarios.expected import (
    PlanFigures,
    findings,
    line_of,
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
