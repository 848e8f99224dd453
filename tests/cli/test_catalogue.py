"""The catalogues of a project grow: `catalogue pull`, and `discover --add` for Dataverse."""

import json

import pytest
import yaml
from msgspec.structs import replace
from trueup.connectors.autotask import AutotaskConnector
from trueup.model.catalogue import Column, Table, Type
from trueup.operations.project import load_project
from trueup.ports.target import DescribedEntity
from trueup.sandbox.dataverse.server import DataverseSandbox, Environment
from trueup.target.autotask.described import spelling


def test_an_unknown_entity_is_answered_with_the_list_and_the_way_out(work, trueup):
    mapping = work / "mappings/customer.yaml"
    mapping.write_text(mapping.read_text().replace("entity: Companies", "entity: Xyzzys"))

    code, out, _ = trueup("validate")

    assert code == 1
    assert "there is no entity 'Xyzzys'" in out
    assert "known: BillingCodes, Companies, CompanyLocations, " in out
    assert "; `trueup catalogue pull Xyzzys` adds an entity of the tenant" in out


def test_pull_shows_what_is_new_and_changes_nothing_twice(work, trueup):
    file = work / "schemas/autotask.yaml"
    before = file.read_text().splitlines()

    code, out, _ = trueup("catalogue", "pull", "Companies")
    assert code == 0
    assert out.endswith("Read 1 entity. Written to schemas/autotask.yaml.\n")
    assert "+ Companies.udf.Work 365 Id\n" in out
    after = file.read_text().splitlines()
    assert [line for line in before if "#" in line] == [line for line in after if "#" in line]
    code, out, _ = trueup("catalogue", "pull", "Companies")
    assert (code, out) == (0, "Read 1 entity. The catalogue has all that the tenant states.\n")
    code, out, _ = trueup("catalogue", "pull", "Companies", "--json")
    found = json.loads(out)
    assert (code, found["added"], found["changed"]) == (0, [], {})
    assert trueup("validate")[0] == 0


def test_pull_reports_an_entity_that_is_not_there(work, trueup):
    code, out, err = trueup("catalogue", "pull", "Xyzzys")

    assert code == 1
    assert out.startswith("Read 0 entities.")
    assert err.endswith(
        "error: Xyzzys: this tenant has no entity Xyzzys: names are plural, such as "
        "Companies, and the API user must see the entity\n"
    )


def test_a_name_in_another_spelling_is_the_entity_of_the_catalogue(work, trueup):
    file = work / "schemas/autotask.yaml"

    code, out, _ = trueup("catalogue", "pull", "companies", "COMPANIES", "--json")

    assert (code, json.loads(out)["entities"]) == (0, ["Companies"])
    entities = yaml.safe_load(file.read_text())["entities"] or {}
    assert [name for name in entities if name.casefold() == "companies"] == ["Companies"]


def test_a_new_entity_has_the_spelling_of_the_tenant(work, trueup, monkeypatch):
    described = DescribedEntity("ConfigurationItems", ("query",), has_udfs=False, fields={})
    requested = []

    def describe(_self, name):
        requested.append(name)
        return described

    monkeypatch.setattr(AutotaskConnector, "describe_entity", describe)

    code, out, _ = trueup("catalogue", "pull", "configurationitems", "ConfigurationItems")

    assert (code, requested[0]) == (0, "configurationitems")
    assert out.count("+ ConfigurationItems\n") == 1
    entities = yaml.safe_load((work / "schemas/autotask.yaml").read_text())["entities"]
    assert "configurationitems" not in entities


@pytest.mark.parametrize(
    ("stated", "given", "name"),
    [
        ("ConfigurationItem", "configurationitems", "ConfigurationItems"),
        ("Company", "COMPANIES", "Companies"),
        ("Companies", "companies", "Companies"),
        ("", "Sites", "Sites"),
        ("Site", "Sites", "Sites"),
        ("Other", "Sites", "Sites"),
    ],
)
def test_the_plural_has_the_capitals_that_the_tenant_states(stated, given, name):
    assert spelling(given, stated) == name


def test_an_unknown_name_is_answered_with_the_nearest_one(trueup):
    code, out, err = trueup("catalogue", "pull", "Company")

    assert code == 1
    assert out == "Read 0 entities. Nothing was written.\n"
    assert err.endswith(
        "error: Company: this tenant has no entity Company: did you mean 'Companies'?\n"
    )
    code, out, err = trueup("catalogue", "pull", "Contracts", "Contrct")
    assert "did you mean 'Contracts'?" in err
    assert "The catalogue has all that the tenant states" not in out


SITE = Table(
    "site",
    "cr1_site",
    "cr1_sites",
    "Site",
    "id",
    "name",
    {
        one.name: one
        for one in (
            Column("id", Type.TEXT, "cr1_siteid", "Site", required=True),
            Column("name", Type.TEXT, "cr1_name", "Site Name"),
            Column("seats", Type.INTEGER, "cr1_seats", "Seats: all"),
            Column("since", Type.DAY, "cr1_since", "Since"),
            Column("owner", Type.LOOKUP, "cr1_owner", "Owner", table="account"),
            Column("kind", Type.CHOICE, "cr1_kind", "Kind", choices={1: "Yes", 2: "No"}),
        )
    },
)


@pytest.fixture
def dataverse(work, read_from):
    """A Dataverse with a table and a column that the catalogue does not have."""
    tables = dict(load_project(work).catalogue.tables)
    account = tables["account"]
    region = Column("region", Type.TEXT, "cr1_region", "Region")
    tables["account"] = replace(account, columns={**account.columns, "region": region})
    tables["site"] = SITE
    with DataverseSandbox(tables, dict.fromkeys(tables, ()), Environment()) as served:
        read_from(served.url, "demo")
        yield served


def test_tables_and_columns_of_dataverse_are_added(work, trueup, dataverse):
    assert dataverse.url
    mapping = work / "mappings/site.yaml"
    mapping.write_text(
        "mapping: site\ntitle: Site → Company\ntab: Customers\nsource: {table: cr1_site}\n"
        "target: {entity: Companies}\nidentity: {udf.Site Id: '{{ source.id }}'}\n"
        "fields: {companyName: '{{ source.cr1_name }}'}\ncreate: never\n"
    )
    code, out, _ = trueup("validate")
    assert code == 1
    assert "there is no table 'cr1_site'" in out
    assert "`trueup discover --add TABLE` adds one of the tenant" in out
    before = (work / "schemas/work365.yaml").read_text()

    code, out, err = trueup("discover", "--add", "cr1_site", "--add", "account.cr1_region")

    added = "+ cr1_site\n+ account.cr1_region\nWritten to schemas/work365.yaml.\n"
    assert (code, out, err) == (0, added, "")
    tables = yaml.safe_load((work / "schemas/work365.yaml").read_text())["tables"]
    assert tables["account"]["columns"]["cr1_region"] == {
        "type": "text",
        "logical": "cr1_region",
        "label": "Region",
    }
    site = tables["cr1_site"]
    assert {key: site[key] for key in ("logical", "entity_set", "label", "key", "title")} == {
        "logical": "cr1_site",
        "entity_set": "cr1_sites",
        "label": "Site",
        "key": "id",
        "title": "cr1_name",
    }
    assert site["columns"]["cr1_owner"]["table"] == "account"
    assert site["columns"]["cr1_kind"]["choices"] == {1: "Yes", 2: "No"}
    assert site["columns"]["cr1_seats"]["type"] == "integer"
    kept = (work / "schemas/work365.yaml").read_text()
    assert all(line in kept for line in before.splitlines() if line.startswith("#"))
    assert trueup("validate")[0] == 0
    code, out, _ = trueup("discover", "--add", "cr1_site", "--add", "account.cr1_region")
    assert (code, out) == (0, "The catalogue has all of it.\n")


def test_what_dataverse_does_not_have_is_named(work, trueup, dataverse):
    assert dataverse.url
    before = (work / "schemas/work365.yaml").read_bytes()

    code, out, err = trueup("discover", "--add", "account.cr1_regio")
    assert (code, out) == (1, "")
    assert "table account has no column 'cr1_regio': did you mean 'cr1_region'?" in err
    code, out, err = trueup("discover", "--add", "cr1_nothing")
    assert (code, out) == (1, "")
    assert "has no table `cr1_nothing`" in err
    assert (work / "schemas/work365.yaml").read_bytes() == before


def test_files_have_nothing_to_add_from(work, trueup):
    code, _, err = trueup("discover", "--add", "cr1_site")

    assert code == 1
    assert err.startswith("error: the source in trueup.yaml is no Dataverse")
