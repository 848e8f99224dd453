"""A project's catalogue grows by what the tenant states; comments and other facts are kept."""

import pytest
import yaml
from msgspec.structs import replace
from trueup.config.catalogues import load_catalogue, load_entities
from trueup.errors import ConfigError, TargetError
from trueup.model.catalogue import Entity, Field, PickValue, Type
from trueup.operations import catalogue
from trueup.operations.project import load_connections, load_project
from trueup.sandbox.autotask.server import Sandbox

from tests.support.paths import SCHEMAS
from tests.support.small_project import TRUEUP, write

SHIPPED = load_entities(SCHEMAS / "autotask.yaml")
ITEMS = Entity(
    name="ConfigurationItems",
    operations=frozenset({"create", "query", "update"}),
    udf_capable="yes",
    fields={
        "id": Field("id", Type.INTEGER, required=True, readonly=True, data_type="long"),
        "companyID": Field(
            "companyID",
            Type.INTEGER,
            required=True,
            readonly=True,
            reference="Companies",
            data_type="integer",
        ),
        "isActive": Field("isActive", Type.BOOLEAN, required=True),
        "referenceTitle": Field("referenceTitle", Type.TEXT, max_length=250),
        "notes": Field("notes", Type.TEXT, queryable=False),
        "warranty": Field(
            "warranty",
            Type.INTEGER,
            picklist=(PickValue(1, "Yes"), PickValue(2, "No"), PickValue(3, "1: one # two")),
            data_type="integer",
        ),
        "udf.Rack: top": Field("udf.Rack: top", Type.TEXT, max_length=40),
    },
    routes={"/ConfigurationItems/query": ("GET", "POST")},
)
COMPANIES = replace(
    SHIPPED["Companies"],
    fields={
        **{name: one for name, one in SHIPPED["Companies"].fields.items() if name != "sicCode"},
        "phone": replace(SHIPPED["Companies"].fields["phone"], max_length=99),
        "tier": Field("tier", Type.INTEGER, picklist=(PickValue(1, "Gold"),), data_type="integer"),
    },
)


def pull(folder, names=()):
    return catalogue.pull(load_connections(folder), names)


@pytest.fixture
def folder(tmp_path):
    """A project with a broken mapping, on a tenant that has more than what is shipped."""
    entities = {**SHIPPED, "ConfigurationItems": ITEMS, "Companies": COMPANIES}
    with Sandbox(tmp_path / "tenant.sqlite", entities) as served:
        target = (
            f"target: {{connector: autotask, url: '{served.url}', username: api@demo.example, "
            "secret: '{{ env.SECRET }}', integration_code: DEMO}"
        )
        old = "target: {connector: sandbox, database: autotask.sqlite, seed: autotask.json}"
        write(
            tmp_path,
            {
                "trueup.yaml": TRUEUP.replace(old, target),
                "mappings/item.yaml": "mapping: item\ntarget: {entity: ConfigurationItems}\n",
                "rules/rules.yaml": "rules: []\n",
            },
        )
        yield tmp_path


@pytest.fixture(autouse=True)
def secret(monkeypatch):
    monkeypatch.setenv("SECRET", "demo")


def test_an_entity_of_the_tenant_is_added_for_a_mapping_that_has_errors(folder):
    pulled = pull(folder, ["ConfigurationItems"])

    assert [(one.name, one.what) for one in pulled.changes] == [("ConfigurationItems", "")]
    added = load_catalogue(SCHEMAS, folder / "schemas").entities["ConfigurationItems"]
    assert added.operations == ITEMS.operations
    assert added.udf_capable == "yes"
    fields = added.fields
    assert [*fields] == [*ITEMS.fields]
    assert fields["companyID"].reference == "Companies"
    assert fields["companyID"].writable_on_create()
    assert not fields["companyID"].writable_on_update()
    assert fields["warranty"].picklist == ITEMS.fields["warranty"].picklist
    assert fields["referenceTitle"].max_length == 250
    assert not fields["notes"].queryable
    assert fields["udf.Rack: top"].max_length == 40
    assert fields["isActive"].type is Type.BOOLEAN


def test_a_second_pull_changes_nothing(folder):
    pull(folder)
    file = folder / "schemas/autotask.yaml"
    before = file.read_bytes(), file.stat().st_mtime_ns

    again = pull(folder)

    assert again.changes == []
    assert len(again.entities) == len(SHIPPED)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


def test_what_the_tenant_states_of_a_known_entity_is_refreshed(folder):
    pulled = pull(folder, ["Companies"])

    changes = {one.name: one.what for one in pulled.changes}
    assert changes["Companies.tier"] == ""
    assert changes["Companies.phone"] == "maxLength 25 → 99"
    assert pulled.absent == ["Companies.sicCode"]
    written = yaml.safe_load((folder / "schemas/autotask.yaml").read_text())
    assert written["entities"]["Companies"]["fields"]["phone"] == {"maxLength": 99}
    extended = load_catalogue(SCHEMAS, folder / "schemas").entities["Companies"]
    assert extended.fields["phone"].max_length == 99
    assert extended.fields["phone"].required == SHIPPED["Companies"].fields["phone"].required
    assert extended.fields["tier"].picklist == (PickValue(1, "Gold"),)


OWN = """\
# Ours.
entities:
    # The customers.
    Companies:
        rules: ["asked support on 3 May"]   # by phone
        fields:
            phone: {maxLength: 25, note: asked support, requiredIf: companyType is Customer} # keep
            # The end.
"""


def test_comments_and_facts_of_a_person_are_kept(folder):
    write(folder, {"schemas/autotask.yaml": OWN})

    pull(folder, ["Companies"])

    text = (folder / "schemas/autotask.yaml").read_text()
    for comment in ("# Ours.", "# The customers.", "# by phone", "# keep", "# The end."):
        assert comment in text
    written = yaml.safe_load(text)["entities"]["Companies"]
    assert written["rules"] == ["asked support on 3 May"]
    assert written["fields"]["phone"] == {
        "maxLength": 99,
        "note": "asked support",
        "requiredIf": "companyType is Customer",
    }


def test_windows_line_ends_and_a_byte_order_mark_stay(folder):
    file = folder / "schemas" / "autotask.yaml"
    file.parent.mkdir()
    file.write_bytes(b"\xef\xbb\xbf" + OWN.replace("\n", "\r\n").encode())

    pull(folder, ["Companies"])

    content = file.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf# Ours.\r\n")
    assert content.count(b"\n") == content.count(b"\r\n")
    assert b"maxLength: 99" in content


def test_an_entity_that_the_tenant_lacks_is_named_and_the_others_are_read(folder):
    pulled = pull(folder, ["Nonsense", "ConfigurationItems", "../Companies"])

    assert pulled.entities == ["ConfigurationItems"]
    assert pulled.unread["Nonsense"].startswith("this tenant has no entity Nonsense: ")
    assert pulled.unread["../Companies"] == "'../Companies' cannot be the name of an entity"


@pytest.mark.parametrize(
    "text", ["entities: [", "- a\n", "entities: {Companies: 1}\n", "entities:\n  A: &a {b: *a}\n"]
)
def test_a_catalogue_with_errors_is_refused_and_stays(folder, text):
    write(folder, {"schemas/autotask.yaml": text})

    with pytest.raises(ConfigError, match=r"schemas/autotask\.yaml"):
        pull(folder, ["ConfigurationItems"])

    assert (folder / "schemas/autotask.yaml").read_text() == text


def test_a_tenant_that_refuses_the_user_is_one_error(folder):
    project = (folder / "trueup.yaml").read_text()
    write(folder, {"trueup.yaml": project.replace("username: api@", "username: other@")})

    with pytest.raises(TargetError):
        pull(folder)

    assert not (folder / "schemas").exists()


def test_errors_in_trueup_yaml_are_named(folder):
    write(folder, {"trueup.yaml": "project: [\n"})

    with pytest.raises(ConfigError, match=r"trueup\.yaml:"):
        pull(folder)


def test_the_extended_catalogue_is_used_by_the_project(folder):
    pull(folder, ["ConfigurationItems"])
    write(
        folder,
        {
            "mappings/item.yaml": "mapping: item\ntitle: Account → Item\ntab: Items\n"
            "source: {table: account}\ntarget: {entity: ConfigurationItems}\n"
            'identity: {"udf.Rack: top": "{{ source.id }}"}\n'
            'fields: {referenceTitle: "{{ source.name }}"}\ncreate: never\n'
        },
    )

    assert load_project(folder).mappings["item"].target.entity == "ConfigurationItems"
