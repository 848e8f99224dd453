"""`trueup explain`: rows, fields, changes, lines of the ledger, totals; live and from a file."""

import json
import re
from pathlib import Path

import pytest
from trueup.model import document
from trueup.render.amounts import plan_money
from trueup.render.formatting import money
from trueup.render.pennies import penny

CUSTOMER = "customer:Alpine Dental AG"
SUBSCRIPTION = "Alpine Dental AG, Microsoft 365 Business Premium, yearly"
KEY = "749c6782-f424-5dfa-8e93-3d7814286893"
CHANGE = "license_change:f36f36d8-60d6-5ca2-925b-8f7087257441"


def test_a_field_is_explained_by_its_expression_and_the_cells_that_it_uses(trueup):
    code, out, _ = trueup("explain", f"{CUSTOMER}.phone")

    assert code == 0
    assert out == (
        f"customer {KEY} (Alpine Dental AG)\n"
        "  Row       examples/work365/account.json:8\n"
        "  Mapping   Account → Company                              mappings/customer.yaml:5:1\n"
        "  Status    ready\n"
        "  Record    Companies 29683, linked by this plan (match)\n"
        "\n"
        "Field     wanted             Autotask           last written\n"
        "  phone   +41 44 668 18 01   +41 44 668 18 00   never          first alignment\n"
        "      mappings/customer.yaml:35:10\n"
        "      {{ source.phone | phone(source.country) }}\n"
        '        source.country   "CH"              examples/work365/account.json:8\n'
        '        source.phone     "044 668 18 01"\n'
        "\n"
        "Rules\n"
        "  customer-has-a-phone        holds      rules/customer.yaml:3:5\n"
        "  customer-country-is-known   holds      rules/customer.yaml:12:5\n"
        "  customer-phone-is-valid     holds      rules/customer.yaml:22:5\n"
        "  customer-country-resolves   holds      rules/customer.yaml:58:5\n"
    )


def test_after_a_run_a_field_shows_the_value_that_was_written_last(applied, trueup):
    code, out, _ = trueup("explain", f"{CUSTOMER}.phone")

    assert code == 0
    assert "  Record    Companies 29683, linked before (match)\n" in out
    assert "  phone   +41 44 668 18 01   +41 44 668 18 01   +41 44 668 18 01   equal\n" in out


def test_a_pushed_change_shows_what_was_sent(applied, trueup):
    code, out, _ = trueup("explain", CHANGE)

    assert code == 0
    assert "  Pushed    +3 from 2026-11-15, run " in out


@pytest.mark.usefixtures("read_once")
def test_a_row_names_its_changes_and_sums_up_its_rules(trueup):
    code, out, _ = trueup("explain", CUSTOMER)

    assert code == 0
    assert "  7 hold, 1 does not apply (-v shows them)\n" in out
    assert "\n~ update Alpine Dental AG   Companies 29683\n" in out
    assert "  companyType       Customer                           Customer " in out


@pytest.mark.usefixtures("read_once")
def test_a_blocked_row_shows_the_rule_that_fails_and_what_to_do(trueup):
    code, out, _ = trueup("explain", "customer:Saltgrass Outfitters Inc")

    assert code == 0
    assert "  Status    blocked\n" in out
    assert "  customer-has-a-phone   fails (error)   It has no main phone; " in out
    assert "      → Enter a main phone on the account in Work 365.\n" in out


def test_a_decision_about_the_row_is_shown_with_its_place(trueup):
    trueup("decide", "customer", "Chalet Miremont Sàrl", "ignore", "--reason", "sold")

    code, out, _ = trueup("explain", "customer:Chalet Miremont Sàrl")

    assert code == 0
    assert "  Status     left out on purpose\n" in out
    assert "  Decision   ignore: sold" in out
    assert "mappings/decisions.yaml:" in out


@pytest.mark.usefixtures("read_once")
def test_a_change_of_units_is_explained_by_periods_prices_and_its_ledger_line(trueup):
    code, out, _ = trueup("explain", CHANGE)

    assert code == 0
    assert (
        "  Price          £201.60 a unit and year, £16.80 a month\n"
        "  A month        +£50.40 = +3 x £201.60 / 12\n"
        "  This invoice   +£175.64 for 2026-03-01 to 2027-02-28\n"
        "      2026-11-15 to 2027-02-28   +3 x £201.60 x 106 of 365 days   +£175.64\n"
    ) in out
    assert f"Ledger of {SUBSCRIPTION} on 2026-11-15   under-billed\n" in out


@pytest.mark.usefixtures("read_once")
def test_a_change_of_units_has_the_sentence_for_the_customer(trueup):
    code, out, _ = trueup("explain", CHANGE)
    sentence = " ".join(out.partition("  Customer")[2].split())

    assert code == 0
    assert sentence.startswith("From 15 November 2026 you have ")
    assert " Microsoft 365 Business Premium" in sentence
    assert " more" in sentence


@pytest.mark.usefixtures("whole")
def test_a_change_has_the_amounts_of_the_plan_even_where_it_is_rounded_otherwise(trueup, work):
    """The amounts of a plan add up to its totals in pennies, so a few are a penny off."""
    trueup("plan", "--out", "plan.json")
    plan = document.loads((work / "plan.json").read_text(encoding="utf-8"))
    amounts = plan_money(plan)
    off = [
        one
        for one in plan.changes
        if one.invoice and amounts.invoice.of(one.id) != penny(one.invoice.amount)
    ]
    assert off

    code, out, _ = trueup("explain", "--plan", "plan.json", off[0].id)

    invoice = money(amounts.invoice.of(off[0].id), "GBP", signed=True)
    month = money(amounts.month.of(off[0].id), "GBP", signed=True)
    assert code == 0
    assert re.search(rf"\n  This invoice +{re.escape(invoice)} for ", out)
    assert re.search(rf"\n  A month +{re.escape(month)} = ", out)
    sentence = " ".join(out.partition("  Customer")[2].split())
    assert f"your next invoice has {invoice.lstrip('+-')} " in sentence


@pytest.mark.usefixtures("read_once")
def test_a_line_of_the_ledger_shows_both_sides_and_where_its_price_comes_from(trueup):
    code, out, _ = trueup("explain", f"ledger:{SUBSCRIPTION}")

    assert code == 0
    assert "  Should be billed       15\n      quantity   mappings/subscription.yaml:" in out
    assert (
        "  Autotask bills         12   record 70045\n"
        "      ContractServiceUnits 1055: 12 units   2026-03-01 to 2027-02-28\n"
        "  Pending                +3\n"
    ) in out
    assert "  Difference              0   = 15 - 12 - 3\n" in out
    assert "      internalCurrencyAdjustedPrice   201.6      ContractServices 70045\n" in out
    assert '      service.periodType              "Yearly"   Services 605\n' in out


def test_a_line_without_a_row_is_found_by_its_record(trueup, whole):
    code, out, _ = trueup("explain", "ledger:79001")

    assert code == 0
    assert "  Should be billed        0   no row is linked to it\n" in out


def test_a_total_of_a_saved_plan_is_explained_without_reading(work, trueup, saved):
    (work / "examples" / "work365" / "account.json").unlink()

    code, out, _ = trueup("explain", "--plan", saved.name, "billed too little")

    assert code == 0
    assert out.startswith("Billed too little ")
    assert "   the changes do not add up to the quantity\n" in out
    assert "`trueup explain --plan plan.json ledger:subscription:" in out


def test_what_has_changed_since_the_plan_was_saved_is_noted(work, trueup, saved):
    file = work / "examples" / "work365" / "account.json"
    file.write_text(file.read_text().replace("044 668 18 01", "044 668 18 02"))
    rules = work / "rules" / "customer.yaml"
    rules.write_text(rules.read_text().replace("It has no main phone;", "It has no phone;"))

    code, out, _ = trueup("explain", "--plan", saved, CUSTOMER)

    assert code == 0
    assert out.startswith("! the configuration has changed since this plan was made: ")
    assert "  phone             +41 44 668 18 01 " in out
    assert '        source.phone     "044 668 18 02"\n' in out
    assert f"  Changed since   account {KEY}, examples/work365/account.json:8\n" in out


@pytest.mark.usefixtures("read_once")
def test_as_json_everything_is_typed(trueup):
    code, out, _ = trueup("explain", CHANGE, "--json")

    assert code == 0
    found = json.loads(out)
    change = next(one for one in found["changes"] if one["change"]["id"] == CHANGE)
    [period] = change["periods"]
    assert (period["first"], period["days"], period["of_days"]) == ("2026-11-15", 106, 365)
    [row] = found["rows"]
    assert row["row"]["place"] == "examples/work365/license_change.json:158:1"
    [line] = found["ledger"]
    assert [one["units"] for one in line["pending"]] == [3]


@pytest.mark.usefixtures("read_once")
@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("customer:Alpine Dental AG.phne", "no field 'phne' for Alpine Dental AG: did you mean"),
        ("customer:Alpine Dentl AG", "did you mean 'Alpine Dental AG'?"),
        ("custmer:Alpine Dental AG", "there is no mapping 'custmer'"),
        ("bild too much", "or the total 'Billed too much'?"),
        ("ledger:nothing like it", "there is no line 'nothing like it' in the ledger"),
        (
            "subscription:Microsoft 365 Business Premium",
            "there is no row 'Microsoft 365 Business Premium' of subscription",
        ),
        ("Brightwater Logistics Ltd-CSP…", "may be any of 2 rows: contract:"),
    ],
)
def test_what_is_not_found_or_not_unique_is_an_error_with_candidates(trueup, what, message):
    code, _, err = trueup("explain", what)

    assert code == 1
    assert message in err


def test_a_field_shows_what_an_undo_changes_about_it(applied, trueup):
    run = json.loads(trueup("history", "--json")[1])["runs"][0]["run"]
    assert trueup("plan", "--undo", run, "--out", "undo.json")[0] == 0
    plan = document.loads((applied / "undo.json").read_text())
    change = next(
        one for one in plan.changes if one.mapping == "customer" and one.fields and one.is_undo
    )
    field = change.fields[0]
    what = f"customer:{change.keys[0]}.{field.field}"

    code, out, _ = trueup("explain", "--plan", "undo.json", what)

    assert code == 0
    assert f"Undo of run {run[:12]}" in out
    assert f"{field.shown_before} → {field.shown_after}" in out
    undone = json.loads(trueup("explain", "--plan", "undo.json", what, "--json")[1])
    assert undone["rows"][0]["fields"][0]["undone"]["before"] == field.shown_before
    assert "Undo of run" not in trueup("explain", what)[1]
    others = [name for name in ("phone", "city", "fax") if name != field.field]
    what = f"customer:{change.keys[0]}.{others[0]}"
    assert "Undo of run" not in trueup("explain", "--plan", "undo.json", what)[1] or (
        others[0] in [one.field for one in change.fields]
    )


@pytest.mark.usefixtures("read_once")
def test_a_key_may_be_as_short_as_it_names_one_row(trueup):
    key = "749c6782-f424-5dfa-8e93-3d7814286893"
    keys = json.loads((Path("examples") / "work365" / "account.json").read_text())
    others = [one["accountid"] for one in keys["value"] if one["accountid"] != key]
    length = next(n for n in range(1, 8) if not any(one.startswith(key[:n]) for one in others))
    assert length < 4

    code, out, _ = trueup("explain", f"customer:{key[:length].upper()}.phone")

    assert code == 0
    assert out.startswith(f"customer {key} (Alpine Dental AG)")
    first = next(one for one in others if any(two[0] == one[0] for two in others if two != one))
    code, _, err = trueup("explain", f"customer:{first[0]}")
    assert code == 1
    assert f"{first[0]!r} may be any of " in err
    assert "rows of customer: customer:" in err
    assert "give more of the key" in err


@pytest.mark.usefixtures("read_once")
def test_a_line_of_the_ledger_is_found_by_a_short_key(trueup):
    assert (
        trueup("explain", "ledger:subscription:7c0")[1] == trueup("explain", "ledger:7c0434fa")[1]
    )


def test_a_hint_in_an_explanation_names_the_same_plan_and_project(work, trueup, saved, monkeypatch):
    code, out, _ = trueup("explain", "--plan", "plan.json", "billed too little")
    [hint] = [line for line in out.splitlines() if "explains the first" in line]
    assert (code, hint.startswith("`trueup explain --plan plan.json ledger:")) == (0, True)

    monkeypatch.chdir(work.parent)
    out = trueup(
        "explain", "--project", "work", "--plan", "work/plan.json", "billed too little", "-v"
    )[1]
    hints = [line.strip() for line in out.splitlines() if "trueup explain" in line]
    assert hints
    for hint in hints:
        assert hint.startswith("`trueup explain --plan work/plan.json ledger:")
        assert hint.endswith("--project work`")
