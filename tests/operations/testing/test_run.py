"""Tests of a project: what is compared, and what a difference shows."""

from trueup.operations.testing.run import run_test

from tests.support.project_tests import read, run, shipped, shown

CHANGE = """\
test: two more seats
source:
  subscription: [{id: mail, quantity: 12}]
  license_change: [{id: log, subscription: mail, quantity: 2, effective_date: 2026-11-10}]
target: {units: {mail: 10}}
expect:
"""


def expecting(folder, expectation: str, given: str = CHANGE) -> list[str]:
    """What differs where the change of two seats is expected to be otherwise."""
    return shown(run(folder, given + expectation))


def test_a_test_whose_expectations_hold_passes(tmp_path):
    result = run(
        tmp_path,
        CHANGE + "  plan: {adjust: [{subscription: mail, units: 10 -> 12, on: 2026-11-10}]}\n"
        "  findings: none\n  limits: []\n  money: {run_rate: 20, held: {}}\n"
        "  after_apply: {units: {mail: {2026-11-09: 10, 2026-11-10: 12}}}\n",
    )

    assert (result.passed, result.error, shown(result)) == (True, "", [])


def test_other_units_are_a_difference_at_their_line(tmp_path):
    found = expecting(tmp_path, "  plan:\n    adjust: [{subscription: mail, units: 10 → 13}]\n")

    assert found == ["8: adjust subscription mail: units: 10 → 13 ≠ 10 → 12"]


def test_a_change_that_is_not_planned_shows_what_is_planned_instead(tmp_path):
    found = expecting(tmp_path, "  plan:\n    update: [{subscription: mail}]\n")

    adjust = "adjust subscription mail {units: 10 → 12, on: 2026-11-10}"
    assert found == [
        f"7: adjust subscription mail: not planned ≠ {adjust}",
        f"8: update subscription mail: planned ≠ {adjust}",
    ]


def test_nothing_means_no_change_of_any_kind(tmp_path):
    found = expecting(tmp_path, "  plan: nothing\n")

    assert [line.partition(": not planned")[0] for line in found] == [
        "7: adjust subscription mail",
        "7: write back license_change log",
    ]


def test_a_field_is_compared_as_people_read_it_or_as_it_is_sent(tmp_path):
    new = "test: new\nsource: {account: [alpine]}\nexpect:\n  plan:\n    create:\n"
    contact = "      - {contact: alpine-contact, companyID: alpine}\n"

    for value in ("Customer", "1"):
        customer = f"      - {{customer: alpine, companyType: {value}}}\n"
        assert shown(run(tmp_path, new + customer + contact)) == []
    other = "      - {customer: alpine, companyType: Vendor}\n"
    assert shown(run(tmp_path, new + other + contact)) == [
        "6: create customer alpine: companyType: Vendor ≠ Customer"
    ]


def test_a_finding_that_is_missing_and_one_that_is_not_expected_differ(tmp_path):
    text = (
        "test: no phone\nsource: {account: [{id: alpine, phone: null}]}\nexpect:\n"
        "  findings:\n    - {code: customer-has-a-primary-contact, customer: alpine}\n"
    )

    assert shown(run(tmp_path, text)) == [
        (
            "4: finding customer-has-a-phone customer alpine: none ≠ "
            "error: It has no main phone; Autotask requires one."
        ),
        (
            "5: finding customer-has-a-primary-contact customer alpine: found ≠ "
            "customer-has-a-phone: It has no main phone; Autotask requires one."
        ),
    ]


def test_the_texts_of_a_finding_are_compared_where_they_are_given(tmp_path):
    text = (
        "test: no phone\nsource: {account: [{id: alpine, phone: null}]}\nexpect:\n"
        "  findings:\n"
        "    - {code: customer-has-a-phone, customer: alpine, text: It has none.}\n"
    )

    assert shown(run(tmp_path, text)) == [
        (
            "5: finding customer-has-a-phone customer alpine: text: It has none. ≠ "
            "It has no main phone; Autotask requires one."
        )
    ]


def test_money_ledger_and_limits_are_compared(tmp_path):
    found = expecting(
        tmp_path,
        "  limits: [creates]\n"
        "  ledger: {mail: {class: match, moved: 2}}\n"
        "  money: {invoice: 14, run_rate: 30, held: {needs-day: 20}}\n",
    )

    assert found == [
        "7: limits: creates ≠ ",
        "8: ledger mail: class: match ≠ under-billed",
        "9: money: run_rate: 30 ≠ 20.00",
        "9: money: held: needs-day: 20 ≠ none",
    ]


def test_what_is_there_after_apply_is_compared(tmp_path):
    found = expecting(
        tmp_path,
        "  after_apply:\n"
        "    units: {mail: {2026-11-09: 10, 2026-11-10: 10}}\n"
        "    records: {contract: {billing_contract: {status: Inactive}}}\n"
        "    rows: {license_change: {log: {status: Active}}}\n",
    )

    assert found == [
        "8: units of mail on 2026-11-10: 10 ≠ 12",
        "9: record of contract billing_contract: status: Inactive ≠ Active",
        "10: license_change log: status: Active ≠ Archived",
    ]


def test_a_second_plan_that_is_not_empty_is_a_difference(tmp_path):
    """A template that Autotask keeps otherwise differs again in each plan."""
    project = shipped()
    text = CHANGE + "  after_apply: {second_plan: {update: [{customer: account}]}}\n"

    assert shown(run(tmp_path, text, project)) == [
        "7: second plan: update customer account: planned ≠ not planned"
    ]


def test_tests_do_not_see_each_other(tmp_path):
    tests, defaults, _ = read(
        tmp_path, CHANGE + "  after_apply: {}\n---\n" + CHANGE.replace("two", "2") + "  plan: {}\n"
    )

    results = [run_test(shipped(), test, defaults) for test in (*tests, *tests)]

    assert [one.passed for one in results] == [True, False, True, False]


def test_the_settings_and_decisions_of_a_test_are_its_own(tmp_path):
    text = CHANGE.replace("expect:", "settings: {changes_from: 2026-12-01}\nexpect:")

    assert expecting(tmp_path, "  plan: nothing\n", text) == []
    assert expecting(tmp_path, "  plan: nothing\n") != []


def test_rows_as_they_were_are_behind_the_records(tmp_path):
    text = (
        "test: renamed\nbefore: {account: [{id: alpine, name: Alpine}]}\n"
        "source: {account: [{id: alpine, name: Alpine AG}]}\ntarget: {rows: {customer: all}}\n"
        "expect: {plan: {update: [{customer: alpine, companyName: Alpine AG}]}}\n"
    )

    assert shown(run(tmp_path, text)) == []


def test_a_row_that_can_have_no_record_ends_the_test_with_the_reason(tmp_path):
    text = (
        "test: none\nsource: {account: [{id: alpine, state: Inactive}]}\n"
        "target: {rows: {customer: [alpine]}}\nexpect: {plan: nothing}\n"
    )

    assert run(tmp_path, text).error == (
        "tests/some.yaml:3:28: customer alpine can have no record: the mapping leaves the row out\n"
        "    → give the columns under `before` as they were then"
    )


def test_a_value_that_a_field_cannot_have_ends_the_test_with_its_place(tmp_path):
    text = (
        "test: none\nsource: {account: [alpine]}\n"
        "target: {rows: {customer: {alpine: {companyType: Custumer}}}}\nexpect: {plan: nothing}\n"
    )

    error = run(tmp_path, text).error
    assert error.startswith("tests/some.yaml:3:28: companyType: ")
    assert "Custumer" in error
