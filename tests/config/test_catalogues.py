"""The catalogues that ship with trueup, and files that are not valid catalogues."""

import pytest
from msgspec.structs import replace
from trueup.config.catalogues import load_catalogue, load_entities, load_tables
from trueup.errors import ConfigError
from trueup.model.catalogue import Entity, Field, Parent, PickValue, Type

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
        ("- a", ": the catalogue must have `tables:` at the top, with a key for each name"),
        ("tables: [", ":1:10: broken YAML: a value is missing inside of [ ] or { }"),
        ("tables: !!x 1", ": the catalogue is not valid YAML: "),
        ("tables: " + "[" * 60_000, ": the catalogue is nested too deeply"),
        ("- " * 60_000, ": the catalogue is nested too deeply"),
    ],
    ids=["a list", "broken", "a tag", "brackets", "dashes"],
)
def test_an_invalid_catalogue_is_refused_with_the_reason(tmp_path, text, message):
    [finding] = refused(tmp_path, "work365.yaml", text, load_tables)

    assert finding.line().startswith(f"schemas/work365.yaml{message}")


def refused(folder, name, text, load):
    """The findings about a catalogue with this text."""
    path = folder / "schemas" / name
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        load(path)
    return error.value.findings


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "autotask.yaml",
            "entities:\n  A: {operations: [], fields: {}}\n  B: {}\n  A: {}\n",
            ":4:3: 'A' is given twice; the first is in line 2",
        ),
        (
            "autotask.yaml",
            "entities:\n  A: {operations: [], fields: {b: {picklistValues: {1: C, 01: D}}}}\n",
            ":2:59: '01' is given twice; the first is in line 2",
        ),
        (
            "work365.yaml",
            "tables:\n  a:\n    key: id\n    columns: {id: {type: text}}\n    key: no\n",
            ":5:5: 'key' is given twice; the first is in line 3",
        ),
        (
            "work365.yaml",
            "x: &x {key: id}\ntables:\n  a:\n    <<: *x\n    title: b\n    title: c\n",
            ":6:5: 'title' is given twice; the first is in line 5",
        ),
    ],
    ids=["an entity", "a number", "a fact", "beside what is merged"],
)
def test_a_key_that_is_given_twice_is_refused_at_its_place(tmp_path, name, text, message):
    load = load_entities if name == "autotask.yaml" else load_tables

    [finding] = refused(tmp_path, name, text, load)

    assert finding.line() == f"schemas/{name}{message}\n    → remove one of them"


def test_a_key_of_an_entry_counts_more_than_one_that_is_merged_into_it_in_one_line(tmp_path):
    path = tmp_path / "work365.yaml"
    path.write_text(
        "tables: {site: {<<: {key: id, title: id}, key: name, columns: {name: {type: text}, "
        "id: {type: text}}}}\n"
    )

    assert load_tables(path)["site"].key == "name"


def test_a_key_of_an_entry_counts_more_than_one_that_is_merged_into_it(tmp_path):
    path = tmp_path / "work365.yaml"
    path.write_text(
        "x: {y: &y {key: id, title: id}, z: {z: &z {<<: *y, title: name, columns: &c {}}}}\n"
        "tables: {site: {<<: *z, key: name, columns: {<<: *c, name: {type: text}}}}\n"
    )

    table = load_tables(path)["site"]

    assert (table.key, table.title, [*table.columns]) == ("name", "name", ["name"])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("1", "1:10: tables.a: names and values were expected"),
        ("{key: id}", "1:10: tables.a: `columns` is missing"),
        ("{columns: {id: {type: text}}}", "1:10: tables.a: `key` is missing"),
        ("{columns: {}, key: id}", "1:27: tables.a.key: `key` names the column 'id', which"),
        ("{key: id, columns: {id: }}", "1:33: tables.a.columns.id: names and values were expected"),
        ("{key: id, columns: {id: {label: x}}}", "1:33: tables.a.columns.id: `type` is missing"),
        (
            "{key: id, columns: {id: {type: choice, choices: {1: Active, 2: 7}}}}",
            "1:52: tables.a.columns.id.choices: choice 2 is 7, which is not a text",
        ),
        (
            "{key: id, columns: {id: {type: texd}}}",
            (
                "1:38: tables.a.columns.id.type: 'texd' is not a type of columns\n"
                "    → write one of text, integer, decimal, boolean, day, instant, lookup, choice"
            ),
        ),
        (
            "{key: id, columns: {id: {type: lookup}}}",
            (
                "1:33: tables.a.columns.id: `table` is missing\n"
                "    → name the table that it refers to: `{type: lookup, table: account}`"
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_table_is_named_with_its_place(tmp_path, table, message):
    [finding] = refused(tmp_path, "work365.yaml", f"tables: {{a: {table}}}", load_tables)

    assert finding.line().startswith(f"schemas/work365.yaml:{message}")
    assert finding.remedy


@pytest.mark.parametrize(
    ("entity", "message"),
    [
        ("[]", "1:12: entities.A: names and values were expected"),
        ("{operations: [query]}", "1:12: entities.A: `fields` is missing"),
        ("{fields: {}}", "1:12: entities.A: `operations` is missing"),
        ("{fields: {}, operations: [read]}", "1:28: entities.A.operations: operations are not val"),
        (
            "{operations: [], fields: {id: {type: text}}}",
            (
                "1:46: entities.A.fields.id.type: 'text' is not a type of fields\n"
                "    → write one of string, integer, long, short, decimal, boolean, datetime"
            ),
        ),
        (
            "{operations: [], fields: {}, parent: {entity: B, path: x}}",
            "1:44: entities.A.parent: `key` is missing",
        ),
    ],
)
def test_what_is_wrong_with_an_entity_is_named_with_its_place(tmp_path, entity, message):
    [finding] = refused(tmp_path, "autotask.yaml", f"entities: {{A: {entity}}}", load_entities)

    assert finding.line().startswith(f"schemas/autotask.yaml:{message}")
    assert finding.remedy


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ("maxLength: ten", ".maxLength: 'ten' is not a whole number"),
        ("maxLength: true", ".maxLength: true is not a whole number"),
        ("maxLength: -5", ".maxLength: -5 is not a whole number above 0"),
        (
            "maxlength: 5",
            ".maxlength: 'maxlength' is not known here\n    → did you mean 'maxLength'?",
        ),
        (
            "max_length: 5",
            ".max_length: 'max_length' is not known here\n    → did you mean 'maxLen",
        ),
        ("colour: red", ".colour: 'colour' is not known here\n    → known: type, "),
        ('required: "no"', ".required: 'no' is not true or false\n    → write true or false"),
        ("queryable: 1", ".queryable: 1 is not true or false"),
        ("reference: 5", ".reference: 5 is not a text"),
        ("requiredIf: [a]", ".requiredIf: a list is not a text"),
        ("referenceIs: 7", ".referenceIs: names and values were expected\n    → write `{field: la"),
        ("referenceIs: {a: 7}", ".referenceIs: field a is 7, which is not a text"),
        ("picklistValues: {0: No}", ".picklistValues: entry 0 is false, which is not a text"),
        ("picklistValues: {0: 100}", ".picklistValues: entry 0 is 100, which is not a text"),
        ("picklistValues: {0: }", ".picklistValues: entry 0 is nothing, which is not a text"),
        ("picklistValues: {No: A}", ".picklistValues: false is neither a number nor a text"),
        ("picklistValues: [A]", ".picklistValues: names and values were expected"),
    ],
)
def test_a_fact_of_a_field_that_is_not_valid_is_refused(tmp_path, facts, message):
    text = f"entities: {{A: {{operations: [], fields: {{b: {{type: string, {facts}}}}}}}}}"

    [finding] = refused(tmp_path, "autotask.yaml", text, load_entities)

    assert finding.line().startswith(f"schemas/autotask.yaml:1:59: entities.A.fields.b{message}")


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ("writesVia: parents", 'writesVia: \'parents\' is not "root" or "parent" or '),
        ("userDefinedFields: no", 'userDefinedFields: false is not "yes" or "no" or "uncertain"'),
        ("routes: [GET]", "routes: a list is not names and values"),
        ("routes: {/A: GET}", "routes./A: 'GET' is not a list"),
        ("rules: no delete", "rules: 'no delete' is not a list"),
        ("rule: []", "rule: 'rule' is not known here\n    → did you mean 'rules'?"),
        (
            "parent: {entity: B, path: /B, key: b, keys: c}",
            "parent.keys: 'keys' is not known here\n    → did you mean 'key'?",
        ),
    ],
)
def test_a_fact_of_an_entity_that_is_not_valid_is_refused(tmp_path, facts, message):
    text = f"entities: {{A: {{operations: [], fields: {{}}, {facts}}}}}"

    [finding] = refused(tmp_path, "autotask.yaml", text, load_entities)

    assert f": entities.A.{message}" in finding.line()


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (
            "key: id, columns: {id: {type: text, lable: X}}",
            "columns.id.lable: 'lable' is not known",
        ),
        (
            "key: id, columns: {id: {type: text, label: no}}",
            "columns.id.label: false is not a text",
        ),
        (
            "key: id, columns: {id: {type: text, assumed: 1}}",
            "columns.id.assumed: 1 is not true or",
        ),
        ("keys: id, columns: {}", "keys: 'keys' is not known here\n    → did you mean 'key'?"),
    ],
)
def test_a_fact_of_a_table_or_column_that_is_not_valid_is_refused(tmp_path, facts, message):
    [finding] = refused(tmp_path, "work365.yaml", f"tables: {{a: {{{facts}}}}}", load_tables)

    assert f": tables.a.{message}" in finding.line()


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (
            "requiredIf: b equals Active",
            ".requiredIf: 'b equals Active' is no condition\n    → write `a absent`, ",
        ),
        ("requiredIf: id absent or so", ".requiredIf: 'id absent or so' is no condition"),
        ("requiredIf: id is", ".requiredIf: 'id is' is no condition"),
        ("requiredIf: idd absent", ".requiredIf: A has no field 'idd'\n    → did you mean 'id'?"),
        ("requiredIf: id + c absent", ".requiredIf: A has no field 'c'\n    → known: b, id, k"),
        ("requiredIf: c is Active", ".requiredIf: A has no field 'c'"),
        (
            "requiredIf: k is Inuse",
            ".requiredIf: k has no entry 'Inuse'\n    → did you mean 'In use'?",
        ),
        ("reference: A, referenceIs: {k: Out}", ".referenceIs.k: k has no entry 'Out'"),
        ("reference: A, referenceIs: {c: Active}", ".referenceIs.c: A has no field 'c'"),
        ("reference: A, referenceIs: {7: Active}", ".referenceIs.7: A has no field '7'"),
    ],
)
def test_a_condition_that_nothing_meets_is_refused(tmp_path, facts, message):
    list_ = "{type: integer, picklist: true, picklistValues: {1: In use, 2: was absent}}"
    fields = f"{{id: {{type: long}}, k: {list_}, b: {{type: string, {facts}}}}}"
    text = f"entities: {{A: {{operations: [], fields: {fields}}}}}"

    [finding] = refused(tmp_path, "autotask.yaml", text, load_entities)

    assert f": entities.A.fields.b{message}" in finding.line()


@pytest.mark.parametrize(
    "condition", ["k is In Use", "k is was absent", "k absent", "id + k absent"]
)
def test_a_condition_that_a_record_may_meet_is_accepted(tmp_path, condition):
    list_ = "{type: integer, picklist: true, picklistValues: {1: In use, 2: was absent}}"
    file = tmp_path / "autotask.yaml"
    file.write_text(
        f"entities: {{A: {{operations: [], fields: {{id: {{type: long}}, k: {list_}, "
        f"b: {{type: string, requiredIf: {condition}}}}}}}}}\n"
    )

    assert load_entities(file)["A"].fields["b"].required_if == condition


def test_a_fact_without_a_value_is_unknown(tmp_path):
    names = ("required", "maxLength", "reference", "queryable", "requiredIf", "referenceIs")
    facts = ", ".join(f"{name}: " for name in (*names, "picklist", "picklistValues"))
    path = tmp_path / "autotask.yaml"
    path.write_text(
        "entities: {A: {operations: [], routes: , rules: , fields: "
        f"{{b: {{type: string, {facts}}}}}}}}}"
    )

    entity = load_entities(path)["A"]

    assert entity == Entity("A", frozenset(), {"b": Field("b", Type.TEXT, data_type="string")})


def test_a_column_is_called_in_the_source_as_in_mappings_by_default(tmp_path):
    path = tmp_path / "work365.yaml"
    path.write_text("tables: {site: {key: id, columns: {id: {type: text}, town: {type: text}}}}")

    table = load_tables(path)["site"]

    assert (table.logical, table.title) == ("site", "id")
    assert table.columns["town"].logical == "town"


def test_a_project_extends_what_is_shipped(tmp_path, catalogue):
    (tmp_path / "autotask.yaml").write_text(
        "entities:\n"
        "  Companies: {fields: {phone: {maxLength: 30}, udf.Colour: {type: string}}}\n"
        "  Tasks: {operations: [query], fields: {id: {type: long}}}\n"
    )
    (tmp_path / "work365.yaml").write_text(
        "tables: {account: {columns: {region: {type: text, logical: cr1_region}}}}"
    )

    extended = load_catalogue(SHIPPED, tmp_path)

    assert extended.entities.keys() == {*catalogue.entities, "Tasks"}
    companies, shipped = (one.entities["Companies"] for one in (extended, catalogue))
    assert companies.fields["phone"] == replace(shipped.fields["phone"], max_length=30)
    assert companies.fields.keys() == {*shipped.fields, "udf.Colour"}
    assert companies.routes == shipped.routes
    columns = extended.tables["account"].columns
    assert columns.keys() == {*catalogue.tables["account"].columns, "region"}


def test_a_copy_of_what_is_shipped_changes_nothing(tmp_path, catalogue):
    for name in ("autotask.yaml", "work365.yaml"):
        (tmp_path / name).write_bytes((SHIPPED / name).read_bytes())

    assert load_catalogue(SHIPPED, tmp_path) == catalogue


def test_errors_name_the_file_of_the_project(tmp_path):
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "autotask.yaml").write_text(
        "entities:\n  Companies:\n    fields:\n      phone: {type: phone}\n"
    )

    with pytest.raises(ConfigError, match=r"schemas/autotask\.yaml:4:15: .*phone\.type: 'phone'"):
        load_catalogue(SHIPPED, tmp_path / "schemas")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("é: 1\nentities: {A: 1, A: 2}\n", ":2:18: 'A' is given twice; the first is in line 2"),
        ("é: 1\nentities: {A: 1\n", ":2:11: broken YAML: this is not closed"),
        ("é: 1\nentities: {A: 1}\n", ":2:12: entities.A: names and values were expected"),
        ("é:\n" + "- " * 50 + "1\n", ": the catalogue is nested too deeply"),
    ],
    ids=["a key given twice", "broken YAML", "an entry", "too deep"],
)
def test_faults_have_their_places_whatever_the_encoding_is(tmp_path, encoding, text, message):
    path = tmp_path / "autotask.yaml"
    path.write_text(text, encoding=encoding)

    with pytest.raises(ConfigError) as refusal:
        load_entities(path)

    assert f"autotask.yaml{message}" in str(refusal.value)


def test_a_catalogue_that_is_no_utf_16_behind_its_mark_is_refused(tmp_path):
    path = tmp_path / "autotask.yaml"
    path.write_bytes(b"\xff\xfea")

    with pytest.raises(ConfigError, match="is not valid YAML: 'utf-16-le' codec can't decode"):
        load_entities(path)


@pytest.mark.parametrize("text", ["", "system: PSA\n", "active: active\n", "entities:\n"])
def test_a_file_of_the_project_may_leave_out_its_entries(tmp_path, catalogue, text):
    (tmp_path / "autotask.yaml").write_text(text)

    assert load_catalogue(SHIPPED, tmp_path).entities.keys() == catalogue.entities.keys()


def test_all_entries_of_both_files_that_are_not_valid_are_reported(tmp_path):
    folder = tmp_path / "schemas"
    folder.mkdir()
    (folder / "autotask.yaml").write_text(
        "entities:\n  A: {fields: {}}\n  B: {operations: [], fields: {c: {type: text}}}\n"
    )
    (folder / "work365.yaml").write_text("tables:\n  site: {key: id}\n")

    with pytest.raises(ConfigError) as refusal:
        load_catalogue(SHIPPED, folder)

    assert [finding.line().split("\n")[0] for finding in refusal.value.findings] == [
        "schemas/work365.yaml:2:3: tables.site: `columns` is missing",
        "schemas/autotask.yaml:2:3: entities.A: `operations` is missing",
        "schemas/autotask.yaml:3:36: entities.B.fields.c.type: 'text' is not a type of fields",
    ]


def test_a_misspelt_key_beside_the_entries_is_refused_with_the_right_one(tmp_path):
    text = "entities: {}\nentitys: {}\n"

    [finding] = refused(tmp_path, "autotask.yaml", text, load_entities)

    assert finding.line() == (
        "schemas/autotask.yaml:2:1: entitys: 'entitys' is not known here\n"
        "    → did you mean 'entities'?"
    )


def test_all_misspelt_keys_and_entries_are_reported_together(tmp_path):
    text = "entities: {A: {operations: [], field: {}}}\nsytem: PSA\nentites: {}\nactiv: id\n"

    findings = refused(tmp_path, "autotask.yaml", text, load_entities)

    assert [finding.line().split("\n")[0] for finding in findings] == [
        "schemas/autotask.yaml:4:1: activ: 'activ' is not known here",
        "schemas/autotask.yaml:3:1: entites: 'entites' is not known here",
        "schemas/autotask.yaml:2:1: sytem: 'sytem' is not known here",
        "schemas/autotask.yaml:1:32: entities.A.field: 'field' is not known here",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "entity: &e {type: long}\nentities: {A: {operations: [], fields: {id: *e}}}\n",
        "entity: {a: 1, id: &e {type: long}}\nentities: {A: {operations: [], fields: {id: *e}}}\n",
        "actives: [&e {type: long}]\nentities: {A: {operations: [], fields: {id: *e}}}\n",
        "systems: &e long\nentities: {A: {operations: [], fields: {id: {type: *e}}}}\n",
    ],
    ids=["a map", "a part of a map", "an entry of a list", "a text"],
)
def test_what_entries_share_by_aliases_may_have_any_name(tmp_path, text):
    path = tmp_path / "autotask.yaml"
    path.write_text(text)

    assert load_entities(path)["A"].fields["id"].type is Type.INTEGER


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("entities: {}\nentites: {a: &a {type: long}, b: *a}\n", [2]),
        ("entities: {}\nactiv: &y id\n", [2]),
        ("entities: {}\nactiv: &y id\nsytem: [&z 1, *y, *z]\n", [3]),
        ("entities: {}\n&y activ: id\nnote: *y\n", [2]),
    ],
    ids=["an alias beside it", "no alias", "an alias in another key", "an anchor of the key"],
)
def test_a_misspelt_key_with_an_anchor_that_nothing_else_refers_to_is_refused(
    tmp_path, text, lines
):
    findings = refused(tmp_path, "autotask.yaml", text, load_entities)

    assert [finding.place.line for finding in findings] == lines


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        (
            "autotask.yaml",
            (
                "entities:\n  365: {operations: [], fields: {}}\n"
                '  "365": {operations: [], fields: {}}\n'
            ),
            "2:3: entities.365",
        ),
        (
            "autotask.yaml",
            'entities:\n  A: {operations: [], fields: {1: {type: long}, "1": {type: long}}}\n',
            "2:32: entities.A.fields.1",
        ),
    ],
    ids=["entities", "fields"],
)
def test_a_name_that_is_a_number_and_a_text_is_refused(tmp_path, name, text, place):
    [finding] = refused(tmp_path, name, text, load_entities)

    assert finding.line().startswith(f"schemas/{name}:{place}: ")
    assert "occurs more than once" in finding.text


def test_a_misspelt_key_that_only_uses_an_alias_is_refused(tmp_path):
    text = "x: &x {}\nentities: {A: {operations: [], fields: *x}}\nentites: *x\nactiv: id\n"

    findings = refused(tmp_path, "autotask.yaml", text, load_entities)

    assert [finding.place.line for finding in findings] == [4, 3]


def test_all_faults_of_one_entity_are_reported(tmp_path):
    text = (
        "entities:\n  A:\n    operations: []\n    rule: []\n    routes: 5\n    fields:\n"
        "      a: {type: text}\n      b: {type: string, maxLength: 0, colour: red}\n"
        "      c: {type: string}\n"
    )

    findings = refused(tmp_path, "autotask.yaml", text, load_entities)

    assert [finding.text.partition(": ")[0] for finding in findings] == [
        "entities.A.rule",
        "entities.A.routes",
        "entities.A.fields.a.type",
        "entities.A.fields.b.maxLength",
        "entities.A.fields.b.colour",
    ]


@pytest.mark.parametrize(
    ("entity", "faults"),
    [
        (
            "{rule: [], parent: {entity: 5, path: /B}, routes: {/A: GET, /B: x}}",
            {
                "A.rule: 'rule' is not known here",
                "A: `fields` is missing",
                "A: `operations` is missing",
                "A.parent.entity: 5 is not a text",
                "A.parent: `key` is missing",
                "A.routes./A: 'GET' is not a list",
                "A.routes./B: 'x' is not a list",
            },
        ),
        (
            "{operations: [read], fields: [a], writesVia: x}",
            {
                "A.operations: operations are not valid",
                "A.fields: names and values were expected",
                'A.writesVia: \'x\' is not "root" or "parent" or "root or parent" or "none"',
            },
        ),
        (
            "{operation: [query], field: {}, routes: 5}",
            {
                "A.operation: 'operation' is not known here",
                "A.field: 'field' is not known here",
                "A.routes: 5 is not names and values",
            },
        ),
        (
            (
                "{operations: [], fields: {a: {day: 1}, b: {typ: x, picklistValues: 1}, "
                "c: {type: texd, picklistValues: {x: 1}, referenceIs: 5}}}"
            ),
            {
                "A.fields.a.day: 1 is not true or false",
                "A.fields.a: `type` is missing",
                "A.fields.b.typ: 'typ' is not known here",
                "A.fields.b.picklistValues: names and values were expected",
                "A.fields.c.type: 'texd' is not a type of fields",
                "A.fields.c.picklistValues: entry x is 1, which is not a text",
                "A.fields.c.referenceIs: names and values were expected",
            },
        ),
        (
            (
                "{operations: [], parent: {entty: B}, fields: {a: {type: long, picklistValues: "
                "{x: 1, 2: 3}}, b: {type: long, picklistValues: {x: A, y: B}}}}"
            ),
            {
                "A.parent.entty: 'entty' is not known here",
                "A.parent: `path` is missing",
                "A.parent: `key` is missing",
                "A.fields.a.picklistValues: entry x is 1, which is not a text",
                "A.fields.a.picklistValues: entry 2 is 3, which is not a text",
                (
                    "A.fields.b.picklistValues: 'x' is not a whole number, as the values of the "
                    "field are"
                ),
                (
                    "A.fields.b.picklistValues: 'y' is not a whole number, as the values of the "
                    "field are"
                ),
            },
        ),
    ],
    ids=["what is missing", "what is not valid", "what is misspelt", "fields", "parts"],
)
def test_all_that_is_wrong_with_an_entity_is_reported_together(tmp_path, entity, faults):
    text = f"entities: {{A: {entity}}}"

    findings = refused(tmp_path, "autotask.yaml", text, load_entities)

    assert sorted(one.text for one in findings) == sorted(f"entities.{one}" for one in faults)


@pytest.mark.parametrize(
    ("table", "faults"),
    [
        (
            "{colums: {}, titel: id}",
            {
                "a.colums: 'colums' is not known here",
                "a.titel: 'titel' is not known here",
                "a: `key` is missing",
            },
        ),
        (
            "{key: id, title: name, columns: {idd: {type: texd, choices: 5}}, label: true}",
            {
                "a.key: `key` names the column 'id', which the table does not have",
                "a.title: `title` names the column 'name', which the table does not have",
                "a.columns.idd.type: 'texd' is not a type of columns",
                "a.columns.idd.choices: names and values were expected",
                "a.label: true is not a text",
            },
        ),
        (
            "{key: id, title: true, columns: {id: {type: lookup, lbel: x}}}",
            {
                "a.title: true is not a text",
                "a.columns.id.lbel: 'lbel' is not known here",
                "a.columns.id: `table` is missing",
            },
        ),
    ],
    ids=["what is misspelt or missing", "what is not valid", "a column that is not valid"],
)
def test_all_that_is_wrong_with_a_table_is_reported_together(tmp_path, table, faults):
    findings = refused(tmp_path, "work365.yaml", f"tables: {{a: {table}}}", load_tables)

    assert sorted(one.text for one in findings) == sorted(f"tables.{one}" for one in faults)


def test_all_conditions_of_one_entity_that_nothing_meets_are_reported(tmp_path):
    fields = "{a: {type: string, requiredIf: x absent}, b: {type: string, requiredIf: or}}"
    text = f"entities: {{A: {{operations: [], fields: {fields}}}}}"

    findings = refused(tmp_path, "autotask.yaml", text, load_entities)

    assert [finding.text.partition(": ")[0] for finding in findings] == [
        "entities.A.fields.a.requiredIf",
        "entities.A.fields.b.requiredIf",
    ]


def test_a_lookup_is_checked_while_another_table_has_a_fault(tmp_path):
    text = (
        "tables:\n  a: {key: id, columns: {id: {type: texd}}}\n  b:\n    key: id\n    columns:\n"
        "      id: {type: text}\n      to_a: {type: lookup, table: a}\n"
        "      to_c: {type: lookup, table: c}\n"
    )

    findings = refused(tmp_path, "work365.yaml", text, load_tables)

    assert [finding.text for finding in findings] == [
        "tables.a.columns.id.type: 'texd' is not a type of columns",
        "tables.b.columns.to_c.table: there is no table 'c'",
    ]


@pytest.mark.parametrize("name", ['"2024"', "2024"])
def test_a_lookup_may_refer_to_a_table_whose_name_is_a_number(tmp_path, name):
    path = tmp_path / "work365.yaml"
    column = f"{{type: lookup, table: {name}}}"
    path.write_text(f"tables: {{2024: {{key: id, columns: {{id: {{type: text}}, x: {column}}}}}}}")

    assert load_tables(path)["2024"].columns["x"].table == "2024"


def test_a_picklist_of_numbers_has_no_text_as_a_value(tmp_path):
    field = "{type: integer, picklist: true, picklistValues: {a: B}}"
    text = f"entities: {{A: {{operations: [], fields: {{b: {field}}}}}}}"

    [finding] = refused(tmp_path, "autotask.yaml", text, load_entities)

    assert "b.picklistValues: 'a' is not a whole number, as the values of" in finding.line()


def test_a_lookup_to_a_table_that_is_not_there_is_refused_at_its_place(tmp_path):
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "work365.yaml").write_text(
        "tables:\n  account:\n    columns:\n      primary_contact: {type: lookup, table: contac}\n"
    )

    with pytest.raises(ConfigError) as refusal:
        load_catalogue(SHIPPED, tmp_path / "schemas")

    assert str(refusal.value) == (
        "schemas/work365.yaml:4:39: tables.account.columns.primary_contact.table: "
        "there is no table 'contac'\n    → did you mean 'contact'?"
    )


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
