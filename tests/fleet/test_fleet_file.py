"""fleet.yaml is checked with the projects of its tenants."""

import os
import sys

import pytest

from tests.fleet.small_fleet import STATE, SmallFleet
from tests.support.small_project import FILES

AUTOTASK = """\
target: {connector: autotask, username: api@a.example, secret: "{{ env.API_SECRET }}",
  integration_code: "{{ env.API_CODE }}"}
"""


@pytest.fixture
def fleet(tmp_path):
    base = {**FILES, "trueup.yaml": FILES["trueup.yaml"].replace(STATE, "")}
    return SmallFleet(tmp_path, base)


@pytest.fixture
def autotask(fleet):
    """The tenants write to Autotask, each with a user of its own."""
    old = "target: {connector: sandbox, database: autotask.sqlite, seed: autotask.json}\n"
    fleet.edit("base/trueup.yaml", old, AUTOTASK)
    fleet.edit("fleet.yaml", "exports/birch}}", "exports/birch}, target: {username: b}}")
    fleet.env = {"API_SECRET": "hunter2", "API_CODE": "code"}
    return fleet


def test_a_fleet_whose_projects_are_sound_has_no_findings(fleet):
    assert fleet.messages() == []


def test_nothing_is_written_by_a_check(fleet):
    fleet.messages()

    assert {path.name for path in fleet.root.iterdir()} == {"base", "fleet.yaml"}


def test_errors_of_fleet_yaml_come_alone(fleet):
    fleet.edit("fleet.yaml", "0 5 * * *", "0 25 * * *")
    fleet.edit("base/mappings/customer.yaml", "table: account", "table: acount")

    assert fleet.messages() == ["fleet.yaml:4:20: '25' is no hour"]


def test_an_error_of_shared_files_is_reported_once_with_the_tenants(fleet):
    fleet.edit("base/mappings/customer.yaml", "table: account", "table: acount")

    found = fleet.messages()

    assert found[0].startswith("base/mappings/customer.yaml:")
    assert all(": acme, birch: " in line for line in found)


def test_a_project_of_the_defaults_that_is_not_there_is_reported_once(fleet):
    fleet.edit("fleet.yaml", "project: base", "project: bsae")

    assert fleet.messages() == ["fleet.yaml:3:12: acme, birch: there is no trueup.yaml in bsae"]


def test_of_many_tenants_three_are_named(fleet):
    fleet.edit("fleet.yaml", "tenants:\n", "tenants:\n  one: {}\n  two: {}\n  three: {}\n")
    fleet.edit("base/trueup.yaml", "time_zone: Europe/London", "time_zone: Europe/Londn")

    assert [line.split(": ")[1] for line in fleet.messages()] == ["one, two, three and 2 more"]


def test_an_error_in_what_one_tenant_sets_names_it(fleet):
    fleet.edit("fleet.yaml", "exports/acme}}", "exports/acme}, batch: 0, gards: {}}")

    assert fleet.messages() == [
        "fleet.yaml:7:48: acme: 0 is less than 1",
        "fleet.yaml:7:51: acme: unknown key 'gards'",
    ]


def test_a_setting_of_a_tenant_that_likely_means_one_of_the_shared_project_is_an_error(fleet):
    setting = "settings: {change_from: 2026-11-01}"
    fleet.edit("fleet.yaml", "exports/acme}}", f"exports/acme}}, {setting}}}")

    (found,) = fleet.messages()

    assert found == (
        "fleet.yaml:7:52: acme: no mapping or rule uses 'settings.change_from'; "
        "trueup.yaml sets settings.changes_from"
    )


def test_a_setting_that_a_tenant_sets_itself_is_not_what_its_unused_one_means(fleet):
    settings = "settings: {change_from: 2026-11-01, changes_from: 2026-11-02}"
    fleet.edit("fleet.yaml", "exports/acme}}", f"exports/acme}}, {settings}}}")

    assert fleet.messages() == [
        "warning: fleet.yaml:7:52: acme: no mapping or rule uses 'settings.change_from'"
    ]


def test_a_setting_that_the_shared_project_has_under_that_name_means_itself(fleet):
    fleet.edit("base/trueup.yaml", "  owner:", "  change_from: 2026-10-01\n  owner:")
    setting = "settings: {change_from: 2026-11-01}"
    fleet.edit("fleet.yaml", "exports/acme}}", f"exports/acme}}, {setting}}}")

    assert fleet.messages() == [
        "warning: base/trueup.yaml:20:3: birch: no mapping or rule uses 'settings.change_from'",
        "warning: fleet.yaml:7:52: acme: no mapping or rule uses 'settings.change_from'",
    ]


@pytest.mark.parametrize("name", ["changes_from_2", "zzz_changes_from", "from"])
def test_a_setting_with_another_word_than_one_of_the_shared_project_is_its_own(fleet, name):
    setting = f"settings: {{{name}: 2026-11-01}}"
    fleet.edit("fleet.yaml", "exports/acme}}", f"exports/acme}}, {setting}}}")

    assert fleet.messages() == [
        f"warning: fleet.yaml:7:52: acme: no mapping or rule uses 'settings.{name}'"
    ]


def test_a_state_in_a_file_is_refused(fleet):
    fleet.write("base/trueup.yaml", FILES["trueup.yaml"])

    (found,) = fleet.messages()

    assert found.startswith("base/trueup.yaml:8:8: acme, birch: the state is a file")


# What tenants must not share


def test_two_tenants_may_not_have_one_user_of_autotask(autotask):
    autotask.edit("fleet.yaml", "{username: b}", "{username: API@a.example}")

    assert autotask.messages() == [
        "fleet.yaml:8:3: birch and acme (fleet.yaml:6:3) have the same target"
    ]


@pytest.mark.parametrize(
    "reference",
    [
        "{environment: SHARED_USER}",
        "{file: user}",
        "{keyring: {service: s, user: u}}",
        f"{{command: [{sys.executable}, user]}}",
    ],
)
def test_a_user_that_is_kept_in_one_place_is_one_user(autotask, reference):
    autotask.edit("base/trueup.yaml", "api@a.example", '"{{ env.API_USER }}"')
    autotask.edit("fleet.yaml", ", target: {username: b}}", "}")
    autotask.edit("fleet.yaml", "defaults:\n", f"defaults:\n  secrets: {{API_USER: {reference}}}\n")

    found = [line for line in autotask.messages() if "same target" in line]

    assert found == ["fleet.yaml:9:3: birch and acme (fleet.yaml:7:3) have the same target"]


def test_users_that_are_kept_in_two_places_are_two(autotask):
    autotask.edit("base/trueup.yaml", "api@a.example", '"{{ env.API_USER }}"')
    autotask.edit(
        "fleet.yaml",
        ", target: {username: b}}",
        "}\n    secrets: {API_USER: {environment: BIRCH_USER}}",
    )

    assert not [line for line in autotask.messages() if "same target" in line]


def test_a_source_is_not_shared_with_a_tenant_that_marks_it(fleet):
    fleet.edit("fleet.yaml", "exports/birch", "./exports/../exports/acme")
    assert fleet.messages() == []

    fleet.edit("fleet.yaml", "  birch:\n", "  birch:\n    run: {do: apply-approved}\n")

    (found,) = fleet.messages()
    assert found.startswith(
        "warning: fleet.yaml:8:3: birch and acme (fleet.yaml:6:3) have the same source"
    )


def test_a_source_in_a_database_is_not_shared_either(fleet):
    old = "source: {connector: files, path: work365}\n"
    fleet.edit("base/trueup.yaml", old, 'source: {connector: sql, url: "{{ env.REPORTS }}"}\n')
    fleet.edit("fleet.yaml", "set: {source: {path: exports/acme}}", "set: {batch: 7}")
    fleet.edit("fleet.yaml", "set: {source: {path: exports/birch}}", "run: {do: apply-approved}")
    fleet.env = {"REPORTS": "postgresql+psycopg://reader:hunter2@127.0.0.1/reports"}

    (found,) = fleet.messages()

    assert "birch and acme (fleet.yaml:6:3) have the same source" in found
    assert "hunter2" not in found


def test_sandboxes_in_the_own_folders_are_two_and_one_file_is_one(fleet):
    fleet.edit(
        "fleet.yaml",
        "exports/birch}}",
        "exports/birch}, target: {database: ../acme/autotask.sqlite}}",
    )

    assert fleet.messages() == [
        "fleet.yaml:8:3: birch and acme (fleet.yaml:6:3) have the same target"
    ]


# Secrets


def secret(fleet, reference):
    fleet.edit("fleet.yaml", "defaults:\n", f"defaults:\n  secrets: {{API_SECRET: {reference}}}\n")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("{environment: NONE}", "the environment variable NONE is not set"),
        ("{file: none}", "there is no file {root}/none"),
        ("{command: [no-such]}", "there is no program no-such"),
        ("{command: [./no]}", "there is no program ./no"),
    ],
)
def test_a_secret_that_is_not_here_is_noted_and_is_an_error_where_it_is_read(
    autotask, reference, message
):
    secret(autotask, reference)
    text = f"fleet.yaml:3:13: acme, birch: {message.format(root=autotask.root)}"

    assert autotask.messages() == [f"info: {text}"]
    assert autotask.messages(read_secrets=True) == [text]


def test_a_variable_of_the_project_that_no_secret_names_is_noted(autotask):
    autotask.env = {"API_SECRET": "hunter2"}

    assert autotask.messages() == [
        "info: base/trueup.yaml:8:21: acme, birch: the environment variable API_CODE is not set"
    ]


def test_no_program_is_started_unless_secrets_are_to_be_read(autotask):
    code = "open('ran', 'w').close(); print('hunter2')"
    secret(autotask, f'{{command: [{sys.executable}, -c, "{code}"]}}')
    autotask.env |= {"PATH": os.environ["PATH"]}

    assert autotask.messages() == []
    assert not (autotask.root / "ran").exists()
    assert autotask.messages(read_secrets=True) == []
    assert (autotask.root / "ran").exists()


@pytest.mark.skipif(os.name == "nt", reason="files have no modes there")
def test_a_file_that_every_user_may_read_is_a_warning(autotask):
    secret(autotask, "{file: secret}")
    autotask.write("secret", "hunter2")
    (autotask.root / "secret").chmod(0o644)

    assert autotask.messages() == [
        f"warning: fleet.yaml:3:13: every user of this machine may read {autotask.root}/secret"
    ]


def test_a_secret_that_no_project_takes_is_a_warning(autotask):
    secret(autotask, "{environment: API_SECRET}")
    autotask.edit("fleet.yaml", "API_SECRET:", "API_SECRETS:")

    assert autotask.messages() == [
        "warning: fleet.yaml:3:13: no project takes {{ env.API_SECRETS }}"
    ]
