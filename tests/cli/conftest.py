"""The shipped project, in a folder of its own, and a way to run commands there."""

import json
import shutil

import pytest
import yaml
from trueup.cli.main import run
from trueup.operations import explain, plan

from tests.support.part_of_demo import CUSTOMERS, keep_companies, keep_customers
from tests.support.paths import ROOT
from tests.support.seeded_databases import database


@pytest.fixture(scope="session")
def _made(tmp_path_factory):
    """As `trueup init` makes it; its sandbox holds its seed, for that takes longer than a plan."""
    folder = tmp_path_factory.mktemp("made") / "work"
    assert run(["init", str(folder)]) == 0
    keep_customers(folder / "examples" / "work365", CUSTOMERS)
    assert run(["doctor", "--project", str(folder)]) == 0
    return folder


@pytest.fixture(scope="session")
def _applied(_made, tmp_path_factory):
    """The same, after one run."""
    folder = tmp_path_factory.mktemp("applied") / "work"
    shutil.copytree(_made, folder)
    assert run(["apply", "--yes", "--project", str(folder)]) == 0
    return folder


@pytest.fixture(scope="session")
def _planned(_made, tmp_path_factory):
    """The same, after one plan, which is saved as plan.json."""
    folder = tmp_path_factory.mktemp("planned") / "work"
    shutil.copytree(_made, folder)
    file = folder / "plan.json"
    assert run(["plan", "--out", str(file), "--project", str(folder)]) == 0
    return folder


@pytest.fixture
def work(_made, tmp_path, monkeypatch):
    """A project as `trueup init` makes it; the current folder."""
    folder = tmp_path / "work"
    # Other tests plan in the original, which leaves a copy of the records that were read.
    shutil.copytree(_made, folder, ignore=shutil.ignore_patterns("records.json"))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def saved(_planned, work):
    """The project after `trueup plan --out plan.json`; that file."""
    shutil.copytree(_planned / ".trueup", work / ".trueup", dirs_exist_ok=True)
    return shutil.copyfile(_planned / "plan.json", work / "plan.json")


@pytest.fixture
def whole(work):
    """The project with all customers of the example, for what is about many; the current folder."""
    shutil.copytree(
        ROOT / "examples" / "work365", work / "examples" / "work365", dirs_exist_ok=True
    )
    return work


@pytest.fixture
def applied(_applied, work):
    """The project and its Autotask after one run; the current folder."""
    shutil.copytree(_applied, work, dirs_exist_ok=True)
    return work


@pytest.fixture
def trueup(work, capfd):
    """Runs a command line in a project of its own; exit code, stdout and stderr out."""
    assert work.is_dir()

    def command(*arguments):
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        return code, *capfd.readouterr()

    return command


@pytest.fixture(scope="module")
def _first_reading():
    """What the module's first explanation of the unchanged project was made from."""
    return []


@pytest.fixture
def read_once(work, monkeypatch, _first_reading):
    """For explanations of the unchanged project: they are made from one plan of the module."""
    assert work.is_dir()

    def planned_in(*arguments):
        if not _first_reading:
            _first_reading.append(plan.planned_in(*arguments))
        return _first_reading[0]

    monkeypatch.setattr(explain, "planned_in", planned_in)


@pytest.fixture
def few_companies(work):
    """The sandbox has no more companies than the project, also when it is filled again."""
    seed = work / "examples" / "autotask.json"
    world = keep_companies(json.loads(seed.read_text(encoding="utf-8")), CUSTOMERS)
    seed.write_text(json.dumps(world), encoding="utf-8")
    (work / ".trueup" / "autotask.sqlite").write_bytes(database(seed.read_text(encoding="utf-8")))
    return seed


@pytest.fixture
def read_from(work):
    """Points the project at a Dataverse: its address, and the secret as trueup.yaml has it."""

    def point(url, secret):
        file = work / "trueup.yaml"
        project = yaml.safe_load(file.read_text())
        project["source"] = {
            "connector": "dataverse",
            "url": url,
            "authority": url,
            "tenant": "demo.example",
            "client_id": "trueup-demo",
            "client_secret": secret,
        }
        file.write_text(yaml.safe_dump(project, sort_keys=False))

    return point


@pytest.fixture
def planned(trueup):
    """Makes a plan; its document."""

    def plan(*options):
        code, out, err = trueup("plan", "--json", *options)
        assert (code, err) == (0, "")
        return out

    return plan
