"""A record that `target.where` leaves out carries the identity of a row: the plan reports it."""

from datetime import date
from typing import Any

from tests.planning.records.test_blocking import blocked
from tests.support.scene import COMPANY, Scene, actions, codes, contract, kept, settled
from tests.support.small_project import changed, decisions

ELSEWHERE: dict[str, Any] = {
    "id": 555,
    "companyID": COMPANY,
    "contractNumber": "bc-1",
    "contractName": "By the hour",
    "contractType": 1,
    "status": 1,
    "startDate": date(2026, 1, 1),
    "endDate": date(2028, 12, 31),
}


def taken(*records: dict[str, Any]) -> Scene:
    """The contract's number stands on records of another type."""
    scene = kept()
    scene.target.records["Contracts"] = {
        record["id"]: dict(record) for record in records or [ELSEWHERE]
    }
    scene.row("billing_contract")["name"] = "Another name"
    return scene


def test_a_row_whose_identity_is_taken_outside_of_where_is_blocked_with_the_record_named():
    made = taken().plan()
    (finding,) = blocked(made, "con").findings
    assert (finding.code, str(finding.place).split(":")[0]) == (
        "identity-taken",
        "mappings/contract.yaml",
    )
    assert finding.text == (
        "Contracts 555 (By the hour) carries its identity already (contractNumber bc-1), "
        "and target.where leaves that out"
    )
    assert finding.remedy == (
        "`trueup link contract con 555` takes it as it is, wherever it is; "
        "or change target.where, so that it is included"
    )
    assert ("create", "contract") not in actions(made)
    assert blocked(made, "con").holds_back == {"license_change": 2, "subscription": 1}


def test_two_of_them_are_both_named():
    (finding,) = blocked(taken(ELSEWHERE, {**ELSEWHERE, "id": 556}).plan(), "con").findings
    assert finding.text.startswith(
        "Contracts 555 (By the hour) and Contracts 556 (By the hour) carry its identity"
    )
    assert finding.remedy.startswith(
        "`trueup link contract con 555` or `trueup link contract con 556` takes it"
    )


def test_one_at_a_company_that_is_not_ours_is_found_as_well():
    scene = taken({**ELSEWHERE, "companyID": 999, "contractType": 7})
    assert ("con", "identity-taken") in codes(scene.plan())


def test_to_link_the_record_ends_it_wherever_the_record_is():
    scene = taken()
    scene.files(decisions("{mapping: contract, key: con, link: 555}"))
    made = scene.sync()
    assert [
        (one.record, one.how) for one in made.changes if one.mapping == "contract" and one.how
    ] == [(555, "decision")]
    assert len(scene.target.records["Contracts"]) == 1
    assert actions(scene.plan()) == []


def test_to_let_it_in_by_where_ends_it_too():
    scene = taken()
    scene.files(
        changed(
            "mappings/contract.yaml", ', contractType: "{{ settings.default_contract_type }}"}', "}"
        )
    )
    assert ("con", "identity-taken") not in codes(scene.plan())
    assert ("link", "contract") in actions(scene.plan())


def test_an_identity_that_only_resembles_it_stops_nothing():
    scene = taken({**ELSEWHERE, "contractNumber": "BC-11"})
    assert ("create", "contract") in actions(scene.plan())


def test_the_identities_of_all_rows_to_be_created_cost_one_read_for_five_hundred():
    scene = kept()
    before = scene.plan().summary.read_calls
    for n in range(501):
        scene.add("billing_contract", contract(f"c{n}", name=f"New {n}", number=f"N-{n}"))
    made = scene.plan()
    assert actions(made).count(("create", "contract")) == 501
    assert made.summary.read_calls == before + 2


def test_without_creates_there_is_no_query():
    scene = settled()
    queries = []
    read = scene.target.read
    scene.target.read = lambda entity, where, fields: (
        queries.append(where) or read(entity, where, fields)
    )
    scene.plan()
    assert [
        one
        for where in queries
        for one in where
        if one.field in ("contractNumber", "internalDescription")
    ] == []


def test_where_every_record_is_known_no_query_is_sent_for_its_rows():
    scene = Scene()
    queries = []
    read = scene.target.read
    scene.target.read = lambda entity, where, fields: (
        queries.append((entity, where)) or read(entity, where, fields)
    )
    assert ("create", "customer") in actions(scene.plan())
    assert [where for entity, where in queries if entity == "Companies"] == [[]]
