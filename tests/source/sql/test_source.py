"""A database as the source: its own types and names, one UPDATE for the way back, and no secret in any text."""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy

from engine.errors import SourceError
from engine.ports import RowOutcome, RowUpdate
from engine.source.profile import Profile
from engine.source.sql import SqlSource
from tests.source.dataverse_worlds import TABLES

STATEMENT = "UPDATE change_log SET state_text = :status WHERE id = :key AND state_text = :expected_status"


def profile(statement: str = STATEMENT) -> Profile:
    table = TABLES["license_change"]
    names = {"id": "id", "status": "state_text", "quantity": "delta", "effective_date": "day", "created_on": "made"}
    columns = {name: replace(column, logical=names.get(name, column.logical)) for name, column in table.columns.items()}
    tables = {**TABLES, "license_change": replace(table, logical="change_log", columns=columns)}
    return Profile(tables, write_back={"license_change": statement} if statement else {})


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/base.sqlite"


@pytest.fixture
def base(url: str) -> Iterator[sqlalchemy.Engine]:
    engine = sqlalchemy.create_engine(url)
    execute(engine, "CREATE TABLE change_log (id TEXT, state_text TEXT, delta REAL, day TEXT, made TEXT)")
    execute(engine, "INSERT INTO change_log VALUES ('L1', 'Active', 2.5, '2026-03-01', '2026-03-01 08:00:00')")
    execute(engine, "INSERT INTO change_log VALUES ('L2', 'Active', 0.1, '2026-03-02 00:00:00Z', NULL)")
    yield engine
    engine.dispose()


def execute(engine: sqlalchemy.Engine, statement: str) -> list:
    with engine.begin() as connection:
        result = connection.execute(sqlalchemy.text(statement))
        return list(result) if result.returns_rows else []


def opened(url: str, statement: str = STATEMENT) -> SqlSource:
    return SqlSource(url, profile(statement), ZoneInfo("Europe/Zurich"))


def archive(key: str, **expected: object) -> RowUpdate:
    return RowUpdate(key, {"status": "Archived"}, {"status": "Active", **expected})


@pytest.mark.usefixtures("base")
def test_names_come_from_the_profile_and_floats_and_times_without_a_zone_are_read_exactly(url: str):
    with opened(url) as source:
        rows = source.read("license_change", ["status", "quantity", "effective_date", "created_on"]).rows

    assert rows == [
        {
            "id": "L1",
            "status": "Active",
            "quantity": Decimal("2.5"),
            "effective_date": date(2026, 3, 1),
            "created_on": datetime(2026, 3, 1, 8, tzinfo=UTC),
        },
        {
            "id": "L2",
            "status": "Active",
            "quantity": Decimal("0.1"),
            "effective_date": date(2026, 3, 2),
            "created_on": None,
        },
    ]


def test_faulty_rows_are_left_out_with_findings(url: str, base: sqlalchemy.Engine):
    execute(base, "INSERT INTO change_log VALUES ('L3', 'Shut', 1, NULL, NULL), (NULL, 'Active', 1, NULL, NULL)")
    execute(base, "INSERT INTO change_log VALUES ('L1', 'Active', 1, NULL, NULL)")
    with opened(url) as source:
        got = source.read("license_change", ["status"])

    assert [row["id"] for row in got.rows] == ["L2"]
    assert sorted(finding.code for finding in got.findings) == [
        "key-twice",
        "key-twice",
        "row-without-key",
        "value-not-its-type",
    ]
    assert got.parts == {"L1": {"id": "L1", "status": "Active"}, "L3": {"id": "L3"}}


@pytest.mark.usefixtures("base")
def test_columns_and_tables_that_are_not_there_are_said(url: str):
    with opened(url) as source:
        with pytest.raises(SourceError, match="no column for invoice"):
            source.read("license_change", ["invoice"])
        with pytest.raises(SourceError, match=r"has no table `account` \(account\)"):
            source.read("account", ["name"])


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense hunter2", "source.url: that is no database address"),
        ("oracle+cx_oracle://u:hunter2@h/b", "source.url: the driver cx_Oracle is not installed"),
        ("nosuch://u:hunter2@h/b", "source.url: that is no database address"),
    ],
)
def test_an_address_that_is_none_is_said_without_its_secret(url: str, said: str):
    with pytest.raises(SourceError) as failed:
        opened(url)

    assert str(failed.value) == said
    assert "hunter2" not in repr(failed.value)


def test_a_database_that_cannot_be_opened_is_an_error(tmp_path: Path):
    with opened(f"sqlite:///{tmp_path}/no/such/folder.sqlite") as source, pytest.raises(SourceError) as failed:
        source.read("license_change", [])

    assert str(failed.value).endswith("/no/such/folder.sqlite: unable to open database file")


def test_the_statement_of_the_profile_changes_one_row(url: str, base: sqlalchemy.Engine):
    with opened(url) as source:
        assert source.write("license_change", [archive("L1", quantity=Decimal("2.5")), archive("l2")]) == [
            RowOutcome("L1"),
            RowOutcome("l2"),
        ]

    assert execute(base, "SELECT id, state_text FROM change_log ORDER BY id") == [
        ("L1", "Archived"),
        ("L2", "Archived"),
    ]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE change_log SET state_text = :status", "the statement of the profile changed 2 rows; it was undone"),
        (
            "UPDATE change_log SET delta = 9 WHERE id = :key",
            "the statement of the profile did not set what was wanted; it was undone",
        ),
        (
            "UPDATE change_log SET state_text = :status WHERE id = :key AND delta = :expected_quantity",
            "the statement of the profile wants :expected_quantity, which the plan does not have",
        ),
        ("UPDATE nowhere SET a = :status WHERE id = :key", "no such table: nowhere"),
    ],
)
def test_a_statement_that_does_something_else_is_undone(url: str, base: sqlalchemy.Engine, statement: str, said: str):
    before = execute(base, "SELECT * FROM change_log")
    with opened(url, statement) as source:
        outcome = source.write("license_change", [archive("L1")])[0]

    assert outcome == RowOutcome("L1", said)
    assert execute(base, "SELECT * FROM change_log") == before


@pytest.mark.parametrize("statement", ["", "INSERT INTO change_log (id) VALUES (:key)", "DELETE FROM change_log"])
def test_without_an_update_nothing_is_written(url: str, base: sqlalchemy.Engine, statement: str):
    with opened(url, statement) as source, pytest.raises(SourceError, match="the profile names no UPDATE statement"):
        source.write("license_change", [archive("L1")])
    assert execute(base, "SELECT count(*) FROM change_log WHERE state_text = 'Active'") == [(2,)]


def test_each_row_is_written_by_itself(url: str, base: sqlalchemy.Engine):
    with opened(url) as source:
        outcomes = source.write("license_change", [archive("L1", quantity=Decimal(7)), archive("L9"), archive("L2")])

    assert outcomes == [
        RowOutcome("L1", "quantity is 2.5 now and was 7 when the plan was made", moved=True),
        RowOutcome("L9", "it is not there any more, and nothing is created"),
        RowOutcome("L2"),
    ]
    assert execute(base, "SELECT state_text FROM change_log ORDER BY id") == [("Active",), ("Archived",)]


@pytest.mark.usefixtures("base")
def test_no_warning_is_given_for_any_type(url: str):
    with warnings.catch_warnings(), opened(url) as source:
        warnings.simplefilter("error")
        source.read("license_change", ["quantity", "effective_date"])
