"""`--tenant NAME`: commands that work on a project, on one tenant of a fleet."""

import json
import shutil
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest
import yaml
from trueup.cli.main import run, trueup
from trueup.fleet import embedded
from trueup.fleet.embedded import Embedded
from trueup.fleet.event_log import EventLog
from trueup.fleet.fleet_file import load_fleet
from trueup.fleet.run_tenant import RunTask, TenantRun
from trueup.fleet.tenant_project import load_tenant_project
from trueup.model.fleet_run import RunKind

from tests.docs.generated import leaves
from tests.scenarios.beginnings import Service, edit
from tests.scenarios.world import World
from tests.support.absent import make_absent
from tests.support.in_process import sandboxes_kept

WITHOUT = {
    "fleet",
    "fmt",
    "graph",
    "init",
    "mcp",
    "review",
    "sandbox",
    "settings",
    "test",
    "validate",
}
"""Commands about no single project of a fleet, or about files that tenants share."""

DATABASE = "{{ env.FLEET_DATABASE }}"


@pytest.fixture(scope="module", autouse=True)
def _in_process():
    with sandboxes_kept():
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A fleet with a project in which three seats are to be billed more: seven changes."""
    folder = tmp_path_factory.mktemp("made")
    World(folder / "base", Service(seats=13, changes={"2026-11-10": 3}))
    edit(folder / "base/trueup.yaml", "state:\n  connector: sqlite\n  path: state.sqlite\n", "")
    write(folder)
    return folder


def write(folder, **changes):
    document = {
        "fleet": "Northgate",
        "database": DATABASE,
        "defaults": {"project": "base"},
        "tenants": {"acme": {}, "birch": {}},
        **changes,
    }
    (folder / "fleet.yaml").write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


@pytest.fixture
def fleet(made, tmp_path, monkeypatch, postgres, capfd):
    """Runs a command line in the folder of a fleet of two; exit code, stdout and stderr out."""
    shutil.copytree(made, tmp_path / "fleet")
    monkeypatch.chdir(tmp_path / "fleet")
    monkeypatch.setenv("FLEET_DATABASE", postgres)

    def command(*arguments):
        capfd.readouterr()
        code = run(arguments)
        return code, *capfd.readouterr()

    served: Any = command
    served.folder = tmp_path / "fleet"
    return served


def run_of(fleet, name):
    """What the next run of a tenant plans, as a worker carries it out."""
    loaded = load_fleet(fleet.folder)
    project = load_tenant_project(loaded, loaded.tenants[name])
    order = RunTask(RunKind.PLAN, "worker")
    return TenantRun(project, loaded.tenants[name], order, Event(), EventLog()).run()


def test_a_decision_is_the_tenants_own_and_its_next_run_obeys_it(fleet):
    shared = fleet.folder / "base/mappings/decisions.yaml"
    before = shared.read_bytes()
    words = ["decide", "subscription", "sub", "ignore", "--reason", "billed elsewhere"]
    code, out, err = fleet(*words, "--tenant", "acme")

    assert (code, err) == (0, "")
    assert "written to tenants/acme/mappings/decisions.yaml:" in out
    written = (fleet.folder / "tenants/acme/mappings/decisions.yaml").read_text(encoding="utf-8")
    assert "billed elsewhere" in written
    assert shared.read_bytes() == before
    acme, birch = run_of(fleet, "acme").figures, run_of(fleet, "birch").figures
    assert birch.changes - acme.changes > 0
    assert (acme.more, birch.more) == (0, 30)


def test_what_a_run_did_is_in_the_state_that_the_fleet_keeps(fleet):
    assert fleet("apply", "--yes", "--tenant", "acme")[0] == 0

    assert run_of(fleet, "acme").figures.changes == 0
    runs = json.loads(fleet("history", "list", "--json", "--tenant", "acme")[1])["runs"]
    assert len(runs) == 1
    assert fleet("history", "list", "--tenant", "birch")[1].startswith("No runs yet")


@pytest.mark.parametrize(
    "line",
    [
        "note subscription sub seen",
        "explain subscription:sub",
        "search customer x",
        "state list",
        "doctor",
        "eval subscription sub source.id",
        "decide --list",
    ],
)
def test_commands_of_a_project_work_on_a_tenant(fleet, line):
    code, _, err = fleet(*line.split(), "--tenant", "acme", "--project", "base")

    assert (code, err) == (0, "")


def test_a_plan_is_saved_shown_and_applied_for_the_tenant(fleet):
    _, out, _ = fleet("plan", "--tenant", "acme", "--out", "plan.json")
    assert "trueup apply plan.json --tenant acme" in out
    fleet("note", "subscription", "sub", "seen on Monday", "--tenant", "acme")

    saved = ["show", "plan.json", "--format", "html", "--tenant"]
    assert "seen on Monday" in fleet(*saved, "acme")[1]
    assert "seen on Monday" not in fleet(*saved, "birch")[1]


@pytest.fixture
def files(fleet):
    """A fleet whose tenants have exports of their own, and birch a secret in a file."""
    source, secret = "exports/birch", {"API_SECRET": {"file": "secrets/birch"}}
    for tenant in ("acme", "birch"):
        shutil.copytree(fleet.folder / "base/work365", fleet.folder / "exports" / tenant)
    write(
        fleet.folder,
        tenants={
            "acme": {"set": {"source": {"path": "exports/acme"}}},
            "birch": {"set": {"source": {"path": source}}, "secrets": secret},
        },
    )
    return fleet


@pytest.mark.parametrize(
    "file",
    [
        "exports/birch/account.json",
        "exports/birch/new.csv",
        "exports/acme/account.json",
        ".trueup/fleet-db/x.json",
        ".trueup/x.json",
        "tenants/birch/.trueup/x.json",
        "base/schemas/mapping.schema.json",
        "secrets/birch",
    ],
)
def test_no_file_of_the_fleet_or_of_another_tenant_is_replaced(files, file):
    path = files.folder / file
    before = path.read_bytes() if path.exists() else None
    assert files("plan", "--tenant", "acme", "--out", "plan.json")[0] == 0

    for words in (("plan", "--tenant", "acme"), ("show", "plan.json")):
        code, out, err = files(*words, "--out", file)

        assert (code, out) == (64, "")
        assert "name another one." in err
        assert (path.read_bytes() if path.exists() else None) == before


@pytest.mark.parametrize("file", ["account.json", "tenants/acme/plan.json", "exports/plan.json"])
def test_any_other_file_beside_the_tenants_is_written(files, file):
    (files.folder / file).parent.mkdir(parents=True, exist_ok=True)

    assert files("plan", "--tenant", "acme", "--out", file)[0] == 0
    assert (files.folder / file).exists()


def test_exports_of_another_tenant_beside_fleet_yaml_are_not_replaced(files):
    write(
        files.folder,
        tenants={
            "acme": {"set": {"source": {"path": "exports/acme"}}},
            "birch": {"set": {"source": {"path": "."}}},
        },
    )

    assert files("plan", "--tenant", "acme", "--out", "account.json")[0] == 64
    assert files("plan", "--tenant", "acme", "--out", "plan.json")[0] == 0


@pytest.mark.parametrize("folder", [".", "base"])
@pytest.mark.parametrize(
    "words",
    [
        ("show", "PLAN", "--format", "csv", "--out"),
        ("plan", "--project", "BASE", "--out"),
        ("test", "--project", "BASE", "--junit"),
    ],
)
def test_the_folder_of_an_output_shows_whose_file_it_is(files, monkeypatch, folder, words):
    export = files.folder / "exports/birch/account.json"
    before = export.read_bytes()
    assert files("plan", "--tenant", "acme", "--out", "plan.json")[0] == 0
    monkeypatch.chdir(files.folder / folder)
    paths = {"PLAN": files.folder / "plan.json", "BASE": files.folder / "base"}

    code, out, err = files(*(str(paths.get(word, word)) for word in words), str(export))

    assert (code, out, export.read_bytes()) == (64, "", before)
    assert "is a file of the fleet; name another one." in err


@pytest.fixture
def birch_apart(files):
    """The trueup.yaml of birch, which has a project and exports in a folder of its own."""
    apart = files.folder / "customers/birch"
    shutil.copytree(files.folder / "base", apart)
    shutil.move(files.folder / "exports/birch", apart / "exports")
    edit(apart / "trueup.yaml", "path: work365", "path: exports")
    write(
        files.folder,
        tenants={
            "acme": {"set": {"source": {"path": "exports/acme"}}},
            "birch": {"project": "customers/birch", "folder": "customers/birch"},
        },
    )
    return apart / "trueup.yaml"


@pytest.mark.parametrize("tenant", [(), ("--tenant", "acme")])
@pytest.mark.parametrize(
    ("old", "new"),
    [("source:", "sorce:"), ("source:", "guards: [\nsource:"), ("source:", "---\na:")],
)
def test_nothing_is_written_beside_another_tenants_file_with_errors(
    files, birch_apart, tenant, old, new
):
    assert files("plan", "--tenant", "acme", "--out", "plan.json")[0] == 0
    export = birch_apart.parent / "exports/account.json"
    before = export.read_bytes()
    edit(birch_apart, old, new)
    show = ["show", "plan.json", "--format", "csv", *tenant, "--out"]

    code, out, err = files(*show, "customers/birch/exports/account.json")

    assert (code, out, export.read_bytes()) == (64, "", before)
    assert "may be a file of birch, whose trueup.yaml has errors" in err
    assert files(*show, "plan.csv")[0] == 0


def test_a_fleet_with_errors_stops_only_what_writes_a_file_beside_it(files, monkeypatch):
    write(files.folder, tenants={"birch": {"projekt": "base"}})
    monkeypatch.chdir(files.folder / "base")

    assert files("plan")[0] == 0
    code, _, err = files("plan", "--out", "../plan.json")
    assert code == 1
    assert "unknown key 'projekt'" in err


def test_a_file_of_another_tool_with_the_name_of_a_fleet_stops_nothing(files, monkeypatch):
    (files.folder / "fleet.yaml").write_text("defaultNamespace: billing\nhelm: {chart: x}\n")
    monkeypatch.chdir(files.folder / "base")

    code, _, err = files("plan", "--out", "../plan.json")

    assert (code, err) == (0, "")


def test_a_plan_is_compared_with_the_shared_files_as_the_tenant_has_them(fleet):
    words = ["decide", "subscription", "sub", "ignore", "--reason", "x", "--no-preview"]
    assert fleet(*words, "--tenant", "acme")[0] == 0

    code, out, err = fleet("plan", "--compare", "base", "--tenant", "acme")

    assert (code, err) == (0, "")
    assert "No difference: both configurations plan the same." in out
    assert "is configured there" not in out


@pytest.mark.parametrize("folder", ["base", "tenants/acme/mappings"])
def test_the_fleet_is_the_one_in_a_folder_above(fleet, monkeypatch, folder):
    (fleet.folder / folder).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(fleet.folder / folder)

    assert fleet("state", "list", "--tenant", "acme")[0] == 0


def test_a_tenant_that_does_not_exist_names_near_ones(fleet):
    code, _, err = fleet("state", "list", "--tenant", "acmee")

    assert code == 1
    assert err == "error: fleet.yaml has no tenant 'acmee': did you mean 'acme'?\n"


def test_a_folder_without_a_fleet_is_refused_with_a_remedy(fleet):
    (fleet.folder / "fleet.yaml").unlink()

    code, _, err = fleet("state", "list", "--tenant", "acme")

    assert code == 1
    assert err == (
        "error: there is no fleet.yaml in the current folder or above it: name the fleet's folder "
        "with --project, or leave --tenant out for a project without a fleet\n"
    )


@pytest.mark.parametrize("missing", ["procrastinate", "psycopg"])
def test_without_the_extra_it_names_what_to_install(fleet, monkeypatch, missing):
    make_absent(monkeypatch, missing, users="trueup.fleet")

    code, _, err = fleet("state", "list", "--tenant", "acme")

    assert (code, err) == (1, "error: --tenant needs `pip install 'trueup[fleet]'`\n")


def test_the_fleets_own_database_runs_until_the_command_ends(fleet, monkeypatch, postgres):
    events = []

    @contextmanager
    def running(folder):
        events.append("started")
        yield Embedded(postgres, lambda: None)
        events.append("ended")

    monkeypatch.setattr(embedded, "running", running)
    write(fleet.folder, database="embedded")

    assert fleet("state", "list", "--tenant", "nobody")[0] == 1
    assert events == []
    assert fleet("apply", "--yes", "--tenant", "acme")[0] == 0
    assert events == ["started", "ended"]


def test_an_error_in_the_shared_files_names_the_tenant_and_the_place(fleet):
    edit(fleet.folder / "base/trueup.yaml", "project:", "projekt:")

    _, _, err = fleet("state", "list", "--tenant", "acme")

    assert err.startswith("base/trueup.yaml:5:1: error: acme: ")


def test_commands_about_no_single_project_do_not_offer_it():
    without = {
        path[0]
        for path, command in leaves(trueup, ())
        if all("--tenant" not in option.opts for option in command.params)
    }

    assert without == WITHOUT
