"""A row whose record was switched off waits: by an undo, by a user, by an earlier run."""

import pytest
from msgspec.structs import replace
from trueup.errors import ConfigError

from tests.support.scene import Scene, account, actions, change_of, codes, contract, kept, settled
from tests.support.small_project import changed, decisions, project

SWITCH_ON = decisions(
    "{mapping: customer, key: acc, do: activate, reason: they are back}",
    "{mapping: contract, key: con, do: activate, reason: they are back}",
)


def undone() -> Scene:
    """A customer and its contract, made by a run that was undone."""
    scene = Scene()
    scene.source.tables["license_change"].clear()
    scene.row("subscription")["quantity"] = 0
    scene.sync()
    assert scene.apply(scene.plan(undo=scene.state.runs()[-1].id)).complete
    return scene


def by_hand(entity: str = "Companies", **off) -> Scene:
    scene = settled()
    scene.target.only(entity).update(off or {"isActive": False})
    return scene


def advice_of(made, key: str) -> tuple[str, str]:
    """What is said of a row that is held, and what to do."""
    (finding,) = next(one for one in made.blocked if one.key == key).findings
    assert (finding.code, str(finding.severity)) == ("switched-off", "hold")
    return finding.text, finding.remedy


def test_what_an_undo_switched_off_waits_and_names_the_run_that_was_undone():
    scene = undone()
    made = scene.plan()
    assert actions(made) == []
    assert codes(made) >= {
        ("acc", "switched-off"),
        ("con", "switched-off"),
        ("sub", "depends-on-blocked"),
    }
    run = scene.state.runs()[0].id
    text, remedy = advice_of(made, "acc")
    assert text == f"its record in Companies is inactive (isActive: no) since run {run} was undone"
    assert remedy == (
        "`trueup decide customer acc activate --reason …` switches it on again, "
        "`trueup decide customer acc ignore --reason …` leaves it alone, "
        f"`trueup plan --undo {run}` shows how to do all of that run again, "
        "or switch it on in Autotask"
    )


def test_what_refers_to_it_is_held_rather_than_refused():
    scene = undone()
    scene.add("billing_contract", contract("new", number="BC-2", name="Alpine NCE"))
    made = scene.plan()
    blocked = next(one for one in made.blocked if one.key == "new")
    assert [key for _, key, _ in blocked.because] == ["acc"]
    assert actions(made) == []


def test_what_a_person_switched_off_waits_too():
    text, remedy = advice_of(by_hand().plan(), "acc")
    assert text == (
        "its record in Companies is inactive (isActive: no) "
        "since a user switched it off in Autotask: no run of trueup did"
    )
    assert "--undo" not in remedy


def test_picklists_are_shown_by_their_label():
    assert "(status: Inactive)" in advice_of(by_hand("Contracts", status=0).plan(), "con")[0]


def test_a_row_that_came_back_after_its_record_was_switched_off_waits():
    scene = settled()
    scene.files(
        changed("mappings/customer.yaml", "when_missing: report", "when_missing: deactivate")
    )
    scene.add("account", account("b", name="Brook Ltd", number="B-1"))
    scene.sync()
    row = scene.source.tables["account"].pop("b")
    scene.sync()
    scene.add("account", row)
    assert (
        "since a run switched it off, when its row was gone from Work 365"
        in advice_of(scene.plan(), "b")[0]
    )


def test_a_decision_switches_it_on_again_and_what_refers_to_it_goes_on():
    scene = undone()
    scene.add("billing_contract", contract("new", number="BC-2", name="Alpine NCE"))
    scene.files(SWITCH_ON)
    made = scene.plan()
    assert actions(made) == [("update", "customer"), ("update", "contract"), ("create", "contract")]
    (field,) = change_of(made, "customer:acc").fields
    assert (field.shown_before, field.shown_after, str(field.reason)) == ("no", "yes", "decision")
    assert change_of(made, "contract:new").needs == ("customer:acc",)
    assert scene.apply(made).complete
    assert scene.target.only("Companies")["isActive"] is True
    assert (actions(scene.plan()), codes(scene.plan())) == ([], set())


def test_a_decision_does_nothing_to_a_record_that_is_on():
    scene = settled()
    scene.files(SWITCH_ON)
    assert actions(scene.plan()) == []


def test_a_decision_to_ignore_leaves_it_alone():
    scene = by_hand()
    scene.files(decisions("{mapping: customer, key: acc, do: ignore, reason: they left}"))
    made = scene.plan()
    assert (actions(made), codes(made)) == ([], set())
    assert ("customer", "ignored") in {(one.mapping, one.code) for one in made.left_out}


def test_once_it_is_switched_on_in_autotask_all_goes_on():
    scene = by_hand()
    scene.target.only("Companies")["isActive"] = True
    assert (actions(scene.plan()), codes(scene.plan())) == ([], set())


def test_a_mapping_that_manages_the_field_itself_switches_it_on():
    scene = settled()
    scene.files(
        changed(
            "mappings/customer.yaml", "isActive: {value: true, manage: create}", "isActive: true"
        )
    )
    scene.sync()
    scene.target.only("Companies")["isActive"] = False
    assert actions(scene.plan()) == [("update", "customer")]
    scene.sync()
    assert scene.target.only("Companies")["isActive"] is True


def test_a_row_is_not_linked_to_a_record_that_is_switched_off_without_a_word():
    scene = kept()
    scene.target.only("Companies")["isActive"] = False
    made = scene.plan()
    assert ("link", "customer") not in actions(made)
    assert "Companies is inactive" in advice_of(made, "acc")[0]


def test_a_customer_below_one_that_is_switched_off_waits_for_it():
    scene = settled()
    scene.add("account", account("p", name="Parent AG", number="P-1"))
    scene.sync()
    parent = next(
        one
        for one in scene.target.records["Companies"].values()
        if one["companyName"] == "Parent AG"
    )
    parent["isActive"] = False
    scene.row("account", "acc")["parent"] = "p"
    made = scene.plan()
    assert actions(made) == []
    assert {("p", "switched-off"), ("acc", "depends-on-blocked")} <= codes(made)


def test_values_that_tell_nothing_hold_nothing():
    scene = settled()
    scene.files(
        changed(
            "mappings/customer.yaml", "deactivate: {isActive: false}", "deactivate: {city: null}"
        )
    )
    assert (actions(scene.plan()), codes(scene.plan())) == ([], set())


def test_a_value_that_this_tenant_does_not_know_is_a_finding():
    scene = settled()
    contracts = scene.target.entities["Contracts"]
    status = contracts.fields["status"]
    named = replace(
        status, picklist=tuple(one for one in status.picklist if one.label != "Inactive")
    )
    scene.target.entities["Contracts"] = replace(
        contracts, fields={**contracts.fields, "status": named}
    )
    (text,) = [one.text for one in scene.plan().findings if one.code == "expression-failed"]
    assert text.startswith(
        "deactivate cannot be evaluated: 'Inactive' is not in the picklist of status"
    )


@pytest.mark.parametrize("mapping", ["service", "subscription", "license_change"])
def test_only_what_a_mapping_can_switch_on_can_be_decided_so(mapping):
    with pytest.raises(ConfigError, match="activate"):
        project(decisions(f"{{mapping: {mapping}, key: x, do: activate, reason: r}}"))
