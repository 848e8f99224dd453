"""Values that cannot stand where they are put. One thing is broken, and everything that is said about it is asserted, places included."""

import pytest

CUSTOMER = "mappings/customer.yaml"
CONTRACT = "mappings/contract.yaml"
SERVICE = "mappings/service.yaml"
PROJECT = "trueup.yaml"

CASES = [
    pytest.param(
        [
            (
                CUSTOMER,
                'companyName: "{{ source.name | trim | truncate_visibly(100) }}"',
                'companyName: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"',
            )
        ],
        ["mappings/customer.yaml:16:16: companyName takes 100 characters, this has 101"],
        id="a text that is too long",
    ),
    pytest.param(
        [(CUSTOMER, "truncate_visibly(100)", "truncate_visibly(200)")],
        [
            "warning: mappings/customer.yaml:16:16: up to 200 characters may come; Companies.companyName takes 100 (truncate_visibly(100))"
        ],
        id="a text that may be too long",
    ),
    pytest.param(
        [(CONTRACT, "status: {value: Active", "status: {value: Activ")],
        ["mappings/contract.yaml:22:19: 'Activ' is not in the picklist of Contracts.status (did you mean 'Active'?)"],
        id="a label that is misspelt",
    ),
    pytest.param(
        [(CONTRACT, 'default_contract_type }}", manage', 'time_reporting_requires_start_and_stop_times }}", manage')],
        [
            "warning: mappings/contract.yaml:20:25: settings.time_reporting_requires_start_and_stop_times: 'No' is not in the picklist of Contracts.contractType (trueup knows only a part of that list: check it in Autotask)"
        ],
        id="a label that a list known in part does not show",
    ),
    pytest.param(
        [(PROJECT, "default_company_type: Customer", "default_company_type: Kunde")],
        [
            "mappings/customer.yaml:18:24: settings.default_company_type: 'Kunde' is not in the picklist of Companies.companyType (known: Cancellation, Customer, Dead, Lead, Partner, Prospect, Vendor)"
        ],
        id="a setting that is no label",
    ),
    pytest.param(
        [(PROJECT, "Annual: Yearly", "Annual: Yaerly")],
        [
            "mappings/contract.yaml:21:31: settings.billing_frequencies.Annual: 'Yaerly' is not in the picklist of Contracts.contractPeriodType (did you mean 'Yearly'?)",
            "mappings/service.yaml:10:23: settings.billing_frequencies.Annual: 'Yaerly' is not in the picklist of Services.periodType (did you mean 'Yearly'?)",
        ],
        id="a map of settings with a misspelt label",
    ),
    pytest.param(
        [
            (
                CONTRACT,
                'contractPeriodType: {value: "{{ settings.billing_frequencies[source.billing_frequency] }}"',
                'contractPeriodType: {value: "{{ source.billing_frequency }}"',
            )
        ],
        [
            "warning: mappings/contract.yaml:21:31: Annual, Triennial of billing_contract.billing_frequency: not in the picklist of Contracts.contractPeriodType (translate it by a map in settings: settings.….[…])"
        ],
        id="choices that are not all labels",
    ),
    pytest.param(
        [
            (
                CUSTOMER,
                'companyNumber: "{{ source.number }}"\n  companyType',
                'taxRegionID: "{{ source.primary_contact }}"\n  isActive: "{{ source.modified_on }}"\n  companyType',
            )
        ],
        [
            "mappings/customer.yaml:17:16: the key of a row of contact (lookup) cannot fit Companies.taxRegionID (integer) (write a reference: {ref: <mapping of contact>, of: …})",
            "mappings/customer.yaml:18:13: account.modified_on (instant) cannot fit Companies.isActive (boolean)",
        ],
        id="a key in the place of a reference, an instant for yes or no",
    ),
    pytest.param(
        [
            (
                CUSTOMER,
                'companyNumber: "{{ source.number }}"\n  companyType',
                "isActive: maybe\n  ownerResourceID2: 1\n  taxRegionID: one\n  assetValue: \"{{ 'x' if source.name else 5 }}\"\n  companyType",
            )
        ],
        [
            "mappings/customer.yaml:17:13: isActive is yes or no, not 'maybe'",
            "mappings/customer.yaml:18:3: Companies has no field 'ownerResourceID2' (did you mean 'ownerResourceID'?)",
            "mappings/customer.yaml:19:16: 'one' is not a number: Companies.taxRegionID",
            "mappings/customer.yaml:20:15: 'x' is not a number: Companies.assetValue",
        ],
        id="literals of another type",
    ),
    pytest.param(
        [(CONTRACT, 'startDate: {value: "{{ source.start_date }}"', "startDate: {value: soon")],
        ["mappings/contract.yaml:23:22: 'soon' is not a day (2026-11-15) for startDate"],
        id="a day that is none",
    ),
    pytest.param(
        [
            (
                CONTRACT,
                'ref: customer, of: "{{ source.customer }}"}, contractName',
                'ref: service, of: "{{ source.primary_contact }}"}, contractName',
            )
        ],
        [
            "mappings/contract.yaml:16:23: Contracts.companyID refers to Companies, mapping service writes Services",
            "mappings/contract.yaml:16:36: mapping service is about table product; the key of a row of contact is no key of it",
        ],
        id="a reference to the wrong kind of record",
    ),
    pytest.param(
        [
            (
                CUSTOMER,
                'webAddress: {value: "{{ source.website }}", clear: true}',
                'webAddress: {ref: customer, of: "{{ source.parent }}"}',
            )
        ],
        ["mappings/customer.yaml:22:21: Companies.webAddress (text) cannot hold the id of a record"],
        id="a reference in a field for text",
    ),
    pytest.param(
        [(CUSTOMER, "ref: customer", "ref: custmer")],
        ["mappings/customer.yaml:21:26: there is no mapping 'custmer' (did you mean 'customer'?)"],
        id="an unknown mapping referred to",
    ),
    pytest.param(
        [
            (
                SERVICE,
                '  name: "{{ source.name }}"',
                '  vendorCompanyID: {ref: customer, of: "{{ source.id }}"}\n  name: "{{ source.name }}"',
            ),
            (SERVICE, "source: {table: product}", "source: {table: account}"),
            (SERVICE, "billing_frequencies[source.unit]", "billing_frequencies.Monthly"),
            (SERVICE, "{{ source.price }}", "1"),
            (
                CUSTOMER,
                'parentCompanyID: {ref: customer, of: "{{ source.parent }}"}',
                'udf.x: {ref: contract, of: "1"}',
            ),
            (
                CONTRACT,
                'contractName: "{{ source.name }}"\n',
                'contractName: "{{ source.name }}"\n  udf.y: {ref: service, of: "1"}\n',
            ),
        ],
        [
            "mappings/contract.yaml:18:20: mappings need each other: contract → customer → contract (take one of these references out: a record must exist before another can refer to it)",
            "mappings/quantities.yaml:16:33: mapping service is about table account; the key of a row of product is no key of it",
        ],
        id="mappings that need each other",
    ),
    pytest.param(
        [(SERVICE, "mapping: service", "mapping: customer")],
        [
            "mappings/quantities.yaml:12:96: there is no mapping 'service' (known: contract, customer, license_change, subscription)",
            "mappings/quantities.yaml:16:20: there is no mapping 'service' (known: contract, customer, license_change, subscription)",
            "mappings/service.yaml:2:1: mapping customer is there twice; the first is at mappings/customer.yaml:2:1 (give one of them another name)",
            "warning: trueup.yaml:27:19: no mapping or rule uses settings.billing_codes.services",
        ],
        id="two mappings of one name",
    ),
]


@pytest.mark.parametrize(("edits", "says"), CASES)
def test_it_is_said_with_its_place_and_what_to_do(project, edits, says):
    for edit in edits:
        project.change(*edit)

    assert project.says() == says
