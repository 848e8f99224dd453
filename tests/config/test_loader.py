"""A project as a whole: what is loaded, which catalogues it uses, and errors of its files."""

import json
import shutil
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from trueup.config.loader import check, load
from trueup.errors import ConfigError
from trueup.model.finding import Place
from trueup.model.mapping import (
    Difference,
    FieldPath,
    Find,
    Linked,
    Manage,
    Reference,
    Strength,
    Value,
    WhenMissing,
)
from trueup.model.rule_scopes import RuleOn
from trueup.model.verdict import Topic, Verdict

from tests.support.paths import ROOT

SHIPPED = ROOT / "schemas"


def test_the_project_that_ships_has_no_findings():
    project, findings = check(ROOT, env={}, shipped=SHIPPED)

    assert [finding.line() for finding in findings] == []
    assert project


def test_mappings_are_sorted_by_dependency_and_then_by_name(project):
    assert [*project.load().mappings] == [
        "customer",
        "contract",
        "service",
        "subscription",
        "license_change",
    ]


def test_the_options_of_trueup_yaml_are_loaded(project):
    loaded = project.load()

    assert (loaded.name, loaded.zone.key, loaded.currency) == (
        "A small MSP",
        "Europe/Zurich",
        "CHF",
    )
    assert loaded.as_of == date(2026, 11, 15)
    assert loaded.settle_after == timedelta(minutes=5)
    assert loaded.source.connector == "files"
    assert loaded.source.options == {"path": "work365"}
    assert loaded.guards.creates == {"*": 50, "Companies": 5}
    assert loaded.guards.share_changed == {"*": Decimal("0.25")}
    assert loaded.guards.deactivations == {"*": 0}
    assert loaded.guards.monthly_effect == Decimal("250.50")


def test_the_default_state_is_a_file_in_the_project_folder(project):
    project.edit("trueup.yaml", "state: {connector: sqlite, path: .trueup/state.sqlite}\n", "")

    state = project.load().state

    assert (state.connector, state.options) == ("sqlite", {"path": ".trueup/state.sqlite"})


def test_the_zone_of_autotask_is_looked_up_at_its_common_host_by_default(project):
    assert project.load().target.options["url"] == "https://webservices.autotask.net"

    project.edit(
        "trueup.yaml",
        "  connector: autotask\n",
        "  connector: autotask\n  url: https://elsewhere.example\n",
    )

    assert project.load().target.options["url"] == "https://elsewhere.example"


@pytest.mark.parametrize("file", sorted(SHIPPED.glob("*.json")), ids=lambda file: file.name)
def test_every_schema_is_a_json_schema(file):
    Draft202012Validator.check_schema(json.loads(file.read_text(encoding="utf-8")))


def test_settings_of_the_work_365_screen_are_none_by_default(project):
    settings = project.load().settings

    assert settings["changes_from"] == date(2026, 10, 1)
    assert settings["setup_fee"] is None
    assert settings["billing_codes"] == {"services": "Cloud subscriptions"}


def test_a_quoted_day_in_the_settings_is_a_day(project):
    project.edit("trueup.yaml", "changes_from: 2026-10-01", 'changes_from: "2026-10-01"')

    assert project.load().settings["changes_from"] == date(2026, 10, 1)


def test_each_form_of_a_field_is_loaded_with_its_place(project):
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
        "Resources",
        {"email": Value("{{ settings.default_owner_source }}", Place(file, 19, 53))},
        Place(file, 19, 27),
    )


def test_a_mapping_is_loaded_with_its_joins_and_its_target_where(project):
    contract = project.load().mappings["contract"]

    assert contract.source.joins["subscriptions"].on == {"contract": "id"}
    assert not contract.source.joins["subscriptions"].one
    assert isinstance(contract.target.where["companyID"], Linked)
    assert contract.fields["endDate"].manage is Manage.EXTEND
    assert contract.create.raw == "ask"
    assert contract.when_missing is WhenMissing.DEACTIVATE
    assert [*contract.match[0].fields] == ["companyID", "contractName"]
    assert contract.match[0].strength is Strength.NORMAL


def test_ledger_append_repeat_and_write_back_are_loaded(project):
    mappings = project.load().mappings
    ledger, append = mappings["subscription"].ledger, mappings["license_change"].append

    assert ledger.units.on == ("contractServiceID", "id")
    assert (ledger.pending, ledger.difference) == ("license_change", Difference.HOLD)
    assert ledger.price.values == (FieldPath("", "internalCurrencyAdjustedPrice"),)
    assert ledger.price.per == FieldPath("service", "periodType")
    assert ledger.price.months == {"Monthly": 1, "Quarterly": 3, "Semi-Annual": 6, "Yearly": 12}
    assert mappings["subscription"].repeat.set["allowRepeatService"].raw is True
    assert append.service_field == append.in_turn == "contractServiceID"
    assert (append.day_field, append.units_field) == ("effectiveDate", "unitChange")
    assert append.proof.rows == ("id", "startDate", "endDate", "units")
    assert mappings["license_change"].write_back.after == "proof"
    assert mappings["license_change"].source.order == ("effective_date", "created_on", "id")


def test_rules_and_decisions_are_loaded(project):
    loaded = project.load()

    assert [(rule.name, rule.for_, rule.on) for rule in loaded.rules][-2:] == [
        ("ledger-is-small", "subscription", RuleOn.LEDGER),
        ("few-creates", "", RuleOn.PLAN),
    ]
    decisions = {(decision.mapping, decision.key): decision for decision in loaded.decisions}
    assert decisions["customer", "7f3a"].record == 29683
    assert decisions["customer", "007"].until == date(2027, 1, 31)
    assert decisions["license_change", "42"].verdict is Verdict.ARCHIVE


def test_a_row_may_have_decisions_on_its_record_and_on_its_units(project):
    path = project.root / "mappings" / "decisions.yaml"
    path.write_text(path.read_text() + "  - {mapping: subscription, key: b1, link: 7}\n")
    loaded = project.load()

    decided = [
        loaded.decided("subscription", "b1", topic)
        for topic in (Topic.RECORD, Topic.UNITS, Topic.SWITCH)
    ]
    assert [decision and decision.verdict for decision in decided] == [
        Verdict.LINK,
        Verdict.CORRECT,
        None,
    ]
    ignored = [loaded.decided("customer", "007", topic) for topic in Topic]
    assert {decision and decision.verdict for decision in ignored} == {Verdict.IGNORE}


def test_a_project_needs_no_decisions_and_no_rules(project):
    (project.root / "mappings" / "decisions.yaml").unlink()
    (project.root / "rules" / "all.yaml").unlink()

    assert project.load().rules == ()
    assert project.messages() == [
        "warning: rules/: 0 rules: nothing is checked before it is written"
    ]


def test_files_without_a_rule_give_a_warning(project):
    project.write("rules/all.yaml", "rules: []\n")

    assert project.messages() == [
        "warning: rules/: 0 rules: nothing is checked before it is written"
    ]


def test_a_missing_rules_folder_is_an_error(project):
    shutil.rmtree(project.root / "rules")

    remedy = "restore it, or create an empty one if nothing should be checked"
    assert project.messages() == [f"rules/: there is no such folder ({remedy})"]


def test_a_missing_mappings_folder_is_one_error(project):
    """Rules and decisions that name its mappings are not reported."""
    shutil.rmtree(project.root / "mappings")

    assert project.messages() == ["mappings/: there is no such folder (`trueup init` creates one)"]


@pytest.mark.parametrize("ending", ["yml", "YAML", "Yml"])
@pytest.mark.parametrize("folder", ["mappings", "rules"])
def test_files_with_a_wrong_ending_are_errors_if_no_other_file_is_read(project, folder, ending):
    names = sorted(path.stem for path in (project.root / folder).glob("*.yaml"))
    for name in names:
        (project.root / folder / f"{name}.yaml").rename(project.root / folder / f"{name}.{ending}")

    assert project.messages() == [
        f"{folder}/{name}.{ending}: is not read (name it {name}.yaml)" for name in names
    ]


def test_a_decisions_file_does_not_count_as_a_mapping(project):
    for path in (project.root / "mappings").glob("[!d]*.yaml"):
        path.rename(path.with_suffix(".yml"))

    names = ("contract", "customer", "quantities", "service")
    assert project.messages() == [
        f"mappings/{name}.yml: is not read (name it {name}.yaml)" for name in names
    ]


def test_a_file_with_a_wrong_ending_beside_others_is_a_warning(project):
    project.write("rules/more.yml", "rules: []\n")
    project.write("rules/.hidden.yml", "rules: []\n")

    assert project.messages() == ["warning: rules/more.yml: is not read (name it more.yaml)"]
    assert project.load()


def test_load_raises_all_errors_and_no_warnings(project):
    project.edit("trueup.yaml", "settings:\n", "settings:\n  mine: 1\n")
    project.edit("mappings/customer.yaml", "webAddress:", "webAdress:")
    project.edit("mappings/service.yaml", "entity: Services", "entity: Servces")

    with pytest.raises(ConfigError) as refused:
        load(project.root, env=project.env, shipped=SHIPPED)

    assert str(refused.value) == (
        "mappings/customer.yaml:22:3: Companies has no field 'webAdress'\n    → did you mean"
        " 'webAddress'?\n"
        "mappings/service.yaml:6:18: there is no entity 'Servces'\n    → did you mean 'Services'?"
    )


def test_a_project_with_warnings_only_can_be_used(project):
    project.edit("trueup.yaml", "settings:\n", "settings:\n  mine: 1\n")

    assert project.load()
    assert project.messages() == [
        "warning: trueup.yaml:21:3: no mapping or rule uses 'settings.mine'"
    ]


def test_an_empty_folder_is_reported_with_a_remedy(tmp_path):
    _, findings = check(tmp_path, env={}, shipped=SHIPPED)

    assert [finding.line() for finding in findings] == [
        (
            "trueup.yaml: there is no trueup.yaml in this folder\n"
            "    → name another folder with `--project DIR`, or create a project with `trueup init`"
        ),
    ]


def test_a_project_without_mappings_is_reported(project):
    shutil.rmtree(project.root / "mappings")

    assert "mappings/: there is no such folder (`trueup init` creates one)" in project.messages()


def test_a_missing_project_folder_is_reported(tmp_path):
    _, findings = check(tmp_path / "nowhere", env={}, shipped=SHIPPED)

    remedy = "correct its name, or create a project with `trueup init DIR`"
    assert [finding.line() for finding in findings] == [
        f"{tmp_path / 'nowhere'}: there is no such folder\n    → {remedy}"
    ]


def test_an_empty_trueup_yaml_is_reported(project):
    project.write("trueup.yaml", "# nothing yet\n---\n")

    assert [line for line in project.messages() if line.startswith("trueup.yaml")] == [
        "trueup.yaml: this file is empty (`trueup init` creates a complete one)"
    ]


def test_a_project_may_have_its_own_catalogues(project):
    schemas = project.root / "schemas"
    schemas.mkdir()
    text = (SHIPPED / "work365.yaml").read_text(encoding="utf-8")
    (schemas / "work365.yaml").write_text(
        text.replace("logical: telephone1", "logical: new_phone", 1), encoding="utf-8"
    )

    loaded = project.load()

    assert loaded.catalogue.tables["account"].columns["phone"].logical == "new_phone"
    assert "Companies" in loaded.catalogue.entities


def test_a_broken_catalogue_is_a_finding(project):
    project.write("schemas/autotask.yaml", "entities: [")

    [message] = project.messages()

    assert message == (
        "schemas/autotask.yaml:1:12: broken YAML: a value is missing inside of [ ] or { } "
        "(write one, put its text into quotes, or close the bracket)"
    )


def test_a_missing_schema_is_a_finding_and_not_a_traceback(project, tmp_path):
    for name in ("autotask.yaml", "work365.yaml"):
        shutil.copy(SHIPPED / name, tmp_path / name)

    _, findings = check(project.root, env=project.env, shipped=tmp_path)

    assert [finding.line() for finding in findings] == [
        (
            "project.schema.json: trueup's own schema cannot be read: FileNotFoundError\n    →"
            " reinstall trueup"
        )
    ]


@pytest.mark.parametrize(
    "text", ["+".join(["1"] * 2_000), "(" * 200 + "1" + ")" * 200, "not " * 500 + "1"]
)
def test_an_expression_that_is_nested_too_deeply_is_a_finding(project, text):
    project.edit("rules/all.yaml", "{{ plan.creates < 100 }}", f"{{{{ {text} }}}}")

    [message] = project.messages()

    assert message.startswith("rules/all.yaml:35:13: nested")


def test_items_of_lists_in_settings_are_not_checked(project):
    project.edit("trueup.yaml", "settings:\n", "settings:\n  mine: [{a: 1}]\n")
    project.edit(
        "mappings/contract.yaml",
        "{{ source.name }} (",
        "{{ settings.mine[0].a }} {{ settings.mine | first }} (",
    )

    assert project.messages() == []


def test_a_folder_without_read_permission_is_reported(project, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.iterdir", refuse)

    assert "mappings/: cannot be read: Permission denied" in project.messages()


def test_a_mapping_file_without_read_permission_is_the_only_finding(project, monkeypatch):
    path = project.root / "mappings" / "customer.yaml"
    readable = Path.open

    def refuse(self, *args, **more):
        if self == path:
            raise PermissionError(13, "Permission denied")
        return readable(self, *args, **more)

    monkeypatch.setattr("pathlib.Path.open", refuse)

    assert project.messages() == ["mappings/customer.yaml: cannot be read: Permission denied"]


def test_a_rule_of_a_mapping_that_is_missing_is_not_checked_against_one_of_a_similar_name(project):
    text = (project.root / "rules/all.yaml").read_text(encoding="utf-8")
    added = """  - rule: contact-has-a-name
    for: customr
    when: "{{ related.contact.first_name is phon }}"
    assert: "{{ source.first_name and refs.customer }}"
    severity: error
    message: "{{ source.email }}"
"""
    project.write("rules/all.yaml", text.replace("rules:\n", f"rules:\n{added}", 1))

    assert project.messages() == [
        "rules/all.yaml:4:10: there is no mapping 'customr' (did you mean 'customer'?)",
        "rules/all.yaml:5:11: there is no test 'phon' (did you mean 'phone'?)",
    ]


def test_errors_of_a_catalogue_and_of_other_files_are_reported_at_once(project):
    project.write("schemas/autotask.yaml", "entities:\n  A: {fields: {}}\n")
    project.edit("mappings/customer.yaml", "one: true", "one: yes")

    assert project.messages() == [
        (
            "mappings/customer.yaml:9:63: 'yes' is not true or false (write true or false, without"
            " quotes)"
        ),
        (
            "schemas/autotask.yaml:2:3: entities.A: `operations` is missing (write a list of"
            " create, query, update, delete)"
        ),
    ]
