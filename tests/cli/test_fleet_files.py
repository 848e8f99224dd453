"""The commands about fleet.yaml: `trueup init --from fleet` and `trueup validate`."""

import json

import pytest
from trueup.cli.main import run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "all"
    assert run(["init", str(folder), "--from", "fleet"]) == 0
    return folder


@pytest.fixture
def fleet(made, monkeypatch):
    """A fleet of three tenants, the current folder; its file is put back."""
    text = (made / "fleet.yaml").read_text(encoding="utf-8")
    monkeypatch.chdir(made)
    yield made
    (made / "fleet.yaml").write_text(text, encoding="utf-8")


def change(fleet, old, new):
    text = (fleet / "fleet.yaml").read_text(encoding="utf-8")
    assert text.count(old) == 1
    (fleet / "fleet.yaml").write_text(text.replace(old, new), encoding="utf-8")


def test_the_fleet_that_init_writes_is_sound(fleet, capsys):
    assert run(["validate"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "The fleet is sound: 3 tenants, 1 project.",
        "94 tests read; `trueup test` runs them.",
    ]
    names = {"base", "exports", "fleet.yaml", ".gitignore"}
    assert {path.name for path in fleet.iterdir()} == names


def test_init_overwrites_nothing(fleet, capsys):
    assert run(["init", ".", "--from", "fleet"]) == 1
    assert "fleet.yaml, base, exports exists already" in capsys.readouterr().err


def test_options_of_a_project_do_not_go_with_a_fleet(tmp_path, capsys):
    assert run(["init", str(tmp_path / "x"), "--from", "fleet", "--name", "x"]) == 64
    assert "--name goes with --from files, dataverse or autotask" in capsys.readouterr().err


def test_validate_shows_errors_with_their_places_and_tenants(fleet, capsys):
    change(fleet, "project: Acme,", "projekt: Acme,")

    assert run(["validate"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "fleet.yaml:16:11: error: acme: unknown key 'projekt'",
        "    → did you mean 'project'?",
        "1 error found.",
    ]


@pytest.fixture
def dataverse(made, fleet):
    """The tenants read Dataverse, with a profile in the folder of `acme` and of `birch`."""
    change(fleet, "  project: base\n", f"  project: base\n  set: {{source: {DATAVERSE}}}\n")
    for tenant in ("acme", "birch", "cedar"):
        profile = f", profile: exports/{tenant}/profile.yaml" if tenant != "cedar" else ""
        address = f"url: https://{tenant}.crm11.dynamics.com{profile}"
        change(fleet, f"path: exports/{tenant}", address)
    profiles = [made / "exports" / tenant / "profile.yaml" for tenant in ("acme", "birch")]
    for path in profiles:
        path.write_text("tables: {}\n", encoding="utf-8")
    yield fleet
    for path in (*profiles, made / "base" / "profile.yaml"):
        path.unlink(missing_ok=True)


DATAVERSE = (
    "{connector: dataverse, url: https://c.example, tenant: c.example, client_id: trueup, "
    'client_secret: "{{ env.SECRET }}"}'
)


def test_validate_reads_the_profile_of_each_tenant_and_names_its_file(
    dataverse, monkeypatch, capsys
):
    monkeypatch.setenv("SECRET", "hunter2")
    assert run(["validate"]) == 0
    assert capsys.readouterr().out.startswith("The fleet is sound: 3 tenants, 1 project.")
    (dataverse / "exports" / "birch" / "profile.yaml").write_text("tables: {foo: {}}\n")
    (dataverse / "base" / "profile.yaml").write_text("tables:\n  bar: {}\n")

    assert run(["validate"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "base/profile.yaml:2:3: error: cedar: there is no table `bar`",
        "exports/birch/profile.yaml:1:10: error: birch: there is no table `foo`",
        "2 errors found.",
    ]


def test_an_empty_profile_names_its_tenant_and_the_command_for_one(dataverse, monkeypatch, capsys):
    monkeypatch.setenv("SECRET", "hunter2")
    (dataverse / "exports" / "birch" / "profile.yaml").write_text("")

    assert run(["validate"]) == 1
    place, remedy, *_ = capsys.readouterr().out.splitlines()
    assert place == "exports/birch/profile.yaml: error: birch: the profile is empty"
    assert "remove the empty file and run `trueup discover --tenant NAME`" in remedy


def test_validate_names_the_file_of_a_wrong_test_and_the_tenants_that_share_it(made, fleet, capsys):
    wrong = made / "base" / "tests" / "wrong.yaml"
    wrong.write_text("test: nothing\n", encoding="utf-8")
    try:
        assert run(["validate"]) == 1
    finally:
        wrong.unlink()

    assert capsys.readouterr().out.splitlines() == [
        "base/tests/wrong.yaml:1:1: error: acme, birch, cedar: 'expect' is missing",
        "1 error found.",
    ]


def test_validate_as_json_has_the_same_findings(fleet, capsys):
    change(fleet, "Europe/London", "Europe/Londn")

    assert run(["validate", "--json"]) == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert finding["text"] == "there is no time zone 'Europe/Londn'"
    assert finding["place"] == "fleet.yaml:10:47"


def test_validate_reads_secrets_only_on_request(fleet, capsys):
    change(fleet, "project: Acme,", 'project: Acme, target: {username: "{{ env.USER_NAME }}"},')
    change(fleet, "  birch:", "    secrets: {USER_NAME: {file: none}}\n  birch:")

    assert run(["validate"]) == 0
    assert f"info: acme: there is no file {fleet}/none" in capsys.readouterr().out
    assert run(["validate", "--secrets"]) == 1
    assert f"error: acme: there is no file {fleet}/none" in capsys.readouterr().out


def test_secrets_are_those_of_a_fleet(fleet, capsys):
    assert run(["validate", "--secrets", "--project", "base"]) == 64
    assert "--secrets goes with a folder that has fleet.yaml" in capsys.readouterr().err


def test_a_folder_below_is_that_of_the_fleet_and_no_other_project(fleet, monkeypatch, capsys):
    (fleet / "tenants").mkdir(exist_ok=True)
    monkeypatch.chdir(fleet / "tenants")

    assert run(["validate"]) == 0
    assert "The fleet is sound" in capsys.readouterr().out
    assert run(["plan"]) == 1
    assert "it has fleet.yaml: name one of its tenants with `--tenant NAME`" in (
        capsys.readouterr().err
    )
    (fleet / "tenants").rmdir()
