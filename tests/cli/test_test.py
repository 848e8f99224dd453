"""`trueup test`: exit codes, streams, JSON and JUnit XML."""

import json
import os
import re
import shlex
import threading
from xml.etree import ElementTree as ET

import pytest
from trueup.model.finding import Place
from trueup.model.testing import Coverage, Unreached
from trueup.operations.testing import run, suite
from trueup.render.style import Style
from trueup.render.testing import coverage_text

PASSES = "test: a new customer\nsource: {account: [alpine]}\nexpect: {findings: none}\n"
FAILS = (
    "test: no customer & <none>\nsource: {account: [alpine]}\n"
    "expect:\n  plan:\n    create: [{customer: alpine, phone: '1'}, {contact: alpine-contact}]\n"
)
ENDS = (
    "test: no record\nsource: {account: [{id: alpine, state: Inactive}]}\n"
    "target: {rows: {customer: [alpine]}}\nexpect: {plan: nothing}\n"
)


HERE = ("--timeout", 0, "--jobs", 1)
"""The tests run in this process: starting others takes longer."""


@pytest.fixture
def tests(work):
    """Writes a file with tests into a project that has no others."""
    for file in (work / "tests").glob("*.yaml"):
        if file.name != "defaults.yaml":
            file.unlink()

    def write(*texts, name="some.yaml"):
        (work / "tests" / name).write_text("---\n".join(texts), encoding="utf-8")

    return write


def test_tests_that_pass_end_with_0(tests, trueup):
    tests(PASSES)

    assert trueup("test") == (0, "1 test passed.\n", "")
    assert trueup("test", "-v")[1].startswith("passed  a new customer\n")


def test_a_failure_shows_its_place_its_difference_and_how_to_see_more(tests, trueup):
    tests(PASSES, FAILS)

    code, out, err = trueup("test", *HERE)

    assert (code, err) == (1, "")
    assert out == (
        "failed  no customer & <none>\n"
        "  tests/some.yaml:9:40: create customer alpine: phone\n"
        "    - 1\n"
        "    + +44 20 7946 0123\n"
        "  the whole plan: trueup test tests/some.yaml --only 'no customer & <none>' -v\n"
        "\n"
        "1 test passed, 1 failed.\n"
    )


def test_the_command_for_more_works_where_it_is_shown(tests, trueup, work, monkeypatch):
    tests(FAILS)
    monkeypatch.chdir(work.parent)

    out = trueup("test", *HERE, "--project", work.name)[1]

    [line] = re.findall("the whole plan: trueup (.*)", out)
    assert line == "test work/tests/some.yaml --only 'no customer & <none>' -v --project work"
    assert "  Plan: 2 to add" in trueup(*shlex.split(line), *HERE)[1]


def test_each_folder_has_its_own_defaults_and_each_file_is_run_once(trueup, work):
    usual = (work / "tests" / "defaults.yaml").read_text(encoding="utf-8")
    for folder, city in (("t1", "York"), ("t2", "Leeds")):
        (work / folder).mkdir()
        number = '    number: "No-{{ key }}"\n'
        given = usual.replace(number, f"{number}    city: {city}\n", 1)
        (work / folder / "defaults.yaml").write_text(given, encoding="utf-8")
        text = (
            f"test: in {folder}\nsource: {{account: [a]}}\nexpect:\n"
            f"  plan: {{create: [{{customer: a, city: {city}}}, {{contact: a-contact}}]}}\n"
        )
        (work / folder / "some.yaml").write_text(text, encoding="utf-8")

    found = trueup("test", *HERE, "t1", "t2/some.yaml", "t2", "t1/../t1/some.yaml")

    assert found[:2] == (0, "2 tests passed.\n")


def test_verbose_shows_the_plan_of_a_failure(tests, trueup):
    tests(FAILS)

    assert "  Plan: 2 to add" in trueup("test", *HERE, "-v")[1]


def test_only_selects_by_name_and_files_by_path(tests, trueup):
    tests(PASSES)
    tests(FAILS, name="other.yaml")

    assert trueup("test", *HERE, "--only", "NEW")[:2] == (0, "1 test passed.\n")
    assert trueup("test", *HERE, "tests/some.yaml")[:2] == (0, "1 test passed.\n")
    assert trueup("test", *HERE, "tests")[0] == 1


def test_json_has_each_test_with_its_differences(tests, trueup):
    tests(PASSES, FAILS)

    code, out, _ = trueup("test", *HERE, "--json")

    document = json.loads(out)
    assert code == 1
    assert (document["passed"], document["failed"]) == (1, 1)
    assert document["tests"][1] == {
        "name": "no customer & <none>",
        "place": "tests/some.yaml:5:7",
        "passed": False,
        "error": "",
        "differences": [
            {
                "place": "tests/some.yaml:9:40",
                "what": "create customer alpine: phone",
                "expected": ["1"],
                "actual": ["+44 20 7946 0123"],
            }
        ],
    }


def test_junit_has_a_suite_per_file_with_failures_and_errors(tests, trueup, work):
    tests(PASSES, FAILS)
    tests(ENDS, name="other.yaml")

    assert trueup("test", *HERE, "--junit", work / "results.xml")[0] == 1

    root = ET.parse(work / "results.xml").getroot()  # noqa: S314 -- our own file
    assert {name: root.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "3",
        "failures": "1",
        "errors": "1",
    }
    assert [suite.get("name") for suite in root] == ["tests/other.yaml", "tests/some.yaml"]
    [error] = root.iter("error")
    assert error.get("message", "").endswith(
        "customer alpine can have no record: the mapping leaves the row out"
    )
    [failure] = root.iter("failure")
    assert failure.get("message") == "create customer alpine: phone"
    assert failure.text == (
        "tests/some.yaml:9:40: create customer alpine: phone\n- 1\n+ +44 20 7946 0123"
    )
    [case] = [one for one in root.iter("testcase") if one.find("failure") is not None]
    assert (case.get("file"), case.get("line")) == ("tests/some.yaml", "5")


def test_faults_of_files_end_with_1_before_anything_runs(tests, trueup):
    tests(PASSES, "test: a\nsorce: {}\nexpect: {plan: nothing}\n")

    code, out, err = trueup("test", *HERE)

    assert (code, out) == (1, "")
    assert err.startswith("tests/some.yaml:6:1: error: unknown key 'sorce'")


def test_validate_reports_the_faults_of_test_files_as_well(tests, trueup):
    tests(PASSES, "test: a\nsorce: {}\nexpect: {plan: nothing}\n")
    tests("test: b\nsource: {acount: []}\nexpect: {plan: nothing}\n", name="other.yaml")

    code, out, err = trueup("validate")

    assert (code, err) == (1, "")
    assert "tests/some.yaml:6:1: error: unknown key 'sorce'" in out
    assert "tests/other.yaml:2:10: error: there is no table acount" in out
    assert out.endswith("2 errors found.\n")
    places = [one["place"] for one in json.loads(trueup("validate", "--json")[1])["findings"]]
    assert {"tests/some.yaml:6:1", "tests/other.yaml:2:10"} <= {*places}


def test_validate_counts_tests_without_faults(tests, work, trueup):
    tests(PASSES)

    assert trueup("validate")[1].endswith(" rules.\n1 test read; `trueup test` runs them.\n")
    (work / "tests" / "some.yaml").unlink()
    assert trueup("validate")[1].endswith(" rules.\n")
    (work / "tests" / "defaults.yaml").write_text("source: {acount: {}}\n")
    assert "tests/defaults.yaml:1:10: error: there is no table acount" in trueup("validate")[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.yaml"], "there is no file or folder nowhere.yaml"),
        (["--only", "nothing like it"], "no test has 'nothing like it' in its name"),
    ],
)
def test_a_selection_without_tests_is_an_error(tests, trueup, arguments, message):
    tests(PASSES)

    code, out, err = trueup("test", *HERE, *arguments)

    assert (code, out) == (1, "")
    assert message in err


def test_a_project_without_tests_shows_where_they_go(work, trueup):
    for file in (work / "tests").iterdir():
        file.unlink()

    code, _, err = trueup("test", *HERE)

    assert code == 1
    assert "write tests/NAME.yaml" in err


def test_a_project_without_defaults_uses_those_that_ship(tests, work, trueup):
    tests(PASSES)
    (work / "tests" / "defaults.yaml").unlink()

    assert trueup("test", *HERE)[:2] == (0, "1 test passed.\n")


def test_nothing_of_the_project_is_opened_or_written(tests, work, trueup):
    tests(PASSES)
    before = {path: path.stat().st_mtime_ns for path in work.rglob("*") if path.is_file()}

    trueup("test", *HERE)

    after = {path: path.stat().st_mtime_ns for path in work.rglob("*") if path.is_file()}
    assert after == before


def test_several_tests_run_in_processes_and_keep_their_order(tests, trueup):
    names = [f"test {number}" for number in range(6)]
    tests(*(PASSES.replace("a new customer", name) for name in names))

    code, out, _ = trueup("test", "--jobs", 2, "--json")

    assert code == 0
    assert [one["name"] for one in json.loads(out)["tests"]] == names


def test_a_new_project_has_tests_that_are_valid(work, trueup):
    assert (work / "tests" / "defaults.yaml").is_file()
    assert trueup("test", *HERE, "--only", "becomes a company") == (0, "1 test passed.\n", "")


def test_a_test_that_hangs_is_ended_and_named_with_its_place(tests, trueup, work, monkeypatch):
    tests(PASSES)
    monkeypatch.setattr(run, "run_test", lambda *_args, **_options: threading.Event().wait())
    monkeypatch.setattr(suite, "run_test", run.run_test)

    code, out, err = trueup("test", "--timeout", "0.5", "--junit", work / "results.xml")

    assert (code, err) == (1, "")
    assert out.startswith(
        "failed  a new customer\n"
        "  tests/some.yaml:1:7: did not end within 0.5 seconds; `--timeout SECONDS` gives it more\n"
    )
    assert "did not end within 0.5 seconds" in (work / "results.xml").read_text()


@pytest.mark.parametrize("seconds", ["-1", "soon", "nan"])
def test_a_time_limit_is_a_number_of_seconds(tests, trueup, seconds):
    tests(PASSES)

    code, _, err = trueup("test", "--timeout", seconds)

    assert code == 64
    assert "--timeout" in err


def test_without_a_limit_and_with_one_job_tests_run_in_this_process(tests, trueup, monkeypatch):
    tests(PASSES)
    ran_in = []
    true_run = run.run_test
    monkeypatch.setattr(
        suite,
        "run_test",
        lambda *args, **more: ran_in.append(os.getpid()) or true_run(*args, **more),
    )

    assert trueup("test", "--timeout", "0", "--jobs", 1)[0] == 0
    assert ran_in == [os.getpid()]


def test_coverage_lists_what_no_test_reached(tests, trueup):
    tests(PASSES)

    code, out, _ = trueup("test", *HERE, "--coverage")

    assert code == 0
    assert re.search(r"\nReached: \d+ of \d+ fields, 0 of \d+ rules, ", out)
    assert re.search(
        r"\n  rules/customer\.yaml:3:5: rule customer-has-a-phone finds nothing\n", out
    )
    document = json.loads(trueup("test", *HERE, "--coverage", "--json")[1])
    assert document["coverage"]["reached"]["rule"]["reached"] == 0
    assert {
        "kind": "rule",
        "place": "rules/customer.yaml:3:5",
        "text": "rule customer-has-a-phone finds nothing",
    } in document["coverage"]["unreached"]


def test_coverage_is_not_cut_where_there_is_no_terminal():
    text = f"an `if` is never true: {'source.name ~ ' * 60}end"
    found = Coverage({"branch": 1}, (Unreached("branch", Place("a.yaml", 1, 2), text),))

    assert f"  a.yaml:1:2: {text}\n" in coverage_text(found)
    narrow = coverage_text(found, Style(columns=60))
    assert max(map(len, narrow.splitlines())) <= 60
    assert narrow.split() == coverage_text(found).split()


MAPPINGS = ("customer", "contact")
"""Few mappings have few mutants."""


def test_mutate_names_the_changes_that_no_test_notices(tests, trueup, work):
    kept = {"rules/contact.yaml", *(f"mappings/{name}.yaml" for name in MAPPINGS)}
    for file in (*work.glob("rules/*.yaml"), *work.glob("mappings/*.yaml")):
        if str(file.relative_to(work)) not in kept:
            file.unlink()
    tests(PASSES)

    code, out, err = trueup("test", *HERE, "--mutate")

    assert (code, err) == (0, "")
    assert re.match(r"\d+ mutants, \d+ not noticed by any test\.\n", out)
    line = "contact-has-a-first-name is removed (reached by no test)"
    assert [one for one in out.splitlines() if one.endswith(line)]
    document = json.loads(trueup("test", *HERE, "--mutate", "--json")[1])
    assert document["mutants"] > len(document["not_noticed"]) > 0


def test_mutate_goes_with_no_option_that_selects_tests(tests, trueup):
    tests(PASSES)

    code, _, err = trueup("test", "--mutate", "--only", "new")

    assert code == 64
    assert "--mutate takes no --only" in err
