import pytest

from engine.model.catalogue import Field, PickValue, Type
from engine.target.answers import Garbled
from engine.target.catalogue import read_fields, read_rights, read_udfs


def said(name, **flags):
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
    return read_fields(entities[entity])({"fields": list(fields)})


def test_the_tenants_picklist_wins_with_numbers_where_records_hold_numbers(entities):
    values = [
        {"value": "12", "label": "Recurring Service", "isActive": True, "isSystem": True},
        {"value": "8", "label": "Old", "isActive": False},
    ]
    field = live(
        entities, "Contracts", said("contractType", dataType="integer", isPickList=True, picklistValues=values)
    )

    assert field.fields["contractType"].picklist == (
        PickValue(12, "Recurring Service"),
        PickValue(8, "Old", active=False),
    )
    assert not field.fields["contractType"].picklist_partial


def test_a_picklist_of_texts_stays_one_of_texts(entities):
    values = [{"value": "7", "label": "Seven", "isActive": True}]
    entity = live(entities, "Companies", said("companyNumber", isPicklist=True, picklistValues=values))

    assert entity.fields["companyNumber"].picklist == (PickValue("7", "Seven"),)


def test_an_empty_picklist_is_one_and_a_missing_one_keeps_what_is_known(entities):
    empty = live(entities, "Companies", said("companyType", dataType="integer", isPickList=True, picklistValues=[]))
    missing = live(entities, "Companies", said("companyType", dataType="integer", isPickList=True))

    assert empty.fields["companyType"].picklist == ()
    assert missing.fields["companyType"].picklist == entities["Companies"].fields["companyType"].picklist


@pytest.mark.parametrize("name", ["length", "maxLength", "MaxLength"])
def test_the_tenants_length_wins_and_none_keeps_what_is_known(entities, name):
    longer = live(entities, "Contracts", {"name": "contractName", "dataType": "string", name: 250})
    unknown = live(entities, "Contracts", {"name": "contractName", "dataType": "string", name: 0})

    assert longer.fields["contractName"].max_length == 250
    assert unknown.fields["contractName"].max_length == 100


def test_the_tenants_flags_win(entities):
    entity = live(entities, "Companies", said("fax", isRequired=True, isReadOnly=False, isQueryable=False))

    assert (entity.fields["fax"].required, entity.fields["fax"].queryable) == (True, False)


def test_required_and_read_only_is_given_on_create_and_fixed_afterwards(entities):
    entity = live(entities, "Companies", said("taxID", isRequired=True, isReadOnly=True))

    assert entity.fields["taxID"].writable_on_create()
    assert not entity.fields["taxID"].writable_on_update()


def test_the_id_is_never_written_although_it_is_required_and_read_only(entities):
    entity = live(entities, "Companies", said("id", dataType="long", isRequired=True, isReadOnly=True))

    assert not entity.fields["id"].writable_on_create()


def test_what_the_catalogue_knows_to_be_fixed_after_create_stays_so(entities):
    # the metadata calls it read-only and nothing more, yet it is given on create
    entity = live(entities, "Contracts", said("contractPeriodType", dataType="integer", isReadOnly=True))

    assert entity.fields["contractPeriodType"].writable_on_create()
    assert not entity.fields["contractPeriodType"].writable_on_update()


def test_days_stay_days_and_other_types_are_the_tenants(entities):
    entity = live(
        entities,
        "Contracts",
        said("startDate", dataType="datetime"),
        said("setupFee", dataType="double"),
        said("contractNumber", dataType="long"),
        said("description", dataType="novelty"),
    )

    types = [entity.fields[name].type for name in ("startDate", "setupFee", "contractNumber", "description")]
    assert types == [Type.DAY, Type.DECIMAL, Type.INTEGER, Type.TEXT]


def test_fields_that_the_catalogue_does_not_know_are_added(entities):
    entity = live(
        entities,
        "Contracts",
        said("lastModifiedDateTime", dataType="datetime"),
        said("brandNewID", dataType="long", isReference=True, referenceEntityType="Brand"),
    )

    assert entity.fields["lastModifiedDateTime"].type is Type.INSTANT
    assert entity.fields["brandNewID"].reference == "Brand"


def test_fields_that_the_tenant_does_not_name_are_kept_and_names_keep_our_spelling(entities):
    entity = live(entities, "Contracts", said("CONTRACTNAME", length=120))

    assert set(entity.fields) == set(entities["Contracts"].fields)
    assert entity.fields["contractName"].max_length == 120


def test_user_defined_fields_are_texts_under_their_own_prefix():
    fields = read_udfs(
        {"fields": [{"name": "Work 365 Id", "type": "string", "length": 100, "isRequired": True}, {"name": "Since"}]}
    )

    assert fields == {
        "udf.Work 365 Id": Field("udf.Work 365 Id", Type.TEXT, required=True, max_length=100),
        "udf.Since": Field("udf.Since", Type.TEXT),
    }


@pytest.mark.parametrize(
    "payload", [None, [], {}, {"fields": None}, {"fields": [1]}, {"fields": [{}]}, {"fields": [{"name": 7}]}]
)
def test_what_is_no_list_of_fields_is_no_answer(entities, payload):
    with pytest.raises(Garbled):
        read_fields(entities["Contracts"])(payload)
    with pytest.raises(Garbled):
        read_udfs(payload)


def test_rights_are_what_is_offered_and_what_is_granted():
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


def test_rights_as_numbers_and_rights_that_are_not_said():
    rights = read_rights({"info": {"userAccessForCreate": 0, "userAccessForUpdate": 1}})

    assert rights.granted == {"create": "none", "query": "all", "update": "1"}


@pytest.mark.parametrize("payload", [None, {}, {"info": None}, {"info": []}])
def test_what_has_no_info_is_no_answer(payload):
    with pytest.raises(Garbled):
        read_rights(payload)
