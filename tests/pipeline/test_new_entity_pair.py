"""A new entity pair and a new rule, by YAML alone: plan, apply, and nothing is left to do."""

from tests.support.real_adapters import REFERENCE, real
from tests.support.scene import account, actions, codes, work365
from tests.support.small_project import changed

LOCATION = """
mapping: location
title: Account → Company Location
tab: Customers
label: "{{ source.name }}, {{ source.city }}"
source: {table: account, where: "{{ source.state == 'Active' and source.street }}"}
target:
  entity: CompanyLocations
  where: {companyID: {linked: customer}}
identity: {description: "W365 {{ source.id }}"}
match:
  - companyID: {ref: customer, of: "{{ source.id }}"}
    address1: "{{ source.street }}"
fields:
  companyID: {ref: customer, of: "{{ source.id }}"}
  name: {value: "{{ source.city or 'Main' }}", manage: create}
  address1: "{{ source.street | truncate_visibly(128) }}"
  city: "{{ source.city }}"
  postalCode: "{{ source.postal_code }}"
  countryID: {find: Countries, where: {countryCode: "{{ source.country }}"}}
  isActive: {value: true, manage: create}
create: auto
deactivate: {isActive: false}
when_missing: deactivate
"""

RULE = """
rules:
  - rule: location-has-a-postal-code
    for: location
    assert: "{{ source.postal_code }}"
    severity: error
    message: "{{ source.street }} has no postal code."
    remedy: "Enter one in Work 365."
"""
PAIR = {"mappings/location.yaml": LOCATION, "rules/location.yaml": RULE}


def tables():
    given = work365()
    given["account"] = [
        account(street="Seestrasse 1", city="Zug", postal_code="6300", country="CH"),
        account(
            "b", name="Brook Ltd", number="B-1", street="High Street 2", city="York", country="GB"
        ),
        account("c", name="Cedar Ltd", number="C-1"),
    ]
    return given


def records():
    return {
        **REFERENCE,
        "Countries": [{"id": 1, "name": "Switzerland", "countryCode": "CH", "isActive": True},
                      {"id": 2, "name": "United Kingdom", "countryCode": "GB", "isActive": True}],
    }  # fmt: skip


def test_a_new_pair_and_a_new_rule_are_planned_applied_and_then_nothing_is_left(tmp_path):
    with real(tmp_path / "w", PAIR, tables=tables(), records=records()) as work:
        made = work.plan()
        assert ("create", "location") in actions(made)
        assert codes(made) == {("b", "location-has-a-postal-code")}
        (finding,) = made.blocked[0].findings
        assert (finding.text, str(finding.place)) == (
            "High Street 2 has no postal code.",
            "rules/location.yaml:3:5",
        )
        assert work.apply(made).complete
        (location,) = work.records("CompanyLocations")
        assert (
            location["address1"],
            location["city"],
            location["countryID"],
            location["name"],
        ) == (
            "Seestrasse 1",
            "Zug",
            1,
            "Zug",
        )
        assert actions(work.plan()) == []


def test_the_new_pair_follows_its_rows_and_finds_its_links_again(tmp_path):
    with real(tmp_path / "w", PAIR, tables=tables(), records=records()) as work:
        work.sync()
        work.set("account", "acc", street="Seestrasse 7")
        work.set("account", "b", postal_code="YO1 7HH")
        work.sync()
        assert {one["address1"] for one in work.records("CompanyLocations")} == {
            "Seestrasse 7",
            "High Street 2",
        }
        work.lose_state()
        assert {str(change.action) for change in work.sync().changes} == {"link"}
        assert len(work.records("CompanyLocations")) == 2


def test_without_the_rule_there_is_no_finding(tmp_path):
    with real(
        tmp_path / "w", {"mappings/location.yaml": LOCATION}, tables=tables(), records=records()
    ) as work:
        made = work.plan()
        assert codes(made) == set()
        assert actions(made).count(("create", "location")) == 2


def test_a_location_whose_account_is_gone_is_switched_off(tmp_path):
    with real(tmp_path / "w", PAIR, tables=tables(), records=records()) as work:
        work.sync()
        rows = work.rows("account")
        kept = [row for key, row in rows.items() if key != "acc"]
        work.write("account", kept)
        assert ("deactivate", "location") in actions(work.sync())
        assert [one["isActive"] for one in work.records("CompanyLocations")] == [False]
        assert actions(work.plan()) == []


def test_a_rule_that_is_taken_away_lets_its_rows_go(tmp_path):
    with real(tmp_path / "w", PAIR, tables=tables(), records=records()) as work:
        work.sync()
        work.files(
            {"mappings/location.yaml": LOCATION},
            changed("mappings/customer.yaml", "title: Account → Company", "title: Account"),
        )
        assert actions(work.sync()) == [("create", "location")]
