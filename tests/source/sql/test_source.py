"""A database as the source: types, names, write-backs by one UPDATE, no secret in messages."""

import traceback
import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy
from msgspec.structs import replace
from sqlalchemy.exc import DBAPIError
from trueup.errors import SourceError
from trueup.ports.source import RowOutcome, RowUpdate
from trueup.source.profile import Profile
from trueup.source.sql.address import described
from trueup.source.sql.database import database_message
from trueup.source.sql.source import SqlSource

from tests.support.dataverse_world import TABLES

ESCAPE = "write @ / : ? # and % in user and password as %40 %2F %3A %3F %23 and %25"
STATEMENT = (
    "UPDATE change_log SET state_text = :status WHERE id = :key AND state_text = :expected_status"
)


def profile(statement: str = STATEMENT) -> Profile:
    table = TABLES["license_change"]
    names = {
        "id": "id",
        "status": "state_text",
        "quantity": "delta",
        "effective_date": "day",
        "created_on": "made",
    }
    columns = {
        name: replace(column, logical=names.get(name, column.logical))
        for name, column in table.columns.items()
    }
    tables = {**TABLES, "license_change": replace(table, logical="change_log", columns=columns)}
    return Profile(tables, write_back={"license_change": statement} if statement else {})


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/base.sqlite"


@pytest.fixture
def base(url: str) -> Iterator[sqlalchemy.Engine]:
    engine = sqlalchemy.create_engine(url)
    execute(
        engine,
        "CREATE TABLE change_log (id TEXT, state_text TEXT, delta REAL, day TEXT, made TEXT)",
    )
    execute(
        engine,
        "INSERT INTO change_log VALUES ('L1', 'Active', 2.5, '2026-03-01', '2026-03-01 08:00:00')",
    )
    execute(
        engine, "INSERT INTO change_log VALUES ('L2', 'Active', 0.1, '2026-03-02 00:00:00Z', NULL)"
    )
    yield engine
    engine.dispose()


def execute(engine: sqlalchemy.Engine, statement: str) -> list:
    with engine.begin() as connection:
        result = connection.execute(sqlalchemy.text(statement))
        return list(result) if result.returns_rows else []


def open_source(url: str, statement: str = STATEMENT) -> SqlSource:
    return SqlSource(url, profile(statement), ZoneInfo("Europe/Zurich"))


def archive(key: str, **expected: object) -> RowUpdate:
    return RowUpdate(key, {"status": "Archived"}, {"status": "Active", **expected})


@pytest.mark.usefixtures("base")
def test_floats_and_times_without_a_zone_are_read_exactly_under_the_profiles_names(url: str):
    with open_source(url) as source:
        rows = source.read(
            "license_change", ["status", "quantity", "effective_date", "created_on"]
        ).rows

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


@pytest.mark.parametrize(
    ("kind", "places"), [("NUMERIC(10, 2)", 2), ("NUMERIC", None), ("REAL", None), ("TEXT", None)]
)
def test_a_column_keeps_as_many_places_as_the_database_states(url: str, kind: str, places: object):
    engine = sqlalchemy.create_engine(url)
    execute(engine, f"CREATE TABLE change_log (id TEXT, delta {kind})")
    engine.dispose()

    with open_source(url) as source:
        assert source.decimal_places("license_change", "quantity") == places


def test_the_places_of_a_column_of_a_missing_table_are_an_error(url: str, base: sqlalchemy.Engine):
    execute(base, "DROP TABLE change_log")

    with open_source(url) as source, pytest.raises(SourceError, match="has no table `change_log`"):
        source.decimal_places("license_change", "quantity")


@pytest.mark.parametrize(
    ("stored", "day"),
    [
        ("2026-11-15 00:00:00", date(2026, 11, 15)),
        ("2026-11-15T00:00:00.000000", date(2026, 11, 15)),
        ("2026-11-14 23:00:00", date(2026, 11, 15)),  # a midnight in Zürich
        ("2026-11-15", date(2026, 11, 15)),
    ],
)
def test_a_time_without_a_zone_in_a_column_of_days_is_in_utc(
    url: str, base: sqlalchemy.Engine, stored: str, day: date
):
    """As a timestamp without a time zone of PostgreSQL is."""
    execute(base, f"UPDATE change_log SET day = '{stored}' WHERE id = 'L1'")  # noqa: S608 -- above
    with open_source(url) as source:
        rows = source.read("license_change", ["effective_date"], ["L1"]).rows
        outcomes = source.write("license_change", [archive("L1", effective_date=day)])

    assert rows == [{"id": "L1", "effective_date": day}]
    assert outcomes == [RowOutcome("L1")]


def test_faulty_rows_are_left_out_with_findings(url: str, base: sqlalchemy.Engine):
    execute(
        base,
        (
            "INSERT INTO change_log VALUES ('L3', 'Shut', 1, NULL, NULL), (NULL, 'Active', 1, "
            "NULL, NULL)"
        ),
    )
    execute(base, "INSERT INTO change_log VALUES ('L1', 'Active', 1, NULL, NULL)")
    with open_source(url) as source:
        result = source.read("license_change", ["status"])

    assert [row["id"] for row in result.rows] == ["L2"]
    assert sorted(finding.code for finding in result.findings) == [
        "key-twice",
        "key-twice",
        "row-without-key",
        "value-not-its-type",
    ]
    assert {finding.text for finding in result.findings if finding.code == "key-twice"} == {
        "license_change L1 occurs more than once"
    }
    assert result.parts == {"L1": {"id": "L1", "status": "Active"}, "L3": {"id": "L3"}}


@pytest.mark.usefixtures("base")
def test_a_missing_column_or_table_is_reported(url: str):
    with open_source(url) as source:
        with pytest.raises(SourceError, match="no column for invoice"):
            source.read("license_change", ["invoice"])
        with pytest.raises(SourceError, match=r"has no table `account` \(account\)"):
            source.read("account", ["name"])


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense hunter2", f"source.url: not a database address; {ESCAPE}"),
        ("oracle+cx_oracle://u:hunter2@h/b", "source.url: the driver cx_Oracle is not installed"),
        ("nosuch://u:hunter2@h/b", "source.url: not a database address"),
    ],
)
def test_an_invalid_address_is_reported_without_its_secret(url: str, message: str):
    with pytest.raises(SourceError) as failed:
        open_source(url)

    assert str(failed.value) == message
    assert "hunter2" not in repr(failed.value)


def test_a_database_that_cannot_be_opened_is_an_error(tmp_path: Path):
    with (
        open_source(f"sqlite:///{tmp_path}/no/such/folder.sqlite") as source,
        pytest.raises(SourceError) as failed,
    ):
        source.read("license_change", [])

    assert str(failed.value) == (
        f"source.url: there is no file {tmp_path}/no/such/folder.sqlite; nothing is created"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "form", ["sqlite:///{}/typo.sqlite", "sqlite:///file:{}/typo.sqlite?uri=true&mode=rwc"]
)
def test_a_mistyped_path_of_a_database_creates_no_file(tmp_path: Path, form: str):
    with open_source(form.format(tmp_path)) as source:
        for _ in range(2):
            with pytest.raises(SourceError, match="there is no file"):
                source.read("license_change", [])
        with pytest.raises(SourceError, match="there is no file"):
            source.write("license_change", [archive("L1")])

    assert list(tmp_path.iterdir()) == []


def test_a_relative_path_of_a_database_creates_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    with (
        open_source("sqlite:///typo.sqlite") as source,
        pytest.raises(SourceError, match=r"there is no file typo\.sqlite"),
    ):
        source.read("license_change", [])

    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("base")
@pytest.mark.parametrize("suffix", ["?bogus=1", "?timeout=many"])
def test_options_that_the_driver_does_not_accept_are_an_error(url: str, suffix: str):
    with pytest.raises(SourceError, match=r"does not accept its options \(\w+\)"):
        open_source(url + suffix)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://user:hunter@2nd:part@host:5432/base",
        "postgresql://user:hunter@2nd/part@host/base",
        "postgresql://user:hunter@2nd@host/base",
        "postgresql://user/name:hunter2nd@host/base",
        "postgresql://user:hunter2nd@host:54e2/base",
        "postgresql://host:hunter2nd/base",
        "postgresql://user:hunter2nd@[::1/base",
        "mysql+pymysql://user:hunter@2nd?part@host/base",
        "sqlite://user:hunter@2nd@host/base",
    ],
)
def test_no_piece_of_a_password_is_shown_of_an_address_that_does_not_parse(address: str):
    with pytest.raises(SourceError) as failed:
        open_source(address)

    shown = str(failed.value) + "".join(traceback.format_exception(failed.value))
    assert str(failed.value).startswith("source.url: ")
    assert not [piece for piece in ("hunter", "2nd", "part") if piece in shown.partition("@ /")[0]]


@pytest.mark.parametrize(
    "address",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:////srv/a@b/base.sqlite",
    ],
)
def test_a_path_with_an_at_sign_and_a_database_in_memory_are_addresses(address: str):
    with open_source(address) as source:
        assert source.describe().startswith("sqlite")


@pytest.mark.parametrize(
    ("address", "identity"),
    [
        ("postgresql+psycopg://trueup:north@dbhost/north", "postgresql dbhost/north"),
        ("postgresql+psycopg://trueup:south@dbhost/south", "postgresql dbhost/south"),
        ("postgresql+psycopg://trueup:Rotated-1@dbhost/north", "postgresql dbhost/north"),
        ("postgresql+psycopg://u:sql@host/base", "postgresql host/base"),
        ("postgresql+psycopg://u:p@/north?host=one&host=two", "postgresql one,two/north"),
        ("sqlite:///north.sqlite?password=north", "sqlite north.sqlite"),
        (
            "mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BSERVER%3Done%3BDatabase%3D{north}%3BPWD%3Done",
            "mssql one/north",
        ),
        (
            "mssql+pyodbc:///?odbc_connect=PWD%3D{a}}%3BServer%3Dbc}%3BServer%3Done%3BDATABASE%3Dsouth",
            "mssql one/south",
        ),
        ("postgresql+psycopg:///north?host=one&port=5433", "postgresql one/north"),
        ("postgresql+psycopg:///north?hostaddr=10.0.0.1", "postgresql 10.0.0.1/north"),
        ("postgresql+psycopg:///?service=north", "postgresql north"),
        ("mysql+pymysql://u:p@/north?unix_socket=/run/one", "mysql /run/one/north"),
        ("oracle+oracledb://u:p@one/?service_name=north", "oracle one/north"),
        ("mssql+pyodbc:///?odbc_connect=FILEDSN%3D/one.dsn%3BPWD%3Dp", "mssql /one.dsn"),
        ("mssql+pyodbc:///?odbc_connect=Servername%3Done%3BDB%3Dnorth", "mssql one/north"),
        (
            "mssql+pyodbc:///?odbc_connect=Data+Source%3Done%3BInitial+Catalog%3Dnorth",
            "mssql one/north",
        ),
        ("mssql+pyodbc:///?odbc_connect=Server%3Done%3BServer%3Dtwo", "mssql one"),
        # What an option states goes before the address, as drivers read it.
        ("postgresql+psycopg://u:p@one/base?dbname=north", "postgresql one/north"),
        ("postgresql+psycopg://u:p@one/north?host=two", "postgresql two/north"),
        ("postgresql+psycopg://u:p@one/north?hostaddr=10.0.0.2", "postgresql 10.0.0.2/north"),
        ("postgresql+psycopg:///base?service=north", "postgresql base/north"),
        ("postgresql+psycopg://u:p@one/base?service=north", "postgresql one/base"),
        ("mysql+pymysql://u:p@one/north?unix_socket=/run/two", "mysql /run/two/north"),
        ("mysql+pymysql://u:p@one/base?db=north", "mysql one/north"),
        ("mssql+pyodbc://u:p@/?dsn=North", "mssql North"),
        ("mssql+pyodbc://u:p@/base?Server=tcp:one.example", "mssql tcp:one.example/base"),
        ("oracle+oracledb://u:p@?dsn=north_tns", "oracle north_tns"),
    ],
)
def test_a_database_is_identified_by_its_host_and_name_whatever_the_password(
    address: str, identity: str
):
    assert described(sqlalchemy.make_url(address)) == identity


@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg://u:hunter2@/",
        "mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BPWD%3Dhunter2",
    ],
)
def test_an_address_that_names_no_database_is_refused(address: str):
    with pytest.raises(SourceError, match="names neither a host nor a database") as failed:
        open_source(address)

    assert "hunter2" not in str(failed.value)


@pytest.mark.parametrize(
    ("address", "reason", "shown"),
    [
        (
            "postgresql://u:hunter2nd@h/b",
            "login with hunter2nd\nhas failed",
            "login with {} has failed",
        ),
        ("postgresql://u:hunter2nd@h/b", "hunter\u00ad2nd, \x1b[31mhun\x07ter2nd", "{}, {}"),
        ("postgresql://u:abc123@h/b", "cannot log in as u:abc123@h", "cannot log in as u:{}@h"),
        ("postgresql://u:readonly@h/b", "has read only access", "has read only access"),
        (
            "mssql://u:hunter2nd@h/b?odbc_connect=DRIVER%3Dx%3BPWD%3Dsesame",
            "login of hunter2nd failed: attribute sesame",
            "login of {} failed: attribute {}",
        ),
        (
            "mssql+pyodbc:///?odbc_connect=Server%3Done%3BPWD%3D{Top}}Secret-99}",
            "cannot log in with Top}Secret-99, {Top}}Secret-99}",
            "cannot log in with {}, {}",
        ),
        (
            "oracle+oracledb://u:p@h/b?private_key=hunter2nd",
            "the key hunter2nd is none",
            "the key {} is none",
        ),
    ],
)
def test_the_message_of_a_database_is_one_line_without_the_secrets_of_its_address(
    address: str, reason: str, shown: str
):
    error = DBAPIError("SELECT secret_column", {"key": "hidden"}, RuntimeError(reason))

    message = database_message(error, sqlalchemy.make_url(address))

    assert message == shown.replace("{}", "(hidden)")


def test_the_statement_of_the_profile_changes_one_row(url: str, base: sqlalchemy.Engine):
    with open_source(url) as source:
        assert source.write(
            "license_change",
            [archive("L1", quantity=Decimal("2.5")), archive(" L2"), archive("l2")],
        ) == [
            RowOutcome("L1"),
            RowOutcome(" L2"),
            RowOutcome("l2", "the row does not exist any more, and no row is created"),
        ]

    assert execute(base, "SELECT id, state_text FROM change_log ORDER BY id") == [
        ("L1", "Archived"),
        ("L2", "Archived"),
    ]


GUID = "aaaaaaaa-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("key", "one", "other"),
    [
        (GUID, GUID, f"{{{GUID}}}"),
        (GUID, GUID.upper(), f"{{{GUID.upper()}}}"),
        (GUID, GUID, f" {GUID.upper()}"),
        ("K1", "K1", "K1 "),
    ],
)
def test_a_key_that_occurs_twice_in_two_spellings_is_found_by_its_key(
    url: str, base: sqlalchemy.Engine, key: str, one: str, other: str
):
    execute(base, f"UPDATE change_log SET id = '{one}' WHERE id = 'L1'")  # noqa: S608 -- above
    execute(base, f"UPDATE change_log SET id = '{other}' WHERE id = 'L2'")  # noqa: S608 -- above
    with open_source(url) as source:
        result = source.read("license_change", ["status"], [key])
        outcomes = source.write("license_change", [archive(key)])

    assert result.rows == []
    assert [finding.code for finding in result.findings] == ["key-twice", "key-twice"]
    assert outcomes == [RowOutcome(key, "the key occurs more than once")]
    assert execute(base, "SELECT DISTINCT state_text FROM change_log") == [("Active",)]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "UPDATE change_log SET state_text = :status",
            "the profile's statement changed 2 rows; it was rolled back",
        ),
        (
            "UPDATE change_log SET delta = 9 WHERE id = :key",
            "the profile's statement did not set the planned values; it was rolled back",
        ),
        (
            (
                "UPDATE change_log SET state_text = :status WHERE id = :key AND delta = "
                ":expected_quantity"
            ),
            "the profile's statement needs :expected_quantity, which the plan does not have",
        ),
        ("UPDATE nowhere SET a = :status WHERE id = :key", "no such table: nowhere"),
    ],
)
def test_a_statement_with_another_effect_is_rolled_back(
    url: str, base: sqlalchemy.Engine, statement: str, message: str
):
    before = execute(base, "SELECT * FROM change_log")
    with open_source(url, statement) as source:
        outcome = source.write("license_change", [archive("L1")])[0]

    assert outcome == RowOutcome("L1", message)
    assert execute(base, "SELECT * FROM change_log") == before


@pytest.mark.parametrize(
    ("statement", "lacking"),
    [
        (STATEMENT, ""),
        (
            "UPDATE change_log SET status = :status WHERE id = :key AND quantity = :quantity",
            ":quantity",
        ),
        ("UPDATE change_log SET status = :status WHERE id = :id", ":id"),
    ],
)
def test_a_statement_is_writable_if_the_mapping_gives_its_parameters(
    url: str, base: sqlalchemy.Engine, statement: str, lacking: str
):
    message = f"needs {lacking}; the mapping gives it :expected_status, :key, :status"
    refused = pytest.raises(SourceError, match=message) if lacking else nullcontext()

    with open_source(url, statement) as source, refused:
        source.require_writable("license_change", ["status"])


@pytest.mark.parametrize(
    "statement", ["", "INSERT INTO change_log (id) VALUES (:key)", "DELETE FROM change_log"]
)
def test_without_an_update_nothing_is_written(url: str, base: sqlalchemy.Engine, statement: str):
    with (
        open_source(url, statement) as source,
        pytest.raises(SourceError, match="the profile names no UPDATE statement"),
    ):
        source.write("license_change", [archive("L1")])
    assert execute(base, "SELECT count(*) FROM change_log WHERE state_text = 'Active'") == [(2,)]


def test_each_row_is_written_in_a_transaction_of_its_own(url: str, base: sqlalchemy.Engine):
    with open_source(url) as source:
        outcomes = source.write(
            "license_change", [archive("L1", quantity=Decimal(7)), archive("L9"), archive("L2")]
        )

    assert outcomes == [
        RowOutcome("L1", "quantity is 2.5 now and was 7 when the plan was made", row_changed=True),
        RowOutcome("L9", "the row does not exist any more, and no row is created"),
        RowOutcome("L2"),
    ]
    assert execute(base, "SELECT state_text FROM change_log ORDER BY id") == [
        ("Active",),
        ("Archived",),
    ]


@pytest.fixture
def postgres_base(postgres: str) -> Iterator[sqlalchemy.Engine]:
    """An empty database of PostgreSQL."""
    address = sqlalchemy.make_url(postgres).set(drivername="postgresql+psycopg")
    engine = sqlalchemy.create_engine(address)
    yield engine
    engine.dispose()


@pytest.fixture(params=["base", "postgres_base"])
def either(request: pytest.FixtureRequest) -> sqlalchemy.Engine:
    """A database of SQLite, and one of PostgreSQL."""
    return request.getfixturevalue(request.param)


def address_of(engine: sqlalchemy.Engine) -> str:
    """Returns the address of a database for a source."""
    return engine.url.render_as_string(hide_password=False)


CHOICES = [
    ("INTEGER", "1", "NULL", 2),
    ("INTEGER", "NULL", "NULL", 2),
    ("SMALLINT", "1", "1", 2),
    ("NUMERIC", "NULL", "1", 2),
    ("TEXT", "'1'", "'1'", "2"),
    ("TEXT", "NULL", "'1'", "2"),
    ("TEXT", "''", "'1'", "2"),
    ("TEXT", "NULL", "'Active'", "Archived"),
    ("TEXT", "NULL", "NULL", "Archived"),
    ("TEXT", "'Active'", "'1'", "Archived"),
]
"""A column's type, its value in the row and in the other one, and what is stored for Archived."""


@pytest.mark.parametrize(("kind", "value", "other", "stored"), CHOICES)
def test_a_choice_is_stored_as_its_row_or_column_has_it(
    either: sqlalchemy.Engine, kind: str, value: str, other: str, stored: object
):
    execute(either, "DROP TABLE IF EXISTS change_log")
    execute(either, f"CREATE TABLE change_log (id TEXT, state_text {kind})")
    execute(either, f"INSERT INTO change_log VALUES ('L1', {value}), ('L2', {other})")  # noqa: S608 -- above
    statement = "UPDATE change_log SET state_text = :status WHERE id = :key"

    with open_source(address_of(either), statement) as source:
        outcomes = source.write("license_change", [RowUpdate("L1", {"status": "Archived"}, {})])

    assert outcomes == [RowOutcome("L1")]
    assert execute(either, "SELECT state_text FROM change_log ORDER BY id")[0] == (stored,)


@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMP WITH TIME ZONE"])
def test_an_instant_is_written_to_postgres_whatever_the_zone_of_its_sessions(
    postgres_base: sqlalchemy.Engine, kind: str
):
    name = postgres_base.url.database
    execute(postgres_base, f"ALTER DATABASE {name} SET timezone = 'America/New_York'")
    execute(postgres_base, f"CREATE TABLE change_log (id TEXT, made {kind})")
    execute(postgres_base, "INSERT INTO change_log VALUES ('L1', '2026-03-01 08:00:00Z')")
    before, after = (datetime(2026, 3, day, 8, tzinfo=UTC) for day in (1, 2))
    update = RowUpdate("L1", {"created_on": after}, {"created_on": before})
    statement = (
        "UPDATE change_log SET made = :created_on WHERE id = :key AND made = :expected_created_on"
    )

    with open_source(address_of(postgres_base), statement) as source:
        outcomes = source.write("license_change", [update])
        rows = source.read("license_change", ["created_on"]).rows

    assert (outcomes, rows) == ([RowOutcome("L1")], [{"id": "L1", "created_on": after}])


@pytest.mark.parametrize(
    ("day", "made", "faults"),
    [
        ("infinity", None, ['effective_date: "infinity" is not a day (YYYY-MM-DD)']),
        ("0044-03-15 BC", None, ['effective_date: "0044-03-15 BC" is not a day (YYYY-MM-DD)']),
        (
            "10000-01-01",
            "-infinity",
            [
                'created_on: "-infinity" is not an instant (YYYY-MM-DDThh:mm:ssZ)',
                'effective_date: "10000-01-01" is not a day (YYYY-MM-DD)',
            ],
        ),
    ],
)
@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMP WITH TIME ZONE"])
def test_a_row_of_postgres_with_a_time_that_python_lacks_is_left_out(
    postgres_base: sqlalchemy.Engine, kind: str, day: str, made: str | None, faults: list[str]
):
    made = f"'{made}'" if made else "NULL"
    execute(postgres_base, f"CREATE TABLE change_log (id TEXT, day DATE, made {kind})")
    execute(
        postgres_base,
        f"INSERT INTO change_log VALUES ('L1', '{day}', {made}), "  # noqa: S608 -- above
        "('L2', '2026-03-01', '2026-03-01 08:00:00Z')",
    )

    with open_source(address_of(postgres_base)) as source:
        result = source.read("license_change", ["effective_date", "created_on"])

    created = datetime(2026, 3, 1, 8, tzinfo=UTC)
    assert result.rows == [{"id": "L2", "effective_date": date(2026, 3, 1), "created_on": created}]
    assert sorted(finding.text for finding in result.findings) == [
        f"license_change L1, {fault}" for fault in faults
    ]


@pytest.mark.parametrize(
    ("kind", "read"), [("CHAR(12)", "Alp"), ("CHARACTER VARYING", "Alp  "), ("TEXT", "Alp  ")]
)
def test_the_blanks_that_fill_up_a_char_are_no_part_of_its_text(
    postgres_base: sqlalchemy.Engine, kind: str, read: str
):
    execute(postgres_base, f"CREATE TABLE change_log (id CHAR(40), work365_lcl_name {kind})")
    execute(postgres_base, "INSERT INTO change_log VALUES ('L1', 'Alp  ')")
    statement = "UPDATE change_log SET work365_lcl_name = :name WHERE id = :key"
    update = RowUpdate("L1", {"name": "Matterhorn"}, {"name": read})

    with open_source(address_of(postgres_base), statement) as source:
        before = source.read("license_change", ["name"]).rows
        outcomes = source.write("license_change", [update])
        after = source.read("license_change", ["name"], ["L1"]).rows

    assert (before, after) == ([{"id": "L1", "name": read}], [{"id": "L1", "name": "Matterhorn"}])
    assert outcomes == [RowOutcome("L1")]


@pytest.mark.usefixtures("base")
def test_no_column_type_causes_a_warning(url: str):
    with warnings.catch_warnings(), open_source(url) as source:
        warnings.simplefilter("error")
        source.read("license_change", ["quantity", "effective_date"])
