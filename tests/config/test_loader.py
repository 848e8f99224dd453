"""A whole project: what comes of it, which catalogues it uses, and what is said of it as a whole."""

import json
import shutil
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from engine.config.loader import check, load
from engine.errors import ConfigError
from engine.model.finding import Place
from engine.model.project import (
    About,
    Difference,
    Find,
    Linked,
    Manage,
    Reference,
    RuleOn,
    Value,
    Verdict,
    WhenMissing,
)

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "schemas"


def test_the_project_that_ships_is_right():
    project, findings = check(ROOT, env={}, shipped=SHIPPED)

    assert [finding.line() for finding in findings] == []
    assert project


def test_mappings_come_in_the_order_in_which_they_need_each_other_and_else_by_name(project):
    assert [*project.load().mappings] == ["customer", "contract", "service", "subscription", "license_change"]


def test_the_frame_of_the_project_is_as_the_file_says(project):
    loaded = project.load()

    assert (loaded.name, loaded.zone.key, loaded.currency) == ("A small MSP", "Europe/Zurich", "CHF")
    assert loaded.as_of == date(2026, 11, 15)
    assert loaded.settle_after == timedelta(minutes=5)
    assert loaded.source.connector == "files"
    assert loaded.source.options == {"path": "work365"}
    assert loaded.guards.creates == {"*": 50, "Companies": 5}
    assert loaded.guards.share_changed == {"*": Decimal("0.25")}
    assert loaded.guards.deactivations == {"*": 0}
    assert loaded.guards.monthly_effect == Decimal("250.50")


def test_a_state_that_is_not_named_is_a_file_below_the_project(project):
    project.edit("trueup.yaml", "state: {connector: sqlite, path: .trueup/state.sqlite}\n", "")

    state = project.load().state

    assert (state.connector, state.options) == ("sqlite", {"path": ".trueup/state.sqlite"})


def test_the_zone_of_autotask_is_looked_up_at_its_common_host_unless_told_otherwise(project):
    assert project.load().target.options["url"] == "https://webservices.autotask.net"

    project.edit("trueup.yaml", "  connector: autotask\n", "  connector: autotask\n  url: https://elsewhere.example\n")

    assert project.load().target.options["url"] == "https://elsewhere.example"


@pytest.mark.parametrize("file", sorted(SHIPPED.glob("*.json")), ids=lambda file: file.name)
def test_every_schema_is_a_json_schema(file):
    Draft202012Validator.check_schema(json.loads(file.read_text(encoding="utf-8")))


def test_settings_of_the_work_365_screen_that_are_not_set_are_none(project):
    settings = project.load().settings

    assert settings["changes_from"] == date(2026, 10, 1)
    assert settings["setup_fee"] is None
    assert settings["billing_codes"] == {"services": "Cloud subscriptions"}


def test_a_day_in_quotes_is_a_day_in_the_settings(project):
    project.edit("trueup.yaml", "changes_from: 2026-10-01", 'changes_from: "2026-10-01"')

    assert project.load().settings["changes_from"] == date(2026, 10, 1)


def test_each_form_of_a_field_is_read_with_its_place(project):
    fields = project.load().mappings["customer"].fields
    file = "mappings/customer.yaml"

    assert fields["companyNumber"].value == Value("{{ source.number }}", Place(file, 17, 18))
    assert fields["companyNumber"].place == Place(file, 17, 3)
    assert fields["companyType"].manage is Manage.CREATE
    assert fields["webAddress"].clear
    assert fields["parentCompanyID"].value == Reference(
        "customer", Value("{{ source.parent }}", Place(file, 21, 40)), Place(file, 21, 26)
    )
    assert fields["ownerResourceID"].value == Find(
        "Resources", {"email": Value("{{ settings.default_owner_source }}", Place(file, 19, 53))}, Place(file, 19, 27)
    )


def test_a_contract_is_read_with_its_joins_and_what_is_ours(project):
    contract = project.load().mappings["contract"]

    assert contract.source.joins["subscriptions"].on == {"contract": "id"}
    assert not contract.source.joins["subscriptions"].one
    assert isinstance(contract.target.where["companyID"], Linked)
    assert contract.fields["endDate"].manage is Manage.EXTEND
    assert contract.create.raw == "ask"
    assert contract.when_missing is WhenMissing.DEACTIVATE
    assert [*contract.match[0]] == ["companyID", "contractName"]


def test_quantities_are_read_with_ledger_append_repeat_and_write_back(project):
    mappings = project.load().mappings
    ledger, append = mappings["subscription"].ledger, mappings["license_change"].append

    assert ledger.units.on == ("contractServiceID", "id")
    assert (ledger.pending, ledger.difference) == ("license_change", Difference.HOLD)
    assert ledger.price.values == ("internalCurrencyAdjustedPrice",)
    assert ledger.price.per == "service.periodType"
    assert ledger.price.months == {"Monthly": 1, "Quarterly": 3, "Semi-Annual": 6, "Yearly": 12}
    assert mappings["subscription"].repeat.set["allowRepeatService"].raw is True
    assert (append.merge_on, append.merge_sum) == (("contractServiceID", "effectiveDate"), "unitChange")
    assert append.proof.rows == ("id", "startDate", "endDate", "units")
    assert mappings["license_change"].write_back.after == "proof"
    assert mappings["license_change"].source.order == ("effective_date", "created_on", "id")


def test_rules_and_decisions_are_read(project):
    loaded = project.load()

    assert [(rule.name, rule.for_, rule.on) for rule in loaded.rules][-2:] == [
        ("ledger-is-small", "subscription", RuleOn.LEDGER),
        ("few-creates", "", RuleOn.PLAN),
    ]
    said = {(one.mapping, one.key): one for one in loaded.decisions}
    assert said["customer", "7f3a"].record == 29683
    assert said["customer", "007"].until == date(2027, 1, 31)
    assert said["license_change", "42"].verdict is Verdict.ARCHIVE


def test_a_row_may_be_linked_and_its_units_decided_on(project):
    path = project.root / "mappings" / "decisions.yaml"
    path.write_text(path.read_text() + "  - {mapping: subscription, key: b1, link: 7}\n")
    loaded = project.load()

    decided = [loaded.decided("subscription", "b1", about) for about in (About.RECORD, About.UNITS, About.SWITCH)]
    assert [one and one.verdict for one in decided] == [Verdict.LINK, Verdict.CORRECT, None]
    ignored = [loaded.decided("customer", "007", about) for about in About]
    assert {one and one.verdict for one in ignored} == {Verdict.IGNORE}


def test_a_project_without_decisions_and_with_an_empty_folder_of_rules_is_one(project):
    (project.root / "mappings" / "decisions.yaml").unlink()
    (project.root / "rules" / "all.yaml").unlink()

    assert project.load().rules == ()
    assert project.says() == ["warning: rules/: 0 rules: nothing is checked before it is written"]


def test_rules_that_are_none_are_said(project):
    project.write("rules/all.yaml", "rules: []\n")

    assert project.says() == ["warning: rules/: 0 rules: nothing is checked before it is written"]


def test_a_missing_folder_of_rules_is_an_error(project):
    shutil.rmtree(project.root / "rules")

    remedy = "bring it back; make an empty one if nothing shall be checked"
    assert project.says() == [f"rules/: there is no such folder ({remedy})"]


def test_a_missing_folder_of_mappings_is_one_error(project):
    """What rules and decisions say of its mappings is no fault of theirs."""
    shutil.rmtree(project.root / "mappings")

    assert project.says() == ["mappings/: there is no such folder (`trueup init` makes one)"]


@pytest.mark.parametrize("ending", ["yml", "YAML", "Yml"])
@pytest.mark.parametrize("folder", ["mappings", "rules"])
def test_files_with_a_wrong_ending_are_an_error_where_nothing_else_is_read(project, folder, ending):
    names = sorted(path.stem for path in (project.root / folder).glob("*.yaml"))
    for name in names:
        (project.root / folder / f"{name}.yaml").rename(project.root / folder / f"{name}.{ending}")

    assert project.says() == [f"{folder}/{name}.{ending}: is not read (name it {name}.yaml)" for name in names]


def test_decisions_alone_are_no_mapping(project):
    for path in (project.root / "mappings").glob("[!d]*.yaml"):
        path.rename(path.with_suffix(".yml"))

    names = ("contract", "customer", "quantities", "service")
    assert project.says() == [f"mappings/{name}.yml: is not read (name it {name}.yaml)" for name in names]


def test_a_file_with_a_wrong_ending_beside_others_is_a_warning(project):
    project.write("rules/more.yml", "rules: []\n")
    project.write("rules/.hidden.yml", "rules: []\n")

    assert project.says() == ["warning: rules/more.yml: is not read (name it more.yaml)"]
    assert project.load()


def test_loading_raises_all_errors_and_no_warnings(project):
    project.edit("trueup.yaml", "settings:\n", "settings:\n  mine: 1\n")
    project.edit("mappings/customer.yaml", "webAddress:", "webAdress:")
    project.edit("mappings/service.yaml", "entity: Services", "entity: Servces")

    with pytest.raises(ConfigError) as refused:
        load(project.root, env=project.env, shipped=SHIPPED)

    assert str(refused.value) == (
        "mappings/customer.yaml:22:3: Companies has no field 'webAdress'\n    → did you mean 'webAddress'?\n"
        "mappings/service.yaml:6:18: there is no entity 'Servces'\n    → did you mean 'Services'?"
    )


def test_warnings_alone_do_not_keep_a_project_from_being_used(project):
    project.edit("trueup.yaml", "settings:\n", "settings:\n  mine: 1\n")

    assert project.load()
    assert project.says() == ["warning: trueup.yaml:21:3: no mapping or rule uses settings.mine"]


def test_an_empty_folder_says_what_to_do(tmp_path):
    _, findings = check(tmp_path, env={}, shipped=SHIPPED)

    assert [finding.line() for finding in findings] == [
        (
            "trueup.yaml: there is no trueup.yaml in this folder\n"
            "    → name the project's folder with --project DIR, or make one with `trueup init`"
        ),
    ]


def test_a_project_without_mappings_says_so(project):
    shutil.rmtree(project.root / "mappings")

    assert "mappings/: there is no such folder (`trueup init` makes one)" in project.says()


def test_a_folder_that_is_not_there_is_said_to_be_so(tmp_path):
    _, findings = check(tmp_path / "nowhere", env={}, shipped=SHIPPED)

    remedy = "correct --project, or make a project with `trueup init DIR`"
    assert [finding.line() for finding in findings] == [
        f"{tmp_path / 'nowhere'}: there is no such folder\n    → {remedy}"
    ]


def test_an_empty_trueup_yaml_says_what_it_needs(project):
    project.write("trueup.yaml", "# nothing yet\n---\n")

    assert [line for line in project.says() if line.startswith("trueup.yaml")] == [
        "trueup.yaml: nothing is in this file (`trueup init` shows what a project says)"
    ]


def test_a_project_may_have_catalogues_of_its_own(project):
    schemas = project.root / "schemas"
    schemas.mkdir()
    text = (SHIPPED / "work365.yaml").read_text(encoding="utf-8")
    (schemas / "work365.yaml").write_text(
        text.replace("logical: telephone1", "logical: new_phone", 1), encoding="utf-8"
    )

    loaded = project.load()

    assert loaded.catalogue.tables["account"].columns["phone"].logical == "new_phone"
    assert "Companies" in loaded.catalogue.entities


def test_a_catalogue_that_is_broken_is_a_finding(project):
    project.write("schemas/autotask.yaml", "entities: [")

    [says] = project.says()

    assert says.startswith("schemas/autotask.yaml: the catalogue is no YAML: while parsing a flow node")


def test_a_schema_that_does_not_ship_is_a_finding_and_no_traceback(project, tmp_path):
    for name in ("autotask.yaml", "work365.yaml"):
        shutil.copy(SHIPPED / name, tmp_path / name)

    _, findings = check(project.root, env=project.env, shipped=tmp_path)

    assert [finding.line() for finding in findings] == [
        "project.schema.json: trueup's own schema cannot be read: FileNotFoundError\n    → install trueup again"
    ]


@pytest.mark.parametrize("text", ["+".join(["1"] * 2_000), "(" * 200 + "1" + ")" * 200, "not " * 500 + "1"])
def test_an_expression_that_is_nested_too_deeply_is_a_finding(project, text):
    project.edit("rules/all.yaml", "{{ plan.creates < 100 }}", f"{{{{ {text} }}}}")

    [says] = project.says()

    assert says.startswith("rules/all.yaml:35:13: nested")


def test_lists_in_settings_are_not_looked_into(project):
    project.edit("trueup.yaml", "settings:\n", "settings:\n  mine: [{a: 1}]\n")
    project.edit(
        "mappings/contract.yaml", "{{ source.name }} (", "{{ settings.mine[0].a }} {{ settings.mine | first }} ("
    )

    assert project.says() == []


def test_a_folder_that_may_not_be_read_is_said(project, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.iterdir", refuse)

    assert "mappings/: cannot be read: Permission denied" in project.says()


def test_a_mapping_file_that_may_not_be_read_is_said_and_nothing_else(project, monkeypatch):
    path = project.root / "mappings" / "customer.yaml"
    readable = Path.open

    def refuse(self, *args, **more):
        if self == path:
            raise PermissionError(13, "Permission denied")
        return readable(self, *args, **more)

    monkeypatch.setattr("pathlib.Path.open", refuse)

    assert project.says() == ["mappings/customer.yaml: cannot be read: Permission denied"]
