"""The names of a tenant are found in its Dataverse, shown, and written as a profile."""

import json
from pathlib import Path

import pytest
import yaml
from trueup.cli.discover import _aligned
from trueup.operations.project import load_project
from trueup.sandbox.dataverse.server import DataverseSandbox, Environment
from trueup.source.dataverse.discovery_report import ReportLine


@pytest.fixture
def dataverse(work, read_from):
    """A Dataverse on this machine, and the project pointed at it."""
    tables = load_project(work).catalogue.tables
    with DataverseSandbox(tables, dict.fromkeys(tables, ()), Environment()) as served:
        read_from(served.url, "demo")
        yield served


def test_what_was_found_is_shown_and_written_once(trueup, work, dataverse):
    assert dataverse.url
    code, out, err = trueup("discover")
    assert (code, err) == (0, "")
    assert [line.split(maxsplit=2) for line in out.splitlines()[:2]] == [
        ["account", "account", "by its logical name"],
        ["id", "accountid", "by its logical name"],
    ]
    assert out.endswith("\nWritten to profile.yaml.\n")
    profile = yaml.safe_load((work / "profile.yaml").read_text())
    assert profile["tables"]["account"]["columns"]["name"] == {"logical": "name"}
    code, out, err = trueup("discover")
    assert (code, out) == (1, "")
    assert err.startswith("error: profile.yaml exists already")
    code, out, _ = trueup("discover", "--out", "other.yaml", "--json")
    assert (code, json.loads(out)["unresolved"]) == (0, [])


@pytest.mark.parametrize(
    ("folder", "option", "arguments", "written"),
    [
        ("mappings", None, (), "profile.yaml"),
        (".", "names/north.yaml", (), "names/north.yaml"),
        ("mappings", "names/north.yaml", (), "names/north.yaml"),
        ("..", None, ("--project", "work"), "profile.yaml"),
        ("mappings", None, ("--out", "here.yaml"), "mappings/here.yaml"),
    ],
)
def test_the_profile_is_written_where_the_project_reads_it(
    trueup, work, dataverse, monkeypatch, folder, option, arguments, written
):
    assert dataverse.url
    (work / "names").mkdir()
    if option:
        file = work / "trueup.yaml"
        project = yaml.safe_load(file.read_text())
        project["source"]["profile"] = option
        file.write_text(yaml.safe_dump(project, sort_keys=False))
    monkeypatch.chdir(work / folder)

    code, out, _ = trueup("discover", "--json", *arguments)

    assert code == 0
    assert (work / written).is_file()
    assert Path(json.loads(out)["profile"]).resolve() == (work / written).resolve()


def test_what_a_person_has_to_check_stands_in_the_columns_of_the_rest():
    lines = [
        ReportLine(" ", 0, ("account", "account", "by its logical name")),
        ReportLine(" ", 1, ("name", "name", "by its logical name")),
        ReportLine("?", 1, ("country", "cr1_country", "by a similar label: check this")),
        ReportLine(" ", 2, ("no choice here is Archived",)),
    ]

    assert _aligned(lines).splitlines() == [
        "  account     account       by its logical name",
        "    name      name          by its logical name",
        "?   country   cr1_country   by a similar label: check this",
        "      no choice here is Archived",
    ]


def test_a_project_on_files_has_nothing_to_discover(trueup, work):
    code, _, err = trueup("discover")
    assert (code, err) == (
        1,
        "error: the source in trueup.yaml is no Dataverse: there are no names to discover\n",
    )
    assert not (work / "profile.yaml").exists()
