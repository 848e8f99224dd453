"""The stories that count most, against files, the sandbox over HTTP and SQLite."""

from datetime import date

import pytest
from trueup.errors import StalePlan

from tests.support.real_adapters import BY_HAND, real
from tests.support.scene import (
    actions,
    adjusts,
    codes,
    correct,
    day,
    line_of,
    log,
    subscription,
    work365,
)
from tests.support.small_project import decisions, settings

LINE = 701
REPEATED = settings(allow_duplicated_services="true")


def keyed(*steps: tuple[date, int]) -> list[dict]:
    return [
        {"contractServiceID": LINE, "effectiveDate": str(on), "unitChange": units}
        for on, units in steps
    ]


FROM_THE_START = ((day(1, 1), 10),)


def by_hand(folder, *changes, steps=FROM_THE_START, **more):
    """Autotask as people keep it; October is posted."""
    return real(
        folder,
        *changes,
        records=BY_HAND,
        adjustments=keyed(*steps),
        posted_until={"501": "2026-10-31"},
        **more,
    )


def archived(tables=None):
    tables = tables or work365()
    tables["license_change"][0]["status"] = "Archived"
    return tables


def test_everything_new_is_created_proven_archived_and_then_nothing_is_left(tmp_path):
    with real(tmp_path / "w") as work:
        made = work.sync()
        assert len(made.changes) == 10
        assert work.adjustments() == [(1, "2026-10-05", 10), (1, "2026-11-20", 2)]
        assert {row["status"] for row in work.rows("license_change").values()} == {"Archived"}
        assert work.rows("subscription")["sub"]["psa_system_id"] == "1"
        assert actions(work.plan()) == []
        with pytest.raises(StalePlan, match="applied already"):
            work.apply(made)


def test_on_day_one_seats_keyed_by_hand_for_years_are_not_pushed_again(tmp_path):
    with by_hand(tmp_path / "w", steps=((day(1, 1), 8), (day(10, 5), 2), (day(11, 20), 2))) as work:
        before = work.adjustments()
        made = work.plan()
        assert codes(made) == {("first", "ledger-differs"), ("second", "ledger-differs")}
        assert line_of(made).difference == -12
        work.apply(made)
        assert work.adjustments() == before
        assert {change.how for change in made.changes if change.how} == {"match", "identity"}


def test_on_day_one_only_what_autotask_lacks_is_pushed(tmp_path):
    with by_hand(tmp_path / "w", tables=archived()) as work:
        made = work.sync()
        assert adjusts(made) == [(("second",), day(11, 20), 2)]
        assert (work.units(LINE, day(11, 19)), work.units(LINE, day(11, 20))) == (10, 12)
        assert actions(work.plan()) == []


def test_a_hand_edit_in_autotask_holds_what_it_has_done_already(tmp_path):
    with by_hand(tmp_path / "w", tables=archived()) as work:
        work.adjust(LINE, day(11, 18), 2)
        made = work.plan()
        assert (adjusts(made), codes(made)) == ([], {("second", "ledger-differs")})


def test_a_hand_edit_between_plan_and_apply_holds_the_adjustment(tmp_path):
    with by_hand(tmp_path / "w", tables=archived()) as work:
        made = work.plan()
        work.adjust(LINE, day(11, 18), 2)
        outcome = work.apply(made)
        assert {one.change: one.status for one in outcome.changes}[
            "license_change:second"
        ] == "held"
        assert len(work.adjustments()) == 2


def test_with_the_state_lost_and_an_old_export_nothing_is_pushed_again(tmp_path):
    with by_hand(tmp_path / "w", tables=archived()) as work:
        old = work.rows("license_change")
        work.sync()
        before = work.adjustments()
        work.write("license_change", old)
        work.lose_state()
        made = work.plan()
        assert codes(made) == {("second", "ledger-differs")}
        assert line_of(made).difference == -2
        work.apply(made)
        assert work.adjustments() == before


def test_with_an_old_export_the_state_remembers_and_only_the_mark_is_repeated(tmp_path):
    with by_hand(tmp_path / "w", tables=archived()) as work:
        old = work.rows("license_change")
        work.sync()
        work.write("license_change", old)
        assert actions(work.sync()) == [("write back", "license_change")]
        assert len(work.adjustments()) == 2


def test_a_change_in_a_posted_period_is_held_and_push_moves_it(tmp_path):
    tables = archived()
    tables["license_change"][1]["effective_date"] = day(10, 20)
    with by_hand(tmp_path / "w", tables=tables) as work:
        made = work.plan()
        assert codes(made) == {("second", "change-is-in-an-open-period")}
        assert "first open day is 2026-11-01" in made.blocked[0].findings[0].text
        work.files(decisions("{mapping: license_change, key: second, do: push, reason: r}"))
        assert adjusts(work.sync()) == [(("second",), day(11, 1), 2)]
        assert work.adjustments()[-1] == (LINE, "2026-11-01", 2)
        assert actions(work.plan()) == []


def test_a_late_change_of_a_taken_day_goes_to_the_next_free_day(tmp_path):
    with by_hand(tmp_path / "w", tables=archived()) as work:
        work.sync()
        work.add("license_change", log("third", day(11, 20), 3))
        work.set("subscription", "sub", quantity=15)
        assert adjusts(work.sync()) == [(("third",), day(11, 21), 3)]
        assert actions(work.plan()) == []


def test_a_correction_brings_autotask_to_work_365(tmp_path):
    with by_hand(tmp_path / "w", tables=archived(), steps=((day(1, 1), 4),)) as work:
        work.sync()
        work.files(decisions(correct(work.plan())))
        work.sync()
        assert work.units(LINE, day(11, 20)) == 12
        assert actions(work.plan()) == []


def test_a_second_subscription_of_one_service_gets_its_own_contract_service(tmp_path):
    tables = work365()
    tables["subscription"].append(subscription("twin", 5, name="Mail (reception)"))
    tables["license_change"] += [
        log("of twin", day(11, 2), 4, subscription="twin"),
        log("twin later", day(11, 12), 1, subscription="twin"),
    ]
    with real(tmp_path / "w", REPEATED, tables=tables) as work:
        work.sync()
        lines = [one["id"] for one in work.records("ContractServices")]
        assert sorted(work.units(line, day(12, 1)) for line in lines) == [5, 12]
        assert sorted(row["psa_system_id"] for row in work.rows("subscription").values()) == sorted(
            map(str, lines)
        )
        with work.world() as world:
            pushed = world.state.load().pushed
        assert all(one.proof and one.marked for one in pushed.values())
        assert {one.record for one in pushed.values()} == set(lines)
        assert actions(work.plan()) == []


def test_an_undo_takes_the_units_back_and_the_logs_wait(tmp_path):
    with by_hand(tmp_path / "w", tables=archived()) as work:
        work.sync()
        with work.world() as world:
            run = world.state.runs()[-1].id
        made = work.plan(undo=run)
        assert adjusts(made) == [(("second",), day(11, 21), -2)]
        assert work.apply(made).complete
        assert (work.units(LINE, day(11, 20)), work.units(LINE, day(11, 21))) == (12, 10)
        assert work.rows("license_change")["second"]["status"] == "Active"
        assert codes(work.plan()) == {("second", "undone")}
        with work.world() as world:
            undone = world.state.runs()[-1].id
        again = f"{{mapping: license_change, key: second, do: push, reason: r, after: '{undone}'}}"
        work.files(decisions(again))
        assert adjusts(work.sync()) == [(("second",), day(11, 22), 2)]
        assert actions(work.plan()) == []


def test_a_state_that_was_moved_still_undoes_its_runs_once(tmp_path):
    with real(tmp_path / "w") as work:
        work.sync()
        with work.world() as world:
            run, text = world.state.runs()[-1].id, world.state.export()
        work.lose_state()
        with work.world() as world:
            world.state.import_(text)
        assert work.apply(work.plan(undo=run)).complete
        (line,) = [one["id"] for one in work.records("ContractServices")]
        assert work.units(line, day(12, 1)) == 0
        assert actions(work.plan(undo=run)) == []
        assert {("acc", "switched-off"), ("con", "switched-off")} <= codes(work.plan())


def test_a_field_edited_in_autotask_is_put_back_and_prices_are_not(tmp_path):
    with real(tmp_path / "w") as work:
        work.sync()
        with work.world() as world:
            (company,) = [
                one["id"]
                for one in world.target.read("Companies", [], ["companyName"])
                if one["id"]
            ]
            (service, _) = [one["id"] for one in world.target.read("Services", [], ["name"])]
            world.target.update("Companies", company, {"phone": "999"})
            world.target.update("Services", service, {"unitPrice": 77})
        made = work.plan()
        (change,) = made.changes
        assert [(field.field, str(field.reason)) for field in change.fields] == [("phone", "drift")]
        assert work.apply(made).complete
        assert actions(work.plan()) == []


def test_a_hidden_record_blocks_and_is_not_created_again(tmp_path):
    with real(tmp_path / "w") as work:
        work.sync()
        company = next(one["id"] for one in work.records("Companies") if one["id"])
        work.sandbox.faults.set({"kind": "hide", "hide": {"Companies": [company]}, "times": 0})
        work.set("account", "acc", phone="2")
        made = work.plan()
        assert ("acc", "linked-record-missing") in codes(made)
        assert actions(made) == []


LOST = [
    {"kind": "drop", "verb": "POST", "path": "Adjustments$", "when": "after"},
    {"kind": "empty", "verb": "POST", "path": "Contracts$", "when": "after"},
    {"kind": "empty", "verb": "POST", "path": "Services$", "when": "after"},
    {"kind": "html", "verb": "POST", "path": "Adjustments$", "when": "after"},
    {"kind": "drop", "verb": "POST", "path": "Companies$", "when": "before"},
    {"kind": "drop", "verb": "POST", "path": "Adjustments$", "when": "before"},
]


@pytest.mark.parametrize(
    "fault", LOST, ids=lambda fault: f"{fault['kind']} {fault['path']} {fault['when']}"
)
def test_a_write_without_an_answer_is_settled_and_never_repeated(tmp_path, fault):
    with real(tmp_path / "w") as work:
        made = work.plan()
        work.sandbox.faults.set(fault)
        outcome = work.apply(made)
        if not outcome.complete:
            assert "in doubt" in {one.status for one in outcome.changes}
            work.clock.sleep(301)
            assert work.resume().complete
        assert work.adjustments() == [(1, "2026-10-05", 10), (1, "2026-11-20", 2)]
        assert [
            len(work.records(name))
            for name in ("Companies", "Services", "Contracts", "ContractServices")
        ] == [
            2,
            2,
            1,
            1,
        ]
        assert {row["status"] for row in work.rows("license_change").values()} == {"Archived"}
        assert actions(work.plan()) == []
