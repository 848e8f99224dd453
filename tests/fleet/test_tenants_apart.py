"""Two tenants share all files of a project, and nothing of one appears with the other."""

import shutil

import pytest
from msgspec.structs import replace
from trueup.fleet.fleet_file import load_fleet
from trueup.fleet.tenant_project import load_tenant_project
from trueup.model.finding import Place
from trueup.model.new_project import NewProject, Start
from trueup.model.project import Connection
from trueup.operations.apply import apply
from trueup.operations.decide import decide
from trueup.operations.new_project import write_project
from trueup.operations.notes import NoteEdit, note_row
from trueup.operations.plan import plan

from tests.support.in_process import sandboxes_in_process
from tests.support.part_of_demo import keep_customers
from tests.support.paths import ROOT

CUSTOMERS = {"acme": "Alpine Dental AG", "birch": "Kestrel Marine Services Ltd"}
FLEET = """\
fleet: Two tenants
defaults:
  project: base
tenants:
  acme: {set: {source: {path: exports/acme}}}
  birch: {set: {source: {path: exports/birch}}}
"""


def contents(folder):
    """Each file below a folder, with its bytes."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """Both tenants were planned and applied, and a row of each was decided and noted."""
    root = tmp_path_factory.mktemp("fleet")
    wanted = NewProject(Start.FILES, "All", "Europe/London", "GBP", "priya@northgate.example")
    write_project(root / "base", wanted)
    base = root / "base" / "trueup.yaml"
    text = base.read_text(encoding="utf-8").replace("project:", "as_of: 2026-11-15\nproject:", 1)
    state, settled = text.index("\nstate:"), text.index("\nsettle_after:")
    base.write_text(text[:state] + text[settled:], encoding="utf-8")
    for tenant, customer in CUSTOMERS.items():
        shutil.copytree(ROOT / "examples" / "work365", root / "exports" / tenant)
        keep_customers(root / "exports" / tenant, [customer])
    (root / "fleet.yaml").write_text(FLEET, encoding="utf-8")
    before = contents(root / "base"), contents(root / "exports")

    loaded = load_fleet(root, {})
    with sandboxes_in_process():
        for one in loaded.tenants.values():
            project = project_of(loaded, one.name)
            made = plan(project)
            assert made.changes
            apply(project, made)
            plan(project)
            customer = CUSTOMERS[one.name]
            decide(project, "customer", customer, "ignore", f"because of {one.name}")
            note_row(project, "customer", customer, NoteEdit(text=f"about {one.name}"), "ada")
    return loaded, before


def project_of(fleet, name):
    """The project with a state in a file of the tenant's own folder."""
    project = load_tenant_project(fleet, fleet.tenants[name], {})
    return replace(
        project, state=Connection("sqlite", {"path": ".trueup/state.sqlite"}, Place("fleet.yaml"))
    )


def test_nothing_is_written_into_what_they_share(fleet):
    loaded, before = fleet

    assert (contents(loaded.root / "base"), contents(loaded.root / "exports")) == before


def test_each_writes_into_its_own_folder(fleet):
    loaded, _ = fleet

    for tenant in loaded.tenants.values():
        files = {*contents(tenant.folder)}
        assert files >= {
            ".trueup/autotask.sqlite",
            ".trueup/records.json",
            ".trueup/state.sqlite",
            ".trueup/state.metadata.json",
            "mappings/decisions.yaml",
            "mappings/notes.yaml",
        }
    assert {path.name for path in loaded.root.iterdir()} == {
        "base",
        "exports",
        "fleet.yaml",
        "tenants",
    }


@pytest.mark.parametrize(("own", "other"), [("acme", "birch"), ("birch", "acme")])
def test_no_file_of_one_holds_a_word_of_the_other(fleet, own, other):
    loaded, _ = fleet

    files = contents(loaded.tenants[own].folder)

    assert any(CUSTOMERS[own].encode() in content for content in files.values())
    for word in (CUSTOMERS[other], f"because of {other}", f"about {other}", f"tenants/{other}"):
        assert [name for name, content in files.items() if word.encode() in content] == []


@pytest.mark.parametrize("name", ["acme", "birch"])
def test_each_has_its_own_decision_and_note(fleet, name):
    loaded, _ = fleet
    project = project_of(loaded, name)

    assert [one.reason for one in project.decisions] == [f"because of {name}"]
    assert [one.text for one in project.notes] == [f"about {name}"]
