"""`trueup eval`: expressions on real rows, the console, the list of filters."""

import io
import json
import sys

import pytest
from trueup.cli.console import Console
from trueup.model.evaluation import Evaluation
from trueup.operations.evaluate import open_row
from trueup.operations.project import load_project
from trueup.render.evaluation import evaluation_text
from trueup.render.style import PLAIN, Style

CUSTOMER = "Alpine Dental AG"
SUBSCRIPTION = "Alpine Dental AG, Microsoft 365 Business Premium, yearly"
PHONE = "{{ source.phone | phone(source.country) }}"


def test_an_expression_is_evaluated_on_a_row_and_its_names_are_shown(trueup):
    code, out, err = trueup("eval", "customer", CUSTOMER, PHONE)

    assert (code, err) == (0, "")
    assert out == (
        '"+41 44 668 18 01"   (text)\n'
        '  source.country   "CH"              text   examples/work365/account.json:8\n'
        '  source.phone     "044 668 18 01"   text\n'
    )


def test_text_without_braces_is_an_expression(trueup):
    code, out, _ = trueup("eval", "customer", CUSTOMER, "source.name | upper")

    assert (code, out.splitlines()[0]) == (0, '"ALPINE DENTAL AG"   (text)')


def test_a_row_is_found_by_its_name_in_plans_and_by_the_start_of_its_key(trueup):
    by_name = trueup("eval", "subscription", SUBSCRIPTION, "source.id")
    by_key = trueup("eval", "subscription", "7c0434fa", "source.id")

    assert by_name == by_key
    assert by_name[1].startswith('"7c0434fa-')


def test_the_rows_of_a_join_are_shown_with_the_columns_that_are_used(trueup):
    code, out, _ = trueup("eval", "subscription", SUBSCRIPTION, "related.logs | sum('quantity')")

    assert code == 0
    assert [line.split() for line in out.splitlines()] == [
        ["15", "(a", "number)"],
        ["related.logs", "2", "rows", "of", "license_change"],
        [
            *[
                "related.logs[1].quantity",
                "12",
                "decimal",
                "examples/work365/license_change.json:157",
            ]
        ],
        ["related.logs[2].quantity", "3", "decimal", "examples/work365/license_change.json:158"],
    ]


def test_a_column_that_no_file_names_is_read_when_it_is_used(trueup):
    code, out, _ = trueup("eval", "subscription", SUBSCRIPTION, "source.selling_price is number")

    assert (code, out.splitlines()[0]) == (0, "true   (yes or no)")


def test_as_json_values_have_their_types(trueup):
    code, out, _ = trueup("eval", "subscription", SUBSCRIPTION, "source.quantity * 2", "--json")

    assert code == 0
    found = json.loads(out)
    assert (found["value"], found["kind"]) == (30, "a number")
    [used] = found["uses"]
    assert (used["name"], used["value"], used["type"]) == ("source.quantity", 15, "decimal")
    assert used["row"]["place"] == "examples/work365/subscription.json:46:1"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("customer", CUSTOMER, "source.phne"), 1, "has no column 'phne'"),
        (("customer", CUSTOMER, "source.phne"), 1, "did you mean 'phone'?"),
        (("customer", CUSTOMER, "{{ source.name"), 1, "expression:1:1: error: "),
        (("customer", CUSTOMER, "{% set x = 1 %}"), 1, "statements and loops are not allowed"),
        (("customer", CUSTOMER, "source.name | regex_find('(a')"), 1, "missing ): (a"),
        (
            ("customer", CUSTOMER, "source.name + 1"),
            1,
            "+ cannot be used on text and a number (source.name is Alpine Dental AG)",
        ),
        (("custmer", CUSTOMER, "1"), 1, "there is no mapping 'custmer'"),
        (("customer", "Alpine Dentl AG", "1"), 1, "did you mean 'Alpine Dental AG'?"),
        (("customer",), 64, "Name the row: MAPPING and KEY"),
        (("customer", "--filters"), 64, "--filters lists all filters"),
    ],
)
def test_a_mistake_has_its_place_and_a_remedy(trueup, arguments, code, message):
    found, _, err = trueup("eval", *arguments)

    assert found == code
    assert message in err


def test_without_an_expression_the_row_is_shown_and_lines_are_evaluated(trueup, monkeypatch):
    lines = "source.quantity * 2\n\nsource.nme\nplan.as_of\nexit\n1 + 1\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines))

    code, out, err = trueup("eval", "subscription", SUBSCRIPTION)

    assert code == 1  # one of the lines failed
    shown = [line.split() for line in out.splitlines()]
    assert shown[0][:2] == ["subscription", "7c0434fa-b3f5-5434-8b63-407519fcd854"]
    assert ["source.quantity", "15", "decimal"] in shown
    assert ["related.contract.end_date", "2028-02-29", "day"] in shown
    assert ["related.logs", "2", "rows", "of", "license_change"] in shown
    assert ["settings.setup_fee", "0", "a", "number"] in shown
    assert ["30", "(a", "number)"] in shown
    assert ["2026-11-15", "(a", "day)"] in shown
    assert ["2", "(a", "number)"] not in shown
    assert "has no column 'nme'" in err


def test_control_characters_of_a_line_that_fails_are_written_out(trueup, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO('source["\x1b[31m"]\n'))

    _, _, err = trueup("eval", "subscription", SUBSCRIPTION)

    assert err.startswith("error: line 1: ")
    assert "has no column '\\x1b[31m'" in err


def test_nothing_but_an_absurd_value_is_cut_where_there_is_no_terminal(trueup):
    expression = f"['{'x' * 700}'] + {[*range(40)]}"

    code, out, _ = trueup("eval", "customer", CUSTOMER, expression)

    assert code == 0
    assert "x" * 700 in out
    assert "38, 39]" in out
    shown = evaluation_text(Evaluation("", ["x" * 700], "a list", ()), Style(columns=80))
    assert "x" * 600 not in shown.replace("\n", "")


def test_a_row_as_json_has_its_columns_and_joins(trueup):
    code, out, _ = trueup("eval", "customer", CUSTOMER, "--json")

    assert code == 0
    found = json.loads(out)
    assert (found["mapping"], found["name"]) == ("customer", CUSTOMER)
    assert found["row"]["place"] == "examples/work365/account.json:8:1"
    assert "source.phone" in [one["name"] for one in found["columns"]]


RULES = """
rules:
  - rule: no-large-change
    for: license_change
    on: change
    assert: "{{ change.units <= 2 or refs.subscription is none }}"
    message: "{{ source.id }} moves {{ change.units }} of {{ change.units_before }} units."
    severity: warning
  - rule: ledger-is-even
    for: subscription
    on: ledger
    when: "{{ ledger.class != 'match' }}"
    assert: "{{ ledger.difference == 0 }}"
    message: "{{ source.name }} differs by {{ ledger.difference }}."
    severity: warning
  - rule: few-creates
    on: plan
    assert: "{{ plan.creates < 10 }}"
    message: "{{ plan.creates }} records are new."
    severity: warning
"""
CHANGE = "f36f36d8-60d6-5ca2-925b-8f7087257441"


@pytest.fixture
def rules(work):
    (work / "rules" / "more.yaml").write_text(RULES)


def words(text):
    return [line.split() for line in text.splitlines()]


def test_a_rule_on_rows_shows_its_expressions_and_what_they_use(trueup, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    code, out, err = trueup("eval", "customer", CUSTOMER, "--rule", "customer-has-a-phone")

    assert (code, err) == (0, "")
    assert out.startswith("rule customer-has-a-phone, on: row, holds   rules/customer.yaml:3:5\n")
    assert out.endswith(
        '  assert "044 668 18 01"   rules/customer.yaml:5:13\n'
        "  {{ source.phone }}\n"
        '    source.phone   "044 668 18 01"   examples/work365/account.json:8\n'
    )


def test_an_expression_is_evaluated_as_in_a_rule_on_records(trueup):
    code, out, _ = trueup(
        "eval", "customer", CUSTOMER, "before.phone ~ ' → ' ~ after.phone", "--on", "record"
    )

    assert code == 0
    assert out.splitlines()[0] == '"+41 44 668 18 00 → +41 44 668 18 01"   (text)'
    assert ["before.phone", '"+41', "44", "668", "18", '00"', "text"] in words(out)


def test_a_rule_on_changes_sees_the_change_that_the_plan_would_send(rules, trueup, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("change.day\n"))
    code, out, _ = trueup("eval", "license_change", CHANGE, "--rule", "no-large-change")

    assert code == 0
    assert out.startswith("rule no-large-change, on: change, fails ")
    assert "moves 3 of 12 units." in out
    assert ["change.units", "3"] in words(out)
    assert out.splitlines()[-2] == "2026-11-15   (a day)"


def test_a_rule_on_the_ledger_sees_the_line_of_the_row(rules, trueup):
    code, out, _ = trueup(
        "eval", "subscription", SUBSCRIPTION, "ledger.quantity - ledger.units", "--on", "ledger"
    )

    assert (code, out.splitlines()[0]) == (0, "3   (a number)")
    assert ["ledger.quantity", "15", "a", "number"] in words(out)


def test_a_row_that_is_blocked_before_is_seen_by_no_rule_on_records(work, trueup):
    file = work / "rules" / "customer.yaml"
    file.write_text(
        file.read_text().replace("    when_linked: warning\n    fields: [phone]\n", "", 1)
    )
    exports = work / "examples" / "work365" / "account.json"
    exports.write_text(exports.read_text().replace("044 668 18 01", ""))

    code, out, err = trueup("eval", "customer", CUSTOMER, "after.phone", "--on", "record")

    assert (code, out) == (1, "")
    assert "this plan has nothing on: record for Alpine Dental AG: `trueup explain customer:" in err


def test_a_rule_on_records_that_blocks_the_row_shows_what_it_saw(work, trueup):
    rule = (
        "rules:\n"
        "  - rule: phone-stays\n    for: customer\n    on: record\n"
        '    assert: "{{ before.phone == after.phone }}"\n'
        '    message: "{{ before.phone }} becomes {{ after.phone }}."\n    severity: error\n'
    )
    (work / "rules" / "more.yaml").write_text(rule)

    code, out, _ = trueup("eval", "customer", CUSTOMER, "--rule", "phone-stays", "--json")

    assert (code, json.loads(out)["status"]) == (0, "fails")
    message = json.loads(out)["formulas"][1]["formula"]["result"]
    assert message == "+41 44 668 18 00 becomes +41 44 668 18 01."


@pytest.mark.usefixtures("whole", "rules")
def test_a_rule_on_the_plan_needs_no_row(trueup):
    code, out, _ = trueup("eval", "--rule", "few-creates")

    assert code == 0
    assert out.startswith("rule few-creates, on: plan, fails ")
    assert ["plan.creates", "50"] in words(out)
    found = json.loads(trueup("eval", "--rule", "few-creates", "--json")[1])
    assert (found["name"], found["status"]) == ("few-creates", "fails")
    assert found["formulas"][0]["formula"]["result"] is False


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ("customer", CUSTOMER, "--rule", "customer-has-a-fone"),
            1,
            "did you mean 'customer-has-a",
        ),
        (
            ("contact", "x", "--rule", "customer-has-a-phone"),
            1,
            "rule customer-has-a-phone is about customer",
        ),
        (("customer", CUSTOMER, "before.phne", "--on", "record"), 1, "did you mean 'phone'?"),
        (("customer", CUSTOMER, "before.phone"), 1, "'before'"),
        (("customer", CUSTOMER, "1", "--on", "ledger"), 1, "this plan has nothing on: ledger for"),
        (("--rule", "customer-has-a-phone"), 64, "Name the row: MAPPING and KEY"),
        (("customer", CUSTOMER, "--rule", "customer-has-a-phone", "--on", "row"), 64, "--on"),
    ],
)
def test_a_mistake_about_a_rule_has_a_remedy(trueup, arguments, code, message):
    found, _, err = trueup("eval", *arguments)

    assert (found, message in err) == (code, True), err


def test_the_filters_are_listed_with_an_example_of_each(trueup):
    code, out, _ = trueup("eval", "--filters")

    assert code == 0
    assert (
        "end_of_month\n"
        "    Returns the last day of the month.\n"
        "    {{ '2026-02-10' | date | end_of_month }}  →  2026-02-28\n"
    ) in out


def test_words_are_completed_by_what_may_follow(work):
    project = load_project(work)
    with open_row(project, "subscription", SUBSCRIPTION) as row:
        console = Console(row, PLAIN)

        def choices(text):
            found = []
            while (one := console.choice(text, len(found))) is not None:
                found.append(one)
            return found

        assert choices("so") == ["source."]
        assert choices("1 + source.qua") == ["source.quantity"]
        assert choices("related.acc") == ["related.account."]
        assert choices("related.log") == ["related.logs"]
        assert choices("related.account.cou") == ["related.account.country"]
        assert choices("settings.billing_codes.s") == [
            "settings.billing_codes.services",
            "settings.billing_codes.setup_fee",
        ]
        assert choices("settings.no.thing") == []
        assert choices("plan.") == ["plan.as_of"]
        assert choices("source.name | trun") == ["truncate_visibly"]
        assert choices("source.name is not no") == ["none"]
        assert choices("refs.") == []


def test_on_a_terminal_lines_are_typed_until_the_end_of_the_input(work, monkeypatch, capsys):
    readline = pytest.importorskip("readline")
    lines = iter(["source.number", "1 / 0"])
    completers = []

    def typed(prompt):
        completers.append(readline.get_completer())
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", typed)
    monkeypatch.setattr(sys, "stdin", Terminal())
    before = readline.get_completer()
    with open_row(load_project(work), "customer", CUSTOMER) as row:
        Console(row, PLAIN).run()

    out, err = capsys.readouterr()
    assert out.startswith('"A-1007"   (text)\n')
    assert "divided by zero" in err
    assert completers[0] is not None
    assert readline.get_completer() is before


class Terminal(io.StringIO):
    """A stdin that is a terminal."""

    def isatty(self):
        return True
