"""Each command against the shipped project and the sandbox: exit codes and streams."""

import json
import re
from contextlib import ExitStack

import pytest
import yaml
from trueup.cli.main import trueup as group
from trueup.model import document
from trueup.operations.project import load_project
from trueup.sandbox.autotask.server import Sandbox
from trueup.state.sqlite.store import SqliteState
from trueup.wiring import SystemClock

from tests.support.paths import ROOT


def test_init_refuses_to_overwrite(work, trueup):
    code, out, err = trueup("init", work)
    assert (code, out) == (1, "")
    assert err.startswith(f"error: {work}/trueup.yaml, {work}/mappings,")


def test_init_shows_what_to_do_next(tmp_path, trueup):
    code, out, _ = trueup("init", tmp_path / "new")
    assert code == 0
    assert out.endswith(f"Now:\n  cd {tmp_path}/new\n  trueup plan\n")
    assert not list((tmp_path / "new").rglob("*.py"))


def test_init_in_the_current_folder_names_no_other_folder(tmp_path, trueup, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert trueup("init", ".")[1].endswith("tests\nNow:\n  trueup plan\n")


def test_validate_reports_that_the_project_is_sound(trueup):
    code, out, err = trueup("validate")
    assert (code, err) == (0, "")
    assert out.startswith("The project is sound: 7 mappings, ")


def test_validate_says_the_same_of_files_that_it_knows_until_one_is_edited(work, trueup):
    (work / "tests").mkdir(exist_ok=True)
    first = trueup("validate")

    assert trueup("validate") == first
    (work / "tests" / "wrong.yaml").write_text("test: nothing\n", encoding="utf-8")
    code, out, _ = trueup("validate")
    assert (code, out.partition(":")[0]) == (1, "tests/wrong.yaml")


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ("tables: [1", "profile.yaml:1:9: error: broken YAML: this is not closed with `]`"),
        ("tabels: {}", "profile.yaml:1:1: error: `tabels` is not known here; did you mean `table"),
        *(
            (nothing, "profile.yaml: error: the profile is empty")
            for nothing in ("", "# nothing yet\n", "null\n", "{}\n", "tables:\n")
        ),
    ],
)
def test_validate_reports_a_profile_that_is_not_valid(work, read_from, trueup, profile, message):
    read_from("https://contoso.crm11.dynamics.com", "{{ env.DATAVERSE_SECRET }}")
    assert trueup("validate")[0] == 0
    (work / "profile.yaml").write_text(profile, encoding="utf-8")

    code, out, _ = trueup("validate")

    assert code == 1
    assert message in out
    assert out.endswith("1 error found.\n")


@pytest.mark.parametrize(
    ("source", "remedies"),
    [
        (
            {"connector": "dataverse", "url": "https://contoso.crm11.dynamics.com"}
            | {"tenant": "demo.example", "client_id": "trueup-demo", "client_secret": "s"},
            {
                "missing": "run `trueup discover`, which writes it",
                "empty": "remove the empty file and run `trueup discover`, which writes it",
            },
        ),
        (
            {"connector": "sql", "url": "sqlite:///base.sqlite"},
            dict.fromkeys(
                ("missing", "empty"),
                "write the database's names of tables and columns under `tables:`",
            ),
        ),
    ],
    ids=["dataverse", "sql"],
)
@pytest.mark.parametrize("fault", ["missing", "empty"])
def test_validate_says_how_a_profile_without_names_comes_about(
    work, trueup, source, remedies, fault
):
    file = work / "trueup.yaml"
    project = yaml.safe_load(file.read_text())
    project["source"] = source | {"profile": "names.yaml"}
    file.write_text(yaml.safe_dump(project, sort_keys=False))
    if fault == "empty":
        (work / "names.yaml").touch()

    findings = json.loads(trueup("validate", "--json")[1])["findings"]

    (found,) = [finding for finding in findings if finding["place"] == "names.yaml"]
    assert found["text"] == f"the profile is {fault}"
    assert found["remedy"].partition(".")[0] == remedies[fault]


def test_a_profile_that_discover_has_yet_to_write_is_noted(work, read_from, trueup, monkeypatch):
    monkeypatch.setenv("DATAVERSE_SECRET", "x")
    read_from("https://contoso.crm11.dynamics.com", "{{ env.DATAVERSE_SECRET }}")
    file = work / "trueup.yaml"
    project = yaml.safe_load(file.read_text())
    project["source"]["profile"] = "names.yaml"
    file.write_text(yaml.safe_dump(project, sort_keys=False))
    remedy = "run `trueup discover`, which writes it. Without the file "

    code, out, _ = trueup("validate")

    assert code == 0
    assert out.startswith(f"names.yaml: info: the profile is missing\n    → {remedy}")
    assert "\nThe project is sound: " in out
    assert trueup("plan")[2].startswith(
        f"names.yaml: error: the profile is missing\n    → {remedy}"
    )


def test_validate_names_the_place_of_a_fault(work, trueup):
    mapping = work / "mappings" / "customer.yaml"
    mapping.write_text(mapping.read_text().replace("entity: Companies", "entity: Compnies", 1))
    code, out, _ = trueup("validate")
    assert code == 1
    assert "mappings/customer.yaml:" in out
    assert "Companies" in out
    code, out, _ = trueup("validate", "--json")
    assert code == 1
    assert json.loads(out)["findings"][0]["place"].startswith("mappings/customer.yaml:")


def test_a_broken_project_ends_every_command_with_findings_and_no_traceback(work, trueup):
    (work / "mappings" / "customer.yaml").write_text("mapping: [")
    code, out, err = trueup("plan")
    assert (code, out) == (1, "")
    assert err.startswith("mappings/customer.yaml:1:11: error: broken YAML: ")
    code, out, _ = trueup("plan", "--json")
    assert json.loads(out)["findings"][0]["severity"] == "error"


def test_plan_apply_plan_is_the_whole_story(trueup):
    code, out, err = trueup("plan", "--out", "plan.json", "--detailed-exitcode")
    assert (code, err) == (2, "")
    assert "Saved to plan.json. Run `trueup apply plan.json` to do exactly this.\n" in out
    assert trueup("show", "plan.json") == (0, out.rsplit("Saved", 1)[0], "")

    code, out, err = trueup("apply", "plan.json")
    assert (code, err) == (0, "")
    assert " applied. " in out

    code, out, _ = trueup("plan", "--detailed-exitcode")
    assert code == 0
    assert "Plan: nothing to change, " in out

    code, out, err = trueup("apply", "plan.json")
    assert (code, out) == (1, "")
    assert err.startswith("error: ")


@pytest.fixture
def run(trueup, applied):
    """A run that was applied, by its id."""
    assert applied.is_dir()
    return json.loads(trueup("history", "list", "--json")[1])["runs"][0]["run"]


def test_history_shows_runs_with_their_proof(trueup, run, work):
    assert run in trueup("history", "list")[1]
    assert trueup("history") == trueup("history", "list")
    assert trueup("history", "show", run[:6]) == trueup("history", "show", run)
    code, _, err = trueup("history", "--json", "list")
    assert (code, "Options come after the command" in err) == (64, True)
    code, out, _ = trueup("history", "show", run)
    assert code == 0
    assert "proof: " in out
    assert trueup("history", "export", run, "--out", "history.csv") == (0, "", "")
    assert (work / "history.csv").read_text().startswith('"run","started"')
    assert json.loads(trueup("history", "export", "--json")[1])["runs"][0]["run"] == run
    assert json.loads(trueup("history", "show", run, "--json")[1])["runs"][0]["changes"]
    code, _, err = trueup("history", "show", "nope")
    assert (code, "has no run nope" in err) == (1, True)


def test_history_is_verified_against_heads_noted_earlier(trueup, run):
    code, out, _ = trueup("history", "verify")
    assert (code, bool(run)) == (0, True)
    assert trueup("history", "verify", "--known", out.split()[-1])[0] == 0
    code, out, _ = trueup("history", "verify", "--known", "no such head")
    assert (code, "no line with the hash" in out) == (1, True)
    assert json.loads(trueup("history", "verify", "--known", "x", "--json")[1])["findings"]


@pytest.mark.parametrize(("known", "findings"), [((), 0), (("--known", "x"), 1)])
def test_a_program_is_given_the_head_of_the_journal_too(trueup, run, known, findings):
    head = trueup("history", "verify")[1].split()[-1]
    lines = len(json.loads(trueup("state", "export")[1])["journal"])
    assert run

    found = json.loads(trueup("history", "verify", *known, "--json")[1])

    assert (len(found.pop("findings")), found) == (findings, {"lines": lines, "head": head})


def test_state_shows_a_row_and_forgets_it(trueup, run):
    code, out, _ = trueup("state", "list", "customer", "--json")
    link = json.loads(out)["links"][0]
    row = (link["mapping"], link["key"])
    assert (code, bool(run)) == (0, True)
    assert f"{link['entity']} {link['record']}" in trueup("state", "show", *row)[1]
    assert json.loads(trueup("state", "show", *row, "--json")[1])["link"] == link
    assert "~" not in trueup("state", "show", *row)[1]
    start = ("customer", link["key"][:8])
    assert trueup("state", "forget", *start, "--reason", "twice there") == (
        0,
        (
            f"customer {link['key']} ({link['name']}): forgotten.\n"
            "The next plan looks for its record again, first by udf.Work 365 Id: "
            "a record that still has its value there is linked again. "
            f"`trueup link customer {link['key']} ID` names another one.\n"
        ),
        "",
    )
    code, _, err = trueup("state", "forget", *row, "--reason", "x")
    assert (code, err.startswith("error: state knows no row ")) == (1, True)
    for shown in (("state", "list"), ("state", "show", *row), ("history",)):
        text = trueup(*shown)[1]
        parts = (f"forget customer {link['key']},", link["name"], "because: twice there\n")
        assert [part for part in parts if part not in text] == []
    for shown in (("state", "show", *row), ("history", "list")):
        (line,) = json.loads(trueup(*shown, "--json")[1])["by_hand"]
        assert (line["reason"], bool(line["who"]), bool(line["at"])) == ("twice there", True, True)


def test_state_lists_what_the_plans_called_its_rows(trueup, run):
    text = trueup("state", "list", "customer")[1]
    assert text.splitlines()[0].split() == ["Mapping", "Key", "Name", "Record", "How"]
    assert "Alpine Dental AG" in text
    names = {link["name"] for link in json.loads(trueup("state", "list", "--json")[1])["links"]}
    assert (bool(run), "" in names) == (True, False)


def test_state_lists_no_mapping_that_is_not_there(trueup):
    code, _, err = trueup("state", "list", "customers")
    assert (
        code,
        err.startswith("error: there is no mapping 'customers': the project has customer, "),
    ) == (1, True)


def test_state_goes_into_a_file_and_back(trueup, run, work):
    assert trueup("state", "export", "--out", "state.json") == (0, "Saved to state.json.\n", "")
    (work / ".trueup" / "state.sqlite").rename(work / "old.sqlite")
    assert trueup("state", "import", "state.json") == (0, "Filled from state.json.\n", "")
    assert trueup("state", "export")[1] == (work / "state.json").read_text()
    assert run in trueup("history", "list")[1]
    (work / "state.json").write_bytes(b"\xff")
    assert trueup("state", "import", "state.json") == (
        1,
        "",
        "error: state.json is no text in UTF-8\n",
    )


def test_two_plans_of_the_same_input_are_equal_byte_for_byte(trueup):
    assert trueup("plan", "--json") == trueup("plan", "--json")


def test_plan_as_json_is_the_document_that_apply_takes(work, trueup):
    code, out, _ = trueup("plan", "--json", "--out", "plan.json")
    assert code == 0
    assert (work / "plan.json").read_text() == out
    assert document.dumps(document.loads(out)) == out


def test_a_plan_can_be_kept_to_a_customer(trueup):
    code, out, _ = trueup("plan", "--customer", "Brightwater Logistics Ltd")
    assert code == 0
    assert "A part      only customer Brightwater Logistics Ltd" in out


def test_fail_on_ends_with_an_error_where_the_plan_has_what_it_names(trueup):
    code, out, err = trueup("plan", "--fail-on", "limits,ledger, held", "--detailed-exitcode")
    assert (code, err) == (1, "error: the plan has what --fail-on names: ledger, held\n")
    assert out.endswith(" API calls.\n")
    assert trueup("plan", "--fail-on", "limits")[0] == 0
    code, out, err = trueup("plan", "--fail-on", "blokced")
    assert (code, out) == (64, "")
    assert "--fail-on blokced: choose from blocked, held, ledger, limits, drift, warnings" in err


@pytest.mark.parametrize("names", [",", "blocked,", "held, ,blocked"])
def test_an_empty_part_of_fail_on_is_wrong_usage(trueup, names):
    code, out, err = trueup("plan", "--fail-on", names)
    assert (code, out) == (64, "")
    assert f"--fail-on {names} has an empty part: leave it out" in err


def test_show_knows_four_formats(trueup, saved):
    assert trueup("show", "plan.json", "--format", "markdown")[1].startswith("## Plan: ")
    assert trueup("show", "plan.json", "--format", "csv")[1].startswith('"customer","tab"')
    assert trueup("show", "plan.json", "--format", "json")[1] == saved.read_text()
    assert trueup("show", "plan.json", "--json")[1] == saved.read_text()


def test_graph_draws_mappings_and_plans(trueup, saved):
    code, out, _ = trueup("graph")
    assert (code, out.splitlines()[0]) == (0, "flowchart LR")
    assert 'label="wave 1";' in trueup("graph", saved, "--format", "dot")[1]
    assert set(json.loads(trueup("graph", "--json")[1])) == {"clusters", "edges"}


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"format": 1}', b'{"format": 99}']
)
def test_a_file_that_is_no_plan_is_refused(work, trueup, content):
    (work / "x.json").write_bytes(content)
    for command in (("show", "x.json"), ("apply", "x.json")):
        code, out, err = trueup(*command)
        assert (code, out) == (1, "")
        assert err.startswith("error: ")
        assert "Traceback" not in err


def test_a_plan_that_was_edited_is_shown_and_applied_by_no_command(work, trueup, saved):
    text = saved.read_text()
    (work / "edited.json").write_text(
        text.replace("15 units", "51 units").replace('"unitChange": 3', '"unitChange": 9')
    )
    (work / "short.json").write_text(text[: len(text) // 2])
    for file in ("edited.json", "short.json"):
        for command in ("show", "graph", "apply", "rehearse"):
            code, out, err = trueup(command, file)
            assert (code, out) == (1, "")
            named = f"error: {file}: this plan was changed or cut short since it was made"
            assert err.startswith(named)
            assert err.endswith("plan again\n")


def test_a_file_that_is_not_there_is_named(trueup):
    assert trueup("show", "nowhere.json") == (
        1,
        "",
        "error: nowhere.json: No such file or directory\n",
    )
    code, _, err = trueup("plan", "--out", "no/such/folder.json")
    assert (code, err) == (1, "error: no/such: there is no such folder\n")


def test_link_and_decide_write_decisions_and_the_next_plan_obeys(work, trueup, saved):
    plan = document.loads(saved.read_text())
    held = next(
        row for row in plan.blocked if row.findings[0].remedy.startswith("`trueup link customer")
    )
    record = held.findings[0].remedy.split()[4].rstrip("`,")
    code, out, _ = trueup(
        "link", "customer", held.key, record, "--reason", "the same", "--no-preview"
    )
    assert code == 0
    place = f"mappings/decisions.yaml:{_lines(work, 5)}:3"
    assert out == f"customer {held.key} ({held.name}): written to {place}.\n"
    code, out, _ = trueup(
        "decide",
        "customer",
        held.key,
        "ignore",
        "--reason",
        "not ours",
        "--until",
        "2027-01-31",
        "--json",
        "--no-preview",
    )
    assert json.loads(out)["replaced"] is True
    text = (work / "mappings" / "decisions.yaml").read_text()
    entry = ["- mapping: customer", f"key: {held.key}", "do: ignore", "reason: not ours"]
    assert "\n  ".join([*entry, "until: 2027-01-31\n"]) in text
    after = document.loads(trueup("plan", "--json")[1])
    assert held.key not in {row.key for row in after.blocked}


def _lines(work, entry):
    return len((work / "mappings" / "decisions.yaml").read_text().splitlines()) - entry + 1


def test_a_decision_about_a_mapping_that_is_not_there_is_refused(work, trueup):
    before = (work / "mappings" / "decisions.yaml").read_bytes()
    code, _, err = trueup("decide", "customers", "7", "create", "--reason", "x")
    assert code == 1
    assert err.startswith("error: there is no mapping 'customers': the project has customer, ")
    assert (work / "mappings" / "decisions.yaml").read_bytes() == before


def test_the_start_of_a_key_or_a_name_means_a_row_where_only_one_fits(work, trueup):
    row = json.loads((work / "examples" / "work365" / "account.json").read_text())["value"][0]
    key, name = row["accountid"], row["name"]
    for text in (key, key[:8].upper(), name.upper()):
        ignore = ("ignore", "--reason", "x", "--no-preview", "--json")
        out = trueup("decide", "customer", text, *ignore)[1]
        assert json.loads(out)["key"] == key
    assert (work / "mappings" / "decisions.yaml").read_text().count(f"key: {key}") == 1
    before = (work / "mappings" / "decisions.yaml").read_bytes()
    for text, error in (
        (
            "zzzz",
            (
                "there is no row 'zzzz' of subscription: "
                "give its key, or the start of it, as the plan shows it"
            ),
        ),
        ("Exchange Online (Plan 1)", "'Exchange Online (Plan 1)' may be any of "),
        ("Exchange Onlin (Plan 1)", "give its key; did you mean 'Exchange Online (Plan 1)'?"),
    ):
        code, _, err = trueup(
            "decide", "subscription", text, "ignore", "--reason", "x", "--no-preview"
        )
        assert (code, error in err) == (1, True)
    assert (work / "mappings" / "decisions.yaml").read_bytes() == before


def test_what_cannot_be_decided_of_a_row_is_not_written_for_the_next_command_to_trip_over(
    work, trueup
):
    before = (work / "mappings" / "decisions.yaml").read_bytes()
    code, _, err = trueup("decide", "license_change", "7", "correct", "--reason", "x")
    assert (code, err) == (1, "error: correct is for a ledger; mapping license_change has none\n")
    assert trueup("link", "license_change", "7", "8")[0] == 1
    assert (work / "mappings" / "decisions.yaml").read_bytes() == before


def test_a_limit_that_there_is_not_is_wrong_usage(trueup):
    code, _, err = trueup("apply", "--yes", "--over", "creation")
    assert code == 64
    assert (
        "--over creation: choose from creates, deactivations, share_changed, adjustments, "
        "rows_gone, monthly_effect, one_off_effect, calls, rule" in err
    )


def test_apply_without_a_file_needs_a_confirmation_on_a_terminal(trueup):
    code, out, err = trueup("apply")
    assert (code, out) == (64, "")
    assert "Without FILE apply needs confirmation here: give a FILE, or --yes." in err
    code, out, _ = trueup("apply", "--yes")
    assert code == 0
    assert out.index("Plan: ") < out.index(" applied. ")
    code, out, _ = trueup("apply", "--yes", "--json")
    assert (code, json.loads(out)) == (0, {"changes": [], "complete": True})


def test_apply_over_a_limit_is_refused_before_anything_is_written(work, trueup):
    settings = work / "trueup.yaml"
    text = settings.read_text()
    settings.write_text(_with_guard(text, "calls", "1"))
    code, _, err = trueup("apply", "--yes")
    assert code == 1
    assert "API calls" in err
    assert "--over calls" in err
    assert trueup("history", "list")[1].startswith("No runs yet")
    assert trueup("plan", "--fail-on", "limits")[0] == 1


def _with_guard(text, name, value):
    lines = text.splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if line.strip().startswith(f"{name}:"))
    lines[at] = f"{lines[at].split(name)[0]}{name}: {value}\n"
    return "".join(lines)


def test_apply_that_runs_out_of_calls_ends_with_3_and_can_be_resumed(trueup, saved):
    code, out, _ = trueup("apply", saved, "--max-calls", "60")
    assert code == 3
    assert "not tried" in out
    assert "Run `trueup apply --resume --max-calls " in out
    assert "is interrupted: `trueup apply --resume` continues it." in trueup("state", "list")[1]
    code, out, _ = trueup("apply", "--resume")
    assert code == 0
    assert "Plan: nothing to change" in trueup("plan")[1]


def test_a_run_that_is_given_up_leaves_the_rest_to_the_next_plan(trueup, saved):
    trueup("apply", saved, "--max-calls", "60")
    run = json.loads(trueup("history", "list", "--json")[1])["runs"][0]["run"]
    assert trueup("state", "settle", run, "closed", "--reason", "planned anew") == (
        0,
        f"{run}: closed.\n",
        "",
    )
    code, _, err = trueup("apply", "--resume")
    assert (code, "no run is open" in err) == (1, True)
    assert f"settle {run} closed   because: planned anew\n" in trueup("history")[1]
    assert f"settle {run} closed   because: planned anew\n" in trueup("history", "show", run)[1]
    assert (
        json.loads(trueup("history", "show", run, "--json")[1])["runs"][0]["by_hand"][0]["reason"]
        == "planned anew"
    )


def test_an_undo_is_of_a_run_as_a_whole(trueup):
    for part in (
        ("--target", "customer"),
        ("--exclude", "customer"),
        ("--customer", "Alpine Dental AG"),
    ):
        code, _, err = trueup("plan", "--undo", "abc", *part)
        assert code == 64
        assert "it cannot be used with --target, --exclude or --customer" in err


def test_an_undo_is_a_plan_like_any_other(trueup, run):
    code, out, _ = trueup("plan", "--undo", run)
    assert code == 0
    assert f"\nUndoes     run {run}\n" in out
    assert " to adjust, " in out
    code, _, err = trueup("plan", "--undo", "nope")
    assert (code, err.startswith("error: ")) == (1, True)


def undone(trueup, run):
    """The run that takes it back."""
    assert trueup("plan", "--undo", run, "--out", "undo.json")[0] == 0
    limits = ("creates", "deactivations", "share_changed", "monthly_effect")
    assert (
        trueup("apply", "undo.json", *(part for limit in limits for part in ("--over", limit)))[0]
        == 0
    )
    return json.loads(trueup("history", "list", "--json")[1])["runs"][-1]["run"]


def reason(text):
    return "--reason", text, "--no-preview"


def test_a_decision_about_what_was_undone_names_the_run_that_took_it_back(work, trueup, run):
    undo = undone(trueup, run)
    plan = document.loads(trueup("plan", "--json")[1])
    key = next(row.key for row in plan.blocked if row.findings[0].code == "undone")
    assert f"\nUndone   by run {undo}\n" in trueup("state", "show", "license_change", key)[1]
    assert trueup("decide", "license_change", key, "push", *reason("it was right"))[0] == 0
    written = (work / "mappings" / "decisions.yaml").read_text()
    decision = yaml.safe_load(written)["decisions"][-1]
    assert (decision["key"], decision["do"], decision["after"]) == (key, "push", undo)
    after = document.loads(trueup("plan", "--json")[1])
    assert "undone" not in {
        one.code for row in after.blocked if row.key == key for one in row.findings
    }
    assert trueup("decide", "license_change", key, "ignore", *reason("not ours"))[0] == 0
    assert undo not in (work / "mappings" / "decisions.yaml").read_text()


def test_history_shows_which_runs_were_undone(trueup, run):
    undo = undone(trueup, run)
    assert f"   undone by {undo}\n" in trueup("history")[1]
    shown = trueup("history", "show", run)[1]
    many = re.search(rf"\nUndone +by run {undo} of [-+: 0-9]+: (\d+) of its (\d+) changes\n", shown)
    assert many
    assert 0 < int(many[1]) < int(many[2])  # ids written back to Work 365 stay
    again = undone(trueup, undo)
    assert f"; undone in turn by run {again}\n" in trueup("history", "show", run)[1]
    (one,) = json.loads(trueup("history", "show", run, "--json")[1])["runs"][0]["undone_by"]
    assert one == {"run": undo, "changes": int(many[1]), "undone_by": [again]}


@pytest.mark.parametrize("reason", ["\u202e", "\x1b[31m"])
@pytest.mark.parametrize(
    "words",
    [
        ("settle", "customer:7", "landed"),
        ("settle", "customer:7", "absent", "--preview"),
        ("settle", "7f3a2c91d004", "closed"),
        ("forget", "customer", "7"),
        ("adopt",),
    ],
    ids=" ".join,
)
def test_a_reason_that_is_recorded_must_show_something(trueup, words, reason):
    code, out, err = trueup("state", *words, "--reason", reason)

    assert (code, out) == (1, "")
    assert err == "error: the reason is empty: it is recorded, for those who read it later\n"


def test_nothing_is_settled_that_is_not_in_doubt(trueup):
    code, _, err = trueup("state", "settle", "customer:7", "landed", "--reason", "seen")
    assert (code, err.startswith("error: no open run has a change customer:7 in doubt")) == (
        1,
        True,
    )


@pytest.mark.parametrize(
    ("file", "way_out"),
    [
        ("state.sqlite", "`trueup state import` an export"),
        ("autotask.sqlite", "it is created again from its seed"),
    ],
)
def test_a_file_that_is_no_database_is_refused_with_remedies(work, trueup, file, way_out):
    folder = work / ".trueup"
    folder.mkdir(exist_ok=True)
    (folder / file).write_bytes(b"no database of any kind " * 400)
    code, out, err = trueup("plan")
    assert (code, out) == (1, "")
    assert f".trueup/{file}" in err
    assert "file is not a database" in err
    assert "put a copy back" in err.casefold()
    assert way_out in err


def test_a_lock_that_was_taken_by_force_is_shown_with_the_reason(work, trueup, saved):
    with SqliteState(work / ".trueup" / "state.sqlite", clock=SystemClock()) as store:
        store.acquire("night run")
        code, _, err = trueup("apply", saved)
        assert (code, "is locked by night run" in err) == (1, True)
        assert trueup("apply", saved, "--force-lock", "--reason", "it hangs")[0] == 0
    for command in (("history",), ("state", "list")):
        text = trueup(*command)[1]
        assert re.search(
            r"\d  .+ on .+ took the lock of night run on .+ by force   because: it hangs\n", text
        )


def test_state_before_the_first_apply(trueup):
    assert trueup("state", "list") == (
        0,
        "No links yet: nothing was applied from this project.\n",
        "",
    )
    code, _, err = trueup("state", "show", "customer", "7")
    assert (code, err) == (
        1,
        "error: state knows no row '7' of customer: `trueup state list` shows what it knows\n",
    )
    assert trueup("history", "verify") == (0, "The journal is empty.\n", "")
    assert trueup("state", "export")[0] == 1


def test_doctor_names_a_run_that_is_not_finished(trueup, saved):
    trueup("apply", saved, "--max-calls", "60")
    (run,) = json.loads(trueup("history", "list", "--json")[1])["runs"]

    code, out, _ = trueup("doctor")

    assert code == 0
    assert f"warning: run {run['run']}, begun " in out
    assert "`trueup apply --resume` " in out
    assert out.endswith("\n1 warning found.\n")


def test_doctor_shows_what_is_granted_and_what_is_needed(trueup):
    code, out, _ = trueup("doctor")
    assert code == 0
    assert "  Companies: query, create, update\n" in out
    assert out.endswith("\nAll is well.\n")
    assert (
        "Companies: query, create, update"
        in json.loads(trueup("doctor", "--json")[1])["permissions"]
    )


def test_the_sandbox_goes_back_to_a_snapshot_and_to_its_seed(work, trueup, few_companies):
    assert trueup("plan", "--out", "plan.json")[0] == 0
    assert trueup("sandbox", "snapshot", "before.sqlite") == (0, "Saved to before.sqlite.\n", "")
    assert trueup("apply", "plan.json")[0] == 0
    assert trueup("sandbox", "restore", "before.sqlite") == (0, "As in before.sqlite.\n", "")
    (work / ".trueup" / "state.sqlite").unlink()
    for table in work.glob("examples/work365/*"):
        table.unlink()
    assert trueup("sandbox", "reset")[0] == 0
    assert trueup("sandbox", "seed", few_companies)[0] == 0


def test_a_switch_that_is_not_there_is_refused(trueup):
    code, _, err = trueup("sandbox", "serve", "--switch", "nope=1", "--port", "0")
    assert code == 1
    assert "there is no switch 'nope'" in err


def commands(command, path=()):
    """Every command of the tree with its path."""
    if not hasattr(command, "commands"):
        return [(path, command)]
    below = [
        found for name, one in command.commands.items() for found in commands(one, (*path, name))
    ]
    return [(path, command), *below]


@pytest.mark.parametrize("path", [path for path, _ in commands(group)], ids=" ".join)
def test_every_command_has_a_page_of_help_with_an_example(trueup, path):
    code, out, err = trueup(*path, "--help")
    assert (code, err) == (0, "")
    assert "Example:\n    trueup" in out


LEAVES = {" ".join(path): one for path, one in commands(group) if not hasattr(one, "commands")}


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_takes_the_common_options(name):
    names = {name for option in LEAVES[name].params for name in option.opts}
    assert {"--project", "--json", "--no-color", "-v"} <= names


def test_the_reference_names_every_command():
    page = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    missing = [
        name
        for name in group.commands
        if not re.search(rf"^### trueup {name}\b", page, re.MULTILINE)
    ]
    assert missing == []


def test_a_plan_and_a_state_are_about_one_tenant_in_any_environment(
    trueup, work, tmp_path, monkeypatch, few_companies
):
    """Two sandboxes, one after the other at the address that the environment names."""
    file, entities = work / "trueup.yaml", load_project(work).catalogue.entities
    written = yaml.safe_load(file.read_text())
    written["target"] = {
        "connector": "autotask",
        "url": "{{ env.AT_URL }}",
        "username": "{{ env.AT_USER }}",
        "secret": "demo",
        "integration_code": "DEMO",
    }
    file.write_text(yaml.safe_dump(written, sort_keys=False))
    with ExitStack() as stack:
        a, b = (
            stack.enter_context(Sandbox(tmp_path / name, entities, seed=few_companies))
            for name in ("a.sqlite", "b.sqlite")
        )
        monkeypatch.setenv("AT_USER", "api@demo.example")
        monkeypatch.setenv("AT_URL", a.url)
        assert trueup("plan", "--target", "service", "--out", "plan.json")[0] == 0
        assert "api@demo.example" not in (work / "plan.json").read_text()
        monkeypatch.setenv("AT_URL", b.url)
        code, _, err = trueup("apply", "plan.json", "--yes")
        assert (code, "this plan was made for Autotask 127.0.0.1:" in err) == (1, True)
        assert (
            not (work / ".trueup" / "state.sqlite").exists()
            or "No runs yet" in trueup("history")[1]
        )

        monkeypatch.setenv("AT_URL", a.url)
        assert trueup("apply", "plan.json", "--yes")[0] == 0
        monkeypatch.setenv("AT_URL", b.url)
        code, _, err = trueup("plan")
        assert (code, "this state is about Autotask 127.0.0.1:" in err, "state adopt" in err) == (
            1,
            True,
            True,
        )
        assert trueup("state", "adopt", "--reason", "moved")[0] == 0
        assert trueup("plan", "--target", "service")[0] == 0
        assert "moved" in trueup("history")[1]
        assert trueup("state", "adopt", "--reason", "moved")[0] == 1


def test_a_run_that_is_stopped_by_its_limit_on_calls_names_the_limit_that_it_needs(trueup, saved):
    code, out, err = trueup("apply", saved, "--yes", "--max-calls", "3")

    stopped, advice = re.search(
        r"^Stopped: (.*)\n\n.*\n(Run `trueup apply --resume --max-calls (?:.|\n)*)",
        out,
        re.MULTILINE,
    ).groups()
    needed = re.fullmatch(
        r"Run `trueup apply --resume --max-calls (\d+)` to continue where it stopped\. The next "
        r"batch takes up to (\d+) API calls, and with fewer the run may get no further; "
        r"all that is left takes up to (\d+)\.",
        " ".join(advice.split()),
    ).groups()
    assert (code, err) == (3, "")
    assert "un it again" not in stopped
    assert 3 < int(needed[1]) < int(needed[0]) == int(needed[2])


def test_a_run_goes_on_with_as_many_calls_as_the_next_batch_needs(trueup, saved):
    outcome = json.loads(trueup("apply", saved, "--yes", "--max-calls", "3", "--json")[1])
    runs = 0

    while not outcome["complete"]:
        before, needed = outcome["remaining"], outcome["calls_needed"]["next"]
        outcome = json.loads(trueup("apply", "--resume", "--max-calls", needed, "--json")[1])
        assert outcome["remaining"] < before
        runs += 1
    assert runs > 1


def test_a_plan_that_uses_up_the_calls_of_its_run_does_not_advise_to_run_it_again(trueup):
    assert trueup("apply", "--yes", "--max-calls", "5") == (
        1,
        "",
        (
            "error: all 5 calls that this run may make are used; "
            "nothing more was sent: allow more calls\n"
        ),
    )


@pytest.mark.parametrize(
    "command", [("plan", "--out"), ("state", "export", "--out"), ("history", "export", "--out")]
)
def test_what_is_written_into_files_is_for_its_owner_only(trueup, applied, command):
    old = applied / "out"
    old.write_text("there already")
    old.chmod(0o644)
    assert trueup(*command, "out")[0] == 0
    assert old.stat().st_mode & 0o777 == 0o600


def test_a_plan_beside_an_open_run_shows_it_before_anything_else(work, trueup):
    (work / "rules" / "more.yml").write_text("rules: []\n")
    assert trueup("plan", "--out", "plan.json")[0] == 0
    assert trueup("apply", "plan.json", "--yes", "--max-calls", "60")[0] == 3
    found = json.loads(trueup("plan", "--json")[1])["findings"]
    assert [one["code"] for one in found[:2]] == ["run-open", "project"]
    assert "`trueup apply --resume`" in found[0]["remedy"]
    assert trueup("apply", "--resume")[0] == 0
    assert "run-open" not in trueup("plan", "--json")[1]
