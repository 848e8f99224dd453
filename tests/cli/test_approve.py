"""`trueup approve`, and what plan, show, apply and history say about approvals."""

import io
import json
import shutil
from contextlib import redirect_stdout

import pytest
from trueup.cli.main import run
from trueup.operations.approve import NO_POLICY

ASKS = """
approval:
  above: 100
  second_above: 200
  roles: {decide: [anna], approve: [ben, carla]}
"""
NEED = "two people must answer for it"


@pytest.fixture
def say(trueup, monkeypatch):
    """Runs a command as this user."""

    def command(who, *arguments):
        monkeypatch.setenv("TRUEUP_WHO", who)
        return trueup(*arguments)

    return command


@pytest.fixture(scope="module")
def _saved(_made, tmp_path_factory):
    """A project that asks for approvals, with a saved plan; what `plan` printed."""
    folder = shutil.copytree(_made, tmp_path_factory.mktemp("saved") / "work")
    with (folder / "trueup.yaml").open("a", encoding="utf-8") as file:
        file.write(ASKS)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as printed:
        patch.setenv("TRUEUP_WHO", "anna")
        plan = str(folder / "plan.json")
        assert run(["plan", "--project", str(folder), "--out", plan]) == 0
    return folder, printed.getvalue()


@pytest.fixture
def saved(_saved, work):
    """The same, as the current folder; what `plan` said."""
    folder, printed = _saved
    shutil.copytree(folder, work, dirs_exist_ok=True)
    return printed


def test_plan_show_and_apply_say_that_an_approval_is_missing(saved, say):
    code, shown, _ = say("anna", "show", "plan.json")
    refused, output, error = say("nightly", "apply", "plan.json", "--yes")

    assert f"above £200.00, and it is not approved; {NEED}." in saved
    assert "Approval: The plan moves £" in shown
    assert (code, refused, output) == (0, 1, "")
    assert NEED in error
    assert "`trueup approve plan.json` approves it, and with --ask asks others to" in error


def test_a_new_plan_that_is_applied_at_once_asks_too_and_names_both_commands(saved, say):
    code, output, error = say("ben", "apply", "--yes", "--json")

    found = json.loads(output)["findings"]
    assert code == 1
    assert [one["code"] for one in found] == ["approval-missing"]
    assert "`trueup plan --out plan.json && trueup approve plan.json` approves" in error


def test_one_asks_another_approves_and_any_user_applies(saved, say):
    requested = say("anna", "approve", "plan.json", "--ask")
    approved = say("ben", "approve", "plan.json", "--yes", "--reason", "seen with the customer")
    applied = say("nightly", "apply", "plan.json")

    assert [requested[0], approved[0], applied[0]] == [0, 0, 0]
    assert "Asked for by anna, " in requested[1]
    assert "and anna is the only one yet." in requested[1]
    assert "Approved by ben. Nothing is missing: it may be applied." in approved[1]


def test_the_same_plan_made_again_is_approved_already(saved, say, work):
    say("anna", "approve", "plan.json", "--ask")
    say("ben", "approve", "plan.json", "--yes")
    (work / "plan.json").unlink()

    assert say("nightly", "apply", "--yes")[0] == 0


@pytest.mark.parametrize(
    ("who", "arguments", "text"),
    [
        ("anna", ("--yes",), "anna may not approve plans"),
        ("eve", ("--ask",), "eve may not ask for an approval"),
        (
            "ben",
            ("--withdraw",),
            "there is no statement to withdraw",
        ),
    ],
)
def test_a_person_without_the_role_is_refused(saved, say, who, arguments, text):
    code, _, error = say(who, "approve", "plan.json", *arguments)

    assert code == 1
    assert text in error


def test_a_no_stops_the_plan_until_it_is_withdrawn(saved, say):
    say("anna", "approve", "plan.json", "--ask")
    say("ben", "approve", "plan.json", "--yes")
    say("carla", "approve", "plan.json", "--no", "--reason", "ask Alpine first")

    code, _, error = say("nightly", "apply", "plan.json")
    assert code == 1
    assert "the plan was refused by carla: ask Alpine first" in error
    say("carla", "approve", "plan.json", "--withdraw")
    assert say("nightly", "apply", "plan.json")[0] == 0


def test_the_history_lists_the_statements_and_its_chain_holds(saved, say):
    say("anna", "approve", "plan.json", "--ask")
    say("ben", "approve", "plan.json", "--yes", "--reason", "seen")

    history = say("anna", "history")[1]
    everything = json.loads(say("anna", "approve", "--list", "--json")[1])["approvals"]
    assert "asked for approval of plan " in history
    assert "approved plan " in history
    assert "because: seen" in history
    assert [(one["who"], one["statement"]) for one in everything] == [
        ("anna", "ask"),
        ("ben", "yes"),
    ]
    assert say("anna", "history", "verify")[0] == 0


def test_without_statements_the_list_is_a_line_that_says_so(saved, say):
    assert say("anna", "approve", "--list") == (0, "No statements about plans yet.\n", "")


def test_the_standing_of_a_plan_is_for_programs_too(saved, say):
    code, output, _ = say("ben", "approve", "plan.json", "--yes", "--json")
    listed, again, _ = say("ben", "approve", "plan.json", "--list", "--json")

    found = json.loads(output)
    assert (code, listed) == (0, 1)
    assert found == json.loads(again)
    assert found["lacks"] == "second person"
    assert [one["who"] for one in found["yes"]] == ["ben"]


def test_without_a_terminal_a_yes_is_given_with_an_option(saved, say):
    code, _, error = say("ben", "approve", "plan.json")

    assert code == 64
    assert "Approve needs confirmation here: give --yes." in error


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "Which plan?"),
        (("plan.json", "--no"), "--no needs --reason"),
        (("plan.json", "--no", "--reason", "\u202e"), "--no needs --reason"),
        (("plan.json", "--ask", "--withdraw"), "Give one of"),
    ],
)
def test_options_that_do_not_go_together_are_refused(saved, say, arguments, text):
    code, _, error = say("ben", "approve", *arguments)

    assert code == 64
    assert text in error


def test_a_plan_that_is_no_file_and_no_open_run_is_refused(saved, say):
    code, _, error = say("ben", "approve", "7f3a", "--yes")

    assert code == 1
    assert "'7f3a' is neither a saved plan nor the id of one open run" in error


def test_a_project_without_the_setting_needs_no_approval(trueup):
    assert trueup("plan", "--out", "plan.json")[0] == 0
    code, _, error = trueup("approve", "plan.json", "--yes")

    assert code == 1
    assert NO_POLICY in error
    assert "Approval" not in trueup("show", "plan.json")[1]


def test_a_rehearsal_needs_no_approval(saved, say):
    assert say("eve", "rehearse", "plan.json")[0] == 0
