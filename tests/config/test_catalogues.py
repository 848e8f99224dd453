"""The catalogues that ship with trueup, and files that are not valid catalogues."""

import pytest
from trueup.config.catalogues import load_catalogue, load_entities, load_tables
from trueup.errors import ConfigError
from trueup.model.catalogue import Parent, PickValue, Type

from tests.support.paths import SCHEMAS

SHIPPED = SCHEMAS


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue(SHIPPED)


def test_all_entities_and_tables_are_loaded(catalogue):
    assert len(catalogue.entities) == 24
    assert [*catalogue.tables] == [
        "account",
        "contact",
        "product",
        "billing_contract",
        "subscription",
        "license_change",
    ]


def test_an_entity_has_its_operations_its_parent_and_its_routes(catalogue):
    entity = catalogue.entities["ContractServices"]

    assert entity.operations == {"create", "query", "update"}
    assert entity.parent == Parent("Contracts", "/Contracts/{parentId}/Services", "contractID")
    assert entity.writes_via == "parent"
    assert entity.udf_capable == "no"
    assert entity.routes["/ContractServices/query"] == ("GET", "POST")
    assert "no delete" in entity.rules


def test_a_field_that_can_only_be_set_on_create_differs_from_a_read_only_one(catalogue):
    contracts = catalogue.entities["Contracts"].fields

    assert (
        contracts["companyID"].writable_on_create(),
        contracts["companyID"].writable_on_update(),
    ) == (True, False)
    assert (contracts["id"].writable_on_create(), contracts["id"].writable_on_update()) == (
        False,
        False,
    )
    assert contracts["contractName"].writable_on_update()


def test_a_description_that_autotask_accepts_only_on_create_is_not_updated(catalogue):
    field = catalogue.entities["ContractServices"].fields["internalDescription"]

    assert (field.writable_on_create(), field.writable_on_update()) == (True, False)


def test_days_differ_from_instants(catalogue):
    days = {
        f"{entity.name}.{field.name}"
        for entity in catalogue.entities.values()
        for field in entity.fields.values()
        if field.type is Type.DAY
    }

    assert days == {
        "Contracts.startDate",
        "Contracts.endDate",
        "ContractServiceUnits.startDate",
        "ContractServiceUnits.endDate",
        "ContractServiceBundleUnits.startDate",
        "ContractServiceBundleUnits.endDate",
        "ContractServiceAdjustments.effectiveDate",
        "ContractServiceBundleAdjustments.effectiveDate",
        "ContractBillingRules.startDate",
        "ContractBillingRules.endDate",
        "ContractCharges.datePurchased",
    }


def test_partly_known_picklists_differ_from_complete_and_unknown_ones(catalogue):
    contracts, companies = (
        catalogue.entities["Contracts"].fields,
        catalogue.entities["Companies"].fields,
    )

    assert contracts["contractType"].picklist == (PickValue(7, "Recurring Service"),)
    assert contracts["contractType"].picklist_partial
    assert not companies["companyType"].picklist_partial
    assert companies["classification"].picklist == ()
    assert companies["companyName"].picklist is None


def test_lookups_refer_to_existing_tables(catalogue):
    for table in catalogue.tables.values():
        assert table.key in table.columns
        assert table.title in table.columns
        for column in table.columns.values():
            assert (column.type is Type.LOOKUP) == (column.table in catalogue.tables)
            assert (column.type is Type.CHOICE) == bool(column.choices)


def test_undocumented_names_are_marked(catalogue):
    subscription = catalogue.tables["subscription"].columns

    assert subscription["quantity"].assumed
    assert not subscription["psa_system_id"].assumed
    assert catalogue.tables["license_change"].assumed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "must have `tables:` at the top, with a key for each name"),
        (
            "tables: {a: 1}",
            "tables.a is not valid: 'int' object is not subscriptable",
        ),
        ("tables: {a: {columns: {}, key: id}}", "tables.a: 'id' is missing or unknown"),
        (
            "tables: {a: {columns: {id: {type: texd, logical: x}}}}",
            "tables.a is not valid: 'texd' is not a valid Type",
        ),
        ("tables: [", "is not valid YAML: "),
        ("tables: " + "[" * 60_000, "is nested too deeply"),
        ("- " * 60_000, "is nested too deeply"),
    ],
    ids=[
        "a list",
        "a number for a table",
        "no such column",
        "no such type",
        "broken",
        "brackets",
        "dashes",
    ],
)
def test_an_invalid_catalogue_is_refused_with_the_reason(tmp_path, text, message):
    path = tmp_path / "schemas" / "work365.yaml"
    path.parent.mkdir()
    path.write_text(text)

    with pytest.raises(ConfigError) as refused:
        load_tables(path)

    [finding] = refused.value.findings
    assert finding.line().startswith(f"schemas/work365.yaml: the catalogue {message}")


def test_a_catalogue_whose_aliases_multiply_is_refused(tmp_path):
    path = tmp_path / "autotask.yaml"
    text = "x: &a0 {f: 1, g: 2}\n"
    for level in range(1, 30):
        text += f"y{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n"
    path.write_text(text + "entities: {A: *a29}\n")

    with pytest.raises(ConfigError, match="more than 1,000,000 values"):
        load_entities(path)


def test_a_missing_catalogue_is_reported(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_entities(tmp_path / "autotask.yaml")
