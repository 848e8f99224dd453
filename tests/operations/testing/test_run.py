"""Tests of a project: what is compared, and what a difference shows."""

from datetime import date

from trueup.model import document
from trueup.operations.testing.run import run_test

from tests.support.project_tests import read, run, seeded, shipped, shown

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


def test_a_wrong_expectation_does_not_take_the_change_of_an_exact_one(tmp_path):
    given = CHANGE.replace("quantity: 12", "quantity: 13").replace(
        "2026-11-10}]",
        "2026-11-10}, {id: two, subscription: mail, quantity: 1, effective_date: 2026-11-12}]",
    )
    wrong = "{subscription: mail, units: 10 -> 11}"
    found = expecting(
        tmp_path,
        f"  plan:\n    adjust:\n      - {wrong}\n"
        "      - {subscription: mail, units: 10 -> 12, on: 2026-11-10}\n",
        given,
    )

    assert found == ["9: adjust subscription mail: units: 10 -> 11 ≠ 12 → 13"]


def test_a_difference_in_a_step_names_it_and_comes_with_its_plan(tmp_path):
    given = CHANGE.replace("two more seats", "steps") + (
        "  after_apply: {}\nthen:\n"
        "  - {as_of: 2026-11-20, source: {subscription: [{id: mail, quantity: 14}],\n"
        "      license_change: [{id: more, subscription: mail, quantity: 2, "
        "effective_date: 2026-11-18}]},\n"
        "     expect: {plan: {adjust: [{subscription: mail, units: 12 -> 15}]}}}\n"
    )
    result = run(tmp_path, given)

    assert shown(result) == ["11: step 1: adjust subscription mail: units: 12 -> 15 ≠ 12 → 14"]
    assert document.loads(result.plan).as_of == date(2026, 11, 20)


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
        "  limits: ['creates:Companies']\n"
        "  ledger: {mail: {class: match, moved: 2}}\n"
        "  money: {invoice: 14, run_rate: 30, held: {needs-day: 20}}\n",
    )

    assert found == [
        "7: limits: creates:Companies ≠ ",
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
    tests, _ = read(
        tmp_path, CHANGE + "  after_apply: {}\n---\n" + CHANGE.replace("two", "2") + "  plan: {}\n"
    )

    results = [run_test(shipped(), test, seeded=seeded()) for test in (*tests, *tests)]

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


# What a test has instead of parts of the project


def test_the_policy_of_a_test_is_its_own(tmp_path):
    text = CHANGE.replace("expect:", "policy: {subscription: {minimum: 12}}\nexpect:")
    nothing = "  plan: {write_back: [{license_change: log}]}\n"

    assert expecting(tmp_path, nothing) != []
    found = expecting(tmp_path, nothing, text.replace("{mail: 10}", "{mail: 12}"))
    assert found == []


def test_parts_of_a_policy_that_a_test_does_not_name_stay(tmp_path):
    included = CHANGE.replace("quantity: 12}", "quantity: 12, included_quantity: 2}")
    text = included.replace("expect:", "policy: {subscription: {ceiling: 50}}\nexpect:")
    ledger = "  ledger: {mail: {quantity: 10}}\n"

    assert expecting(tmp_path, ledger, text) == []


def test_the_guards_of_a_test_are_its_own_and_the_others_stay(tmp_path):
    limits = "  limits: [monthly_effect]\n"
    text = CHANGE.replace("expect:", "guards: {monthly_effect: 10}\nexpect:")

    assert expecting(tmp_path, limits) == ["7: limits: monthly_effect ≠ "]
    assert expecting(tmp_path, limits, text) == []


def test_a_note_of_an_adjustment_is_compared(tmp_path):
    text = CHANGE.replace("expect:", "policy: {subscription: {rounding: up}}\nexpect:")
    text = text.replace("quantity: 2,", "quantity: 1.5,").replace(
        "quantity: 12}", "quantity: 11.5}"
    )
    expectation = "  plan: {{adjust: [{{subscription: mail, note: {}}}]}}\n"

    assert expecting(tmp_path, expectation.format("rounded up"), text) == []
    [found] = expecting(tmp_path, expectation.format("rounded down"), text)
    assert found.startswith("8: adjust subscription mail: note: rounded down ≠ ")
    assert "rounded up" in found


def test_records_whose_links_are_lost_are_found_again(tmp_path):
    text = CHANGE.replace("{units: {mail: 10}}", "{units: {mail: 10}, linked: false}")
    plan = "  plan:\n    adjust: [{subscription: mail}]\n    link: [{subscription: mail}]\n"

    assert expecting(tmp_path, plan, text) == []
    [found] = expecting(tmp_path, plan)
    assert found.startswith("9: link subscription mail: planned")


# Steps

LATER = CHANGE + "  after_apply: {units: {mail: {2026-11-10: 12}}}\nthen:\n  - as_of: 2026-12-10\n"


def test_a_step_has_what_was_applied_and_written_back_before(tmp_path):
    later = LATER + (
        "    source: {subscription: [{id: mail, name: Mailboxes}]}\n"
        "    expect:\n      plan: nothing\n      ledger: {mail: {class: match, units: 12}}\n"
        "      after_apply: {rows: {license_change: {log: {status: Archived}}}}\n"
    )

    assert shown(run(tmp_path, later)) == []


def test_what_is_written_back_is_what_a_step_changes(tmp_path):
    reopened = LATER + (
        "    source: {license_change: [{id: log, status: Active}]}\n"
        "    expect: {plan: {write_back: [{license_change: log, status: Archived}]}}\n"
    )

    assert shown(run(tmp_path, reopened)) == []


def test_units_that_a_person_entered_are_billed_at_a_step(tmp_path):
    later = LATER + (
        "    entered: {mail: {2026-12-01: 5}}\n"
        "    expect:\n      ledger: {mail: {class: over-billed, quantity: 12, units: 16}}\n"
    )

    assert shown(run(tmp_path, later)) == ["12: step 1: ledger mail: units: 16 ≠ 17"]


def test_units_that_autotask_refuses_end_the_test_with_their_place(tmp_path):
    later = LATER + "    entered: {mail: {2026-12-01: -50}}\n    expect: {plan: nothing}\n"

    error = run(tmp_path, later).error
    assert error.startswith("tests/some.yaml:10:15: units of mail on 2026-12-01: ")


def test_a_posted_day_holds_from_its_step_on(tmp_path):
    later = LATER + (
        "    posted: 2026-12-31\n"
        "    source:\n      subscription: [{id: mail, quantity: 13}]\n"
        "      license_change: [{id: two, subscription: mail, quantity: 1, "
        "effective_date: 2026-12-05}]\n"
        "    expect:\n"
        "      findings: [{code: change-is-in-an-open-period, license_change: two}]\n"
    )

    assert shown(run(tmp_path, later)) == []


def test_a_row_that_is_gone_at_a_step_is_reported_by_the_plan(tmp_path):
    later = LATER + (
        "    gone: {subscription: [mail], license_change: [log, mail-rest]}\n"
        "    expect: {findings: [{code: gone, subscription: mail}]}\n"
    )

    assert shown(run(tmp_path, later)) == []


def test_a_decision_of_a_step_holds_from_then_on(tmp_path):
    decided = (
        "test: decided\nsource: {subscription: [{id: mail, quantity: 12}]}\n"
        "target: {units: {mail: 10}}\nexpect: {plan: nothing}\nthen:\n"
        "  - decisions:\n      - {mapping: subscription, key: mail, do: correct, reason: counted,"
        " seen: {units: 10, quantity: 12, day: 2026-11-15}}\n"
        "    expect: {plan: {adjust: [{subscription: mail, units: 10 → 12}]}}\n"
        "  - expect: {plan: {adjust: [{subscription: mail, units: 10 → 13}]}}\n"
    )

    assert shown(run(tmp_path, decided)) == [
        "9: step 2: adjust subscription mail: units: 10 → 13 ≠ 10 → 12"
    ]
