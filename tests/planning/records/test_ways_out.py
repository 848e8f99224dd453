"""A record that was merged, replaced or doubled by hand: the plan names a way out that works."""

from trueup.model.change import Action
from trueup.model.finding import Finding
from trueup.model.plan import Plan

from tests.support.scene import COMPANY, CONTRACT, SERVICE, actions, kept
from tests.support.small_project import decisions


def finding(made: Plan, code: str) -> Finding:
    return next(
        one
        for one in (*made.findings, *(found for row in made.blocked for found in row.findings))
        if one.code == code
    )


def test_a_company_that_was_merged_into_another_is_linked_to_that_one():
    scene = kept()
    scene.sync()
    merged = scene.target.records["Companies"].pop(COMPANY)
    survivor = 177
    scene.target.records["Companies"][survivor] = {
        **merged,
        "id": survivor,
        "udf.Work 365 Id": None,
    }
    scene.target.records["Contracts"][CONTRACT]["companyID"] = survivor

    missing = finding(scene.plan(), "linked-record-missing")
    assert "deleted or merged" in missing.text
    assert "`trueup link customer acc ID`" in missing.remedy

    scene.files(decisions(f"{{mapping: customer, key: acc, link: {survivor}}}"))
    made = scene.sync()
    assert (Action.LINK, "customer") in actions(made)
    assert actions(scene.plan()) == []


def test_a_service_that_was_made_again_by_hand_is_offered_to_its_row():
    scene = kept()
    scene.sync()
    contract = scene.target.records["Contracts"][CONTRACT]
    # A person replaced the contract: a new one, with a service line of its own.
    scene.target.records["Contracts"][555] = {**contract, "id": 555, "contractNumber": "BC-1"}
    scene.target.records["ContractServices"][777] = {
        **scene.target.only("ContractServices"),
        "id": 777,
        "contractID": 555,
        "serviceID": SERVICE,
    }
    scene.files(decisions("{mapping: contract, key: con, link: 555}"))

    taken = finding(scene.plan(), "service-taken")
    assert "`trueup link subscription sub 777` if it is this row's" in taken.remedy

    scene.files(
        decisions(
            "{mapping: contract, key: con, link: 555}",
            "{mapping: subscription, key: sub, link: 777}",
        )
    )
    made = scene.plan()
    assert (Action.LINK, "subscription") in actions(made)
    assert not [row for row in made.blocked if row.mapping == "subscription"]


def test_create_for_a_row_whose_identity_a_record_carries_warns_that_it_has_no_effect():
    scene = kept()
    scene.target.records["Companies"][COMPANY]["udf.Work 365 Id"] = "acc"
    scene.files(decisions("{mapping: customer, key: acc, do: create, reason: another company}"))

    made = scene.plan()

    warning = finding(made, "create-without-effect")
    assert warning.text.startswith("create is decided, and Companies 101 (")
    assert "clear udf.Work 365 Id there" in warning.remedy
    assert "`trueup link customer acc ID`" in warning.remedy
    assert (Action.CREATE, "customer") not in actions(made)
