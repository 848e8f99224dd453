"""The two adjustments of a succession or a move belong together: both are sent, or neither."""

import re
from typing import Any

import pytest
from msgspec.structs import replace
from trueup import wiring
from trueup.applying.lock import hold_lock
from trueup.cli.plan_files import load_plan
from trueup.errors import EngineError
from trueup.model import document
from trueup.model.outcome import ChangeStatus
from trueup.model.plan import Plan
from trueup.model.run import Run
from trueup.operations.plan import plan_in
from trueup.pipeline import PlanOptions
from trueup.planning.systems import systems
from trueup.render.markdown import plan_markdown
from trueup.render.plan_html import plan_html
from trueup.render.plan_tables import TableKind, rows_of
from trueup.render.style import Style
from trueup.render.text import plan_text

from tests.scenarios.expected import PlanFigures, adjusting, findings
from tests.scenarios.test_moves import moved, service_on
from tests.scenarios.test_succession import succession_between_contracts
from tests.scenarios.world import World
from tests.support.pages import parsed, text_of


def is_joined(plan: Plan) -> bool:
    """Whether the plan's two adjustments name each other, and the increase goes first."""
    more, less = sorted(adjusting(plan), key=lambda change: -change.unit_change)
    named = (more.together, less.together) == ((less.id,), (more.id,))
    return named and more.id in less.needs and more.unit_change > 0 > less.unit_change


# The undo of a run


def test_the_undo_of_a_succession_keeps_its_halves_together(tmp_path):
    world = succession_between_contracts(tmp_path)
    outcome = world.run(world.plan())
    plan = world.plan(undo=outcome.run)
    assert PlanFigures.of(plan).adjusts == [("old", "2026-11-11", 10), ("new", "2026-11-11", -12)]
    assert is_joined(plan)
    undone = world.run(plan)
    assert undone.complete, [one for one in undone.changes if one.text]
    days = ("2026-11-10", "2026-11-11")
    assert [(world.units("old", day), world.units("new", day)) for day in days] == [
        (0, 12),
        (10, 0),
    ]


def test_the_undo_of_an_undo_keeps_the_halves_together(tmp_path):
    world = succession_between_contracts(tmp_path)
    undone = world.run(world.plan(undo=world.run(world.plan()).run))
    plan = world.plan(undo=undone.run)
    assert PlanFigures.of(plan).adjusts == [("new", "2026-11-12", 12), ("old", "2026-11-12", -10)]
    assert is_joined(plan)
    assert world.run(plan).complete
    assert [world.units(key, "2026-11-12") for key in ("old", "new")] == [0, 12]


def test_the_undo_of_a_move_keeps_its_halves_together(tmp_path):
    world = moved(tmp_path)
    outcome = world.run(world.plan())
    old, new = world.id_of("sub"), service_on(world, "con-2")
    plan = world.plan(undo=outcome.run)
    assert [(one.record, one.unit_change) for one in adjusting(plan)] == [(old, 10), (new, -10)]
    assert is_joined(plan)
    undone = world.run(plan)
    assert undone.complete, [one for one in undone.changes if one.text]
    days = ("2026-11-15", "2026-11-16")
    assert [(world.units(old, day), world.units(new, day)) for day in days] == [(0, 10), (10, 0)]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("adjustment", [1, 2])
def test_an_undo_that_dies_between_the_halves_is_resumed(tmp_path, adjustment, when):
    world = succession_between_contracts(tmp_path)
    plan = world.plan(undo=world.run(world.plan()).run)
    world.kill(plan, adjustment, when)
    assert sum(world.units(key, "2026-11-11") for key in ("old", "new")) >= 10
    outcome = world.resume()
    assert outcome.complete, [one for one in outcome.changes if one.text]
    assert [world.units(key, "2026-11-11") for key in ("old", "new")] == [10, 0]


def test_the_halves_of_an_undo_go_on_one_day(tmp_path):
    """Another user took the next day of the old service: no day may be billed twice."""
    world = succession_between_contracts(tmp_path)
    outcome = world.run(world.plan())
    world.adjust("old", "2026-11-11", 1)
    plan = world.plan(undo=outcome.run)
    assert PlanFigures.of(plan).adjusts == [("old", "2026-11-12", 10), ("new", "2026-11-12", -12)]


def test_an_undo_takes_back_both_halves_or_neither(tmp_path):
    """Units were taken away from the new service since, so its half cannot be taken back."""
    world = succession_between_contracts(tmp_path)
    outcome = world.run(world.plan())
    world.adjust("new", "2026-11-12", -5)
    plan = world.plan(undo=outcome.run)
    assert adjusting(plan) == []
    reasons = {one.key: one.text for one in findings(plan) if one.code == "cannot-be-undone"}
    assert "would leave" in reasons["log-new"]
    assert reasons["log-old"] == (
        "its other half, Alpine Dental, Mail new, monthly, is not taken back: both are, or neither"
    )


# A plan of an earlier version that lacks a half


def with_strange_halves(plan: Plan) -> Plan:
    """The undo plan as earlier versions made it: its halves name changes that it does not have."""
    changes = [
        replace(
            one,
            together=tuple(id_.removeprefix("undo:") for id_ in one.together),
            needs=tuple(id_ for id_ in one.needs if id_ not in one.together),
        )
        for one in plan.changes
    ]
    return replace(plan, changes=tuple(changes))


def test_a_run_of_an_earlier_version_that_lacks_a_half_is_resumed_and_holds_it(tmp_path):
    world = succession_between_contracts(tmp_path)
    original = world.run(world.plan()).run
    text = document.dumps(with_strange_halves(world.plan(undo=original)))
    with wiring.open_world(world.project, clock=world.clock) as ports, hold_lock(ports, "") as lock:
        begun = Run(
            id="earlier",
            plan_digest=document.plan_id(text),
            plan=text,
            who="",
            host=lock.lease.host,
            started=ports.clock.now(),
            undo_of=original,
            systems=systems(ports),
        )
        ports.state.begin(begun, lock.lease)

    outcome = world.resume()

    held = {one.change: one.text for one in outcome.changes if one.status is ChangeStatus.HELD}
    why = "the change that belongs to it is not in this plan: both are sent, or neither"
    assert held == {
        "undo:license_change:log-new": why,
        "undo:license_change:log-old": why,
    }
    assert [world.units(key, "2026-11-30") for key in ("old", "new")] == [0, 12]
    assert world.run(world.plan(undo=original)).complete
    assert [world.units(key, "2026-11-30") for key in ("old", "new")] == [10, 0]


def test_a_plan_file_that_lacks_a_half_is_refused_when_it_is_read(tmp_path):
    world = succession_between_contracts(tmp_path)
    plan = with_strange_halves(world.plan(undo=world.run(world.plan()).run))
    why = (
        "this plan is not complete: undo:license_change:log-old is sent together with "
        "license_change:log-new or not at all, and the plan does not have that one: plan again"
    )
    file = tmp_path / "plan.json"
    file.write_text(document.dumps(plan), encoding="utf-8")
    with pytest.raises(EngineError) as read:
        load_plan(file)
    assert str(read.value) == f"{file}: {why}"
    with pytest.raises(EngineError) as applied:
        world.run(plan)
    assert str(applied.value) == why


# A part of a plan


def part_of(world: World, **options: Any) -> Plan:
    """The plan of a selection."""
    with wiring.open_world(world.project, clock=world.clock) as ports:
        return plan_in(ports, world.project, PlanOptions(**options))


@pytest.mark.parametrize(
    "options",
    [
        {"targets": ("license_change:log-new",)},
        {"targets": ("license_change:log-old",)},
        {"targets": ("license_change:log-new",), "exclude": ("contact",)},
    ],
)
def test_a_part_with_one_half_takes_the_other_one_along(tmp_path, options):
    world = succession_between_contracts(tmp_path)

    plan = part_of(world, **options)

    assert PlanFigures.of(plan).adjusts == [("new", "2026-11-10", 12), ("old", "2026-11-10", -10)]
    assert {line.key for line in plan.ledger} == {"new", "old"}
    assert "that they need" in plan.selection
    outcome = world.run(plan)
    assert outcome.complete, [one for one in outcome.changes if one.text]
    assert [world.units(key, "2026-11-10") for key in ("old", "new")] == [0, 12]


@pytest.mark.parametrize(
    "options",
    [
        {"exclude": ("license_change:log-new",)},
        {"exclude": ("license_change:log-old",)},
        {"exclude": ("subscription:old",)},
        {"exclude": ("subscription:new",)},
        {"exclude": ("contract:con",)},
        {"exclude": ("contract:con-2",)},
        {"exclude": ("customer:acc",)},
        {"targets": ("license_change:log-new",), "exclude": ("license_change:log-old",)},
        {"customer": "acc", "exclude": ("license_change:log-old",)},
    ],
)
def test_a_part_without_one_half_leaves_out_both(tmp_path, options):
    world = succession_between_contracts(tmp_path)

    plan = part_of(world, **options)

    assert adjusting(plan) == []
    assert plan.outside is not None
    assert plan.outside.changes >= 4
    assert world.run(plan).complete
    services = [row["id"] for row in world.records("ContractServices")]
    assert sum(world.units(one, "2026-11-10") for one in services) == 10


@pytest.mark.parametrize("key", ["sub", "log-sub"])
def test_a_part_of_a_move_has_both_halves_or_none(tmp_path, key):
    world = moved(tmp_path)
    world.add_change("sub", "2026-11-20", 3, "log-sub")
    selector = f"{'subscription' if key == 'sub' else 'license_change'}:{key}"

    inside = part_of(world, targets=(selector,))
    outside = part_of(world, exclude=(selector,))

    days = [(str(one.adjustment.day), one.unit_change) for one in adjusting(inside)]
    assert {("2026-11-15", 10), ("2026-11-15", -10)} <= {*days}
    assert sum(one.unit_change for one in adjusting(outside)) == 0
    outcome = world.run(inside)
    assert outcome.complete, [one for one in outcome.changes if one.text]


# What a plan looks like

MAIL = "Alpine Dental, Mail {}, monthly"


def adjusted_lines(text: str) -> list[list[str]]:
    """The lines of a plan's text that show adjustments one by one, in parts."""
    _, _, below = text.partition("\nAlpine Dental\n")
    return [re.split(r"  +", line.strip()) for line in below.splitlines() if "±" in line]


@pytest.mark.parametrize("verbose", [False, True])
def test_the_text_shows_both_halves_as_one_line(tmp_path, verbose):
    plan = succession_between_contracts(tmp_path).plan()

    [line] = adjusted_lines(plan_text(plan, Style(columns=250), verbose=verbose))

    assert line == [
        f"± {MAIL.format('new')}, in place of {MAIL.format('old')}",
        "0 → 12, 10 → 0 units from 2026-11-10",
        "+£14.00 this invoice",
        "+£20.00 a month",
        *(["stays in Autotask"] if verbose else []),
    ]


def test_the_text_shows_a_move_as_one_line_with_the_notes_of_both_halves(tmp_path):
    text = plan_text(moved(tmp_path).plan(), Style(columns=250))

    [line] = adjusted_lines(text)

    assert line[:2] == [f"± {MAIL.format('sub')}", "0 → 10, 10 → 0 units from 2026-11-15"]
    assert "Moved from con\n      Moved to con-2" in text


def test_markdown_shows_both_halves_as_one_row(tmp_path):
    page = plan_markdown(succession_between_contracts(tmp_path).plan())

    [row] = [line for line in page.splitlines() if line.startswith("| `±`")]

    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "`±`",
        f"{MAIL.format('new')}, in place of {MAIL.format('old')}",
        "ContractServiceAdjustments, new; ContractServiceAdjustments for contractServiceID 700",
        "0 → 12, 10 → 0 units from 2026-11-10<br>+£14.00 this invoice<br>+£20.00 a month",
        "",
    ]


def test_the_page_shows_both_halves_as_one_row(tmp_path):
    root = parsed(plan_html(moved(tmp_path).plan()))

    shown = [text_of(row) for row in root.iter("tr") if "units from" in text_of(row)]

    [row] = shown
    assert row == (
        f"adjust {MAIL.format('sub')} ContractServiceAdjustments, new; "
        "ContractServiceAdjustments for contractServiceID 700 0 → 10, 10 → 0 units from 2026-11-15 "
        "Moved from con Moved to con-2 moved to another service £0.00 £0.00"
    )


def test_a_table_has_a_row_for_each_half(tmp_path):
    plan = moved(tmp_path).plan()

    rows = [row for row in rows_of(plan, TableKind.CHANGES) if row["units after"] is not None]

    assert [(row["units before"], row["units after"]) for row in rows] == [(0, 10), (10, 0)]
