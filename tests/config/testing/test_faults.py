"""Files with tests that are wrong: each fault has its line and column, and what to do."""

import pytest

from tests.support.project_tests import read

BEGIN = "test: some\nsource: {account: [alpine], subscription: [mail]}\n"
EXPECT = "expect: {plan: nothing}\n"
ONE_CHANGE = "test: some\nsource: {license_change: [x]}\n"
ONLY_APPENDS = "this can never hold: license_change only appends: its rows are adjusted"


def faults(folder, text: str, defaults: str | None = None) -> list[str]:
    """Place, text and remedy of each finding."""
    return [finding.line() for finding in read(folder, text, defaults)[1]]


def test_a_file_without_faults_has_no_findings(tmp_path):
    assert faults(tmp_path, BEGIN + EXPECT) == []


CASES = [
    # Names
    ("test: a\nsorce: {}\n" + EXPECT, "2:1", "unknown key 'sorce'", "did you mean 'source'?"),
    ("test: a\n", "1:1", "'expect' is missing", ""),
    (
        "test: a\nsource: {acount: []}\n" + EXPECT,
        "2:10",
        "there is no table acount",
        "did you mean 'account'?",
    ),
    (
        "test: a\nsource:\n  account: [{id: x, fone: 1}]\n" + EXPECT,
        "3:21",
        "account has no column fone",
        "did you mean 'phone'?",
    ),
    (
        "test: a\nsource:\n  account: [{id: x, state: Actve}]\n" + EXPECT,
        "3:28",
        "state: 'Actve' is none of its choices",
        "",
    ),
    (
        "test: a\nsource:\n  subscription: [{id: x, quantity: many}]\n" + EXPECT,
        "3:36",
        "quantity: write a number",
        "",
    ),
    (
        "test: a\nsource: {account: [x, x]}\n" + EXPECT,
        "2:23",
        "account x occurs twice",
        "give one of them another key",
    ),
    (
        "test: a\nsource:\n  license_change: [{id: x, created_on: rubbish}]\n" + EXPECT,
        "3:40",
        "created_on: write a point in time such as 2026-11-01T09:30:00Z",
        "",
    ),
    (
        BEGIN + "settings: {changes_from: yesterday}\n" + EXPECT,
        "3:26",
        "changes_from: 'yesterday' is not a day",
        "write a day such as 2026-11-01",
    ),
    (
        BEGIN + "settings: {setup_fees: 1}\n" + EXPECT,
        "3:12",
        "there is no setting setup_fees",
        "did you mean 'setup_fee'?",
    ),
    (
        BEGIN + "decisions: [{mapping: custmer, key: a, do: create}]\n" + EXPECT,
        "3:13",
        "there is no mapping custmer",
        "did you mean 'customer'?",
    ),
    (
        BEGIN + "decisions: [{mapping: customer, key: a, do: crate}]\n" + EXPECT,
        "3:45",
        "'crate' is not one of",
        "did you mean 'create'?",
    ),
    # Rows that are not there
    (
        "test: a\nsource:\n  account: [alpine]\n  contact: [{id: x, account: alpin}]\n" + EXPECT,
        "4:30",
        "there is no account alpin",
        "did you mean 'alpine'?; {missing: alpin} refers to a row that is not there, on purpose",
    ),
    (
        "test: a\nsource:\n  account: [a, b]\n  billing_contract: [x]\n" + EXPECT,
        "4:22",
        "billing_contract x names no customer, and there are 2",
        "write customer: a or b",
    ),
    (
        BEGIN + "target: {rows: {customer: [alpin]}}\n" + EXPECT,
        "3:28",
        "there is no account alpin in this test",
        "did you mean 'alpine'?",
    ),
    (
        BEGIN + "target: {units: {male: 3}}\n" + EXPECT,
        "3:18",
        "there is no subscription male in this test, so it has no units",
        "did you mean 'mail'?",
    ),
    (
        BEGIN + "target: {records: {Company: []}}\n" + EXPECT,
        "3:20",
        "there is no entity Company",
        "did you mean 'Companies'?",
    ),
    (
        BEGIN + "target: {rows: {customer: {alpine: {fone: 1}}}}\n" + EXPECT,
        "3:37",
        "Companies has no field fone",
        "did you mean 'phone'?",
    ),
    (
        BEGIN + "expect: {plan: {create: [{customer: alpin}]}}\n",
        "3:37",
        "there is no account alpin in this test",
        "did you mean 'alpine'?",
    ),
    (
        BEGIN + "expect: {plan: {create: [{custmer: alpine}]}}\n",
        "3:26",
        "this entry names no row",
        "write `MAPPING: KEY`; did you mean 'customer'?",
    ),
    (
        BEGIN + "expect: {after_apply: {units: {male: {2026-11-01: 1}}}}\n",
        "3:32",
        "there is no subscription male in this test, so it has no units",
        "did you mean 'mail'?",
    ),
    # Expectations that can never hold
    (
        BEGIN + "expect: {plan: {create: [{customer: alpine, fone: 1}]}}\n",
        "3:45",
        "customer has no field fone here",
        "did you mean 'phone'?",
    ),
    (
        BEGIN + "expect: {plan: {adjust: [{customer: alpine, units: 1 → 2}]}}\n",
        "3:26",
        "this can never hold: customer has no ledger, so none of its rows is adjusted",
        "name the row of subscription",
    ),
    *(
        (
            f"{ONE_CHANGE}expect: {{plan: {{{action}: [{{license_change: x}}]}}}}\n",
            f"3:{20 + len(action)}",
            f"{ONLY_APPENDS}, never {participle}",
            "expect it under adjust, with the row whose units it moves",
        )
        for action, participle in [
            ("link", "linked"),
            ("create", "created"),
            ("update", "updated"),
            ("deactivate", "deactivated"),
        ]
    ),
    (
        BEGIN + "expect: {plan: {adjust: [{subscription: mail, units: 2 → 2}]}}\n",
        "3:54",
        "this can never hold: 2 → 2 changes nothing",
        "remove it",
    ),
    (
        BEGIN + "expect: {plan: {adjust: [{subscription: mail, units: 5 → 05}]}}\n",
        "3:54",
        "this can never hold: 5 → 05 changes nothing",
        "remove it",
    ),
    (
        BEGIN + "expect: {plan: {adjust: [{subscription: mail, units: two}]}}\n",
        "3:54",
        "'two' is no change of units",
        "write 10 → 12",
    ),
    (
        BEGIN + "target: {rows: {customer: all}}\nexpect: {plan: {create: [{customer: alpine}]}}\n",
        "4:26",
        "this can never hold: customer alpine has its record already, so it is never created",
        "remove it here, or under target",
    ),
    (
        BEGIN + "expect: {findings: [{code: customer-has-a-fone, customer: alpine}]}\n",
        "3:28",
        "this can never hold: no rule and no check of a plan is called customer-has-a-fone",
        "did you mean 'customer-has-a-phone'?",
    ),
    (
        BEGIN + "expect: {findings: [{code: customer-has-a-phone, subscription: mail}]}\n",
        "3:21",
        "this can never hold: rule customer-has-a-phone is about customer",
        "name a row of customer",
    ),
    (
        BEGIN
        + "expect: {findings: [{code: customer-has-a-phone, customer: alpine, severity: skip}]}\n",
        "3:78",
        "this can never hold: rule customer-has-a-phone gives error or warning",
        "write one of these: rules/customer.yaml:3:5",
    ),
    # Policies and guards
    (
        BEGIN + "policy: {subscripton: {minimum: 5}}\n" + EXPECT,
        "3:10",
        "there is no mapping subscripton",
        "did you mean 'subscription'?",
    ),
    (
        BEGIN + "policy: {subscription: {minimun: 5}}\n" + EXPECT,
        "3:25",
        "unknown key 'minimun'",
        "did you mean 'minimum'?",
    ),
    (
        BEGIN + "policy: {subscription: {minimum: -1}}\n" + EXPECT,
        "3:34",
        "policy: minimum is -1, which is no number of units",
        "write a number that is 0 or more",
    ),
    (
        BEGIN + "policy: {contract: {minimum: 1}}\n" + EXPECT,
        "3:10",
        "policy is for a mapping with a ledger; mapping contract has none",
        "remove `policy`",
    ),
    (
        BEGIN + "policy: {subscription: {overrides: [{custmer: a, minimum: 1}]}}\n" + EXPECT,
        "3:37",
        "policy: 'custmer' is no part of a policy, and no mapping that it refers to",
        "did you mean 'customer'?",
    ),
    (
        BEGIN + "guards: {creates: {Compnies: 1}}\n" + EXPECT,
        "3:20",
        "there is no entity 'Compnies'",
        "did you mean 'Companies'?",
    ),
    (
        BEGIN + "decisions: [{mapping: subscription, key: mail, do: ignore}]\n" + EXPECT,
        "3:13",
        "'reason' is missing",
        "",
    ),
    # Steps
    (
        BEGIN + EXPECT + "then: [{as_of: 2026-11-14, expect: {plan: nothing}}]\n",
        "4:16",
        "2026-11-14 is before 2026-11-15, the day of the step before",
        "write the steps by day",
    ),
    (
        BEGIN + EXPECT + "then: [{gone: {account: [alpin]}, expect: {plan: nothing}}]\n",
        "4:26",
        "there is no account alpin at this step",
        "did you mean 'alpine'?",
    ),
    (
        BEGIN
        + EXPECT
        + "then:\n  - {gone: {account: [alpine]}, expect: {plan: nothing}}\n"
        + "  - {gone: {account: [alpine]}, expect: {plan: nothing}}\n",
        "6:23",
        "there is no account alpine at this step",
        "known: account",
    ),
    (
        BEGIN + EXPECT + "then: [{gone: {acount: [alpine]}, expect: {plan: nothing}}]\n",
        "4:16",
        "there is no table acount",
        "did you mean 'account'?",
    ),
    (
        BEGIN + EXPECT + "then: [{entered: {mial: {2026-11-15: 1}}, expect: {plan: nothing}}]\n",
        "4:19",
        "there is no subscription mial in this test, so it has no units",
        "did you mean 'mail'?",
    ),
    (
        BEGIN + EXPECT + "then: [{entered: {mail: {2026-11-15: 0}}, expect: {plan: nothing}}]\n",
        "4:26",
        "0 units change nothing",
        "",
    ),
    (
        BEGIN
        + EXPECT
        + "then: [{source: {subscription: [{id: mail, fone: 1}]}, expect: {plan: nothing}}]\n",
        "4:44",
        "subscription has no column fone",
        "",
    ),
    (
        BEGIN
        + EXPECT
        + "then: [{expect: {plan: nothing}, decisions: "
        + "[{mapping: subscripton, key: mail, do: create}]}]\n",
        "4:46",
        "there is no mapping subscripton",
        "did you mean 'subscription'?",
    ),
    (
        BEGIN + EXPECT + "then: [{as_of: 2026-12-01}]\n",
        "4:8",
        "'expect' is missing",
        "",
    ),
    (
        BEGIN + "expect: {findings: [{code: xyzzy, customer: alpine}]}\n",
        "3:28",
        "this can never hold: no rule and no check of a plan is called xyzzy",
        "",
    ),
    (
        BEGIN + "expect: {findings: [{code: claimd-twice, customer: alpine}]}\n",
        "3:28",
        "this can never hold: no rule and no check of a plan is called claimd-twice",
        "did you mean 'claimed-twice'?",
    ),
    (
        BEGIN + "expect: {findings: [{code: depends-on-blocked, customer: alpine}]}\n",
        "3:28",
        "this can never hold: findings that only follow from another row are left out",
        "expect the finding of that row",
    ),
    (
        BEGIN + "expect: {money: {run_rate: 0.001}}\n",
        "3:28",
        "this can never hold: money is rounded to two places, and 0.001 has more",
        "write 0.00",
    ),
    (
        BEGIN + "expect: {money: {held: {customer-has-a-phone: 1.005}}}\n",
        "3:47",
        "this can never hold: money is rounded to two places, and 1.005 has more",
        "write 1.01",
    ),
    (
        BEGIN + "expect: {ledger: {mail: {price: 9.999}}}\n",
        "3:33",
        "this can never hold: money is rounded to two places, and 9.999 has more",
        "write 10.00",
    ),
    (
        BEGIN + "expect: {money: {credit: -5}}\n",
        "3:26",
        "this can never hold: credit is never below zero",
        "write 5: money that is owed is above zero",
    ),
    (
        BEGIN + "expect: {money: {held: {change-is-in-an-opn-period: 1}}}\n",
        "3:25",
        "this can never hold: no rule and no check of a plan is called change-is-in-an-opn-period",
        "did you mean 'change-is-in-an-open-period'?",
    ),
    (
        BEGIN + "expect: {limits: [createz:Companies]}\n",
        "3:19",
        "this can never hold: no limit of this project is called createz:Companies",
        "did you mean 'creates:Companies'?",
    ),
    (
        BEGIN + "expect: {limits: ['rule:customer-has-a-phone']}\n",
        "3:19",
        "this can never hold: no limit of this project is called rule:customer-has-a-phone",
        "",
    ),
    (
        BEGIN + "expect: {limits: [calls, calls]}\n",
        "3:26",
        "this can never hold: calls is listed twice, and a limit is exceeded once",
        "remove one of them",
    ),
    (
        BEGIN + "expect: {plan: nothing, limits: [calls]}\n",
        "3:34",
        "this can never hold: a plan with nothing in it is not over calls",
        "remove it, or list the changes of the plan",
    ),
    (
        BEGIN + "expect: {plan: nothing, money: {run_rate: 10}}\n",
        "3:43",
        "this can never hold: a plan with nothing in it moves no money",
        "write 0, or list the changes of the plan",
    ),
    (
        BEGIN
        + "target: {units: {mail: 10}}\n"
        + "expect: {plan: nothing, after_apply: {units: {mail: {2026-11-15: 12}}}}\n",
        "4:54",
        "this can never hold: a plan with nothing in it leaves the 10 units of mail as they are",
        "write 10, or list the adjustment of the plan",
    ),
    (
        BEGIN + "expect: {plan: nothing, after_apply: {units: {mail: {2026-11-15: 12}}}}\n",
        "3:54",
        "this can never hold: a plan with nothing in it leaves the 0 units of mail as they are",
        "write 0, or list the adjustment of the plan",
    ),
    (
        BEGIN
        + "target: {units: {mail: {2026-01-01: 10, 2026-11-10: 12}}}\n"
        + "expect: {plan: nothing, after_apply: {units: {mail: {2026-11-09: 12}}}}\n",
        "4:54",
        "this can never hold: a plan with nothing in it leaves the 10 units of mail as they are",
        "write 10, or list the adjustment of the plan",
    ),
    (
        BEGIN + "expect: {plan: nothing, ledger: {mail: {moved: 2}}}\n",
        "3:48",
        "this can never hold: a plan with nothing in it moves no units",
        "write 0, or list the adjustment of the plan",
    ),
    (
        BEGIN + "expect: {ledger: {mail: orphan}}\n",
        "3:25",
        "this can never hold: an orphan is a service without a row, and mail is a row",
        "",
    ),
    (
        BEGIN + "expect: {ledger: {mail: {class: match, quantity: 10, units: 8}}}\n",
        "3:33",
        "this can never hold: with quantity 10 and units 8 the line is under-billed or missing",
        "",
    ),
    (
        BEGIN + "expect: {ledger: {mail: {quantity: 10, units: 8, pending: 2, difference: 1}}}\n",
        "3:74",
        "this can never hold: quantity - units - pending is 0",
        "write 0",
    ),
    (
        BEGIN
        + "expect: {ledger: {mail: {quantity: 10, units: 8, moved: 1, held: 0, unexplained: 0}}}\n",
        "3:82",
        "this can never hold: quantity - units is 2, and moved + held + unexplained is 1",
        "",
    ),
    (
        BEGIN + "expect: {ledger: {alpine: match}}\n",
        "3:19",
        "there is no subscription alpine in this test, so it has no units",
        "known: mail",
    ),
    (
        BEGIN + "expect: {plan: {create: [{customer: alpine}, {customer: alpine}]}}\n",
        "3:46",
        "this can never hold: a plan has one create of customer alpine, and it is listed twice",
        "remove one of them",
    ),
    (
        BEGIN + "expect: {plan: {create: [{customer: alpine}], update: [{customer: alpine}]}}\n",
        "3:56",
        "this can never hold: customer alpine is created, so this plan does not update it",
        "remove one of them",
    ),
    (
        BEGIN + "expect: {plan: {link: [{customer: alpine, how: guess}]}}\n",
        "3:48",
        "this can never hold: how is decision, identity, match or succession",
        "",
    ),
    (
        BEGIN + "expect: {plan: {adjust: [{subscription: mail, on: soon}]}}\n",
        "3:51",
        "this can never hold: 'soon' is no day",
        "write year-month-day, such as 2026-11-15",
    ),
    (
        BEGIN + "expect: {after_apply: {units: {mail: {2026-11-01: -1}}}}\n",
        "3:51",
        "-1 is less than 0",
        "",
    ),
    (
        BEGIN + "decisions: [{mapping: customer, key: alpine, do: push, reason: x}]\n" + EXPECT,
        "3:13",
        "push is for pending changes; mapping customer has none",
        "",
    ),
    (
        BEGIN + "decisions: [{mapping: subscription, key: mail, do: succeed}]\n" + EXPECT,
        "3:13",
        "`of` is the row whose place the row takes: succeed needs it",
        "`trueup decide … succeed --of KEY` writes it",
    ),
]


@pytest.mark.parametrize(("text", "place", "what", "remedy"), CASES, ids=[one[2] for one in CASES])
def test_a_fault_is_reported_with_its_place(tmp_path, text, place, what, remedy):
    found = faults(tmp_path, text)

    assert len(found) == 1
    line, _, advice = found[0].partition("\n    → ")
    assert line.startswith(f"tests/some.yaml:{place}: {what}")
    assert advice == remedy


def test_all_faults_of_a_file_are_reported_at_once(tmp_path):
    text = "test: a\nsource: {acount: []}\ntarget: {records: {Company: []}}\n" + EXPECT

    assert len(faults(tmp_path, text)) == 2


def test_two_tests_of_one_name_are_reported(tmp_path):
    found = faults(tmp_path, BEGIN + EXPECT + "---\n" + BEGIN + EXPECT)

    assert found == [
        (
            "tests/some.yaml:5:7: a test of this name is at tests/some.yaml:1:7 already\n"
            "    → give it another name"
        )
    ]


def test_defaults_that_add_rows_without_end_are_reported(tmp_path):
    defaults = "as_of: 2026-11-15\nsource: {account: {parent: '{{ key }}-parent'}}\n"

    [found] = faults(tmp_path, "test: a\nsource: {account: [alpine]}\n" + EXPECT, defaults)

    assert found.startswith("tests/some.yaml:2:20: the defaults add rows without end: account alp")


def test_rows_that_refer_to_each_other_are_no_fault(tmp_path):
    text = "test: a\nsource: {account: [{id: a, parent: b}, {id: b, parent: a}]}\n" + EXPECT

    assert faults(tmp_path, text) == []


@pytest.mark.parametrize(
    ("defaults", "what"),
    [
        ("as_off: 2026-11-15\n", "1:1: unknown key 'as_off'"),
        ("source: {acount: {}}\n", "1:10: there is no table acount"),
        ("source: {account: {fone: 1}}\n", "1:20: account has no column fone"),
        (
            "balance: [{table: license_change, of: subscripton, sum: quantity, equals: quantity}]",
            "1:39: license_change has no column subscripton",
        ),
    ],
)
def test_faults_of_the_defaults_are_reported(tmp_path, defaults, what):
    text = "test: a\nas_of: 2026-11-15\nsource: {account: [alpine]}\n" + EXPECT

    assert f"tests/defaults.yaml:{what}" in "\n".join(faults(tmp_path, text, defaults))


def test_units_at_a_later_step_may_be_any(tmp_path):
    text = (
        BEGIN + EXPECT + "then: [{expect: {plan: nothing,"
        " after_apply: {units: {mail: {2026-11-15: 12}}}}}]\n"
    )

    assert faults(tmp_path, text) == []
