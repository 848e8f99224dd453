"""Files that are no YAML, or more than we take. One thing is broken, and everything that is said about it is asserted, places included."""

import pytest

CUSTOMER = "mappings/customer.yaml"
CONTRACT = "mappings/contract.yaml"

CASES = [
    pytest.param(
        [(CUSTOMER, "title: Account → Company", 'title: "Account')],
        ["mappings/customer.yaml:7:11: broken YAML: while parsing a block mapping, did not find expected key"],
        id="a quote that is never closed",
    ),
    pytest.param(
        [(CUSTOMER, "title: Account → Company", "title: a\ntitle: b")],
        ["mappings/customer.yaml:4:1: 'title' is given twice; the first is in line 3 (remove one of them)"],
        id="a key given twice",
    ),
    pytest.param(
        [(CUSTOMER, "title: Account → Company", "title: !!python/name:os.system x")],
        [
            "mappings/customer.yaml:3:8: the tag 'tag:yaml.org,2002:python/name:os.system' is not allowed (write the value without a tag; quotes make it text)"
        ],
        id="a tag",
    ),
    pytest.param(
        [(CUSTOMER, "  table: account", "\ttable: account")],
        ["mappings/customer.yaml:6:1: a tab where YAML wants spaces (indent with spaces)"],
        id="a tab",
    ),
    pytest.param(
        [(CUSTOMER, b"mapping: customer\ntitle: \xff\xfe")],
        ["mappings/customer.yaml:2:8: not UTF-8 text from here on (save the file as UTF-8)"],
        id="another encoding",
    ),
    pytest.param(
        [(CUSTOMER, b"\x00\x01\x02")],
        ["mappings/customer.yaml:1:1: broken YAML: control characters are not allowed (remove the character)"],
        id="bytes that say nothing",
    ),
    pytest.param(
        [(CUSTOMER, "title: Account → Company", "title: *x")],
        ["mappings/customer.yaml:3:8: there is no anchor &x"],
        id="an alias that is not there",
    ),
    pytest.param(
        [(CUSTOMER, "title: Account → Company", "title: &x [*x]")],
        ["mappings/customer.yaml:3:12: *x stands inside itself"],
        id="an anchor inside itself",
    ),
    pytest.param(
        [(CUSTOMER, "title: Account → Company", "? [a, b]\n: x")],
        ["mappings/customer.yaml:3:3: a key must be text"],
        id="a key that is a list",
    ),
    pytest.param(
        [(CONTRACT, 'startDate: {value: "{{ source.start_date }}"', "startDate: {value: 2026-02-30")],
        [
            "mappings/contract.yaml:23:22: '2026-02-30' is not a day (2026-11-15) for startDate",
            "mappings/contract.yaml:23:22: there is no day 2026-02-30",
        ],
        id="a day that is none",
    ),
    pytest.param(
        [(CUSTOMER, "title: Account → Company", "title: " + "[" * 100_000)],
        ["mappings/customer.yaml:3:47: nested deeper than 40 levels"],
        id="brackets without end",
    ),
]


@pytest.mark.parametrize(("edits", "says"), CASES)
def test_it_is_said_with_its_place_and_what_to_do(project, edits, says):
    for edit in edits:
        project.change(*edit)

    assert project.says() == says
