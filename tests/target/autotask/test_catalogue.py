"""A tenant's metadata is laid over the shipped catalogue."""

import pytest
from trueup.model.catalogue import Field, PickValue, Type
from trueup.target.autotask.catalogue import fields_reader, read_rights, read_udfs
from trueup.target.autotask.responses import MalformedResponse


def field_info(name, **flags):
    base = {
        "name": name,
        "dataType": "string",
        "length": 0,
        "isRequired": False,
        "isReadOnly": False,
        "isQueryable": True,
        "isReference": False,
        "referenceEntityType": "",
        "isPickList": False,
        "picklistValues": None,
    }
    return {**base, **flags}


def live(entities, entity, *fields):
    return fields_reader(entities[entity])({"fields": list(fields)})


def test_the_tenants_picklist_wins_with_numbers_where_records_hold_numbers(entities):
    values = [
        {"value": "12", "label": "Recurring Service", "isActive": True, "isSystem": True},
        {"value": "8", "label": "Old", "isActive": False},
    ]
    field = live(
        entities,
        "Contracts",
        field_info("contractType", dataType="integer", isPickList=True, picklistValues=values),
    )

    assert field.fields["contractType"].picklist == (
        PickValue(12, "Recurring Service"),
        PickValue(8, "Old", active=False),
    )
    assert not field.fields["contractType"].picklist_partial


def test_a_picklist_of_a_text_field_keeps_texts(entities):
    values = [{"value": "7", "label": "Seven", "isActive": True}]
    entity = live(
        entities, "Companies", field_info("companyNumber", isPicklist=True, picklistValues=values)
    )

    assert entity.fields["companyNumber"].picklist == (PickValue("7", "Seven"),)


def test_an_empty_picklist_replaces_the_catalogues_and_a_missing_one_does_not(entities):
    empty = live(
        entities,
        "Companies",
        field_info("companyType", dataType="integer", isPickList=True, picklistValues=[]),
    )
    missing = live(
        entities, "Companies", field_info("companyType", dataType="integer", isPickList=True)
    )

    assert empty.fields["companyType"].picklist == ()
    assert (
        missing.fields["companyType"].picklist
        == entities["Companies"].fields["companyType"].picklist
    )


@pytest.mark.parametrize("name", ["length", "maxLength", "MaxLength"])
def test_the_tenants_length_wins_and_a_missing_one_keeps_the_catalogues(entities, name):
    longer = live(entities, "Contracts", {"name": "contractName", "dataType": "string", name: 250})
    unknown = live(entities, "Contracts", {"name": "contractName", "dataType": "string", name: 0})

    assert longer.fields["contractName"].max_length == 250
    assert unknown.fields["contractName"].max_length == 100


def test_the_tenants_flags_win(entities):
    entity = live(
        entities,
        "Companies",
        field_info("fax", isRequired=True, isReadOnly=False, isQueryable=False),
    )

    assert (entity.fields["fax"].required, entity.fields["fax"].queryable) == (True, False)


def test_a_required_read_only_field_is_set_on_create_and_fixed_afterwards(entities):
    entity = live(entities, "Companies", field_info("taxID", isRequired=True, isReadOnly=True))

    assert entity.fields["taxID"].writable_on_create()
    assert not entity.fields["taxID"].writable_on_update()


def test_the_id_is_never_written_even_though_it_is_required_and_read_only(entities):
    entity = live(
        entities, "Companies", field_info("id", dataType="long", isRequired=True, isReadOnly=True)
    )

    assert not entity.fields["id"].writable_on_create()


def test_a_field_that_the_catalogue_fixes_after_create_stays_fixed(entities):
    # the metadata has it as read-only and nothing more, yet it is set on create
    entity = live(
        entities, "Contracts", field_info("contractPeriodType", dataType="integer", isReadOnly=True)
    )

    assert entity.fields["contractPeriodType"].writable_on_create()
    assert not entity.fields["contractPeriodType"].writable_on_update()


def test_days_stay_days_and_other_types_come_from_the_tenant(entities):
    entity = live(
        entities,
        "Contracts",
        field_info("startDate", dataType="datetime"),
        field_info("setupFee", dataType="double"),
        field_info("contractNumber", dataType="long"),
        field_info("description", dataType="novelty"),
    )

    types = [
        entity.fields[name].type
        for name in ("startDate", "setupFee", "contractNumber", "description")
    ]
    assert types == [Type.DAY, Type.DECIMAL, Type.INTEGER, Type.TEXT]


def test_fields_missing_in_the_catalogue_are_added(entities):
    entity = live(
        entities,
        "Contracts",
        field_info("lastModifiedDateTime", dataType="datetime"),
        field_info("brandNewID", dataType="long", isReference=True, referenceEntityType="Brand"),
    )

    assert entity.fields["lastModifiedDateTime"].type is Type.INSTANT
    assert entity.fields["brandNewID"].reference == "Brand"


def test_fields_missing_at_the_tenant_are_kept_and_names_keep_our_spelling(entities):
    entity = live(entities, "Contracts", field_info("CONTRACTNAME", length=120))

    assert set(entity.fields) == set(entities["Contracts"].fields)
    assert entity.fields["contractName"].max_length == 120


def test_user_defined_fields_are_texts_under_their_own_prefix():
    fields = read_udfs(
        {
            "fields": [
                {"name": "Work 365 Id", "type": "string", "length": 100, "isRequired": True},
                {"name": "Since"},
            ]
        }
    )

    assert fields == {
        "udf.Work 365 Id": Field("udf.Work 365 Id", Type.TEXT, required=True, max_length=100),
        "udf.Since": Field("udf.Since", Type.TEXT),
    }


@pytest.mark.parametrize(
    "payload",
    [None, [], {}, {"fields": None}, {"fields": [1]}, {"fields": [{}]}, {"fields": [{"name": 7}]}],
)
def test_an_answer_without_a_list_of_fields_is_malformed(entities, payload):
    with pytest.raises(MalformedResponse):
        fields_reader(entities["Contracts"])(payload)
    with pytest.raises(MalformedResponse):
        read_udfs(payload)


def test_rights_are_what_autotask_offers_and_what_the_level_grants():
    info = {
        "name": "Contract",
        "canCreate": True,
        "canQuery": True,
        "canUpdate": False,
        "userAccessForCreate": "None",
        "userAccessForQuery": "Restricted",
        "userAccessForUpdate": "All",
    }

    rights = read_rights({"info": info})

    assert rights.offered == {"create": True, "query": True, "update": False}
    assert rights.granted == {"create": "none", "query": "restricted", "update": "all"}


def test_rights_may_be_numbers_or_missing():
    rights = read_rights({"info": {"userAccessForCreate": 0, "userAccessForUpdate": 1}})

    assert rights.granted == {"create": "none", "query": "all", "update": "1"}


@pytest.mark.parametrize("payload", [None, {}, {"info": None}, {"info": []}])
def test_an_answer_without_info_is_malformed(payload):
    with pytest.raises(MalformedResponse):
        read_rights(payload)


def test_a_picklist_has_no_value_for_an_entry_without_one(entities):
    values = [{"value": None, "label": "None"}, {"label": "x"}, {"value": " ", "label": "y"}]
    entity = live(
        entities,
        "Companies",
        field_info(
            "companyType",
            dataType="integer",
            isPickList=True,
            picklistValues=[*values, {"value": "1", "label": "Customer"}],
        ),
    )

    assert entity.fields["companyType"].picklist == (PickValue(1, "Customer"),)
