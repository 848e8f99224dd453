"""Which row is which record: found again, hidden, claimed twice, gone, out of scope."""

from decimal import Decimal

import pytest
from trueup.errors import PlanRefused
from trueup.model.audit import LinkForgotten
from trueup.model.run import Effects, Link

from tests.support.scene import (
    COMPANY,
    Scene,
    account,
    actions,
    codes,
    contract,
    day,
    kept,
    line_of,
    log,
    settled,
    statuses,
)
from tests.support.small_project import changed, decisions, settings

GONE = "mappings/customer.yaml"


def brook(scene: Scene) -> Scene:
    """A second customer, which is applied."""
    scene.add("account", account("b", name="Brook Ltd", number="B-1"))
    scene.sync()
    return scene


def company(scene: Scene, name: str):
    return next(
        one for one in scene.target.records["Companies"].values() if one["companyName"] == name
    )


def test_links_are_found_again_by_identity_once_the_state_is_lost():
    scene = settled()
    before = dict(scene.state.links)
    scene.lose_state()
    made = scene.sync()
    assert {str(change.action) for change in made.changes} == {"link"}
    assert {key: link.record for key, link in scene.state.links.items()} == {
        key: link.record for key, link in before.items()
    }
    assert {link.how for link in scene.state.links.values()} == {"identity"}


def test_a_link_to_an_entity_that_the_mapping_had_before_counts_for_nothing():
    scene = settled()
    link = scene.state.links["customer", "acc"]
    scene.state.links["customer", "acc"] = Link(
        "customer", "acc", "Vendors", link.record, "created"
    )
    assert actions(scene.sync()) == [("link", "customer")]
    assert scene.state.links["customer", "acc"].entity == "Companies"


def test_on_day_one_links_are_found_by_the_mappings_own_keys_and_shown():
    made = kept().plan()
    assert {(change.mapping, change.how) for change in made.changes if change.how} == {
        ("customer", "match"),
        ("service", "identity"),
        ("contract", "identity"),
        ("subscription", "match"),
    }


def test_a_record_that_is_hidden_is_a_finding_that_blocks_and_never_a_create():
    scene = settled()
    scene.target.hidden.add(("Companies", scene.target.only("Companies")["id"]))
    scene.row("account")["phone"] = "2"
    made = scene.plan()
    (blocked,) = [one for one in made.blocked if one.mapping == "customer"]
    assert blocked.findings[0].code == "linked-record-missing"
    assert "permissions hide it" in blocked.findings[0].text
    assert actions(made) == []


def test_with_a_hidden_record_what_depends_on_it_is_left_alone_as_well():
    scene = settled()
    scene.target.hidden.add(("Contracts", scene.target.only("Contracts")["id"]))
    scene.add("license_change", log("third", day(11, 25), 3))
    scene.row("subscription")["quantity"] = Decimal(15)
    made = scene.plan()
    assert actions(made) == []
    assert {key for key, _ in codes(made)} == {"con", "sub", "third"}


def test_a_contract_service_that_is_hidden_is_never_created_again():
    scene = settled()
    scene.target.hidden.add(("ContractServices", scene.target.only("ContractServices")["id"]))
    scene.add("license_change", log("third", day(11, 25), 3))
    scene.row("subscription")["quantity"] = Decimal(15)
    made = scene.plan()
    assert ("sub", "linked-record-missing") in codes(made)
    assert actions(made) == []


def test_a_record_that_two_rows_claim_is_a_finding_on_both():
    scene = kept()
    scene.add("account", account("twin", name="Alpine Dental", number="A-1"))
    made = scene.plan()
    rows = [one for one in made.blocked if one.mapping == "customer"]
    assert [one.key for one in rows] == ["acc", "twin"]
    for row in rows:
        (finding,) = row.findings
        assert (finding.code, finding.text) == (
            "needs-decision",
            (
                f"may be Companies {COMPANY} (Alpine Dental): "
                "it fits by companyNumber, but 2 rows have companyNumber A-1"
            ),
        )
        assert f"`trueup link customer {row.key} {COMPANY}`" in finding.remedy
    assert not [change for change in made.changes if change.mapping == "customer"]


def test_a_record_that_is_linked_to_another_row_is_not_taken_away_from_it():
    scene = settled()
    scene.target.only("Companies")["udf.Work 365 Id"] = "twin"
    scene.add("account", account("twin", name="Alpine Dental", number="A-9"))
    made = scene.plan()
    assert ("twin", "claimed-twice") in codes(made)
    assert scene.state.links["customer", "acc"].record == scene.target.only("Companies")["id"]


def test_two_records_that_fit_are_a_finding_that_shows_both():
    scene = kept()
    scene.target.records["Companies"][102] = {
        "id": 102,
        "companyName": "Alpine Dental",
        "companyNumber": "A-1",
    }
    made = scene.plan()
    (blocked,) = [one for one in made.blocked if one.mapping == "customer"]
    assert blocked.findings[0].code == "ambiguous"
    assert "101" in blocked.findings[0].text
    assert "102" in blocked.findings[0].text


def test_a_decision_to_link_is_stronger_than_what_fits():
    scene = kept()
    scene.target.records["Companies"][102] = {
        "id": 102,
        "companyName": "Alpine",
        "companyType": 1,
        "phone": "1",
    }
    scene.files(decisions("{mapping: customer, key: acc, link: 102}"))
    made = scene.plan()
    (link,) = [change for change in made.changes if change.mapping == "customer" and change.how]
    assert (link.record, link.how) == (102, "decision")


def test_a_create_that_resembles_a_record_waits_for_a_decision():
    scene = kept()
    scene.row("account").update(name="Alpine Dental AG", number="A-2")
    made = scene.plan()
    (blocked,) = [one for one in made.blocked if one.mapping == "customer"]
    assert blocked.findings[0].code == "needs-decision"
    assert "Companies 101 (Alpine Dental)" in blocked.findings[0].text
    scene.files(decisions("{mapping: customer, key: acc, do: create, reason: another one}"))
    assert ("create", "customer") in actions(scene.plan())


@pytest.mark.parametrize("wish", ["ask", "never"])
def test_a_mapping_decides_whether_records_are_created(wish):
    scene = Scene()
    scene.files({GONE: changed(GONE, "deactivate:", f"create: {wish}\ndeactivate:")[GONE]})
    made = scene.plan()
    assert ("create", "customer") not in actions(made)
    if wish == "ask":
        assert ("acc", "needs-decision") in codes(made)
        scene.files(
            {GONE: changed(GONE, "deactivate:", f"create: {wish}\ndeactivate:")[GONE]},
            decisions("{mapping: customer, key: acc, do: create, reason: r}"),
        )
        assert ("create", "customer") in actions(scene.plan())
    else:
        assert "never-created" in {left.code for left in made.left_out}


def test_a_row_that_is_ignored_is_left_out_with_all_that_hangs_on_it():
    scene = Scene()
    scene.files(
        decisions('{mapping: customer, key: acc, do: ignore, reason: "theirs", until: 2026-12-31}')
    )
    made = scene.plan()
    assert ("ignored", "ignored until 2026-12-31: theirs") in {
        (left.code, left.reason) for left in made.left_out
    }
    assert actions(made) == [("create", "service"), ("create", "service")]


# Gone rows


def test_a_row_that_is_gone_is_reported():
    scene = brook(settled())
    del scene.source.tables["account"]["b"]
    made = scene.plan()
    assert actions(made) == []
    (finding,) = made.findings
    assert (finding.code, finding.key, finding.name) == ("gone", "b", "Brook Ltd")
    assert "trueup state forget customer b" in finding.remedy


def test_a_row_that_is_gone_can_be_ignored():
    scene = brook(settled())
    del scene.source.tables["account"]["b"]
    scene.files(changed(GONE, "when_missing: report", "when_missing: ignore"))
    made = scene.plan()
    assert (actions(made), made.findings) == ([], ())


def test_a_row_that_is_gone_can_switch_its_record_off():
    scene = brook(settled())
    del scene.source.tables["account"]["b"]
    scene.files(changed(GONE, "when_missing: report", "when_missing: deactivate"))
    made = scene.sync()
    (change,) = made.changes
    assert (str(change.action), change.name, change.values, change.notes) == (
        "deactivate",
        "Brook Ltd",
        {"isActive": False},
        ("its row is gone from Work 365",),
    )
    assert company(scene, "Brook Ltd")["isActive"] is False
    assert actions(scene.plan()) == []


def test_a_record_that_was_switched_off_by_hand_is_not_switched_off_again():
    scene = brook(settled())
    del scene.source.tables["account"]["b"]
    scene.files(changed(GONE, "when_missing: report", "when_missing: deactivate"))
    made = scene.plan()
    company(scene, "Brook Ltd")["isActive"] = False
    assert statuses(scene.apply(made)) == {"customer:b": "already"}
    assert actions(scene.plan()) == []


def test_a_record_edited_since_is_switched_off_only_if_it_is_as_it_was():
    scene = brook(settled())
    del scene.source.tables["account"]["b"]
    scene.files(
        changed(
            "mappings/customer.yaml",
            "deactivate: {isActive: false}\nwhen_missing: report",
            "deactivate: {isActive: false, city: closed}\nwhen_missing: deactivate",
        )
    )
    made = scene.plan()
    company(scene, "Brook Ltd")["city"] = "Bern"
    assert statuses(scene.apply(made)) == {"customer:b": "held"}


def test_a_gone_row_whose_record_cannot_be_read_is_reported_as_just_that():
    scene = brook(settled())
    del scene.source.tables["account"]["b"]
    scene.files(changed(GONE, "when_missing: report", "when_missing: deactivate"))
    scene.target.hidden.add(("Companies", company(scene, "Brook Ltd")["id"]))
    made = scene.plan()
    (finding,) = made.findings
    assert finding.code == "gone"
    assert "still there" not in finding.text
    assert finding.name == "b"


def test_guards_hold_although_the_source_rows_are_gone():
    scene = settled()
    scene.add(
        "account", *[account(f"a{n}", name=f"Customer {n}", number=f"B-{n}") for n in range(8)]
    )
    scene.sync()
    for number in range(8):
        del scene.source.tables["account"][f"a{number}"]
    scene.files(changed(GONE, "when_missing: report", "when_missing: deactivate"))
    made = scene.plan()
    assert [one.text for one in made.exceeded] == [
        "8 deactivations of Companies are over the limit of 5"
    ]
    with pytest.raises(PlanRefused, match="deactivations:Companies"):
        scene.apply(made)


def test_an_empty_table_switches_nothing_off_without_leave():
    """An export that broke off must not close every account."""
    scene = settled()
    scene.add(
        "account", *[account(f"a{n}", name=f"Customer {n}", number=f"B-{n}") for n in range(15)]
    )
    scene.sync()
    scene.source.tables["account"].clear()
    strict = settings()["trueup.yaml"].replace(
        'share_changed: {"*": 1}', 'share_changed: {"*": 0.5}'
    )
    scene.files(
        changed(GONE, "when_missing: report", "when_missing: deactivate"), {"trueup.yaml": strict}
    )
    assert {one.limit for one in scene.plan().exceeded} == {
        "deactivations:Companies",
        "share_changed:Companies",
        "rows_gone:account",
    }


def test_a_row_that_comes_back_is_the_record_that_it_was():
    scene = brook(settled())
    gone = scene.source.tables["account"].pop("b")
    scene.plan()
    scene.add("account", gone)
    assert actions(scene.plan()) == []


# Out of scope


def test_a_linked_row_that_leaves_where_is_reported_as_out_of_scope():
    scene = brook(settled())
    scene.row("account", "b")["state"] = "Inactive"
    made = scene.plan()
    (finding,) = made.findings
    assert (finding.code, actions(made)) == ("left-the-scope", [])
    assert "is left as it is" in finding.text


def test_a_row_that_never_was_in_scope_is_worth_no_word():
    scene = settled()
    scene.add("account", account("b", name="Brook Ltd", number="B-1", state="Inactive"))
    made = scene.plan()
    assert (made.findings, made.left_out, made.blocked) == ((), (), ())


def test_a_record_outside_of_target_where_is_read_anyway_if_a_row_is_linked_to_it():
    scene = settled()
    scene.target.only("Contracts")["contractType"] = 1
    made = scene.plan()
    assert ("con", "linked-record-missing") not in codes(made)


def test_what_refers_to_a_row_that_left_the_scope_is_left_out_with_the_reason():
    scene = settled()
    scene.row("account")["state"] = "Inactive"
    made = scene.plan()
    assert ("contract", "refers-out-of-scope") in {
        (left.mapping, left.code) for left in made.left_out
    }
    assert line_of(made).key == "sub"


def test_a_reference_to_no_row_at_all_blocks():
    scene = Scene()
    scene.add("billing_contract", contract("lost", number="BC-9", name="Lost", customer="nobody"))
    assert ("lost", "reference-missing") in codes(scene.plan())


def test_an_empty_identity_is_a_finding_and_no_query():
    scene = Scene()
    scene.row("billing_contract")["number"] = None
    assert ("con", "identity-empty") in codes(scene.plan())


def test_a_link_by_hand_counts_from_the_next_plan_on():
    scene = kept()
    lease = scene.state.acquire("me")
    scene.state.edit(
        lease,
        LinkForgotten("customer", "acc"),
        Effects(links=(Link("customer", "acc", "Companies", 101, "decision"),)),
    )
    scene.state.release(lease)
    made = scene.plan()
    assert not [change for change in made.changes if change.mapping == "customer" and change.how]
    assert made.serial == 1
