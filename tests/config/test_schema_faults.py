"""What the JSON Schemas refuse; the rest is looked at all the same. One thing is broken, and everything that is said about it is asserted, places included."""

import pytest

CUSTOMER = "mappings/customer.yaml"
CONTRACT = "mappings/contract.yaml"
QUANTITIES = "mappings/quantities.yaml"
DECISIONS = "mappings/decisions.yaml"

CASES = [
    pytest.param(
        [(CUSTOMER, "mapping: customer", "maping: customer")],
        ["mappings/customer.yaml:2:1: unknown key 'maping' (did you mean 'mapping'?)"],
        id="a name that is misspelt",
    ),
    pytest.param(
        [(CUSTOMER, "mapping: customer", "mapping: Customer")],
        ["mappings/customer.yaml:2:10: 'Customer': a mapping's name is small letters, digits and _"],
        id="a name that is written wrong",
    ),
    pytest.param(
        [(CUSTOMER, "  table: account", "  tabel: account")],
        ["mappings/customer.yaml:6:3: unknown key 'tabel' (did you mean 'table'?)"],
        id="a misspelt key",
    ),
    pytest.param(
        [
            (CUSTOMER, "tab: Customers", "tab: 12"),
            (CUSTOMER, "one: true", "one: yes"),
            (CUSTOMER, "clear: true", "cleer: true"),
            (CUSTOMER, "similar: [companyName]", "similar: companyName"),
        ],
        [
            "mappings/customer.yaml:4:6: 12 is not of type 'string' (put it in quotes)",
            "mappings/customer.yaml:9:63: 'yes' is not of type 'boolean' (write true or false, without quotes)",
            "mappings/customer.yaml:14:10: 'companyName' is not of type 'array' (write a list: [one, two])",
            "mappings/customer.yaml:22:47: unknown key 'cleer' (did you mean 'clear'?)",
        ],
        id="wrong types",
    ),
    pytest.param(
        [
            (CUSTOMER, "manage: create}\n  phone", "manage: creat}\n  phone"),
            (CONTRACT, "when_missing: deactivate", "when_missing: delete"),
        ],
        [
            "mappings/contract.yaml:28:15: 'delete' is none of report, deactivate, ignore",
            "mappings/customer.yaml:19:101: 'creat' is none of always, create, fill, extend (did you mean 'create'?)",
        ],
        id="words that are none of the allowed ones",
    ),
    pytest.param(
        [
            (CUSTOMER, "target: {entity: Companies}", "target: {entity: Companies, foo: {bar: 1}}"),
            (CUSTOMER, "source.name |", "source.nam |"),
        ],
        [
            "mappings/customer.yaml:10:29: unknown key 'foo' (known: entity, where)",
            "mappings/customer.yaml:16:16: table account has no column 'nam' (did you mean 'name'?)",
        ],
        id="a schema fault and an unknown column in one go",
    ),
    pytest.param(
        [
            (CUSTOMER, '{ref: customer, of: "{{ source.parent }}"}', "{ref: customer, value: 1}"),
            (
                CUSTOMER,
                '{find: Resources, where: {email: "{{ settings.default_owner_source }}"}, manage: create}',
                '{fnd: Resources, where: {email: "{{ settings.default_owner_source }}"}}',
            ),
        ],
        [
            "mappings/customer.yaml:19:21: unknown key 'fnd' (did you mean 'find'?)",
            "mappings/customer.yaml:21:20: 'of' is a required property",
            "mappings/customer.yaml:21:36: a field has one of value, ref and find",
        ],
        id="fields that mix value, ref and find",
    ),
    pytest.param(
        [
            (QUANTITIES, "on: {contractServiceID: id}", "on: {contractServiceID: id, contractID: contractID}"),
            (
                QUANTITIES,
                "merge: {on: [contractServiceID, effectiveDate], sum: unitChange}",
                "merge: {on: [], sum: unitChange}",
            ),
        ],
        ["mappings/quantities.yaml:21:45: only 1 may stand here", "mappings/quantities.yaml:39:15: must not be empty"],
        id="two ends where one may stand, and an empty list",
    ),
    pytest.param(
        [(QUANTITIES, "  pending: license_change\n", "")],
        ["mappings/quantities.yaml:20:3: 'pending' is a required property"],
        id="a missing part",
    ),
    pytest.param(
        [
            (CUSTOMER, "contact: {table", "contact: {tabel"),
            (CUSTOMER, 'companyName: "{{ source.name', 'companyName: "{{ related.contact.first_name or source.name'),
        ],
        ["mappings/customer.yaml:9:15: unknown key 'tabel' (did you mean 'table'?)"],
        id="a join that cannot be read is not missed elsewhere",
    ),
    pytest.param(
        [(CUSTOMER, "contact: {table", "Contact 1: {table")],
        ["mappings/customer.yaml:9:5: 'Contact 1': a join's name is small letters, digits and _"],
        id="a join with a name that cannot be used",
    ),
    pytest.param(
        [(CUSTOMER, "- a\n- b")],
        ["mappings/customer.yaml:1:1: a list is not of type 'object'"],
        id="a list in the place of a mapping",
    ),
    pytest.param(
        [(CUSTOMER, "--- just text")],
        ["mappings/customer.yaml:1:5: 'just text' is not of type 'object'"],
        id="text in the place of a mapping",
    ),
    pytest.param(
        [("rules/y.yaml", "rules: {}"), ("rules/z.yaml", "rule: []")],
        [
            "rules/y.yaml:1:8: a mapping is not of type 'array'",
            "rules/z.yaml:1:1: unknown key 'rule' (did you mean 'rules'?)",
        ],
        id="files with another content than their folder says",
    ),
    pytest.param(
        [("mappings/x.yml", "a"), ("mappings/empty.yaml", "# nothing\n")],
        [
            "warning: mappings/empty.yaml: nothing is in this file",
            "warning: mappings/x.yml: is not read (name it x.yaml)",
        ],
        id="an empty file, and one that is not read",
    ),
    pytest.param(
        [(DECISIONS, "decisions:\n", "decisions: []\n---\ndecisions:\n")],
        ["mappings/decisions.yaml:4:1: a second document in a file that has one (put it into the first, without ---)"],
        id="a second document in a file that has one",
    ),
]


@pytest.mark.parametrize(("edits", "says"), CASES)
def test_it_is_said_with_its_place_and_what_to_do(project, edits, says):
    for edit in edits:
        project.change(*edit)

    assert project.says() == says
