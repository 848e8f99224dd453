"""What integrators do wrong at first, and what each command answers: place, cause, what to do."""

import json
import os
import re
import shlex
import subprocess
import sys

import pytest
from trueup.state.sqlite.store import SqliteState
from trueup.wiring import SystemClock

AUTOTASK = """target:
  connector: autotask
  url: https://webservices.autotask.net
  username: "{{ env.AUTOTASK_USERNAME }}"
  secret: "{{ env.AUTOTASK_SECRET }}"
  integration_code: "{{ env.AUTOTASK_INTEGRATION_CODE }}"
"""


@pytest.fixture
def without_secrets(work, monkeypatch):
    """The project with a real Autotask whose credentials are not set here."""
    for name in ("USERNAME", "SECRET", "INTEGRATION_CODE"):
        monkeypatch.delenv(f"AUTOTASK_{name}", raising=False)
    text = (work / "trueup.yaml").read_text()
    start, end = text.index("target:\n"), text.index("state:\n")
    (work / "trueup.yaml").write_text(text[:start] + AUTOTASK + text[end:])
    return work


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("plan", "--customer", ""), "--customer"),
        (("plan", "--customer="), "--customer"),
        (("plan", "--target", " "), "--target"),
        (("plan", "--fail-on", ""), "--fail-on"),
        (("plan", "--out", ""), "--out"),
        (("plan", "--project", ""), "--project"),
        (("apply", ""), "an argument"),
        (("decide", "customer", "Alpine Dental AG", "create", "--reason", ""), "--reason"),
        (("state", "adopt", "--reason="), "--reason"),
        (("link", "customer", "", "7"), "an argument"),
    ],
)
def test_an_empty_value_is_wrong_usage_and_nothing_is_done(work, trueup, arguments, what):
    decisions = (work / "mappings" / "decisions.yaml").read_bytes()

    code, out, err = trueup(*arguments)

    assert (code, out, err) == (64, "", f"{what} is empty: give it a value, or leave it out.\n")
    assert (work / "mappings" / "decisions.yaml").read_bytes() == decisions


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("init", "i4\udcff", "--from", "files"), "an argument"),
        (("settings", "set", "setup_fee", "\udc85"), "an argument"),
        (("link", "customer", "Alpine Dental AG", "7", "--reason", "\udc85"), "--reason"),
        (("note", "customer", "Alpine Dental AG", "--text=\udc85"), "--text"),
        (("plan", "--\udc85=1"), "an argument"),
    ],
)
def test_bytes_that_are_no_text_are_wrong_usage_and_nothing_is_done(work, trueup, arguments, what):
    before = {path: path.is_file() and path.read_bytes() for path in work.rglob("*")}

    code, out, err = trueup(*arguments)

    text = f"{what} has bytes that are no UTF-8: write the text in UTF-8.\n"
    assert (code, out, err) == (64, "", text)
    assert {path: path.is_file() and path.read_bytes() for path in work.rglob("*")} == before


@pytest.mark.skipif(sys.platform == "win32", reason="arguments are text there")
def test_text_in_a_process_without_utf8_is_not_taken_for_other_bytes(work):
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

    done = subprocess.run(
        [sys.executable, "-m", "trueup", "plan", "--customer", "Chalet Miremont Sàrl"],
        cwd=work,
        env={**os.environ, **ascii_only},
        capture_output=True,
        text=True,
        check=False,
    )

    text = "letters that the encoding of this process (ascii) lacks: set PYTHONUTF8=1."
    assert (done.returncode, done.stdout, done.stderr) == (64, "", f"--customer has {text}\n")


@pytest.mark.parametrize("name", ["manufacturers", "settings.manufacturers", "manufacturers."])
@pytest.mark.usefixtures("work")
def test_a_list_of_settings_is_not_cleared_as_a_whole(trueup, name):
    code, _, err = trueup("settings", "clear", name)

    assert code == 64
    entry = f"{name.removesuffix('.')}.Microsoft"
    assert f"{name} is a list of settings: name one entry, such as {entry}" in err


@pytest.mark.parametrize("day", ["15/11/2026", "2026-13-01", "tomorrow", "20261115", "2026-W46-7"])
def test_a_day_in_another_order_is_wrong_usage_with_an_example(trueup, day):
    code, _, err = trueup("plan", "--as-of", day)

    assert code == 64
    assert f"{day!r} is not a day: write year-month-day, such as 2026-11-15." in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--target", "costumer"), "there is no mapping 'costumer'"),
        (("--target", "customer:nobody"), "there is no row 'nobody' of customer"),
        (("--exclude", "foo"), "there is no mapping 'foo'"),
        (("--customer", "Nobody Ltd"), "there is no row 'Nobody Ltd'"),
    ],
)
def test_a_selection_of_nothing_is_refused_before_autotask_is_read(
    without_secrets, trueup, monkeypatch, arguments, message
):
    # No Autotask answers at this address: a call would end the plan with another message.
    for name in ("USERNAME", "SECRET", "INTEGRATION_CODE"):
        monkeypatch.setenv(f"AUTOTASK_{name}", "x")
    file = without_secrets / "trueup.yaml"
    file.write_text(file.read_text().replace("webservices.autotask.net", "127.0.0.1:1"))

    code, _, err = trueup("plan", *arguments)

    assert code == 1
    assert err.startswith(f"error: {message}")


@pytest.mark.parametrize(
    "command",
    [
        ("decide", "custmer", "x", "ignore", "--reason", "x"),
        ("decide", "custmer", "--list"),
        ("eval", "custmer", "x", "1"),
        ("link", "custmer", "x", "7"),
        ("note", "custmer", "x", "y"),
        ("plan", "--target", "custmer"),
        ("search", "custmer", "x"),
        ("state", "list", "custmer"),
        ("test", "--make", "custmer:x"),
    ],
)
def test_the_nearest_mapping_is_suggested_for_an_unknown_one(trueup, command):
    code, _, err = trueup(*command)

    assert code == 1
    assert "there is no mapping 'custmer': the project has customer, " in err
    assert "; did you mean 'customer'?" in err


@pytest.mark.parametrize(
    "command",
    [
        ("validate",),
        ("graph",),
        ("history",),
        ("state", "list"),
        ("decide", "customer", "Alpine Dental AG", "ignore", "--reason", "billed elsewhere"),
    ],
)
def test_commands_need_no_secrets_of_a_system_that_they_do_not_open(
    without_secrets, trueup, command
):
    assert without_secrets.is_dir()
    code, out, err = trueup(*command)

    assert (code, err) == (0, "")
    assert "AUTOTASK_SECRET=" not in out


def test_a_link_is_written_without_secrets_and_a_note_names_what_was_not_checked(
    without_secrets, trueup
):
    code, out, err = trueup("link", "customer", "Alpine Dental AG", "29683")

    assert (code, err) == (0, "")
    assert "Note: Companies 29683 was not looked up in Autotask: " in out
    assert "the environment variable AUTOTASK_SECRET is not set" in out
    assert "link: 29683" in (without_secrets / "mappings" / "decisions.yaml").read_text()


def test_a_link_to_a_record_that_autotask_does_not_have_is_refused(work, trueup):
    before = (work / "mappings" / "decisions.yaml").read_bytes()

    assert trueup("link", "customer", "Alpine Dental AG", "999999") == (
        1,
        "",
        (
            "error: Autotask has no Companies 999999 that the API user may see; "
            "nothing was written: check the id\n"
        ),
    )
    assert (work / "mappings" / "decisions.yaml").read_bytes() == before


def test_the_note_of_a_link_is_in_its_json(applied, trueup):
    with SqliteState(applied / ".trueup" / "state.sqlite", clock=SystemClock()) as state:
        first, second = [one for one in state.load().links.values() if one.mapping == "customer"][
            :2
        ]

    code, out, _ = trueup("link", "customer", first.key, second.record, "--json")

    assert code == 0
    (note,) = json.loads(out)["notes"]
    assert note.startswith(f"Companies {second.record} is the record of another row already")
    assert f"customer {second.key}" in note


def test_a_plan_names_each_variable_that_is_not_set_with_its_place(without_secrets, trueup):
    code, _, err = trueup("plan")

    lines = (without_secrets / "trueup.yaml").read_text().splitlines()
    line = next(at for at, text in enumerate(lines, start=1) if "AUTOTASK_SECRET" in text)
    assert code == 1
    assert (
        f"trueup.yaml:{line}:11: error: the environment variable AUTOTASK_SECRET is not set" in err
    )


def test_the_project_is_found_from_a_folder_below(work, trueup, monkeypatch):
    monkeypatch.chdir(work / "rules")

    assert trueup("validate")[1].startswith("The project is sound:")


def test_create_for_a_linked_row_is_refused_with_the_ways_out(applied, trueup):
    with SqliteState(applied / ".trueup" / "state.sqlite", clock=SystemClock()) as state:
        link = next(one for one in state.load().links.values() if one.mapping == "customer")

    code, _, err = trueup("decide", "customer", link.key, "create", "--reason", "another company")

    assert code == 1
    assert f"is linked to Companies {link.record}: nothing would be created" in err
    assert f"`trueup link customer {link.key} ID` gives it another record" in err
    assert f"`trueup state forget customer {link.key} --reason …` has it matched anew" in err


def test_a_forgotten_link_shows_how_its_record_is_found_again(applied, trueup):
    with SqliteState(applied / ".trueup" / "state.sqlite", clock=SystemClock()) as state:
        link = next(one for one in state.load().links.values() if one.mapping == "customer")

    code, out, _ = trueup("state", "forget", "customer", link.key, "--reason", "merged")

    assert code == 0
    assert (
        "first by udf.Work 365 Id: a record that still has its value there is linked again" in out
    )


def test_the_credentials_of_a_sandbox_have_an_effect(work, trueup):
    file = work / "trueup.yaml"
    file.write_text(
        file.read_text().replace(
            "  connector: sandbox\n", "  connector: sandbox\n  secret: wrong\n"
        )
    )

    code, _, err = trueup("plan")

    assert code == 1
    assert "401" in err or "credentials" in err
    assert "wrong" not in err


@pytest.mark.parametrize("quantity", ["1e20", "1e30", "-1e39"])
def test_an_absurd_quantity_stops_its_row_and_not_the_plan(work, trueup, quantity):
    file = work / "examples" / "work365" / "license_change.json"
    text = file.read_text(encoding="utf-8")
    name = '"work365_lcl_quantity": '
    before, _, after = text.partition(name)
    number = re.match(r"-?[\d.]+", after)
    assert number
    file.write_text(before + name + quantity + after[number.end() :], encoding="utf-8")

    code, out, err = trueup("plan")

    assert (code, err) == (0, "")
    assert out.startswith("Plan: ")


def test_the_first_day_that_there_is_can_be_planned_for(trueup):
    assert trueup("plan", "--as-of", "0001-01-01")[0] == 0


def test_the_last_line_of_a_plan_over_its_limits_is_a_command_that_works(work, trueup):
    file = work / "trueup.yaml"
    file.write_text(file.read_text().replace('creates: {"*": 50}', 'creates: {"*": 1}'))

    _, out, _ = trueup("plan", "--out", "p.json")
    command = re.search(r"`trueup (apply p\.json .*--over .+)` does exactly this", out)

    assert command
    assert trueup(*shlex.split(command[1]), "--yes")[0] == 0
