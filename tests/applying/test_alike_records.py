"""What another user creates between plan and apply is not created a second time.

The check before a create looks for the row's identity, for its match keys, and, where a service
is repeated on a contract, for any new line of that contract and service.
"""

from copy import deepcopy

from tests.support.scene import (
    COMPANY,
    CONTRACT,
    SERVICE,
    Fault,
    Scene,
    account,
    actions,
    autotask,
    day,
    log,
    outcome_of,
    settled,
    statuses,
    subscription,
)
from tests.support.small_project import changed, decisions
from tests.support.starting_points import REPEATED, disturbed, services, twins


def by_a_user(scene: Scene, entity: str, **values) -> int:
    """Another user creates a record, without the keys that trueup writes. Returns its id."""
    id_ = next(scene.target.ids)
    scene.target.records[entity][id_] = {"id": id_, **values}
    return id_


def test_a_company_of_the_same_number_holds_the_create_and_what_needs_it():
    scene = Scene()
    made = scene.plan()
    company = by_a_user(scene, "Companies", companyName="Alpine Dental Ltd", companyNumber="a-1")
    outcome = scene.apply(made)
    assert outcome_of(outcome, "customer:acc").status == "held"
    assert outcome_of(outcome, "customer:acc").text == (
        f"Companies {company} fits this row by companyNumber: "
        "another user created it since the plan was made"
    )
    assert statuses(outcome)["contract:con"] == "skipped"
    assert [*scene.target.records["Companies"]] == [company]
    assert ("create", "customer") not in actions(scene.plan())


def test_a_company_of_another_number_does_not():
    scene = Scene()
    made = scene.plan()
    by_a_user(scene, "Companies", companyName="Birken AG", companyNumber="A-2")
    assert scene.apply(made).complete


def test_a_contract_of_the_same_customer_and_name_holds_the_create():
    scene = Scene(records={**autotask(), "Contracts": [], "ContractServices": []})
    made = scene.plan()
    assert ("create", "contract") in actions(made)
    other = by_a_user(
        scene, "Contracts", companyID=COMPANY, contractName="Alpine CSP", contractType=7
    )
    outcome = scene.apply(made)
    assert "by companyID, contractName" in outcome_of(outcome, "contract:con").text
    assert [*scene.target.records["Contracts"]] == [other]


def test_all_values_of_a_match_key_must_fit():
    scene = Scene(records={**autotask(), "Contracts": [], "ContractServices": []})
    made = scene.plan()
    by_a_user(scene, "Contracts", companyID=COMPANY, contractName="Alpine other", contractType=7)
    assert scene.apply(made).complete


def test_a_line_of_the_same_contract_and_service_holds_the_create_and_its_units():
    scene = Scene(records={**autotask(), "ContractServices": []})
    made = scene.plan()
    by_a_user(scene, "ContractServices", contractID=CONTRACT, serviceID=SERVICE)
    outcome = scene.apply(made)
    assert statuses(outcome)["subscription:sub"] == "held"
    assert statuses(outcome)["license_change:first"] == "skipped"
    assert scene.target.adjustments() == []
    assert len(scene.target.records["ContractServices"]) == 1


def test_a_record_that_the_plan_knew_holds_nothing():
    scene = Scene(records={**autotask(), "Contracts": [], "ContractServices": []})
    scene.target.only("Companies")["companyName"] = "Quite another"
    scene.files(decisions("{mapping: customer, key: acc, do: create, reason: not this one}"))
    made = scene.plan()
    assert ("create", "customer") in actions(made)
    assert scene.apply(made).complete
    assert len(scene.target.records["Companies"]) == 2


def test_what_the_run_itself_created_holds_nothing():
    """Two rows of one number, which a person decided to create both, in batches of one."""
    scene = Scene()
    scene.add("account", account("b", name="Brook Ltd", number="A-1"))
    both = [f"{{mapping: customer, key: {key}, do: create, reason: both}}" for key in ("acc", "b")]
    scene.files(decisions(*both), changed("trueup.yaml", "batch: 50", "batch: 1"))
    made = scene.plan()
    assert actions(made).count(("create", "customer")) == 2
    assert scene.apply(made).complete
    assert len(scene.target.records["Companies"]) == 2


def test_what_a_run_created_that_the_state_no_longer_knows_is_not_created_again():
    """State and export are put back to copies from before the run; the plan fits both again."""
    scene = twins(settled())
    scene.files(REPEATED)
    state, tables = deepcopy(scene.state), deepcopy(scene.source.tables)
    made = scene.plan()
    assert scene.apply(made).complete
    assert services(scene) == [5, 12]
    scene.state, scene.source.tables = state, tables
    outcome = scene.apply(made)
    assert statuses(outcome)["subscription:twin"] == "held"
    assert services(scene) == [5, 12]


# Services that are repeated on one contract


def test_a_further_line_of_the_service_holds_the_adjustment_that_would_create_one():
    scene = twins(settled())
    scene.files(REPEATED)
    made = scene.plan()
    first = scene.target.only("ContractServices")
    line = by_a_user(
        scene, "ContractServices", contractID=first["contractID"], serviceID=first["serviceID"]
    )
    outcome = scene.apply(made)
    assert outcome_of(outcome, "subscription:twin").status == "held"
    assert outcome_of(outcome, "subscription:twin").text == (
        f"ContractServices {line} fits this row by contractID, serviceID: "
        "another user created it since the plan was made"
    )
    assert {*scene.target.records["ContractServices"]} == {first["id"], line}
    assert services(scene) == [0, 12]


def test_a_line_of_another_service_does_not():
    scene = twins(settled())
    scene.files(REPEATED)
    made = scene.plan()
    first = scene.target.only("ContractServices")
    by_a_user(scene, "ContractServices", contractID=first["contractID"], serviceID=1)
    assert scene.apply(made).complete


def test_several_lines_that_one_run_creates_do_not_hold_each_other():
    scene = twins(settled())
    scene.add("subscription", subscription("third", 3, name="Mail (cellar)"))
    scene.add("license_change", log("of third", day(11, 3), 3, subscription="third"))
    scene.files({"trueup.yaml": REPEATED["trueup.yaml"].replace("batch: 50", "batch: 1")})
    assert scene.apply(scene.plan()).complete
    assert services(scene) == [3, 5, 12]


def test_a_line_that_was_created_without_an_answer_is_the_runs_own():
    scene = twins(settled())
    scene.files(REPEATED)
    disturbed(Fault("unheard", "ContractServiceAdjustments"), scene)
    assert scene.apply(scene.plan()).complete
    assert services(scene) == [5, 12]
