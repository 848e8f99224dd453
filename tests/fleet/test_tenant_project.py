"""The project of a tenant, as it is loaded for a run."""

import sys

import pytest
from trueup.errors import ConfigError, EngineError
from trueup.fleet.tenant_environment import TenantEnvironment
from trueup.fleet.tenant_project import load_tenant_connections, load_tenant_project
from trueup.model.finding import Place

from tests.fleet.small_fleet import STATE, SmallFleet
from tests.support.small_project import FILES

DATABASE = "postgresql://trueup:hunter2@db/fleet"

TARGET = """\
target:
  connector: autotask
  username: "{{ env.API_USER }}"
  secret: "{{ env.API_SECRET }}"
  integration_code: code
"""


@pytest.fixture
def fleet(tmp_path):
    base = {**FILES, "trueup.yaml": FILES["trueup.yaml"].replace(STATE, "")}
    return SmallFleet(tmp_path, base)


@pytest.fixture
def with_secrets(fleet):
    """The tenants write to Autotask, and acme names where its secrets are kept."""
    old = "target: {connector: sandbox, database: autotask.sqlite, seed: autotask.json}\n"
    fleet.edit("base/trueup.yaml", old, TARGET)
    fleet.write("secret", "hunter2\n")
    fleet.edit(
        "fleet.yaml",
        "  birch:\n",
        "    secrets:\n"
        "      API_USER: {environment: ACME_USER}\n"
        "      API_SECRET: {file: secret}\n"
        f"      UNUSED: {{command: [{sys.executable}, -c, 'raise SystemExit(1)']}}\n"
        "  birch:\n",
    )
    return fleet


def load(fleet, name="acme", env=None, **options):
    loaded = fleet.load()
    return load_tenant_project(loaded, loaded.tenants[name], env or {}, **options)


def refused(fleet, name="acme", **options):
    with pytest.raises(ConfigError) as caught:
        load(fleet, name, **options)
    return [finding.line().splitlines()[0] for finding in caught.value.findings]


def test_a_tenant_reads_shared_files_and_writes_into_its_own_folder(fleet):
    project = load(fleet, database=DATABASE)

    assert project.root == str(fleet.root / "base")
    assert project.own == fleet.root / "tenants" / "acme"
    assert project.source.options["path"] == "../exports/acme"
    assert {path.name for path in project.own.iterdir()} == {"mappings", ".trueup"}


def test_its_state_is_in_the_database_of_the_fleet_under_its_name(fleet):
    state = load(fleet, database=DATABASE).state

    assert (state.connector, state.options) == ("postgres", {"url": DATABASE, "tenant": "acme"})
    assert state.place == Place("fleet.yaml", 6, 3)
    assert "hunter2" not in repr(state)


def test_a_run_holds_its_state_for_the_lease_of_the_fleet(fleet):
    assert load(fleet, database=DATABASE, lease=12.5).state.options["lease"] == 12.5


def test_the_address_of_the_database_is_that_of_fleet_yaml(fleet):
    fleet.edit("fleet.yaml", "defaults:", 'database: "{{ env.FLEET_DATABASE }}"\ndefaults:')
    fleet.env = {"FLEET_DATABASE": DATABASE}

    assert load(fleet).state.options["url"] == DATABASE


def test_a_database_that_is_not_known_is_an_error_for_what_opens_the_state(fleet):
    fleet.edit("fleet.yaml", "defaults:", 'database: "{{ env.FLEET_DATABASE }}"\ndefaults:')

    state = load(fleet).state

    assert [one.text for one in state.unset] == [
        "the environment variable FLEET_DATABASE is not set"
    ]


def test_a_state_in_a_file_is_refused(fleet):
    fleet.edit("fleet.yaml", "exports/acme}}", "exports/acme}, state: {connector: sqlite}}")

    (found,) = refused(fleet)
    assert found.startswith("fleet.yaml:7:48: acme: the state is a file, and in a fleet the next")


def test_secrets_are_read_from_where_fleet_yaml_refers_to(with_secrets):
    project = load(with_secrets, env={"ACME_USER": "api@acme.example"})

    options = project.target.options
    assert (options["username"], options["secret"]) == ("api@acme.example", "hunter2")
    assert project.target.unset == ()
    assert "hunter2" not in repr(project)


def test_a_secret_of_another_tenant_is_none_of_its_own(with_secrets):
    project = load(with_secrets, "birch", env={"ACME_USER": "api@acme.example"})

    assert (project.target.options["username"], project.target.options["secret"]) == ("", "")


def test_a_secret_that_the_project_does_not_take_is_not_read(with_secrets):
    """Its command would fail."""
    assert load(with_secrets, env={"ACME_USER": "x"}).target.unset == ()


def test_a_secret_that_cannot_be_read_is_an_error_for_what_opens_the_connection(with_secrets):
    (with_secrets.root / "secret").unlink()

    unset = load(with_secrets).target.unset

    assert [one.line().splitlines()[0] for one in unset] == [
        "fleet.yaml:9:7: acme: the environment variable ACME_USER is not set",
        f"fleet.yaml:10:7: acme: there is no file {with_secrets.root}/secret",
    ]


def test_no_secret_is_in_the_representation_of_the_environment(with_secrets):
    tenant = with_secrets.load().tenants["acme"]
    environment = TenantEnvironment(tenant, {"ACME_USER": "api", "OTHER": "o"})

    assert environment.get("API_SECRET") == "hunter2"
    assert repr(environment) == "TenantEnvironment(API_SECRET, API_USER, UNUSED)"
    assert {*environment} == {"ACME_USER", "OTHER", "API_USER", "API_SECRET", "UNUSED"}


def test_errors_name_the_tenant_and_their_places_from_the_folder_of_the_fleet(fleet):
    fleet.edit("base/mappings/customer.yaml", "table: account", "table: acount")
    fleet.edit("fleet.yaml", "exports/acme}}", "exports/acme}, batch: 0}")
    fleet.write("tenants/acme/mappings/decisions.yaml", "decisions: [{mapping: nope, key: k}]\n")

    places = [line.split(" ")[0] for line in refused(fleet)]

    assert {place.split(":")[0] for place in places} == {
        "base/mappings/customer.yaml",
        "fleet.yaml",
        "tenants/acme/mappings/decisions.yaml",
    }
    assert all(": acme: " in line for line in refused(fleet))


def test_decisions_beside_the_shared_files_are_refused_not_ignored(fleet):
    fleet.write(
        "base/mappings/decisions.yaml",
        "decisions: [{mapping: customer, key: k, do: create, reason: r}]\n",
    )

    (found,) = refused(fleet)
    assert found.startswith("base/mappings/decisions.yaml: acme: these decisions are not read:")


def test_a_tenant_whose_folder_is_its_project_has_its_decisions_there(fleet):
    fleet.write(
        "base/mappings/decisions.yaml",
        "decisions: [{mapping: customer, key: k, do: create, reason: r}]\n",
    )
    fleet.edit("fleet.yaml", "  acme:\n", "  acme:\n    folder: base\n")

    assert [one.key for one in load(fleet).decisions] == ["k"]


def test_a_project_that_is_not_there_is_named_where_fleet_yaml_names_it(fleet):
    fleet.edit("fleet.yaml", "  acme:\n", "  acme:\n    project: none\n")

    assert refused(fleet) == ["fleet.yaml:7:14: acme: there is no trueup.yaml in none"]


def test_a_folder_that_cannot_be_created_is_an_error(fleet):
    fleet.write("tenants", "a file")

    with pytest.raises(EngineError, match=r"^fleet\.yaml:6:3: the folder .* cannot be created"):
        load(fleet)


def test_its_connections_alone_need_no_mappings_without_errors(with_secrets):
    with_secrets.edit("base/mappings/customer.yaml", "table: account", "table: acount")
    loaded = with_secrets.load()

    project = load_tenant_connections(
        loaded, loaded.tenants["acme"], {"ACME_USER": "api"}, database=DATABASE
    )

    options = project.target.options
    assert (options["username"], options["secret"]) == ("api", "hunter2")
    assert (project.own, project.tenant) == (with_secrets.root / "tenants" / "acme", "acme")


def test_an_error_in_what_is_laid_over_is_one_of_its_connections_too(fleet):
    fleet.edit("fleet.yaml", "exports/acme}}", "exports/acme}, batch: 0}")
    loaded = fleet.load()

    with pytest.raises(ConfigError, match=r"fleet\.yaml:7:\d+: acme: 0 is less than 1"):
        load_tenant_connections(loaded, loaded.tenants["acme"], {})
