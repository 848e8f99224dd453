"""What a change does to the next invoice, to the run rate, and to posted periods."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from trueup.errors import ConfigError
from trueup.model.change import Action
from trueup.render.markdown import plan_markdown
from trueup.render.plan_tables import TableKind, rows_of
from trueup.render.style import PLAIN
from trueup.render.text import plan_text

from tests.scenarios.beginnings import Service
from tests.scenarios.expected import Line, agrees, expect, line_of, pounds
from tests.scenarios.world import World

SETTINGS = "trueup.yaml"


def test_an_increase_in_an_open_month_is_prorated(tmp_path):
    world = World(tmp_path, Service(seats=13, changes={"2026-11-10": 3}, posted="2026-10-31"))
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-11-10", 3)],
        ledger={"sub": Line("under-billed", seats=13, billed=10, moved=3)},
        invoice="21.00",
        run_rate="30.00",
    )
    [change] = [one for one in plan.changes if one.invoice]
    assert (str(change.invoice.start), str(change.invoice.end)) == ("2026-11-01", "2026-11-30")
    world.apply(plan, units={"sub": {"2026-11-09": 10, "2026-11-10": 13, "2028-12-31": 13}})


def test_a_credit_that_is_owed_is_guarded(tmp_path):
    edits = {SETTINGS: {"one_off_effect: 5000": "one_off_effect: 7"}}
    service = Service(seats=8, changes={"2026-10-20": -2}, posted="2026-10-31")
    world = World(tmp_path, service, edits=edits)
    world.decide("license_change", "log-sub", "push")
    plan = world.plan()
    [limit] = plan.exceeded
    assert limit.limit == "one_off_effect"
    assert "7.74 of it lost, or owed as a credit, for earlier days" in limit.text
    world.apply(plan, {"sub": {"2026-11-01": 8}}, over={"one_off_effect"})


NEW = Service(seats=10, billed=None, in_autotask=False, start="2026-11-01", end="2028-10-31",
              changes={"2026-11-01": 10}, row={"psa_system_id": None})  # fmt: skip


def test_a_setup_fee_without_a_billing_code_is_refused(tmp_path):
    refused: Any
    with pytest.raises(ConfigError) as refused:
        World(tmp_path, NEW, edits={SETTINGS: {"setup_fee: 0": "setup_fee: 500"}})
    [finding] = refused.value.findings
    assert finding.text == (
        "A setup fee of 500 is billed for new contracts, and no billing code is set for it."
    )
    text = (tmp_path / SETTINGS).read_text(encoding="utf-8").splitlines()
    assert text[finding.place.line - 1][finding.place.column - 1 :] == "500"


def test_a_contract_that_is_extended_after_its_end_is_billed_on(tmp_path):
    service = Service(seats=12, end="2026-10-31", end_in_work365="2027-10-31",
                      changes={"2026-11-05": 2}, posted="2026-10-31")  # fmt: skip
    world = World(tmp_path, service)
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-11-05", 2)],
        ledger={"sub": Line("under-billed", 12, 10, moved=2)},
        invoice="117.33",  # ten seats for November, two for 26 of its 30 days
        run_rate="20.00",
    )
    [extension] = [one for one in plan.changes if one.entity == "Contracts" and one.invoice]
    assert pounds(extension.invoice.amount) == "100.00"
    world.apply(plan, units={"sub": {"2026-11-01": 10, "2026-11-05": 12}})


def test_after_the_end_of_a_contract_nothing_is_corrected(tmp_path):
    world = World(tmp_path, Service(end="2026-10-31"))
    advice = "extend the contract, or end the subscription in Work 365"
    plan = world.plan()
    expect(plan, ledger={"sub": Line("under-billed", 10, 0, left=10)})
    assert line_of(plan).remedy == advice
    world.decide("subscription", "sub", "correct")
    plan = world.plan()
    expect(plan, ledger={"sub": Line("under-billed", 10, 0, left=10)})
    assert "its contract ended on 2026-10-31" in line_of(plan).text


def test_a_correction_of_a_contract_that_begins_later_is_dated_at_its_start(tmp_path):
    service = Service(
        billed=None, start="2026-12-01", end="2028-11-30", row={"psa_system_id": None}
    )
    world = World(tmp_path, service)
    world.decide("subscription", "sub", "correct")
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-12-01", 10)],
        ledger={"sub": Line("under-billed", 10, 0, moved=10)},
        invoice="100.00",
        run_rate="100.00",
    )
    world.apply(plan, units={"sub": {"2026-12-01": 10}})


def test_a_quantity_of_a_change_in_the_next_period_is_not_on_this_invoice(tmp_path):
    service = replace(Service(), seats=13, changes={"2026-12-01": 3}, posted="2026-10-31")
    world = World(tmp_path, service)
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-12-01", 3)],
        ledger={"sub": Line("under-billed", 13, 10, moved=3)},
        invoice="0.00",
        run_rate="30.00",
    )
    [change] = [one for one in plan.changes if one.invoice]
    assert str(change.invoice.first_billed[0]) == "2026-12-01"
    world.apply(plan, units={"sub": {"2026-11-30": 10, "2026-12-01": 13}})


def test_posted_days_between_changes_that_cancel_are_lost(tmp_path):
    service = Service(changes={"2026-10-10": 3, "2026-10-20": -3}, posted="2026-10-31")
    world = World(tmp_path, service)
    world.sync()
    for key in service.log_keys:
        world.decide("license_change", key, "push")
    plan = world.plan()
    expect(plan, ledger={"sub": agrees(10)}, lost="9.68")  # 3 x £10 x 10 of 31 days
    [mark] = plan.changes
    assert (mark.action, pounds(mark.lost)) == (Action.WRITE_BACK, "9.68")
    shown = "£9.68 of earlier days is billed to nobody"
    assert shown in plan_text(plan, PLAIN)
    assert shown in plan_markdown(plan)
    assert [row["lost"] for row in rows_of(plan, TableKind.CHANGES) if row["lost"]] == [
        Decimal("9.68")
    ]
    again = world.apply(plan, units={"sub": {"2026-10-31": 10, "2026-11-01": 10}})
    assert again.summary.lost == 0
