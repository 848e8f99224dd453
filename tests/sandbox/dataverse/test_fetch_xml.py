"""FetchXML: simple queries, their pages, and what is refused."""

from urllib.parse import quote, unquote
from xml.etree import ElementTree as ET

import pytest

from tests.support.dataverse_client import SET, DataverseClient, error_of
from tests.support.dataverse_world import CHANGE_TABLE as LOG

ALL = 'odata.include-annotations="*"'
NAME = "<attribute name='work365_lcl_name'/>"
ORDER = "<order attribute='work365_lcl_quantity' descending='true'/>"


def fetch(client: DataverseClient, inside: str, head: str = "", entity: str = LOG):
    text = f"<fetch {head}><entity name='{entity}'>{inside}</entity></fetch>"
    return client.get(f"{SET}?fetchXml={quote(text)}", ALL)


def numbers(client: DataverseClient, inside: str, head: str = "") -> list[int]:
    response = fetch(client, inside, head)
    assert response.status_code == 200, response.text
    return [int(row["work365_lcl_name"][-1]) for row in response.json()["value"]]


def condition(column: str, comparison: str, *values: object) -> str:
    inside = "".join(f"<value>{value}</value>" for value in values)
    return f"<condition attribute='{column}' operator='{comparison}'>{inside}</condition>"


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        (condition("work365_lcl_quantity", "gt", 3), [4, 5]),
        (condition("work365_lcl_quantity", "in", 1, 5), [1, 5]),
        (condition("work365_lcl_quantity", "not-in", 1, 5), [2, 3, 4]),
        (condition("work365_lcl_quantity", "between", 2, 3), [2, 3]),
        (condition("work365_lcl_name", "eq", "CHANGE 2"), [2]),
        (condition("work365_lcl_name", "like", "%nge 2"), [2]),
        (condition("work365_lcl_name", "not-like", "change%"), []),
        (condition("work365_lcl_name", "like", "%GE 3%"), [3]),
        (condition("work365_lcl_name", "ends-with", "4"), [4]),
        (condition("work365_lcl_invoice", "not-null"), []),
        (condition("work365_lcl_invoice", "null"), [1, 2, 3, 4, 5]),
        (condition("work365_lcl_effectivedate", "le", "2026-03-03"), [1, 2]),
        (condition("work365_lcl_isaudit", "eq", 0), [1, 2, 3, 4, 5]),
    ],
)
def test_conditions_choose_rows(client: DataverseClient, conditions: str, found: list[int]):
    assert numbers(client, f"{NAME}<filter>{conditions}</filter>") == found


def test_filters_are_nested_and_rows_sorted(client: DataverseClient):
    either = (
        f"{condition('work365_lcl_quantity', 'eq', 1)}{condition('work365_lcl_quantity', 'eq', 4)}"
    )
    inside = f"{NAME}{ORDER}<filter><filter type='or'>{either}</filter></filter>"

    assert numbers(client, inside) == [4, 1]
    assert numbers(client, f"{NAME}{ORDER}", "top='2'") == [5, 4]
    row = fetch(client, f"{NAME}{ORDER}").json()["value"][0]
    assert set(row) == {"@odata.etag", "work365_licensechangelogid", "work365_lcl_name"}


def test_pages_follow_each_other(client: DataverseClient):
    pages = []
    for page in (1, 2, 3):
        head = f"count='2' page='{page}' returntotalrecordcount='true'"
        document = fetch(client, f"{NAME}{ORDER}", head).json()
        pages.append([int(row["work365_lcl_name"][-1]) for row in document["value"]])
        assert document["@Microsoft.Dynamics.CRM.totalrecordcount"] == 5
        assert document["@Microsoft.Dynamics.CRM.morerecords"] is (page < 3)
        cookie = document.get("@Microsoft.Dynamics.CRM.fetchxmlpagingcookie")
        assert (cookie is None) is (page == 3)
        if cookie:
            outer = ET.fromstring(cookie)  # noqa: S314 -- the sandbox's own
            text = unquote(unquote(outer.attrib["pagingcookie"]))
            inner = ET.fromstring(text)  # noqa: S314 -- the sandbox's own
            assert (outer.attrib["pagenumber"], inner.attrib["page"]) == (str(page + 1), str(page))

    assert pages == [[5, 4], [3, 2], [1]]


@pytest.mark.parametrize(
    ("inside", "head"),
    [
        ("<link-entity name='account' from='accountid' to='x'/>", ""),
        ("<attribute name='nothing'/>", ""),
        ("<attribute name='work365_lcl_name' alias='n'/>", ""),
        ("<order attribute='nothing'/>", ""),
        (NAME, "aggregate='true'"),
        (NAME, "distinct='true'"),
        (NAME, "datasource='archive'"),
        (NAME, "top='2' page='2'"),
        (NAME, "count='0'"),
        (f"<filter type='xor'>{condition('work365_lcl_name', 'eq', 'x')}</filter>", ""),
        (f"<filter>{condition('work365_lcl_name', 'today')}</filter>", ""),
        (f"<filter>{condition('work365_lcl_quantity', 'like', '1%')}</filter>", ""),
        (f"<filter>{condition('work365_lcl_name', 'like', 'a%b')}</filter>", ""),
        (f"<filter>{condition('work365_lcl_quantity', 'eq', 'x')}</filter>", ""),
        (f"<filter>{condition('work365_lcl_quantity', 'eq', 1, 2)}</filter>", ""),
        (f"<filter>{condition('work365_lcl_quantity', 'between', 1)}</filter>", ""),
        ("<filter><condition attribute='statecode' operator='eq' valueof='x'/></filter>", ""),
    ],
)
def test_what_is_not_supported_is_refused(client: DataverseClient, inside: str, head: str):
    assert error_of(fetch(client, inside, head))[0] == 400


def test_a_query_of_another_table_or_broken_xml_is_refused(client: DataverseClient):
    assert error_of(fetch(client, NAME, entity="account"))[0] == 400
    entity = "<!DOCTYPE f [<!ENTITY a 'x'>]><fetch><entity name='account'/></fetch>"
    for text in ("", "<fetch", "<fetch/>", "<other/>", entity):
        assert error_of(client.get(f"{SET}?fetchXml={quote(text)}"))[0] == 400
