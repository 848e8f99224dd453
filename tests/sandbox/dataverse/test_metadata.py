"""Metadata: tables, columns, keys, relationships, `$metadata`."""

from xml.etree import ElementTree as ET

import pytest

from tests.support.dataverse_client import DataverseClient, error_of
from tests.support.dataverse_world import key

ACCOUNT = "EntityDefinitions(LogicalName='account')"
CRM = "Microsoft.Dynamics.CRM"


def found(client: DataverseClient, path: str, name: str = "LogicalName") -> list[str]:
    response = client.get(path)
    assert response.status_code == 200, response.text
    return [document[name] for document in response.json()["value"]]


def test_tables_are_found_by_their_properties(client: DataverseClient):
    query = "EntityDefinitions?$select=LogicalName,EntitySetName&$filter="

    assert found(client, f"{query}LogicalName eq 'account'", "EntitySetName") == ["accounts"]
    assert found(client, f"{query}LogicalName eq 'nothing'") == []
    assert found(client, f"{query}IsPrivate eq false and startswith(SchemaName,'pro')") == [
        "product"
    ]
    assert error_of(client.get(f"{query}DisplayName eq 'Account'"))[0] == 400
    assert error_of(client.get(f"{query}Color eq 'red'"))[0] == 400


def test_a_table_is_addressed_by_its_name_or_its_id(client: DataverseClient):
    table = client.get(ACCOUNT).json()

    same = client.get(f"EntityDefinitions({table['MetadataId']})").json()
    assert same == table
    assert {"SchemaName", "PrimaryIdAttribute", "IsCustomEntity", "Privileges"} <= table.keys()
    assert "Attributes" not in table


def test_columns_have_all_their_properties(client: DataverseClient):
    columns = {
        column["LogicalName"]: column
        for column in client.get(f"{ACCOUNT}/Attributes").json()["value"]
    }

    name, contact = columns["name"], columns["primarycontactid"]
    assert name["@odata.type"] == f"#{CRM}.StringAttributeMetadata"
    assert (name["IsPrimaryName"], name["MaxLength"]) == (True, 160)
    assert contact["Targets"] == ["contact"]
    assert columns["accountid"]["RequiredLevel"]["Value"] == "SystemRequired"
    assert len({column["MetadataId"] for column in columns.values()}) == len(columns)


def test_columns_are_filtered_by_type_in_each_form_of_the_type(client: DataverseClient):
    path = f"{ACCOUNT}/Attributes?$select=LogicalName&$filter=AttributeType eq "

    lookups = ["primarycontactid", "parentaccountid", "transactioncurrencyid"]
    assert found(client, f"{path}'Lookup'") == lookups
    assert found(client, f"{path}{CRM}.AttributeTypeCode'Lookup'") == lookups
    assert found(client, f"{ACCOUNT}/Attributes/{CRM}.LookupAttributeMetadata") == lookups


def test_one_column_is_addressed_by_its_name_or_its_id(client: DataverseClient):
    column = client.get(f"{ACCOUNT}/Attributes(LogicalName='statecode')").json()
    address = f"{ACCOUNT}/Attributes({column['MetadataId']})"
    cast = client.get(f"{address}/{CRM}.StateAttributeMetadata?$expand=OptionSet").json()

    assert client.get(address).json() == column
    assert [option["State"] for option in cast["OptionSet"]["Options"]] == [0, 1]
    assert "OptionSet" not in client.get(f"{address}/{CRM}.StateAttributeMetadata").json()
    assert client.get(f"{ACCOUNT}/Attributes(LogicalName='nothing')").status_code == 404


def test_alternate_keys_are_shown(client: DataverseClient):
    keys = client.get(f"{ACCOUNT}/Keys").json()["value"]

    assert [one["KeyAttributes"] for one in keys] == [["accountnumber"]]
    expanded = client.get(f"{ACCOUNT}?$expand=Keys($select=KeyAttributes)").json()["Keys"]
    assert [one["KeyAttributes"] for one in expanded] == [["accountnumber"]]


def test_relationships_are_shown_from_both_sides(client: DataverseClient):
    contact = "EntityDefinitions(LogicalName='contact')"

    assert "contact_customer_accounts" in found(
        client, f"{ACCOUNT}/OneToManyRelationships", "SchemaName"
    )
    assert found(client, f"{contact}/ManyToOneRelationships", "SchemaName") == [
        "contact_customer_accounts"
    ]
    assert found(client, f"{contact}/ManyToManyRelationships") == []
    query = "RelationshipDefinitions?$filter=SchemaName eq 'contact_customer_accounts'"
    (relation,) = client.get(query).json()["value"]
    assert relation["ReferencingEntityNavigationPropertyName"] == "parentcustomerid_account"
    one = client.get("RelationshipDefinitions(SchemaName='contact_customer_accounts')").json()
    assert one["MetadataId"] == relation["MetadataId"]


def test_chosen_columns_are_found_by_retrieve_metadata_changes(client: DataverseClient):
    query = (
        '{"Criteria":{"Conditions":[{"PropertyName":"LogicalName","ConditionOperator":"Equals",'
        '"Value":{"Value":"account"}}]},"AttributeQuery":{"Properties":{"PropertyNames":'
        '["MaxLength"]},"Criteria":{"Conditions":[{"PropertyName":"LogicalName",'
        '"ConditionOperator":"Equals","Value":{"Value":"name"}}]}}}'
    )
    path = "RetrieveMetadataChanges(Query=@p1)?@p1="

    (table,) = client.get(path + query).json()["EntityMetadata"]
    assert [column["MaxLength"] for column in table["Attributes"]] == [160]
    for wrong in (query.replace("Equals", "NotEquals"), "{", "[]"):
        assert error_of(client.get(path + wrong))[0] == 400


def test_the_service_describes_itself(client: DataverseClient):
    sets = client.get("").json()["value"]
    document = ET.fromstring(client.get("$metadata").text)  # noqa: S314 -- the sandbox's own
    edm = "{http://docs.oasis-open.org/odata/ns/edm}"
    types = {element.attrib["Name"]: element for element in document.iter(f"{edm}EntityType")}

    assert {"name": "accounts", "kind": "EntitySet", "url": "accounts"} in sets
    account = types["account"].iter(f"{edm}Property")
    properties = {element.attrib["Name"]: element.attrib["Type"] for element in account}
    assert properties["statecode"] == "Edm.Int32"
    assert properties["_primarycontactid_value"] == "Edm.Guid"
    contact = types["contact"].iter(f"{edm}NavigationProperty")
    navigation = [element.attrib["Name"] for element in contact]
    assert {"parentcustomerid_account", "account_primary_contact"} <= set(navigation)


def test_the_user_is_known_with_and_without_parentheses(client: DataverseClient):
    users = [client.get(name).json() for name in ("WhoAmI", "WhoAmI()")]

    assert users[0] == users[1]
    assert {"UserId", "BusinessUnitId", "OrganizationId"} <= users[0].keys()


@pytest.mark.parametrize(
    ("verb", "path", "privilege"),
    [
        ("POST", "EntityDefinitions", "prvCreateEntity"),
        ("POST", "CreateEntities", "prvCreateEntity"),
        ("POST", f"{ACCOUNT}/Attributes", "prvCreateAttribute"),
        ("PUT", f"{ACCOUNT}/Attributes(LogicalName='name')", "prvWriteAttribute"),
        ("DELETE", ACCOUNT, "prvDeleteEntity"),
        ("POST", "RelationshipDefinitions", "prvCreateRelationship"),
        ("POST", "GlobalOptionSetDefinitions", "prvCreateOptionSet"),
    ],
)
def test_only_a_customiser_may_change_tables(
    client: DataverseClient, verb: str, path: str, privilege: str
):
    status, code, message = error_of(client.http.request(verb, path, json={}))

    assert (status, code) == (403, "0x80040220")
    assert message.endswith(f"is missing {privilege} privilege.")


@pytest.mark.parametrize(
    ("verb", "path", "right"),
    [
        ("GET", "accounts", "Read"),
        ("POST", "accounts", "Create"),
        ("PATCH", f"accounts({key(1)})", "Write"),
        ("DELETE", f"accounts({key(1)})", "Delete"),
    ],
)
def test_each_verb_needs_its_own_right(client: DataverseClient, verb: str, path: str, right: str):
    client.sandbox.api.denied.add(f"prv{right}account")
    status, _, message = error_of(client.http.request(verb, path, json={}))

    assert (status, f"prv{right}account" in message) == (403, True)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{ACCOUNT}/Views", 404),
        ("EntityDefinitions/Attributes", 404),
        ("EntityDefinitions(Name='account')", 404),
        (f"{ACCOUNT}/Keys(LogicalName='nothing')", 404),
        ("EntityDefinitions?$top=1", 400),
        ("EntityDefinitions?$orderby=LogicalName", 400),
        (f"{ACCOUNT}?$expand=Attributes($filter=LogicalName eq 'name')", 400),
        (f"{ACCOUNT}/Attributes?$expand=OptionSet", 400),
    ],
)
def test_what_is_not_known_is_refused(client: DataverseClient, path: str, status: int):
    assert error_of(client.get(path))[0] == status
