"""What every source must do; one suite, so that a fake is held to what the real ones do.

A source is given to the suite as a function: rows by table and a folder in, a context manager with the source
out. With TRUEUP_TEST_POSTGRES set to an SQLAlchemy address of a database that may be written to, the suite runs
on PostgreSQL as well.
"""

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config.catalogues import load_tables
from engine.errors import SourceError
from engine.model.catalogue import Column, Type
from engine.ports import RowOutcome, RowUpdate, Source
from engine.sandbox.dataverse.server import DataverseSandbox, Environment
from engine.source.dataverse.client import Access
from engine.source.dataverse.source import DataverseSource, Keeping
from engine.source.files import FileSource
from engine.source.profile import Here, Profile
from engine.source.sql import SqlSource
from tests.fakes import FakeClock, FakeSource

Row = Mapping[str, Any]
World = Mapping[str, Sequence[Row]]
Opener = Callable[[World, Path], AbstractContextManager[Source]]

TABLES = load_tables(Path(__file__).parents[2] / "schemas" / "work365.yaml")
ZONE = ZoneInfo("Europe/Zurich")
NOTE = "@OData.Community.Display.V1.FormattedValue"
PROFILE = Profile(
    TABLES,
    here={("subscription", "psa_system_id"): Here(holds="ContractServices")},
    write_back={
        "license_change": "UPDATE work365_licensechangelog SET statuscode = :status "
        "WHERE work365_licensechangelogid = :key",
        "subscription": "UPDATE work365_subscription SET work365_subscription_psasystem_id = :psa_system_id "
        "WHERE work365_subscriptionid = :key",
    },
)


def key(number: int) -> str:
    return f"7f3a0000-0000-4000-8000-{number:012x}"


def filled(table: str, **values: Any) -> Row:
    """A row with all columns; those that are not named are none."""
    return {**dict.fromkeys(TABLES[table].columns), **values}


SUBSCRIPTION = filled(
    "subscription",
    id=key(0xA1),
    name="Microsoft 365 Business Premium — Zürich",
    customer=key(1),
    contract=key(2),
    product=key(3),
    type="License",
    quantity=Decimal("12.5"),
    billable=True,
    is_trial=False,
    effective_start=date(2026, 3, 29),  # the night on which the clocks change
    commitment_end=date(2026, 10, 25),
    unit="Annual",
    selling_price=Decimal("18.0625"),
    currency="CHF",
    state="Active",
    status="Active",
)
LOGS = [
    filled(
        "license_change",
        id=key(number),
        name=f"log {number}",
        subscription=SUBSCRIPTION["id"],
        quantity=Decimal(number) - 2,
        effective_date=date(2026, 1, number),
        event="Update",
        provisioning_status="Provisioned",
        is_audit=False,
        unit="Monthly",
        status="Active",
        created_on=datetime(2026, 1, number, 8, 30, tzinfo=UTC),
    )
    for number in (3, 1, 2)
]
WORLD: World = {"subscription": [SUBSCRIPTION], "license_change": LOGS, "account": [], "contact": []}


@contextmanager
def fake(world: World, _folder: Path) -> Iterator[Source]:
    yield FakeSource(world, TABLES)


@contextmanager
def json_files(world: World, folder: Path) -> Iterator[Source]:
    """As Dataverse exports them: logical names, numbers, display texts."""
    for table, rows in world.items():
        path = folder / f"{table}.json"
        listed = [exported(TABLES[table].columns, row) for row in rows]
        path.write_text(json.dumps({"value": listed}, default=str), encoding="utf-8")
    yield FileSource(folder, TABLES, "exports", zone=ZONE)


def exported(columns: Mapping[str, Column], row: Row) -> Row:
    made: dict[str, Any] = {}
    for name, value in row.items():
        column = columns[name]
        if column.type is Type.LOOKUP or name in ("unit", "currency"):
            made[f"_{column.logical}_value"] = value if column.type is Type.LOOKUP else value and key(9)
            made[f"_{column.logical}_value{NOTE}"] = value
        elif column.type is Type.CHOICE and value is not None:
            made[column.logical] = next(number for number, label in column.choices.items() if label == value)
            made[f"{column.logical}{NOTE}"] = value
        elif isinstance(value, datetime):
            made[column.logical] = value.isoformat().replace("+00:00", "Z")
        else:
            made[column.logical] = float(value) if isinstance(value, Decimal) else value
    return made


@contextmanager
def csv_files(world: World, folder: Path) -> Iterator[Source]:
    """Under our own names, with labels."""
    for table, rows in world.items():
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL)
            writer.writerow(TABLES[table].columns)
            writer.writerows([row[name] for name in TABLES[table].columns] for row in rows)
    yield FileSource(folder, TABLES, "exports", zone=ZONE)


@contextmanager
def dataverse(world: World, folder: Path) -> Iterator[Source]:
    environment = Environment(client_secret="not-to-be-told", zone=ZONE)  # noqa: S106 -- to be looked for in texts
    with DataverseSandbox(TABLES, world, environment) as sandbox:
        access = Access(
            sandbox.url, environment.tenant, environment.client_id, environment.client_secret, authority=sandbox.url
        )
        keeping = Keeping(folder / "rows.sqlite")
        with DataverseSource(access, PROFILE, ZONE, FakeClock(), keeping) as source:
            yield source


@contextmanager
def database(url: str, world: World, folder: Path) -> Iterator[Source]:
    """Numbers for choices, types of the database's own for the rest."""
    address = url.format(folder=folder)
    engine = sqlalchemy.create_engine(address)
    metadata = sqlalchemy.MetaData()
    for table, rows in world.items():
        described = TABLES[table]
        made = sqlalchemy.Table(
            described.logical,
            metadata,
            *(sqlalchemy.Column(column.logical, kept_as(column)) for column in described.columns.values()),
        )
        made.drop(engine, checkfirst=True)
        made.create(engine)
        with engine.begin() as connection:
            for row in rows:
                connection.execute(made.insert().values(stored(described.columns, row)))
    engine.dispose()
    with SqlSource(address, PROFILE, ZONE) as source:
        yield source


def kept_as(column: Column) -> sqlalchemy.types.TypeEngine[Any]:
    kinds: dict[Type, sqlalchemy.types.TypeEngine[Any]] = {
        Type.DECIMAL: sqlalchemy.Double().with_variant(sqlalchemy.Numeric(18, 6), "postgresql"),
        Type.BOOLEAN: sqlalchemy.Boolean(),
        Type.DAY: sqlalchemy.Date(),
        Type.INSTANT: sqlalchemy.DateTime(timezone=True),
        Type.CHOICE: sqlalchemy.Integer(),
    }
    if column.type is Type.LOOKUP or column.name == "id":
        return sqlalchemy.Text().with_variant(sqlalchemy.Uuid(as_uuid=False), "postgresql")
    return kinds.get(column.type, sqlalchemy.Text())


def stored(columns: Mapping[str, Column], row: Row) -> Row:
    made: dict[str, Any] = {}
    for name, value in row.items():
        column = columns[name]
        numbers = {label: number for number, label in column.choices.items()}
        made[column.logical] = numbers.get(value, value) if column.type is Type.CHOICE else value
    return made


REAL: dict[str, Opener] = {
    "json": json_files,
    "csv": csv_files,
    "dataverse": dataverse,
    "sqlite": partial(database, "sqlite:///{folder}/base.sqlite"),
}
if "TRUEUP_TEST_POSTGRES" in os.environ:
    REAL["postgresql"] = partial(database, os.environ["TRUEUP_TEST_POSTGRES"])
EVERY: dict[str, Opener] = {"fake": fake, **REAL}

on_every = pytest.mark.parametrize("opened", EVERY.values(), ids=EVERY)
on_real = pytest.mark.parametrize("opened", REAL.values(), ids=REAL)


def archive(number: int, **expected: Any) -> RowUpdate:
    return RowUpdate(key(number), {"status": "Archived"}, {"status": "Active", **expected})


@on_every
def test_rows_come_typed_and_in_the_order_of_their_keys(opened: Opener, tmp_path: Path):
    with opened(WORLD, tmp_path) as source:
        subscriptions = source.read("subscription", list(SUBSCRIPTION))
        logs = source.read("license_change", list(LOGS[0]))

    assert (subscriptions.rows, list(subscriptions.findings)) == ([SUBSCRIPTION], [])
    assert (logs.rows, list(logs.findings)) == (sorted(LOGS, key=lambda row: row["id"]), [])


@on_every
def test_the_key_comes_whether_it_is_asked_for_or_not(opened: Opener, tmp_path: Path):
    with opened(WORLD, tmp_path) as source:
        rows = source.read("license_change", ["quantity"]).rows

    assert [(row["id"], row["quantity"]) for row in rows] == [(key(1), -1), (key(2), 0), (key(3), 1)]


@on_every
def test_a_table_without_rows_is_empty_and_no_error(opened: Opener, tmp_path: Path):
    with opened(WORLD, tmp_path) as source:
        assert list(source.read("account", ["name"]).rows) == []


@on_real
def test_a_table_or_column_that_is_not_in_the_catalogue_is_an_error_with_the_nearest(opened: Opener, tmp_path: Path):
    with opened(WORLD, tmp_path) as source:
        with pytest.raises(SourceError, match="did you mean `subscription`"):
            source.read("subscripton", ["name"])
        with pytest.raises(SourceError, match="did you mean `quantity`"):
            source.read("subscription", ["quantty"])


@on_every
def test_a_write_back_is_there_with_the_next_reading_and_changes_nothing_else(opened: Opener, tmp_path: Path):
    with opened(WORLD, tmp_path) as source:
        source.read("license_change", list(LOGS[0]))
        outcomes = source.write("license_change", [archive(3), archive(1, quantity=Decimal(-1))])
        after = source.read("license_change", list(LOGS[0])).rows

    assert outcomes == [RowOutcome(key(3)), RowOutcome(key(1))]
    assert after == [
        {**row, "status": "Archived" if row["id"] != key(2) else "Active"}
        for row in sorted(LOGS, key=lambda row: row["id"])
    ]


@on_every
def test_a_row_that_moved_or_went_is_left_said_and_in_nobodys_way(opened: Opener, tmp_path: Path):
    updates = [archive(1, quantity=Decimal(7)), archive(99), archive(2)]
    with opened(WORLD, tmp_path) as source:
        outcomes = source.write("license_change", updates)
        after = source.read("license_change", ["status"]).rows

    assert [(outcome.key, bool(outcome.error), outcome.in_doubt) for outcome in outcomes] == [
        (key(1), True, False),
        (key(99), True, False),
        (key(2), False, False),
    ]
    assert [row["status"] for row in after] == ["Active", "Archived", "Active"]


@on_every
def test_what_is_already_as_wanted_counts_as_done(opened: Opener, tmp_path: Path):
    with opened(WORLD, tmp_path) as source:
        first = source.write("license_change", [archive(2)])
        second = source.write("license_change", [archive(2)])

    assert first == second == [RowOutcome(key(2))]


@on_real
def test_an_id_goes_into_an_empty_column_as_text(opened: Opener, tmp_path: Path):
    update = RowUpdate(SUBSCRIPTION["id"], {"psa_system_id": 29683}, {"psa_system_id": None})
    with opened(WORLD, tmp_path) as source:
        outcomes = source.write("subscription", [update])
        rows = source.read("subscription", ["psa_system_id"]).rows

    assert outcomes == [RowOutcome(SUBSCRIPTION["id"])]
    assert [row["psa_system_id"] for row in rows] == ["29683"]


@on_real
def test_a_label_that_the_column_does_not_have_is_not_written(opened: Opener, tmp_path: Path):
    with opened(WORLD, tmp_path) as source:
        outcome = source.write("license_change", [RowUpdate(key(1), {"status": "Shut"}, {"status": "Active"})])[0]
        after = source.read("license_change", ["status"]).rows

    assert outcome.error.endswith('status: "Shut" is not one of Active, Archived')
    assert [row["status"] for row in after] == ["Active"] * 3


@on_every
def test_a_source_is_called_by_a_name_without_secrets(opened: Opener, tmp_path: Path):
    with opened(WORLD, tmp_path) as source:
        said = source.describe() + repr(source)

    assert source.describe()
    assert "not-to-be-told" not in said


texts = st.one_of(
    st.none(), st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=9)
)
logs = st.builds(
    partial(filled, "license_change"),
    id=st.uuids().map(str),
    name=texts,
    subscription=st.one_of(st.none(), st.uuids().map(str)),
    quantity=st.one_of(st.none(), st.integers(-9999, 9999).map(lambda number: Decimal(number) / 4)),
    effective_date=st.one_of(st.none(), st.dates(date(1990, 1, 1), date(2100, 1, 1))),
    event=st.sampled_from([None, "Create", "Renewal"]),
    is_audit=st.booleans(),
    unit=st.sampled_from([None, "Monthly", "Triennial"]),
    status=st.sampled_from(["Active", "Archived"]),
    created_on=st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001 -- UTC comes next
        lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
    ),
)


@on_real
@settings(max_examples=settings().max_examples // 4)
@given(rows=st.lists(logs, max_size=8, unique_by=lambda row: row["id"]))
def test_any_rows_come_back_as_they_are(opened: Opener, rows: list[Row]):
    with TemporaryDirectory() as folder, opened({"license_change": rows}, Path(folder)) as source:
        got = source.read("license_change", list(TABLES["license_change"].columns))

    assert (got.rows, got.findings) == (sorted(rows, key=lambda row: row["id"]), [])
