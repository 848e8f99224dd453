"""A new pair of table and entity, and a new rule, need YAML only."""

LOCATIONS = """
mapping: location
title: Account → Company Location
tab: Customers
source:
  table: account
  where: "{{ source.street and source.state == 'Active' }}"
target:
  entity: CompanyLocations
  where: {companyID: {linked: customer}}
identity: {companyID: {ref: customer, of: "{{ source.id }}"}, name: "{{ source.name }}"}
fields:
  companyID: {ref: customer, of: "{{ source.id }}"}
  name: "{{ source.name }}"
  address1: "{{ source.street | truncate_visibly(128) }}"
  city: "{{ source.city | truncate_visibly(50) }}"
  countryID: {find: Countries, where: {countryCode: "{{ source.country }}"}}
  isActive: {value: true, manage: create}
  isPrimary: {value: true, manage: create}
deactivate: {isActive: false}
"""

RULE = """
rules:
  - rule: location-has-a-country
    for: location
    on: record
    assert: "{{ after.countryID and refs.customer.companyName }}"
    severity: error
    message: "{{ source.name }} has a street and no country that Autotask knows"
    remedy: enter the country on the account in Work 365
"""


def test_two_files_add_company_locations_and_a_rule_for_them(project):
    project.write("mappings/location.yaml", LOCATIONS)
    project.write("rules/location.yaml", RULE)

    loaded = project.load()

    assert project.messages() == []
    assert [*loaded.mappings].index("location") > [*loaded.mappings].index("customer")
    assert loaded.mappings["location"].target.entity == "CompanyLocations"
    assert [rule.name for rule in loaded.rules if rule.for_ == "location"] == [
        "location-has-a-country"
    ]


def test_a_new_mapping_is_checked_like_any_other(project):
    project.write(
        "mappings/location.yaml",
        LOCATIONS.replace("  name:", "  nam:").replace("source.city", "source.town"),
    )
    project.write("rules/location.yaml", RULE.replace("after.countryID", "after.countryId"))

    assert project.messages() == [
        "mappings/location.yaml:14:3: CompanyLocations has no field 'nam' (did you mean 'name'?)",
        "mappings/location.yaml:16:9: table account has no column 'town'",
        (
            "rules/location.yaml:6:13: CompanyLocations has no field 'countryId' (did you mean"
            " 'countryID'?)"
        ),
    ]
