"""What differs now is what this plan moves, what is held, and what nothing explains."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from hypothesis import example, given, settings
from hypothesis import strategies as st
from trueup.model.plan import LedgerClass, Plan

from tests.support.scene import LINE, Scene, adjusts, day, kept, line_of, log, subscription
from tests.support.small_project import changed, decisions

DIFFERENCES = ("hold", "report", "correct")


@dataclass
class Step:
    """A change of units: on a day in October or November, or later."""

    offset: int
    units: int
    state: str  # pending, held, archived, entered by hand, pushed by decision


steps = st.builds(
    Step,
    offset=st.integers(0, 80),
    units=st.integers(-4, 6).filter(bool),
    state=st.sampled_from(["pending", "held", "archived", "by hand", "push", "archive"]),
)


def scene_of(
    made: list[Step], quantity: int, difference: str, *, corrects: bool, posted: bool
) -> Scene:
    """One subscription with such changes, ten units in Autotask, and so much in Work 365."""
    scene = kept()
    scene.target.by_hand(LINE, day(1, 1), 10)
    scene.source.tables["license_change"].clear()
    scene.row("subscription")["quantity"] = Decimal(quantity)
    entries = []
    for number, step in enumerate(made):
        on, key = day(10, 2) + timedelta(days=step.offset), f"l{number}"
        if step.state == "by hand":
            if (LINE, on) not in scene.target.adjusted:
                scene.target.by_hand(LINE, on, step.units)
            continue
        status = "Archived" if step.state == "archived" else "Active"
        provisioned = "Failed" if step.state == "held" else "Provisioned"
        change = log(key, on, step.units, status=status, provisioning_status=provisioned)
        scene.add("license_change", change)
        if step.state in ("push", "archive"):
            entries.append(f"{{mapping: license_change, key: {key}, do: {step.state}, reason: r}}")
    if posted:
        scene.target.post(LINE, day(10, 31))
    files = changed("mappings/subscription.yaml", "difference: hold", f"difference: {difference}")
    scene.files(files, decisions(*entries))
    if corrects and scene.plan().ledger[0].difference:
        scene.apply(scene.plan())  # links the service: only then a difference is corrected
        scene.files(files, decisions(*entries, scene.correct()))
    return scene


def check_sums(made: Plan) -> None:
    for line in made.ledger:
        if line.class_ is LedgerClass.UNKNOWN:
            assert (line.difference, line.unexplained) == (None, None)
            continue
        assert line.units is not None
        assert line.unexplained is not None
        gap = (line.quantity or Decimal(0)) - line.units
        assert gap == line.moved + line.held_units + line.unexplained
    totals = made.summary.ledger
    explained = totals.moved.units + totals.held.units + totals.unexplained.units
    assert totals.under.units - totals.over.units == explained
    money = totals.moved.monthly + totals.held.monthly + totals.unexplained.monthly
    assert totals.under.monthly - totals.over.monthly == money
    assert sum(one.amount.units for one in totals.held_by_reason) == totals.held.units


AHEAD = [Step(45, 1, "by hand"), Step(45, 1, "archive")]
"""A person entered the units of a change that is dated ahead, and decides to mark it."""


@example(made=AHEAD, quantity=11, difference="hold", corrects=False, posted=False)
@given(
    st.lists(steps, max_size=6),
    st.integers(0, 20),
    st.sampled_from(DIFFERENCES),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=settings().max_examples)
def test_the_parts_of_the_ledger_sum_to_the_whole_and_apply_moves_what_it_shows(
    made, quantity, difference, corrects, posted
):
    scene = scene_of(made, quantity, difference, corrects=corrects, posted=posted)
    scene.add("subscription", subscription("other", 3, product="yea", name="Backup"))
    plan = scene.plan()
    check_sums(plan)
    line, last = line_of(plan), day(12, 31, 2027)
    before = scene.units(last, LINE)
    assert scene.apply(plan).complete
    assert scene.units(last, LINE) == before + line.moved
    again = scene.plan()
    check_sums(again)
    assert adjusts(again) == []
    if difference == "hold" and not line.difference:
        assert line_of(again).unexplained in (0, None)
