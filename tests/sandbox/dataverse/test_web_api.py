"""The Web API: unknown entity sets, columns, query options and metadata are refused."""

import pytest

from tests.support.dataverse_client import SET, DataverseClient, error_of
from tests.support.dataverse_world import CHANGE_TABLE as LOG
from tests.support.dataverse_world import key

CRM = "Microsoft.Dynamics.CRM"


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("nothings", 404, "Resource not found for the segment 'nothings'."),
        (
            f"{SET}?$select=color",
            400,
            f"Could not find a property named 'color' on type 'Microsoft.Dynamics.CRM.{LOG}'.",
        ),
        (f"{SET}?$skip=1", 400, "The query parameter $skip is not supported."),
        (f"{SET}?$SELECT=statuscode", 400, "The query parameter $SELECT is not supported."),
        (
            f"{SET}?$select=statuscode&$select=statecode",
            400,
            "Query option '$select' was specified more than once.",
        ),
        (f"{SET}?$apply=aggregate(x)", 400, "The query parameter $apply is not supported."),
        (f"{SET}?sql=SELECT 1", 400, "SQL query error: Incorrect or unsupported syntax near '1'."),
        (f"{SET}?$skiptoken=nonsense", 400, "The paging token is malformed."),
        (f"{SET}?$deltatoken=nonsense", 400, "The delta token is malformed."),
        (f"{SET}({key(99)})", 404, f"{LOG} With Id = {key(99)} Does Not Exist"),
        (
            "EntityDefinitions?$select=Color",
            400,
            "Could not find a property named 'Color' on EntityMetadata.",
        ),
        (
            "EntityDefinitions(LogicalName='nothing')",
            404,
            "Could not find an entity with name nothing.",
        ),
        (
            f"EntityDefinitions(LogicalName='{LOG}')?$expand=Colors",
            400,
            "Could not find a property named 'Colors' on",
        ),
        (
            f"EntityDefinitions(LogicalName='{LOG}')/Attributes/{CRM}.MemoAttributeMetadata",
            400,
            "The cast to 'MemoAttributeMetadata' is not supported.",
        ),
    ],
)
def test_an_unknown_name_or_option_is_refused(
    client: DataverseClient, path: str, status: int, message: str
):
    got, _, text = error_of(client.get(path))

    assert (got, text[: len(message)]) == (status, message)


def test_nobody_acts_for_another_user(client: DataverseClient):
    for header in ("MSCRMCallerID", "CallerObjectId"):
        own = client.get("WhoAmI").json()["UserId"]
        statuses = [
            client.http.get("accounts", headers={header: user}).status_code
            for user in (own, key(1))
        ]
        assert statuses == [200, 404]
