"""What users install: a wheel, in an empty environment, away from any checkout."""

import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from importlib import metadata

import pytest
from packaging.requirements import Requirement

from tests.support.part_of_demo import CUSTOMERS, keep_customers
from tests.support.paths import ROOT

FOREIGN = frozenset(
    {"PYTHONPATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE"}
)  # of this environment, not of the new one

BUILD = "import sys; from {} import build_wheel; build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, as `python -m build` has the project's build backend make it."""
    folder = tmp_path_factory.mktemp("wheel")
    system = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
    for requirement in map(Requirement, system["requires"]):
        assert metadata.version(requirement.name) in requirement.specifier
    run(sys.executable, "-c", BUILD.format(system["build-backend"]), folder, cwd=ROOT)
    (file,) = folder.glob("trueup-*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel):
    """The trueup command of a fresh environment with the wheel and its dependencies alone.

    The dependencies are links to what this environment has: to fetch and to compile them anew takes
    twenty times as long as all the rest, and shows pip.
    """
    env = wheel.parent / "env"
    venv.create(env)
    python = env / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    run(*pip, "install", "--quiet", "--no-deps", "--no-compile", wheel)
    [packages] = env.glob("lib/python*/site-packages")
    link_dependencies(packages)
    return env / "bin" / "trueup"


def link_dependencies(packages):
    """Links the declared dependencies of trueup into the folder of its environment.

    Each of these must be here, in a version that is allowed.
    """
    [found] = (one for one in metadata.distributions(path=[packages]) if one.name == "trueup")
    asked = [(found, "")]
    for distribution, extra in asked:  # which grows
        for requirement in map(Requirement, distribution.requires or ()):
            if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
                continue
            needed = metadata.distribution(requirement.name)
            assert requirement.specifier.contains(needed.version, prereleases=True), requirement
            asked += {(needed, one) for one in ("", *requirement.extras)} - {*asked}
            for name in {file.parts[0] for file in needed.files} - {"..", "__pycache__"}:
                if not (packages / name).exists():
                    (packages / name).symlink_to(needed.locate_file(name))


@pytest.fixture(scope="module")
def work(installed, tmp_path_factory):
    """A project as the installed command makes it, with ten customers."""
    folder = tmp_path_factory.mktemp("project")
    run(installed, "init", "work", cwd=folder)
    keep_customers(folder / "work" / "examples" / "work365", CUSTOMERS)
    return folder / "work"


def run(*command, cwd=None):
    """A command that must succeed; what it prints."""
    clean = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False, env=clean
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def planned(installed, work):
    """What a plan prints there; it is saved as plan.json."""
    return run(installed, "plan", "--out", "plan.json", cwd=work)


def test_the_wheel_makes_a_project_and_plans_it_away_from_the_checkout(planned):
    assert "Plan: " in planned
    assert "to add" in planned


def test_the_wheel_carries_the_page_of_a_plan(installed, work, planned):
    assert planned

    page = run(installed, "show", "plan.json", "--format", "html", cwd=work)

    assert page.startswith("<!DOCTYPE html>")
    assert "prefers-color-scheme" in page


def test_the_wheel_carries_the_pages_of_the_review_desk(wheel):
    package = ROOT / "engine" / "trueup"
    pages = {
        str(file.relative_to(package.parent).as_posix())
        for file in (package / "review").rglob("*")
        if file.suffix in {".html", ".css"}
    }

    assert len(pages) > 2
    with zipfile.ZipFile(wheel) as archive:
        assert pages <= {*archive.namelist()}


def test_the_wheel_carries_the_tests_of_the_project(installed, work):
    here = ("--jobs", "1", "--timeout", "0")
    printed = run(installed, "test", *here, "--only", "becomes a company", cwd=work)

    assert printed == "1 test passed.\n"


def test_the_wheel_carries_the_schemas_that_editors_use(work):
    assert {"mapping.schema.json", "rules.schema.json", "plan.schema.json"} <= {
        file.name for file in (work / "schemas").iterdir()
    }
