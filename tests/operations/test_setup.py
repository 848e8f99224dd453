"""The settings of the connector screen, shown with what Autotask has, changed with care."""

import shutil

import pytest
from trueup.cli.exit_codes import Exit
from trueup.cli.main import run
from trueup.errors import ConfigError, EngineError
from trueup.operations.setup import SCREEN, propose_setup, read_setup, write_setup

from tests.scenarios.beginnings import Service
from tests.scenarios.world import World

CANARY = "k4n4ry-5ecret"
COMPANY_TYPE = ("settings", "default_company_type")
VENDOR_TYPE = ("settings", "default_vendor_type")
MANUFACTURER = ("settings", "manufacturers", "Contoso")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("setup") / "work"
    World(folder, Service()).plan()
    return folder


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "work")


@pytest.fixture
def write(folder):
    """Replaces text in trueup.yaml."""

    def replace(old, new):
        file = folder / "trueup.yaml"
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    return replace


AUTOTASK = """target:
  connector: autotask
  url: https://user:{0}@webservices.autotask.net
  username: api@tenant.example
  secret: {0}
  integration_code: "{{{{ env.CODE }}}}"
"""


@pytest.fixture
def remote(folder):
    """The project with a connection to Autotask, whose secret stands in the file."""
    file = folder / "trueup.yaml"
    text = file.read_text(encoding="utf-8")
    before, _, rest = text.partition("target:\n")
    rest = rest[rest.index("\nstate:") :]
    file.write_text(before + AUTOTASK.format(CANARY) + rest, encoding="utf-8")
    return folder


def test_the_choices_are_what_the_tenant_has_now(folder):
    setup = read_setup(folder)
    choices = {one.name: list(one.choices) for one in setup.settings}

    assert setup.unread == ""
    assert len(setup.settings) == len(SCREEN)
    assert "Recurring Service" in choices["settings.default_contract_type"]
    assert "Vendor" in choices["settings.default_vendor_type"]
    assert choices["settings.allow_duplicated_services"] == ["true", "false"]
    assert choices["settings.billing_codes.services"] == ["Cloud subscriptions"]
    assert "Software licences" in choices["settings.billing_codes.products"]
    assert "Yearly" in choices["settings.billing_frequencies"]
    assert choices["settings.default_owner_source"]
    assert choices["settings.setup_fee"] == choices["settings.manufacturers"] == []


def test_where_autotask_cannot_be_read_any_text_may_be_written(remote):
    setup = read_setup(remote)

    assert "CODE is not set" in setup.unread
    assert {tuple(one.choices) for one in setup.settings} <= {(), ("true", "false"), ("No", "Yes")}


def test_an_edit_is_shown_checked_and_written_with_all_comments(folder):
    setup = read_setup(folder, live=False)
    before = (folder / "trueup.yaml").read_bytes()
    edit = propose_setup(folder, {COMPANY_TYPE: "Prospect"}, setup.version)
    assert (folder / "trueup.yaml").read_bytes() == before
    write_setup(folder, edit)

    assert edit.changed == ["settings.default_company_type"]
    assert [line for line in edit.difference[2:] if line[0] in "+-"] == [
        "-  default_company_type: Customer",
        "+  default_company_type: Prospect",
    ]
    after = (folder / "trueup.yaml").read_bytes()
    assert after == before.replace(b"company_type: Customer", b"company_type: Prospect")


def test_an_edit_of_a_file_that_was_changed_since_is_refused(folder, write):
    setup = read_setup(folder, live=False)
    edit = propose_setup(folder, {COMPANY_TYPE: "Prospect"}, setup.version)
    write("default_contract_type: Recurring Service", "default_contract_type: Retainer")
    with pytest.raises(EngineError, match="was changed in the meantime"):
        propose_setup(folder, {COMPANY_TYPE: "Prospect"}, setup.version)
    with pytest.raises(ConfigError, match="was changed by another program"):
        write_setup(folder, edit)

    assert b"Retainer" in (folder / "trueup.yaml").read_bytes()


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({COMPANY_TYPE: "Customer"}, "no setting is changed"),
        ({("settings", "setup_fee"): "much"}, "is a number, such as 12.50"),
        ({("settings", "setup_fee"): "NaN"}, "is a number, such as 12.50"),
        ({("settings", "setup_fee"): "1_000"}, "is a number, such as 12.50"),
        ({("settings", "setup_fee"): "１２"}, "is a number, such as 12.50"),
        ({("settings", "setup_fee"): "0.00001"}, "is a number, such as 12.50"),
        ({("settings", "setup_fee"): "-1"}, "is a number, such as 12.50"),
        ({("settings", "allow_duplicated_services"): "maybe"}, "is true or false"),
        ({("guards", "calls"): "1"}, "there is no setting 'guards.calls'"),
        ({("settings", "manufacturers"): "x"}, "there is no setting 'settings.manufacturers'"),
        ({(): "x"}, "there is no setting"),
        ({COMPANY_TYPE: "{{ source.type }}"}, "a setting is a plain value"),
        (
            {("settings", "time_reporting_requires_start_and_stop_times"): "Maybe"},
            "is not one of No, Yes",
        ),
    ],
)
def test_what_is_not_allowed_there_is_refused_and_nothing_is_written(folder, values, text):
    before = (folder / "trueup.yaml").read_bytes()
    with pytest.raises(EngineError, match=text):
        propose_setup(folder, values)

    assert (folder / "trueup.yaml").read_bytes() == before


def test_manufacturers_wait_for_a_vendor_type_that_is_saved(folder, write):
    write("default_vendor_type: Vendor", "default_vendor_type: null")
    write("manufacturers: {Microsoft: Microsoft}", "manufacturers: {}")
    [locked] = [one for one in read_setup(folder, live=False).settings if one.locked]
    assert locked.name == "settings.manufacturers"
    both = {VENDOR_TYPE: "Vendor", MANUFACTURER: "Contoso Ltd"}
    with pytest.raises(EngineError, match="choose a default vendor type and save it first"):
        propose_setup(folder, both)
    write_setup(folder, propose_setup(folder, {VENDOR_TYPE: "Vendor"}))
    write_setup(folder, propose_setup(folder, {MANUFACTURER: "Contoso Ltd"}))

    text = (folder / "trueup.yaml").read_text(encoding="utf-8")
    assert "manufacturers: {Contoso: Contoso Ltd}" in text


def test_a_secret_is_the_name_of_a_variable_and_is_never_shown(remote, capsys):
    steps = ("target", "secret")
    setup = read_setup(remote, live=False)
    edit = propose_setup(remote, {steps: "AUTOTASK_SECRET"}, setup.version)
    with pytest.raises(EngineError, match="takes the name of a variable") as refused:
        propose_setup(remote, {("target", "integration_code"): f"{CANARY} x"}, setup.version)
    assert run(["settings", "list", "--project", str(remote)]) == 0
    name = ["settings", "set", "target.secret", "AUTOTASK_SECRET", "--preview"]
    assert run([*name, "--project", str(remote)]) == 0
    shown = f"{setup} {edit} {refused.value} {capsys.readouterr()}"

    assert b'secret: "{{ env.AUTOTASK_SECRET }}"' in edit.after
    assert CANARY not in shown
    with pytest.raises(EngineError, match="holds a log-in"):
        propose_setup(remote, {("target", "url"): "https://a:b@webservices.autotask.net"})
    assert '+  secret: "{{ env.AUTOTASK_SECRET }}"' in edit.difference
    assert "-  secret: (hidden)" in edit.difference
    notes = {one.name: (one.value, one.note) for one in setup.connection}
    assert notes["target.integration_code"] == ("CODE", "not set in this environment")
    assert notes["target.secret"][0] == ""


def test_the_command_line_lists_and_sets(folder, capsys):
    at = ["--project", str(folder)]
    assert run(["settings", "list", "--choices", *at]) == 0
    listed = capsys.readouterr().out
    assert "settings.billing_frequencies" in listed
    assert "one of " in listed
    assert run(["settings", "set", "billing_frequencies.Weekly", "Monthly", *at]) == 0
    assert "Weekly: Monthly}" in capsys.readouterr().out
    assert run(["settings", "clear", "billing_frequencies.Weekly", "--preview", *at]) == 0
    assert "Weekly: Monthly}" in (folder / "trueup.yaml").read_text(encoding="utf-8")
    assert run(["settings", "set", "company_type", "x", *at]) == Exit.USAGE
    assert "did you mean 'default_company_type'?" in capsys.readouterr().err
