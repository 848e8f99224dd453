"""A mapping's source: tables, columns, joins. One thing is broken, and everything that is said about it is asserted, places included."""

import pytest

CUSTOMER = "mappings/customer.yaml"
CONTRACT = "mappings/contract.yaml"
QUANTITIES = "mappings/quantities.yaml"

CASES = [
    pytest.param(
        [(CUSTOMER, "table: account", "table: acount")],
        ["mappings/customer.yaml:6:10: there is no table 'acount' (did you mean 'account'?)"],
        id="an unknown table",
    ),
    pytest.param(
        [(CUSTOMER, "source.name |", "source.nam |")],
        ["mappings/customer.yaml:16:16: table account has no column 'nam' (did you mean 'name'?)"],
        id="an unknown column in an expression",
    ),
    pytest.param(
        [(CUSTOMER, "{table: contact, on", "{table: contat, on")],
        ["mappings/customer.yaml:9:22: there is no table 'contat' (did you mean 'contact'?)"],
        id="an unknown table in a join",
    ),
    pytest.param(
        [(CUSTOMER, "on: {id: primary_contact}", "on: {idd: primary_contct}")],
        [
            "mappings/customer.yaml:9:36: table contact has no column 'idd' (did you mean 'id'?)",
            "mappings/customer.yaml:9:41: table account has no column 'primary_contct' (did you mean 'primary_contact'?)",
        ],
        id="unknown columns on both sides of a join",
    ),
    pytest.param(
        [(CUSTOMER, "on: {id: primary_contact}", "on: {id: parent}")],
        [
            "mappings/customer.yaml:9:40: contact.id is a key of contact, parent one of account: they are never equal (join on other columns)"
        ],
        id="a join of keys of two tables",
    ),
    pytest.param(
        [(CONTRACT, "where: \"{{ row.state == 'Active' }}\"", "where: \"{{ row.stat == 'Active' and related.x }}\"")],
        [
            "mappings/contract.yaml:10:69: table subscription has no column 'stat' (did you mean 'state'?)",
            "mappings/contract.yaml:10:69: there is no 'related' here (known: plan, row, settings, source)",
        ],
        id="a join that looks at another one without going through it",
    ),
    pytest.param(
        [(CONTRACT, "row.state == 'Active'", "row.state == 'Activ'")],
        [
            "mappings/contract.yaml:10:69: subscription.state is compared with 'Activ', which it never is (did you mean 'Active'?)"
        ],
        id="a label that the choice does not have",
    ),
    pytest.param(
        [(QUANTITIES, "['License', 'Service', 'Tiered']", "['License', 'Services', 'Tiered']")],
        [
            "mappings/quantities.yaml:7:10: subscription.type is compared with 'Services', which it never is (did you mean 'Service'?)"
        ],
        id="a label in a list that the choice does not have",
    ),
    pytest.param(
        [(QUANTITIES, "{id: contract.customer}", "{id: contrct.customer}")],
        ["mappings/quantities.yaml:10:38: there is no join 'contrct' to go through (did you mean 'contract'?)"],
        id="a path through an unknown join",
    ),
    pytest.param(
        [(QUANTITIES, "{id: contract.customer}", "{id: contract.custmer}")],
        ["mappings/quantities.yaml:10:38: table billing_contract has no column 'custmer' (did you mean 'customer'?)"],
        id="a path to an unknown column of a join",
    ),
    pytest.param(
        [(QUANTITIES, "{id: contract.customer}", "{id: logs.customer}")],
        [
            "mappings/quantities.yaml:10:38: logs is a list of rows, so nothing can be joined to it (give logs `one: true`)"
        ],
        id="a path through a list",
    ),
    pytest.param(
        [(QUANTITIES, "{id: contract}, one", "{id: payer.contact}, one")],
        [
            "mappings/quantities.yaml:9:5: joins go through each other: contract → payer → contract",
            "mappings/quantities.yaml:9:50: table account has no column 'contact' (did you mean 'primary_contact'?)",
        ],
        id="joins in a circle",
    ),
    pytest.param(
        [(QUANTITIES, "order: [effective_date, created_on, id]", "order: [effective_dat, created_on, id]")],
        [
            "mappings/quantities.yaml:32:11: table license_change has no column 'effective_dat' (did you mean 'effective_date'?)"
        ],
        id="an unknown column in order",
    ),
    pytest.param(
        [(CUSTOMER, "where: \"{{ source.state == 'Active' }}\"", "where: source.state == 'Active'")],
        [
            "mappings/customer.yaml:7:10: \"source.state == 'Active'\": an expression is written {{ … }} with nothing around it"
        ],
        id="a where that is text",
    ),
    pytest.param(
        [(CONTRACT, "where: \"{{ source.state == 'Active' }}\"", "where: \"{{ source.state }} == {{ 'Active' }}\"")],
        [
            "mappings/contract.yaml:8:10: this is text with expressions in it, not one expression (write {{ … }} once, with nothing around it)"
        ],
        id="a where that would always be true",
    ),
    pytest.param(
        [(CUSTOMER, 'companyName: "{{ source.name', 'companyName: "{{ related.contat.first_name')],
        ["mappings/customer.yaml:16:16: mapping customer has no join 'contat' (did you mean 'contact'?)"],
        id="an unknown join",
    ),
    pytest.param(
        [(CUSTOMER, 'companyName: "{{ source.name', 'companyName: "{{ related.contact.account.name')],
        ["mappings/customer.yaml:16:16: the key of a row of account has no 'name' (join account to reach its columns)"],
        id="a column of the key of a row",
    ),
    pytest.param(
        [
            (
                CONTRACT,
                "{{ source.name }} ({{",
                "{{ related.subscriptions.name }} {{ source.customer.name }} {{ settings.changes_from.year }} {{ settings.default_company_type.x }} ({{",
            )
        ],
        [
            "mappings/contract.yaml:5:8: related.subscriptions is a list of rows; it has no 'name' (take one of them (first, last, min, max), or all: map(attribute='name'))",
            "mappings/contract.yaml:5:8: settings.default_company_type is one value and has no 'x'",
            "mappings/contract.yaml:5:8: the key of a row of account has no 'name' (join account to reach its columns)",
        ],
        id="columns of a list, of a key, of a setting that is one value",
    ),
    pytest.param(
        [
            (
                CONTRACT,
                "{{ source.name }} ({{",
                "{{ (related.subscriptions | min(attribute='nam')).status }} {{ (related.subscriptions | first).nam }} ({{",
            )
        ],
        ["mappings/contract.yaml:5:8: table subscription has no column 'nam' (did you mean 'name'?)"],
        id="an unknown column of the one that a filter takes from a list",
    ),
]


@pytest.mark.parametrize(("edits", "says"), CASES)
def test_it_is_said_with_its_place_and_what_to_do(project, edits, says):
    for edit in edits:
        project.change(*edit)

    assert project.says() == says
