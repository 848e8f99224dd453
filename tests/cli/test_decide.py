"""Deciding about many rows: what follows is shown, asked about once, and written all or none."""

import json
import shlex
import sys
from decimal import Decimal

import click
import pytest
import yaml
from trueup.model import document
from trueup.model.plan import LedgerClass
from trueup.model.verdict import Verdict
from trueup.operations.project import load_project
from trueup.operations.row_filter import RowFilter, choose_rows

FILE = "mappings/decisions.yaml"
BY_CLASS = ("--class", "over-billed", "--class", "under-billed", "--min-amount", "5")


@pytest.fixture
def decisions(work):
    """The entries of the project's file."""
    return lambda: yaml.safe_load((work / FILE).read_text())["decisions"] or []


@pytest.fixture
def terminal(monkeypatch):
    """A terminal whose user gives one answer."""

    def answering(answer):
        asked = []

        def confirm(question, default):
            asked.append((question, default))
            return answer

        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        monkeypatch.setattr(click, "confirm", confirm)
        return asked

    return answering


def figures(plan):
    return plan.summary.ledger.moved.units, plan.summary.run_rate.net, plan.summary.invoice.net


def test_a_filter_decides_all_rows_that_it_selects_and_what_follows_is_what_the_plan_does(
    trueup, decisions, saved
):
    before = document.loads(saved.read_text())
    code, out, err = trueup(
        "decide", "subscription", "correct", *BY_CLASS, "--reason", "counted", "--yes", "--json"
    )
    after = document.loads(trueup("plan", "--json")[1])

    assert (code, err) == (0, "")
    wanted = {
        line.key
        for line in before.ledger
        if line.class_ in {"under-billed", "over-billed"}
        and line.difference
        and abs(line.monthly or Decimal(0)) >= 5
    }
    assert {one["key"] for one in decisions()} == wanted
    assert len(wanted) > 1
    effect = json.loads(out)["effect"]
    assert [Decimal(effect[name]) for name in ("units", "monthly", "invoice")] == [
        now - then for now, then in zip(figures(after), figures(before), strict=True)
    ]
    assert effect["changes"] == {"adjust": 2}
    assert all(one.by for one in load_project().decisions)


def test_a_filter_selects_by_class_and_by_money_either_way(saved):
    plan, classes = document.loads(saved.read_text()), {"under-billed", "over-billed"}
    wanted = RowFilter(frozenset(map(LedgerClass, classes)), min_amount=Decimal(15))

    chosen = choose_rows(load_project(), plan, "subscription", Verdict.IGNORE, wanted)

    of_class = [line for line in plan.ledger if line.class_ in classes]
    fitting = [line for line in of_class if abs(line.monthly or Decimal(0)) >= 15]
    assert chosen.keys == tuple(line.key for line in fitting)
    assert len(of_class) > len(fitting)
    assert {line.class_ for line in fitting} == classes


@pytest.mark.parametrize("customer", ["O'Neil & Sons", "Alpine Dental AG", "acc"])
def test_a_filter_is_shown_as_it_can_be_typed(customer):
    shown = RowFilter(customer=customer, min_amount=Decimal(15)).text

    assert shlex.split(shown) == ["--customer", customer, "--min-amount", "15"]


def test_rows_units_and_money_are_shown_before_anything_is_written(trueup):
    code, out, _ = trueup(
        "decide", "subscription", "f7059e8a", "correct", "--reason", "checked with the customer"
    )

    assert code == 0
    shown, follows, written, explained = out.splitlines()
    assert shown.split("→")[1:] == [
        "   link to ContractServices 70012, units 18 ", " 20 from 2026-11-15   +£6.40 a month"
    ]  # fmt: skip
    assert follows == (
        "What follows: 1 adjustment more; +2 units, +£6.40 a month, +£3.41 on this invoice run."
    )
    assert written.endswith(f": written to {FILE}:10:3.")
    assert explained.startswith("On 2026-11-15 18 units are billed")


def test_held_changes_of_the_selected_subscriptions_are_decided(trueup, decisions, saved):
    plan = document.loads(saved.read_text())
    customer = "Kestrel Marine Services Ltd"
    held = {
        key
        for line in plan.ledger
        if line.customer == customer and line.class_ != "match"
        for one in line.held
        for key in one.keys
    }

    code, out, _ = trueup(
        "decide", "license_change", "archive", "--customer", customer, "--reason", "x", "--yes"
    )

    assert (code, {one["key"] for one in decisions()}) == (0, held)
    assert held
    assert "What follows: " in out


@pytest.mark.parametrize("answer", [True, False])
def test_a_terminal_has_one_question(work, trueup, decisions, terminal, answer):
    before = (work / FILE).read_bytes()
    asked = terminal(answer)

    rows = ("Alpine Dental AG", "Merrow Down Care Homes Ltd")
    code, out, _ = trueup("decide", "customer", *rows, "ignore", "--reason", "not ours")

    assert asked == [(f"Write 2 decisions to {FILE}?", False)]
    assert "What follows: " in out
    if answer:
        assert (code, len(decisions())) == (0, 2)
    else:
        assert (code, out.endswith("Nothing was written.\n")) == (1, True)
        assert (work / FILE).read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (("decide",), 64, "Give MAPPING KEY WHAT, or --file FILE, or --list"),
        (("decide", "customer"), 64, "What is decided?"),
        (("decide", "customer", "ignore", "--reason", "x"), 64, "Which rows?"),
        (("decide", "customer", "749c6782", "ignore"), 64, "--reason is missing or empty"),
        (
            ("decide", "subscription", "f7059e8a", "correct", *BY_CLASS, "--reason", "x"),
            64,
            "stand in place of KEY",
        ),
        (
            ("decide", "subscription", "correct", *BY_CLASS, "--reason", "x"),
            64,
            "Decisions about several rows need confirmation here: give --yes.",
        ),
        (("decide", "--list", "customer", "749c6782", "ignore"), 64, "--list takes a MAPPING"),
        (("decide", "--file", "x.csv", "--customer", "x"), 64, "--file names rows"),
        (("decide", "--file", "none.csv", "--yes"), 1, "none.csv: No such file or directory"),
        (("decide", "--list", "customers"), 1, "there is no mapping 'customers'"),
        (
            (
                "decide", "subscription", "correct", "--customer", "Isarblick",
                "--reason", "x", "--yes",
            ),
            1,
            "did you mean 'Isarblick Physiotherapie GmbH'?",
        ),
        (
            (
                "decide", "subscription", "correct", "--customer", "Alpine Dental AG",
                "--min-amount", "9999", "--reason", "x", "--yes",
            ),
            1,
            "selects no row of subscription for correct: ",
        ),
        (
            ("decide", "customer", "ignore", "--class", "missing", "--reason", "x", "--yes"),
            1,
            "rows of customer are not billed by quantity",
        ),
        (
            ("decide", "customer", "749c6782", "ignore", "--on", "2027-01-31", "--reason", "x"),
            64,
            "--on is the day from which a pushed change is billed: it goes with push, not with",
        ),
        (
            ("decide", "subscription", "f7059e8a", "succeed", "--reason", "x"),
            64,
            "--of is the row whose place the row takes: succeed needs it.",
        ),
        (("link", "customer", "749c6782"), 64, "each KEY with its ID"),
        (("link", "customer", "749c6782", "29683x"), 64, "'29683x' is no id of a record"),
        (("link", "customer", "749c6782", "0"), 64, "'0' is no id of a record: give a"),
        (("link", "customer", "749c6782", "9" * 5000), 64, "is no id of a record"),
        (("link", "customer", "749c6782", str(2**53)), 64, "is no id of a record"),
    ],
)  # fmt: skip
def test_what_cannot_be_decided_writes_nothing(work, trueup, arguments, code, error):
    before = (work / FILE).read_bytes()

    found, _, err = trueup(*arguments)

    assert (found, error in err) == (code, True)
    assert (work / FILE).read_bytes() == before


def test_a_file_decides_row_by_row_and_takes_names(work, trueup, decisions):
    (work / "d.csv").write_text(
        "mapping;key;do;link;reason;until\n"
        "customer;Alpine Dental AG;ignore;;billed elsewhere;2027-01-31\n"
        "customer;Chalet Miremont Sàrl;;29695;;\n"
        'service;"Microsoft 365 Business Premium, yearly";ignore;;;\n',
        encoding="utf-8",
    )

    code, _, err = trueup("decide", "--file", "d.csv", "--reason", "see the list", "--yes")

    assert (code, err) == (0, "")
    assert [(one.get("do", one.get("link")), one["reason"]) for one in decisions()] == [
        ("ignore", "billed elsewhere"),
        (29695, "see the list"),
        ("ignore", "see the list"),
    ]
    again = (work / FILE).read_text()
    (work / "again.yaml").write_text(again)
    assert trueup("decide", "--file", "again.yaml", "--yes", "--no-preview")[0] == 0
    assert (work / FILE).read_text() == again


def test_everything_wrong_with_a_file_is_named_with_its_line(work, trueup):
    before = (work / FILE).read_bytes()
    (work / "d.csv").write_text(
        "mapping,key,do,link,reason,until\n"
        "customer,Alpine Dental AG,ignore,,x,31.01.2027\n"
        "customer,Alpine Dental AG,drop,,x,\n"
        "customer,Alpine Dental AG,ignore,7,x,\n"
        "customer\n"
        "customer,Alpine Dental AG,ignore,,x,2027-W04-7\n"
    )
    code, out, err = trueup("decide", "--file", "d.csv", "--yes")
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        "d.csv:2:1: error: until is '31.01.2027': write year-month-day, such as 2026-11-15",
        (
            "d.csv:3:1: error: 'drop' is no decision: use one of create, activate, succeed, "
            "ignore, archive, push, correct"
        ),
        "d.csv:4:1: error: a decision has either do or link",
        "d.csv:5:1: error: a row has 1 cell where the first line names 6 columns",
        "d.csv:6:1: error: until is '2027-W04-7': write year-month-day, such as 2026-11-15",
    ]

    (work / "d.csv").write_text(
        "mapping,key,do,reason\n"
        "customer,Alpine Dental AG,ignore,\n"
        "customer,Alpine Dentist AG,ignore,x\n"
        "customer,749c6782,ignore,x\n"
        "customer,Alpine Dental AG,ignore,x\n"
    )
    code, out, err = trueup("decide", "--file", "d.csv", "--yes")
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        "d.csv:2:1: error: ignore needs a reason, for those who read it later",
        (
            "d.csv:3:1: error: there is no row 'Alpine Dentist AG' of customer: give its key; "
            "did you mean 'Alpine Dental AG'?"
        ),
        (
            "d.csv:5:1: error: customer 749c6782-f424-5dfa-8e93-3d7814286893 is decided twice; "
            "keep one of them"
        ),
    ]
    assert (work / FILE).read_bytes() == before


def test_faults_of_lines_and_of_what_they_decide_are_named_at_once(work, trueup):
    before = (work / FILE).read_bytes()
    (work / "d.csv").write_text(
        "mapping,key,do,reason,until\n"
        "custmer,a,create,x,\n"
        "customer,749c6782,drop,x,\n"
        "customer,Alpine Dentist AG,archive,,2020-01-01\n"
        "customer,f2057d16,ignore,x,soon\n"
    )
    wanted = [
        "2:1: error: there is no mapping 'custmer': the project has ",
        "3:1: error: 'drop' is no decision",
        "4:1: error: archive is for pending changes",
        "4:1: error: archive needs a reason",
        "4:1: error: the last day 2020-01-01 is past",
        "4:1: error: there is no row 'Alpine Dentist AG' of customer",
        "5:1: error: until is 'soon'",
    ]

    code, out, err = trueup("decide", "--file", "d.csv", "--yes")

    assert (code, out) == (1, "")
    assert [line for line in wanted if f"d.csv:{line}" not in err] == []
    assert len(err.splitlines()) == len(wanted)

    (work / "d.yaml").write_text(
        "decisions:\n"
        "- {mapping: custmer, key: a, do: create, reason: x}\n"
        "- {mapping: customer, key: b, do: drop, reason: x}\n"
        "- {mapping: customer, key: Alpine Dentist AG, do: ignore, reason: x}\n"
    )
    code, out, err = trueup("decide", "--file", "d.yaml", "--yes")
    assert (code, out) == (1, "")
    assert "d.yaml:2:3: error: there is no mapping 'custmer'" in err
    assert "d.yaml:3:35: error: 'drop' is not one of " in err
    assert "d.yaml:4:3: error: there is no row 'Alpine Dentist AG' of customer" in err

    (work / "d.csv").write_text("mapping,kei,doo\n")
    err = trueup("decide", "--file", "d.csv", "--yes")[2]
    assert "there is no column key" in err
    assert "unknown column 'kei'" in err
    assert "unknown column 'doo'" in err
    assert (work / FILE).read_bytes() == before


def test_faults_of_a_file_are_named_even_where_the_source_cannot_be_read(work, trueup):
    (work / "examples" / "work365" / "account.json").unlink()
    (work / "d.csv").write_text("mapping,key,do,reason\ncustomer,a,drop,x\ncustomer,b,ignore,x\n")

    code, _, err = trueup("decide", "--file", "d.csv", "--yes")

    assert code == 1
    assert "d.csv:2:1: error: 'drop' is no decision" in err
    assert "account" in err


def test_one_record_for_two_rows_is_refused_before_anything_is_written(work, trueup):
    before = (work / FILE).read_bytes()

    code, out, err = trueup(
        "link", "customer", "Alpine Dental AG", "29683", "Chalet Miremont Sàrl", "29683", "--yes"
    )
    (work / "l.csv").write_text(
        "mapping,key,link\ncustomer,f2057d16,29683\ncustomer,749c6782,29683\n"
    )
    from_file = trueup("link", "--file", "l.csv", "--yes", "--no-preview")

    assert (code, out) == (1, "")
    assert "error: Companies 29683 cannot be the record of two rows: " in err
    assert from_file[0] == 1
    assert (
        "l.csv:3:1: error: Companies 29683 cannot be the record of two rows: f2057d16"
        in from_file[2]
    )
    assert "(l.csv:2:1)" in from_file[2]
    assert (work / FILE).read_bytes() == before


def test_a_record_that_another_row_is_decided_to_have_is_noted(work, trueup):
    alone = ("--yes", "--no-preview")
    trueup("link", "customer", "Alpine Dental AG", "29683", *alone)

    code, out, _ = trueup("link", "customer", "Chalet Miremont Sàrl", "29683", *alone)

    assert code == 0
    assert (
        "Note: Companies 29683 is decided for another row already, customer 749c6782-f424-"
    ) in out
    assert f"({FILE}:" in out


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("d.csv", "mapping,key,do,reasons\n", "d.csv:1:1: error: unknown column 'reasons'"),
        ("d.csv", "mapping,do\n", "d.csv:1:1: error: there is no column key"),
        ("d.csv", "mapping,key,do\n", "error: d.csv: there is no decision in it"),
        ("d.yaml", "decisions:\n- {mapping: customer, key: a}\n", "d.yaml:2:3: error: "),
        ("d.yaml", "", "d.yaml: error: this file is empty"),
        (
            "d.yaml",
            "decisions:\n\n- {mapping: customer, key: f205, do: create, reason: x, on: 2027-01-01}",
            "d.yaml:3:3: error: `on` is the day from which a pushed change is billed",
        ),
    ],
)
def test_a_file_that_no_command_would_accept_is_refused(work, trueup, name, text, error):
    before = (work / FILE).read_bytes()
    (work / name).write_text(text)

    code, _, err = trueup("decide", "--file", name, "--yes")

    assert (code, err.startswith(error)) == (1, True)
    assert (work / FILE).read_bytes() == before


def test_a_push_may_have_a_day_and_an_end(trueup, decisions):
    days = ("--on", "2026-12-01", "--until", "2026-12-31")

    code, _, err = trueup(
        "decide", "license_change", "9a44f7a3", "push", "--reason", "x", *days, "--no-preview"
    )

    assert (code, err) == (0, "")
    assert {str(decisions()[0][name]) for name in ("on", "until")} == {"2026-12-01", "2026-12-31"}


def test_without_a_preview_only_the_source_is_read(work, trueup, decisions):
    (work / "examples" / "autotask.json").unlink()
    (work / ".trueup" / "autotask.sqlite").write_text("no database")
    ignore = ("ignore", "--reason", "x")

    shown = trueup("decide", "customer", "749c6782", *ignore)[1].splitlines()
    code, out, err = trueup("decide", "customer", "f2057d16", *ignore, "--no-preview")

    assert shown[0].startswith("What follows is unknown, no plan can be made: ")
    assert (code, err, len(decisions())) == (0, "", 2)
    assert out.startswith("customer f2057d16-27c7-5cb2-bb66-30799fabd11f (Chalet Miremont Sàrl): ")


def test_a_file_with_a_record_that_does_not_exist_writes_none_of_its_links(work, trueup):
    before = (work / FILE).read_bytes()
    (work / "l.csv").write_text("mapping,key,link\ncustomer,f2057d16,29695\ncustomer,749c6782,7\n")

    code, out, err = trueup("link", "--file", "l.csv", "--yes")

    assert (code, out) == (1, "")
    assert err.startswith("l.csv:3:1: error: Autotask has no Companies 7 that the API user may see")
    assert (work / FILE).read_bytes() == before


def test_links_are_written_together(work, trueup, decisions):
    (work / "other.csv").write_text("mapping,key,do,reason\ncustomer,749c6782,ignore,x\n")
    links = ("Alpine Dental AG", "29683", "Chalet Miremont Sàrl", "29695")
    code, _, _ = trueup("link", "customer", *links, "--yes", "--no-preview")
    assert (code, [one["link"] for one in decisions()]) == (0, [29683, 29695])

    code, _, err = trueup("link", "--file", "other.csv", "--yes")
    assert (code, "other.csv:2:1 is no link" in err) == (64, True)


def test_the_list_names_who_until_when_and_what_it_still_affects(work, trueup):
    assert trueup("decide", "--list") == (0, "No decisions.\n", "")
    (work / FILE).write_text(
        "decisions:\n"
        "- {mapping: customer, key: 749c6782-f424-5dfa-8e93-3d7814286893, do: ignore,\n"
        "   reason: billed elsewhere, until: 2027-01-31, by: ada}\n"
        "- {mapping: customer, key: f2057d16-27c7-5cb2-bb66-30799fabd11f, link: 29695}\n"
        "- {mapping: customer, key: gone, do: ignore, reason: it was there}\n"
        "- {mapping: contact, key: 9, do: ignore, reason: old, until: 2026-11-14}\n"
    )

    code, out, err = trueup("decide", "--list")

    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[:3] == [
        "customer Alpine Dental AG: ignore",
        "  by ada, until 2027-01-31: billed elsewhere",
        "  affects 27 changes of the row and of rows under it, which are not made, +£40.98 a month",
    ]
    assert lines[4:7] == [
        "customer Chalet Miremont Sàrl: link to 29695",
        "  by an unknown user, for good",
        (
            "  affects the next plan: link to Companies 29695, change companyName, companyNumber, "
            "udf.Work 365 Id; without it: held"
        ),
    ]
    assert lines[10] == "  affects nothing: no row has the key gone"
    assert lines[14] == "  affects nothing: it ended on 2026-11-14"
    assert lines[-1].startswith("All together, against a plan without them: 12 links fewer, ")
    listed = json.loads(trueup("decide", "--list", "contact", "--json")[1])["decisions"]
    assert [(one["key"], one["standing"]) for one in listed] == [("9", "ended")]


def test_a_decision_that_a_run_has_carried_out_affects_nothing_more(applied, trueup):
    links = json.loads(trueup("state", "list", "customer", "--json")[1])["links"]
    row, record = links[0]["key"], links[0]["record"]
    (applied / FILE).write_text(
        f"decisions:\n- {{mapping: customer, key: {row}, link: {record}}}\n"
    )

    listed = json.loads(trueup("decide", "--list", "--json")[1])["decisions"]

    assert [one["standing"] for one in listed] == ["done"]
