"""SQL: simple queries of one table, and what is refused."""

# ruff: noqa: S608 -- SQL is what these tests are about

from urllib.parse import quote

import pytest

from tests.support.dataverse_client import SET, DataverseClient, error_of
from tests.support.dataverse_world import CHANGE_TABLE as LOG

NAME, NUMBER = "work365_lcl_name", "work365_lcl_quantity"


def ask(client: DataverseClient, text: str):
    return client.get(f"{SET}?sql={quote(text)}")


@pytest.mark.parametrize(
    ("rest", "found"),
    [
        ("", [1, 2, 3, 4, 5]),
        (f"WHERE {NUMBER} > 3", [4, 5]),
        (f"where {NUMBER} >= 2 and {NUMBER} <> 4 And {NUMBER} < 5", [2, 3]),
        (f"WHERE {NAME} = 'CHANGE 2' OR {NUMBER} = 5", [2, 5]),
        (f"WHERE NOT ({NAME} = N'change 2' OR {NUMBER} != 5)", [5]),
        (f"WHERE {NUMBER} IN (1, 3)", [1, 3]),
        (f"WHERE {NUMBER} NOT IN (1, 3)", [2, 4, 5]),
        (f"WHERE {NUMBER} BETWEEN 2 AND 3", [2, 3]),
        (f"WHERE {NAME} LIKE '%ge 4'", [4]),
        (f"WHERE {NAME} NOT LIKE 'change%'", []),
        ("WHERE work365_lcl_invoice IS NULL AND work365_lcl_name IS NOT NULL", [1, 2, 3, 4, 5]),
        ("WHERE work365_lcl_invoice <> 'x'", []),
        (f"ORDER BY {NUMBER} DESC", [5, 4, 3, 2, 1]),
        (f"c WHERE c.{NUMBER} > 3 ORDER BY statecode ASC, [c].[{NUMBER}] DESC", [5, 4]),
    ],
)
def test_rows_are_chosen_and_sorted(client: DataverseClient, rest: str, found: list[int]):
    response = ask(client, f"SELECT {NAME} FROM {LOG} {rest}")

    assert response.status_code == 200, response.text
    rows = response.json()["value"]
    assert [int(row[NAME][-1]) for row in rows] == found
    assert all(NUMBER not in row for row in rows)


def test_the_first_rows_are_chosen(client: DataverseClient):
    for top in ("TOP 2", "top (2)"):
        rows = ask(client, f"SELECT {top} {NAME}, {NUMBER} FROM {LOG} ORDER BY {NUMBER} DESC")
        assert [row[NUMBER] for row in rows.json()["value"]] == [5, 4]


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"SELECT * FROM {LOG}",
        f"SELECT COUNT(*) FROM {LOG}",
        f"SELECT DISTINCT {NAME} FROM {LOG}",
        f"SELECT {NAME} AS n FROM {LOG}",
        f"SELECT {NAME} FROM account",
        f"SELECT nothing FROM {LOG}",
        f"SELECT x.{NAME} FROM {LOG}",
        f"SELECT {NAME} FROM {LOG} c JOIN account a ON a.accountid = c.work365_lcl_customer",
        f"SELECT {NAME} FROM {LOG} GROUP BY {NAME}",
        f"SELECT {NAME} FROM {LOG} WHERE",
        f"SELECT {NAME} FROM {LOG} WHERE {NAME} = {NUMBER}",
        f"SELECT {NAME} FROM {LOG} WHERE {NUMBER} = 'x'",
        f"SELECT {NAME} FROM {LOG} WHERE {NUMBER} = 1; DELETE FROM {LOG}",
        f"SELECT {NAME} FROM {LOG} WHERE {NAME} = 'x",
        f"SELECT TOP 0 {NAME} FROM {LOG}",
        f"SELECT {NAME} FROM {LOG} WHERE " + "(" * 60 + f"{NUMBER} = 1" + ")" * 60,
        f"DELETE FROM {LOG}",
    ],
)
def test_what_is_not_supported_is_refused(client: DataverseClient, text: str):
    assert error_of(ask(client, text))[0] == 400


def test_pages_follow_each_other(client: DataverseClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("trueup.sandbox.dataverse.sql.LARGEST_PAGE", 2)
    first = ask(client, f"SELECT {NAME} FROM {LOG} ORDER BY {NUMBER}").json()
    pages, link = [first], first.get("@odata.nextLink")
    while link:
        pages.append(client.get(link).json())
        link = pages[-1].get("@odata.nextLink")

    names = [[row[NAME][-1] for row in page["value"]] for page in pages]
    assert names == [["1", "2"], ["3", "4"], ["5"]]
