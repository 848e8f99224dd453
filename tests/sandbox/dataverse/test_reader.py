"""Reads: pages, change tracking and its restrictions."""

from decimal import Decimal

import pytest
from trueup.sandbox.dataverse.schema import Quirks

from tests.support.dataverse_client import SET, DataverseClient, error_of, small_sandbox
from tests.support.dataverse_world import CHANGE_TABLE as LOG
from tests.support.dataverse_world import key
from tests.support.dataverse_world import license_change as log

FORMATTED = "OData.Community.Display.V1.FormattedValue"


@pytest.mark.parametrize("option", ["$filter=a eq 1", "$orderby=a", "$expand=a", "$top=1"])
def test_options_that_change_tracking_does_not_allow_are_refused(
    client: DataverseClient, option: str
):
    name = option.partition("=")[0]

    assert error_of(client.get(f"{SET}?{option}", "odata.track-changes"))[2] == (
        f'The "{name}" query parameter isn\'t supported when Change Tracking is enabled.'
    )


def test_changes_of_an_untracked_table_are_refused():
    quirks = Quirks(untracked=frozenset({LOG}))
    with small_sandbox(quirks=quirks) as sandbox, DataverseClient(sandbox) as client:
        response = client.get(SET, "odata.track-changes")

    assert error_of(response)[0] == 400


def test_pages_have_the_preferred_size_up_to_5000_rows(client: DataverseClient):
    first = client.get(f"{SET}?$select=statuscode", "odata.maxpagesize=2").json()
    second = client.get(first["@odata.nextLink"], "odata.maxpagesize=2").json()
    third = client.get(second["@odata.nextLink"], "odata.maxpagesize=2").json()
    whole = client.get(f"{SET}?$select=statuscode&$count=true", "odata.maxpagesize=99999").json()

    assert [len(page["value"]) for page in (first, second, third, whole)] == [2, 2, 1, 5]
    assert "@odata.nextLink" not in third
    assert "@odata.deltaLink" not in third
    assert whole["@odata.count"] == 5


def test_a_delta_link_returns_changed_and_deleted_rows(client: DataverseClient):
    tracked = client.get(f"{SET}?$select=work365_lcl_quantity", "odata.track-changes")
    client.sandbox.set("license_change", log(2, quantity=Decimal("1.25")))
    client.sandbox.remove(LOG, key(3))
    changes = client.get(tracked.json()["@odata.deltaLink"]).json()
    unchanged = client.get(changes["@odata.deltaLink"]).json()

    assert tracked.headers["Preference-Applied"] == "odata.track-changes"
    changed, deleted = changes["value"]
    assert changed["work365_lcl_quantity"] == 1.25
    assert (deleted["id"], deleted["reason"]) == (key(3), "deleted")
    assert unchanged["value"] == []


def names(client: DataverseClient, query: str) -> list[str]:
    """Returns the names of the license changes that a query finds."""
    response = client.get(f"{SET}?{query}")
    assert response.status_code == 200, response.text
    return [row["work365_lcl_name"] for row in response.json()["value"]]


def test_a_row_that_the_client_has_is_not_sent_again(client: DataverseClient):
    address = f"{SET}({key(1)})"
    tag = client.get(address).json()["@odata.etag"]
    unchanged = client.http.get(address, headers={"If-None-Match": tag})
    without = client.http.get(address, headers={"If-None-Match": "null"})
    client.patch(1, {"work365_lcl_name": "x"})
    changed = client.http.get(address, headers={"If-None-Match": tag})

    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["ETag"] == tag
    assert (without.status_code, changed.status_code) == (200, 200)
    assert changed.json()["work365_lcl_name"] == "x"


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        ("*", {"choice", "name", "table", "navigation"}),
        (FORMATTED, {"choice", "name"}),
        ("Microsoft.Dynamics.CRM.*", {"table", "navigation"}),
        ("Microsoft.Dynamics.CRM.lookuplogicalname,none", {"table"}),
        ("", set()),
    ],
)
def test_annotations_are_sent_that_the_request_prefers(
    client: DataverseClient, wanted: str, shown: set[str]
):
    bound = {"work365_lcl_customer@odata.bind": f"/accounts({key(1)})"}
    client.http.patch(f"{SET}({key(1)})", json=bound)
    prefer = f'odata.include-annotations="{wanted}"' if wanted else ""
    one = client.get(f"{SET}({key(1)})", prefer)
    many = client.get(f"{SET}?$filter=work365_lcl_quantity eq 1", prefer)

    lookup = "_work365_lcl_customer_value"
    expected = {
        "choice": (f"statuscode@{FORMATTED}", "Active"),
        "name": (f"{lookup}@{FORMATTED}", "account 1"),
        "table": (f"{lookup}@Microsoft.Dynamics.CRM.lookuplogicalname", "account"),
        "navigation": (
            f"{lookup}@Microsoft.Dynamics.CRM.associatednavigationproperty",
            "work365_lcl_customer",
        ),
    }
    for row in (one.json(), many.json()["value"][0]):
        assert {n for n, (column, text) in expected.items() if row.get(column) == text} == shown
    for response in (one, many):
        assert response.headers.get("Preference-Applied", "") == prefer


def test_formatted_values_are_those_of_american_english(client: DataverseClient):
    client.patch(1, {"work365_lcl_quantity": 1234.5, "work365_lcl_isaudit": True})
    row = client.get(f"{SET}({key(1)})", f'odata.include-annotations="{FORMATTED}"').json()

    expected = {
        "work365_lcl_quantity": "1,234.50",
        "work365_lcl_isaudit": "Yes",
        "work365_lcl_subscriptionevent": "Update",
        "createdon": "3/1/2026 8:01 AM",
    }
    assert {column: row[f"{column}@{FORMATTED}"] for column in expected} == expected
    assert f"work365_lcl_invoice@{FORMATTED}" not in row


@pytest.mark.parametrize("order", ["", "&$orderby=work365_lcl_name"])
def test_beside_a_page_size_top_is_ignored(client: DataverseClient, order: str):
    page = client.get(f"{SET}?$top=1{order}", "odata.maxpagesize=2").json()

    assert len(page["value"]) == 2
    assert "@odata.nextLink" in page


def test_rows_are_chosen_and_sorted_by_their_values(client: DataverseClient):
    assert names(client, "$filter=work365_lcl_quantity gt 3") == ["change 4", "change 5"]
    assert names(client, "$orderby=work365_lcl_name desc&$top=2") == ["change 5", "change 4"]
    assert names(client, "$filter=endswith(work365_lcl_name,'2')&$top=5") == ["change 2"]

    client.patch(4, {"work365_lcl_invoice": "b"})
    client.patch(2, {"work365_lcl_invoice": "A"})
    ordered = names(client, "$orderby=work365_lcl_invoice,work365_lcl_quantity desc")
    assert ordered == ["change 5", "change 3", "change 1", "change 2", "change 4"]


def test_rows_are_sorted_by_what_people_see_of_a_reference(client: DataverseClient):
    for number, name in ((90, "Zoe"), (91, "adam")):
        client.http.post("contacts", json={"contactid": key(number), "lastname": name})
        client.http.post(
            "accounts",
            json={"name": name, "primarycontactid@odata.bind": f"/contacts({key(number)})"},
        )

    rows = client.get("accounts?$select=name&$orderby=_primarycontactid_value").json()["value"]

    assert [row["name"] for row in rows] == ["account 1", "adam", "Zoe"]


def test_rows_are_chosen_by_a_row_that_they_refer_to(client: DataverseClient):
    bound = {"work365_lcl_customer@odata.bind": f"/accounts({key(1)})"}
    client.http.patch(f"{SET}({key(3)})", json=bound)

    assert names(client, "$filter=work365_lcl_customer/name eq 'account 1'") == ["change 3"]
    assert names(client, f"$filter=_work365_lcl_customer_value eq {key(1)}") == ["change 3"]


def test_pages_of_a_query_follow_each_other(client: DataverseClient):
    link = (
        f"{SET}?$select=work365_lcl_name&$filter=work365_lcl_quantity le 5"
        "&$orderby=work365_lcl_quantity desc&$count=true"
    )
    pages = []
    while link:
        page = client.get(link, "odata.maxpagesize=2").json()
        pages.append([row["work365_lcl_name"][-1] for row in page["value"]])
        assert page["@odata.count"] == 5
        link = page.get("@odata.nextLink", "")

    assert pages == [["5", "4"], ["3", "2"], ["1"]]


def test_counts_are_those_of_the_rows_that_match(client: DataverseClient):
    rows = client.get(f"{SET}?$filter=work365_lcl_quantity gt 3&$count=true&$top=1").json()
    number = client.get(f"{SET}/$count")
    chosen = client.get(f"{SET}/$count?$filter=work365_lcl_quantity gt 3")

    assert (rows["@odata.count"], len(rows["value"])) == (2, 1)
    assert (number.text, chosen.text) == ("5", "2")
    assert number.headers["Content-Type"] == "text/plain"


def test_related_rows_are_sent_along(client: DataverseClient):
    for number in (90, 91):
        client.http.post(
            "contacts",
            json={
                "contactid": key(number),
                "lastname": f"Lane {number}",
                "parentcustomerid_account@odata.bind": f"/accounts({key(1)})",
            },
        )
    one = client.get(
        f"contacts({key(90)})?$select=lastname&$expand=parentcustomerid_account($select=name)"
    ).json()
    many = client.get(
        "accounts?$select=name&$expand=primarycontactid,contact_customer_accounts"
        "($select=lastname;$orderby=lastname desc;$filter=startswith(lastname,'Lane');$top=1;"
        "$expand=parentcustomerid_account($select=name))"
    ).json()["value"][0]

    assert one["parentcustomerid_account"]["name"] == "account 1"
    assert set(one["parentcustomerid_account"]) == {"@odata.etag", "accountid", "name"}
    assert many["primarycontactid"] is None
    (contact,) = many["contact_customer_accounts"]
    assert contact["lastname"] == "Lane 91"
    assert contact["parentcustomerid_account"]["name"] == "account 1"


@pytest.mark.parametrize(
    "query",
    [
        "$expand=nothing",
        "$expand=work365_lcl_customer($select=nothing)",
        "$expand=work365_lcl_customer($skip=1)",
        "$expand=work365_lcl_customer($filter=nothing eq 1)",
        "$expand=work365_lcl_customer($select",
        "$orderby=nothing",
        "$orderby=work365_lcl_name up",
        "$top=0",
        "$top=many",
        "$orderby=work365_lcl_name&$skiptoken=1.2.p",
    ],
)
def test_a_wrong_option_is_refused(client: DataverseClient, query: str):
    assert error_of(client.get(f"{SET}?{query}"))[:2] == (400, "0x80060888")


def test_hidden_rows_are_in_no_answer(client: DataverseClient):
    client.sandbox.faults.set({"kind": "hide", "hide": {LOG: [key(5)]}, "times": 0})

    assert names(client, "$filter=work365_lcl_quantity gt 3") == ["change 4"]
    assert client.get(f"{SET}/$count").text == "4"
    assert client.get(f"{SET}({key(5)})/work365_lcl_name").status_code == 404


@pytest.mark.parametrize(
    ("fault", "pages"),
    [
        ("twice", [["1", "2"], ["1", "2"], ["3", "4"], ["5"]]),
        ("skip", [["1", "2"], ["5"]]),
        ("half", [["1"]]),
        ("empty", [[]]),
    ],
)
def test_a_fault_of_a_page_hits_sorted_rows_too(
    client: DataverseClient, fault: str, pages: list[list[str]]
):
    client.sandbox.faults.set({"kind": "page", "page": fault, "query": "orderby"})
    found, link = [], f"{SET}?$orderby=work365_lcl_name"
    while link:
        page = client.get(link, "odata.maxpagesize=2").json()
        found.append([row["work365_lcl_name"][-1] for row in page["value"]])
        link = page.get("@odata.nextLink", "")

    assert found == pages
