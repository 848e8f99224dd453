"""A policy that cannot be evaluated for a row keeps its changes back."""

import pytest
from trueup.model.change import Action
from trueup.model.plan import LedgerClass

from tests.support.scene import Scene, day
from tests.support.small_project import changed

NO_UNITS = "which is no number of units"
NO_DAY = "which is not one of as_dated, next_period, first_of_month, decided"


def with_policy(policy: str) -> Scene:
    """The small project with this policy of subscriptions."""
    scene = Scene()
    scene.files(
        changed("mappings/subscription.yaml", "ledger:\n", f"policy: {{{policy}}}\nledger:\n")
    )
    return scene


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ('included: "{{ source.state | trim }}"', f"included is 'Active', {NO_UNITS}"),
        ('minimum: "1_0"', f"minimum is '1_0', {NO_UNITS}"),
        ('minimum: "{{ source.quantity - 99 }}"', f"minimum is -87, {NO_UNITS}"),
        ('ceiling: "{{ [source.billable] | first }}"', f"ceiling is true, {NO_UNITS}"),
        ('increase: {on: "{{ source.state | trim }}"}', f"increase is 'Active', {NO_DAY}"),
        ('decrease: {on: "{{ source.state | trim }}"}', f"decrease is 'Active', {NO_DAY}"),
        (
            'rounding: "{{ source.state | trim }}"',
            "rounding is 'Active', which is not one of up, down, nearest",
        ),
        ('minimum: "{{ source.quantity / 0 }}"', "divided by zero"),
    ],
)
def test_without_its_policy_nothing_is_billed_for_a_row(policy, why):
    made = with_policy(policy).plan()

    assert not [change for change in made.changes if change.action is Action.ADJUST]
    (finding,) = [one for one in made.findings if one.key == "sub"]
    assert finding.text.startswith(f"policy cannot be evaluated: {why}")
    (line,) = made.ledger
    assert (line.class_, line.text) == (LedgerClass.UNKNOWN, finding.text)
    assert line.remedy == "correct the policy of mapping subscription, or the row"
    assert {row.key for row in made.blocked} == {"first", "second"}


@pytest.mark.parametrize(
    ("policy", "units"),
    [
        ('included: "{{ none }}"', [(0, 10), (10, 12)]),
        ('included: "{{ source.included_quantity or 2 }}"', [(0, 8), (8, 10)]),
        ("minimum: 20", [(0, 20)]),
        ('minimum: "11"', [(0, 11), (11, 12)]),
        ("ceiling: 12, rounding: up", [(0, 10), (10, 12)]),
    ],
)
def test_a_policy_that_can_be_evaluated_gives_the_billed_units(policy, units):
    made = with_policy(policy).plan()
    adjustments = [change for change in made.changes if change.action is Action.ADJUST]
    assert [change.units for change in adjustments] == units
    assert [change.adjustment.day for change in adjustments][:1] == [day(10, 5)]
