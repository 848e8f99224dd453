"""Starting a project: from the demo, exports in files, Dataverse, or Autotask."""

import inspect
import json
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from trueup.cli import init
from trueup.cli.main import run
from trueup.model import document
from trueup.model.new_project import Start
from trueup.operations.project import check_project, load_project
from trueup.sandbox.autotask.server import Sandbox

from tests.docs.pages import named, page

START_A_PROJECT = page("how-to/start-a-project.md")
STARTS = [start for start in Start if start not in {Start.DEMO, Start.FLEET}]
SWISS = ("--time-zone", "Europe/Zurich", "--currency", "chf", "--owner", "ada@tenant.example")


@pytest.fixture
def command(tmp_path, monkeypatch, capfd):
    """Runs a command line in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def at(*arguments):
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        return code, *capfd.readouterr()

    return at


@pytest.fixture
def answers(monkeypatch):
    """A terminal whose user gives these answers, in turn; the questions that were asked."""

    def given(*texts):
        left, questions = [*texts], []

        def prompt(question, default, type=None):  # noqa: A002 -- click's
            questions.append(question.splitlines()[0])
            return left.pop(0) or default

        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        monkeypatch.setattr(click, "prompt", prompt)
        return questions

    return given


@pytest.mark.parametrize("start", STARTS)
def test_a_project_is_valid_and_has_neither_example_data_nor_secrets(command, tmp_path, start):
    code, _, err = command("init", "work", "--from", start, *SWISS)

    assert (code, err) == (0, "")
    project, findings = check_project(tmp_path / "work")
    assert project is not None
    assert {one.severity for one in findings} <= {"info"}
    assert (project.name, str(project.zone), project.currency) == ("work", "Europe/Zurich", "CHF")
    day: Any = project.settings["changes_from"]
    assert (project.as_of, day.day) == (None, 1)
    assert project.settings["default_owner_source"] == "ada@tenant.example"
    text = "".join(
        one.read_text("utf-8") for one in (tmp_path / "work").rglob("*") if one.is_file()
    )
    assert "northgate" not in text.casefold()
    assert not (tmp_path / "work" / "examples").exists()


@pytest.mark.parametrize(
    ("currency", "rates"),
    [
        ("GBP", {"GBP": 1, "CHF": 0.89, "EUR": 0.84, "USD": 0.76}),
        ("CHF", {"GBP": 1.1236, "CHF": 1, "EUR": 0.9438, "USD": 0.8539}),
        ("AUD", {"AUD": 1}),
    ],
)
def test_the_rates_of_the_sandbox_are_against_the_internal_currency(
    command, tmp_path, currency, rates
):
    command("init", "work", "--from", "files", "--currency", currency)

    seed = json.loads((tmp_path / "work/sandbox.json").read_text("utf-8"))
    found = seed["records"]["Currencies"]
    assert {one["name"]: one["exchangeRate"] for one in found} == rates
    assert [one["name"] for one in found if one["isInternalCurrency"]] == [currency]


@pytest.mark.parametrize("start", Start)
def test_the_page_names_the_files_that_are_written(command, tmp_path, start):
    assert command("init", "work", "--from", start)[0] == 0
    folder = tmp_path / "work"

    rows = START_A_PROJECT.table("What is written")
    for row in rows:
        starts = {*Start} if row[2].startswith("all") else {*named(row[2])}
        is_in = (
            folder / "base" if start is Start.FLEET and "in the folder base" in row[2] else folder
        )
        for name in named(row[0]):
            assert (is_in / name).exists() is (start in starts), name
    listed = {Path(name).parts[0] for row in rows for name in named(row[0])}
    assert {one.name for one in folder.iterdir()} <= listed | {"base", "exports", ".trueup"}


@pytest.mark.parametrize("start", Start)
def test_the_page_names_the_commands_that_are_printed(command, start):
    out = command("init", "work", "--from", start)[1]

    [row] = [row for row in START_A_PROJECT.table("The next commands") if start in named(row[0])]
    shown = [line.strip() for line in out.splitlines() if line.startswith("  trueup ")]
    assert named(row[1]) == shown


def test_the_question_lists_the_starts_as_the_help_does():
    _, _, listed = inspect.cleandoc(init.init.help).partition("\b\n")

    assert listed.partition("\n\n")[0] == textwrap.dedent(init.STARTS).strip()


@pytest.mark.parametrize(
    "owner", ["notmail", "ada@tenant", "ada lovelace@tenant.example", "@b.example"]
)
def test_an_owner_without_an_address_is_refused_before_anything_is_written(
    command, tmp_path, owner
):
    code, out, err = command("init", "work", "--from", "files", "--owner", owner)

    assert (code, out) == (1, "")
    assert err.startswith(f"error: the owner {owner!r} is no e-mail address: ")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("start", "file"),
    [(start, "subscription" if start is Start.FILES else "contact") for start in STARTS],
)
def test_the_tests_of_a_new_project_pass_whatever_its_settings_are(command, tmp_path, start, file):
    command("init", "work", "--from", start, *SWISS)
    for one in (tmp_path / "work" / "tests").iterdir():
        if one.stem not in {file, "defaults"}:
            one.unlink()  # the settings are the same: one large file and small ones show it
    code, out, err = command("test", "--project", "work", "--jobs", 1, "--timeout", 0)

    assert (code, err) == (0, ""), out


@pytest.mark.parametrize(
    ("start", "source", "target", "commands"),
    [
        ("files", "files", "sandbox", ["validate", "doctor", "plan --out plan.json"]),
        ("dataverse", "dataverse", "autotask", ["doctor", "discover", "plan --out plan.json"]),
        ("autotask", "files", "autotask", ["validate", "doctor", "plan --out plan.json"]),
    ],
)
def test_the_connections_fit_the_start_and_three_commands_come_next(
    command, tmp_path, start, source, target, commands
):
    _, out, _ = command("init", "work", "--from", start)

    made = yaml.safe_load((tmp_path / "work" / "trueup.yaml").read_text("utf-8"))
    assert (made["source"]["connector"], made["target"]["connector"]) == (source, target)
    assert out.splitlines()[-4:] == ["  cd work", *(f"  trueup {one}" for one in commands)]
    named = [value for part in (made["source"], made["target"]) for value in part.values()]
    variables = sorted(value.split(".")[1].split()[0] for value in named if "{{ env." in value)
    file = tmp_path / "work" / "env.example"
    listed = file.read_text().splitlines() if file.exists() else []
    assert sorted(line.rstrip("=") for line in listed if not line.startswith("#")) == variables
    jobs = yaml.safe_load((tmp_path / "work" / "ci" / "github-actions.yaml").read_text())["jobs"]
    assert sorted(jobs["plan"].get("env", {})) == variables


def test_exports_are_planned_against_a_sandbox_without_customers(command, tmp_path, whole):
    command("init", "new", "--from", "files")
    new = whole / "new" if (whole / "new").exists() else tmp_path / "new"
    shutil.copytree(whole / "examples" / "work365", new / "exports", dirs_exist_ok=True)

    code, out, _ = command("plan", "--project", new, "--as-of", "2026-11-15", "--json")

    plan = document.loads(out)
    assert code == 0
    assert plan.summary.actions["create"] > 100
    assert {change.action for change in plan.changes} == {"create"}


def test_git_ignores_state_secrets_and_data_of_customers(command, tmp_path):
    command("init", "work", "--from", "autotask")
    work = tmp_path / "work"
    for name in (".trueup/state.sqlite", ".env", "exports/account.json", "plan.json"):
        (work / name).parent.mkdir(exist_ok=True)
        (work / name).write_text("x")
    git = ["git", "-C", str(work)]
    subprocess.run([*git, "init", "-q"], check=True)

    listed = subprocess.run(
        [*git, "ls-files", "--others", "--exclude-standard"],
        check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip

    copied = {"mappings", "rules", "tests"}
    assert {one for one in listed if one.partition("/")[0] not in copied} == {
        ".gitignore", "ci/github-actions.yaml", "env.example", "exports/README.md", "trueup.yaml",
        *(f"schemas/{one.name}" for one in (work / "schemas").iterdir()),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (
            ("--from", "files", "--time-zone", "Mars/X", "--currency", "XYZ1"),
            1,
            "error: there is no time zone 'Mars/X'",
        ),
        (("--from", "files", "--currency", "ABC"), 1, "error: there is no currency 'ABC'"),
        (("--from", "nowhere"), 64, "'nowhere' is not one of"),
        (("--currency", "CHF"), 64, "--currency goes with --from files, dataverse or autotask."),
    ],
)
def test_what_is_wrong_writes_nothing(command, tmp_path, arguments, code, error):
    found, _, err = command("init", "work", *arguments)

    assert (found, error in err, "trueup.yaml" in err) == (code, True, False)
    assert [*tmp_path.iterdir()] == []


def test_doctor_and_plan_name_the_day_of_the_demo_on_a_real_tenant(work, trueup):
    file = work / "trueup.yaml"
    project = yaml.safe_load(file.read_text())
    with Sandbox(
        work / "tenant.sqlite", load_project(work).catalogue.entities,
        seed=work / "examples" / "autotask.json",
    ) as tenant:  # fmt: skip
        project["target"] = {
            "connector": "autotask", "url": tenant.url, "username": "api@demo.example",
            "secret": "demo", "integration_code": "DEMO",
        }  # fmt: skip
        file.write_text(yaml.safe_dump(project, sort_keys=False))

        code, out, _ = trueup("doctor")
        planned = trueup("plan", "--customer", "Alpine Dental AG")[1]

    warning = "as_of makes every plan one for 2026-11-15, which is not today"
    assert (code, f"trueup.yaml:3:1: warning: {warning}" in out) == (0, True)
    assert warning in " ".join(planned.split())


def test_what_exists_is_never_overwritten(command, tmp_path):
    (tmp_path / "work" / "rules").mkdir(parents=True)
    (tmp_path / "work" / ".gitignore").write_text("mine\n")
    code, _, err = command("init", "work", "--from", "files")
    assert (code, err) == (
        1,
        "error: work/rules exists already: choose another folder, or move it away\n",
    )
    assert sorted(one.name for one in (tmp_path / "work").iterdir()) == [".gitignore", "rules"]

    (tmp_path / "work" / "rules").rmdir()
    code, out, _ = command("init", "work", "--from", "files", "--json")
    assert (code, json.loads(out)["kept"]) == (0, ["work/.gitignore"])
    assert (tmp_path / "work" / ".gitignore").read_text() == "mine\n"


def test_a_name_with_any_characters_is_a_name(command, tmp_path):
    name = 'Müller & "Söhne": #1 {{ x }}'

    assert command("init", "work", "--from", "files", "--name", name)[0] == 0

    assert yaml.safe_load((tmp_path / "work" / "trueup.yaml").read_text("utf-8"))["project"] == name


def test_a_terminal_is_asked_where_to_start_and_for_the_rest(command, tmp_path, answers):
    questions = answers("autotask", "", "Europe/Zurich", "EUR", "ada@tenant.example")

    code, _, _ = command("init", "work")

    made = yaml.safe_load((tmp_path / "work" / "trueup.yaml").read_text("utf-8"))
    assert (code, made["project"], made["currency"]) == (0, "work", "EUR")
    assert questions == [
        "Where do you start?",
        "Name of the project",
        "Business time zone",
        "Internal currency of the tenant",
        "E-mail of the Autotask resource that owns new companies",
    ]


def test_the_demo_is_the_answer_of_those_who_only_look(command, tmp_path, answers):
    questions = answers("")

    code, out, _ = command("init", "work")

    assert (code, questions) == (0, ["Where do you start?"])
    assert out.endswith("Now:\n  cd work\n  trueup plan\n")
    assert (tmp_path / "work" / "examples").is_dir()
