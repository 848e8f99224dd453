"""What every source must do: one suite for all connectors and for the fake of the tests.

Each source is a function that takes rows by table and a folder, and returns a context manager of
the source. If TRUEUP_TEST_POSTGRES is the SQLAlchemy address of a database that may be written to,
the suite also runs on PostgreSQL.
"""

import csv
import inspect
import json
import re
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
from trueup.config.catalogues import load_tables
from trueup.errors import SourceError
from trueup.model.catalogue import Column, Type
from trueup.ports.source import RowOutcome, RowUpdate, Source
from trueup.sandbox.dataverse.server import DataverseSandbox, Environment
from trueup.source.dataverse.client import DataverseAccess
from trueup.source.dataverse.source import CacheSettings, DataverseSource
from trueup.source.files.source import FileSource
from trueup.source.profile import ColumnProfile, Profile
from trueup.source.sql.source import SqlSource

from tests.support.fakes import FakeClock, FakeSource
from tests.support.paths import SCHEMAS
from tests.support.postgres import NAMED

Row = Mapping[str, Any]
RowsByTable = Mapping[str, Sequence[Row]]
Opener = Callable[[RowsByTable, Path], AbstractContextManager[Source]]

TABLES = load_tables(SCHEMAS / "work365.yaml")
ZONE = ZoneInfo("Europe/Zurich")
DISPLAY = "@OData.Community.Display.V1.FormattedValue"
PROFILE = Profile(
    TABLES,
    columns={("subscription", "psa_system_id"): ColumnProfile(id_entity_of="ContractServices")},
    write_back={
        "license_change": "UPDATE work365_licensechangelog SET statuscode = :status "
        "WHERE work365_licensechangelogid = :key",
        "subscription": "UPDATE work365_subscription "
        "SET work365_subscription_psasystem_id = :psa_system_id "
        "WHERE work365_subscriptionid = :key",
    },
)


GUID = re.compile("[{]?[0-9a-fA-F-]{36}[}]?")


def key(number: int) -> str:
    return f"7f3a0000-0000-4000-8000-{number:012x}"


def filled(table: str, **values: Any) -> Row:
    """A row with all columns; those that are not given are None."""
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
CHANGES = [
    filled(
        "license_change",
        id=key(number),
        name=f"change {number}",
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
ROWS: RowsByTable = {
    "subscription": [SUBSCRIPTION],
    "license_change": CHANGES,
    "account": [],
    "contact": [],
}


@contextmanager
def fake(world: RowsByTable, _folder: Path) -> Iterator[Source]:
    tables = {name: [dict(row) for row in rows] for name, rows in world.items()}
    yield FakeSource(tables, TABLES)


@contextmanager
def json_files(world: RowsByTable, folder: Path) -> Iterator[Source]:
    """Files as Dataverse exports them: logical names, numbers, display texts."""
    for table, rows in world.items():
        path = folder / f"{table}.json"
        listed = [exported(TABLES[table].columns, row) for row in rows]
        path.write_text(json.dumps({"value": listed}, default=str), encoding="utf-8")
    yield FileSource(folder, TABLES, "exports", zone=ZONE)


def exported(columns: Mapping[str, Column], row: Row) -> Row:
    values: dict[str, Any] = {}
    for name, value in row.items():
        column = columns[name]
        if column.type is Type.LOOKUP or name in ("unit", "currency"):
            values[f"_{column.logical}_value"] = (
                value if column.type is Type.LOOKUP else value and key(9)
            )
            values[f"_{column.logical}_value{DISPLAY}"] = value
        elif column.type is Type.CHOICE and value is not None:
            values[column.logical] = next(
                number for number, label in column.choices.items() if label == value
            )
            values[f"{column.logical}{DISPLAY}"] = value
        elif isinstance(value, datetime):
            values[column.logical] = value.isoformat().replace("+00:00", "Z")
        else:
            values[column.logical] = float(value) if isinstance(value, Decimal) else value
    return values


@contextmanager
def csv_files(world: RowsByTable, folder: Path) -> Iterator[Source]:
    """Files under our own names, with labels."""
    for table, rows in world.items():
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL)
            writer.writerow(TABLES[table].columns)
            writer.writerows([row[name] for name in TABLES[table].columns] for row in rows)
    yield FileSource(folder, TABLES, "exports", zone=ZONE)


@contextmanager
def dataverse(world: RowsByTable, folder: Path) -> Iterator[Source]:
    environment = Environment(client_secret="never-shown", zone=ZONE)  # noqa: S106 -- searched for in outputs
    with DataverseSandbox(TABLES, world, environment) as sandbox:
        access = DataverseAccess(
            sandbox.url,
            environment.tenant,
            environment.client_id,
            environment.client_secret,
            authority=sandbox.url,
        )
        cache = CacheSettings(folder / "rows.sqlite")
        with DataverseSource(access, PROFILE, ZONE, FakeClock(), cache) as source:
            yield source


@contextmanager
def database(url: str, world: RowsByTable, folder: Path) -> Iterator[Source]:
    """A database with numbers for choices, and its own types for the rest."""
    address = url.format(folder=folder)
    engine = sqlalchemy.create_engine(address)
    metadata = sqlalchemy.MetaData()
    for table, rows in world.items():
        catalogued = TABLES[table]
        has_guids = all(GUID.fullmatch(row["id"]) for row in rows)
        created = sqlalchemy.Table(
            catalogued.logical,
            metadata,
            *(
                sqlalchemy.Column(
                    column.logical,
                    stored_type(column) if has_guids or column.name != "id" else sqlalchemy.Text(),
                )
                for column in catalogued.columns.values()
            ),
        )
        created.drop(engine, checkfirst=True)
        created.create(engine)
        with engine.begin() as connection:
            for row in rows:
                connection.execute(created.insert().values(stored(catalogued.columns, row)))
    engine.dispose()
    with SqlSource(address, PROFILE, ZONE) as source:
        yield source


def stored_type(column: Column) -> sqlalchemy.types.TypeEngine[Any]:
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
    values: dict[str, Any] = {}
    for name, value in row.items():
        column = columns[name]
        numbers = {label: number for number, label in column.choices.items()}
        values[column.logical] = numbers.get(value, value) if column.type is Type.CHOICE else value
    return values


REAL: dict[str, Opener] = {
    "json": json_files,
    "csv": csv_files,
    "dataverse": dataverse,
    "sqlite": partial(database, "sqlite:///{folder}/base.sqlite"),
}
if "://" in NAMED:
    REAL["postgresql"] = partial(database, NAMED)
EVERY: dict[str, Opener] = {"fake": fake, **REAL}

on_every = pytest.mark.parametrize("open_source", EVERY.values(), ids=EVERY)
on_real = pytest.mark.parametrize("open_source", REAL.values(), ids=REAL)


def archive(number: int, **expected: Any) -> RowUpdate:
    return RowUpdate(key(number), {"status": "Archived"}, {"status": "Active", **expected})


@on_every
def test_rows_are_typed_and_ordered_by_key(open_source: Opener, tmp_path: Path):
    with open_source(ROWS, tmp_path) as source:
        subscriptions = source.read("subscription", list(SUBSCRIPTION))
        changes = source.read("license_change", list(CHANGES[0]))

    assert (subscriptions.rows, list(subscriptions.findings)) == ([SUBSCRIPTION], [])
    assert (changes.rows, list(changes.findings)) == (
        sorted(CHANGES, key=lambda row: row["id"]),
        [],
    )


@on_every
def test_the_key_is_always_read(open_source: Opener, tmp_path: Path):
    with open_source(ROWS, tmp_path) as source:
        rows = source.read("license_change", ["quantity"]).rows

    assert [(row["id"], row["quantity"]) for row in rows] == [
        (key(1), -1),
        (key(2), 0),
        (key(3), 1),
    ]


@on_every
def test_rows_are_read_by_key(open_source: Opener, tmp_path: Path):
    names = list(CHANGES[0])
    with open_source(ROWS, tmp_path) as source:
        two = source.read("license_change", names, [key(3), key(0xFF), key(1)])
        none = source.read("license_change", names, [])

    assert (two.rows, list(two.findings)) == ([CHANGES[1], CHANGES[0]], [])
    assert (list(none.rows), list(none.findings)) == ([], [])


@on_every
def test_a_row_that_is_read_by_key_shows_a_write_back(open_source: Opener, tmp_path: Path):
    with open_source(ROWS, tmp_path) as source:
        before = source.read("license_change", ["status"], [key(1)]).rows
        source.write("license_change", [archive(3), archive(1)])
        after = source.read("license_change", ["status"], [key(1), key(2)]).rows
        source.write("license_change", [archive(2)])
        last = source.read("license_change", ["status"], [key(2), key(3)]).rows

    assert [[row["status"] for row in rows] for rows in (before, after, last)] == [
        ["Active"],
        ["Archived", "Active"],
        ["Archived", "Archived"],
    ]


@on_every
def test_only_rows_that_exist_have_a_place(open_source: Opener, tmp_path: Path):
    with open_source(ROWS, tmp_path) as source:
        places = source.places("license_change", [key(1), key(0xFF)])

    assert places.keys() <= {key(1)}


@on_every
def test_a_table_without_rows_is_not_an_error(open_source: Opener, tmp_path: Path):
    with open_source(ROWS, tmp_path) as source:
        assert list(source.read("account", ["name"]).rows) == []


@on_real
def test_an_unknown_table_or_column_is_an_error_with_the_nearest_name(
    open_source: Opener, tmp_path: Path
):
    with open_source(ROWS, tmp_path) as source:
        with pytest.raises(SourceError, match="did you mean `subscription`"):
            source.read("subscripton", ["name"])
        with pytest.raises(SourceError, match="did you mean `quantity`"):
            source.read("subscription", ["quantty"])


@on_every
def test_the_next_reading_shows_a_write_back_and_no_other_change(
    open_source: Opener, tmp_path: Path
):
    with open_source(ROWS, tmp_path) as source:
        source.read("license_change", list(CHANGES[0]))
        outcomes = source.write("license_change", [archive(3), archive(1, quantity=Decimal(-1))])
        after = source.read("license_change", list(CHANGES[0])).rows

    assert outcomes == [RowOutcome(key(3)), RowOutcome(key(1))]
    assert after == [
        {**row, "status": "Archived" if row["id"] != key(2) else "Active"}
        for row in sorted(CHANGES, key=lambda row: row["id"])
    ]


@on_every
def test_a_changed_or_missing_row_is_reported_and_the_others_are_written(
    open_source: Opener, tmp_path: Path
):
    updates = [archive(1, quantity=Decimal(7)), archive(99), archive(2)]
    with open_source(ROWS, tmp_path) as source:
        outcomes = source.write("license_change", updates)
        after = source.read("license_change", ["status"]).rows

    assert [(outcome.key, bool(outcome.error), outcome.in_doubt) for outcome in outcomes] == [
        (key(1), True, False),
        (key(99), True, False),
        (key(2), False, False),
    ]
    assert [row["status"] for row in after] == ["Active", "Archived", "Active"]


SPELLED = {
    "upper case": [key(0xA1).upper(), key(0xB2).upper()],
    "braces": [f"{{{key(0xA1).upper()}}}", f"{{{key(0xB2)}}}"],
    "blanks": [" s ", "t"],
    "letters": ["k", "K"],
    "other letters": ["Ä", "ä"],
}


@pytest.mark.parametrize("ids", SPELLED.values(), ids=SPELLED)
@pytest.mark.parametrize(
    "open_source",
    [pytest.param(opened, id=name) for name, opened in REAL.items() if name != "dataverse"],
)
def test_a_row_is_written_under_the_key_that_reading_gave(
    open_source: Opener, tmp_path: Path, ids: list[str]
):
    """Dataverse itself spells a key in one way only."""
    rows = [{**CHANGES[0], "id": one, "name": one} for one in ids]
    with open_source({"license_change": rows}, tmp_path) as source:
        keys = {row["name"]: row["id"] for row in source.read("license_change", ["name"]).rows}
        update = RowUpdate(keys[ids[0]], {"status": "Archived"}, {"status": "Active"})
        outcomes = [source.write("license_change", [update])[0] for _ in range(2)]
        after = source.read("license_change", ["name", "status"]).rows

    assert outcomes == [RowOutcome(update.key)] * 2
    assert {row["name"]: row["status"] for row in after} == {
        ids[0]: "Archived",
        ids[1]: "Active",
    }


@on_every
def test_a_row_with_the_planned_values_is_done(open_source: Opener, tmp_path: Path):
    with open_source(ROWS, tmp_path) as source:
        first = source.write("license_change", [archive(2)])
        second = source.write("license_change", [archive(2)])

    assert first == second == [RowOutcome(key(2))]


@on_real
def test_an_id_is_written_as_text_into_an_empty_column(open_source: Opener, tmp_path: Path):
    update = RowUpdate(SUBSCRIPTION["id"], {"psa_system_id": 29683}, {"psa_system_id": None})
    with open_source(ROWS, tmp_path) as source:
        outcomes = source.write("subscription", [update])
        rows = source.read("subscription", ["psa_system_id"]).rows

    assert outcomes == [RowOutcome(SUBSCRIPTION["id"])]
    assert [row["psa_system_id"] for row in rows] == ["29683"]


@on_real
def test_an_unknown_label_is_not_written(open_source: Opener, tmp_path: Path):
    with open_source(ROWS, tmp_path) as source:
        outcome = source.write(
            "license_change", [RowUpdate(key(1), {"status": "Shut"}, {"status": "Active"})]
        )[0]
        after = source.read("license_change", ["status"]).rows

    assert outcome.error.endswith('status: "Shut" is not one of Active, Archived')
    assert [row["status"] for row in after] == ["Active"] * 3


@on_every
def test_a_source_is_described_without_secrets(open_source: Opener, tmp_path: Path):
    with open_source(ROWS, tmp_path) as source:
        text = source.describe() + repr(source)

    assert source.describe()
    assert "never-shown" not in text


@on_every
def test_what_a_source_is_stays_and_shows_no_secret(open_source: Opener, tmp_path: Path):
    with open_source(ROWS, tmp_path) as source:
        before = source.identity()
        notices = [*source.notices]
        source.read("license_change", ["status"])
        after = source.identity()

    assert before == after
    assert "never-shown" not in before
    assert notices == []


@on_every
def test_only_a_column_of_ids_has_an_entity(open_source: Opener, tmp_path: Path):
    with open_source(ROWS, tmp_path) as source:
        entities = source.id_entity_of("subscription", "psa_system_id")
        none = source.id_entity_of("license_change", "status")

    assert entities in (None, "ContractServices")
    assert none is None


@on_every
def test_only_a_number_has_decimal_places(open_source: Opener, tmp_path: Path):
    with open_source(ROWS, tmp_path) as source:
        of_text = source.decimal_places("license_change", "name")
        of_number = source.decimal_places("license_change", "quantity")

    assert of_text is None
    assert of_number is None or of_number >= 0


MEMBERS = [name for name in vars(Source) if not name.startswith("_")]


@pytest.mark.parametrize("adapter", [FakeSource, FileSource, SqlSource, DataverseSource])
def test_an_adapter_has_each_member_of_the_port_with_its_parameters(adapter: type):
    def parameters(owner: type, name: str) -> list[str]:
        member = getattr(owner, name)
        return [*inspect.signature(member).parameters] if callable(member) else []

    assert {name: parameters(adapter, name) for name in MEMBERS} == {
        name: parameters(Source, name) for name in MEMBERS
    }


def test_this_suite_uses_each_member_of_the_port():
    suite = Path(__file__).read_text(encoding="utf-8")

    assert [name for name in MEMBERS if f"source.{name}" not in suite] == []


texts = st.one_of(
    st.none(),
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=9),
)
changes = st.builds(
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
@given(rows=st.lists(changes, max_size=8, unique_by=lambda row: row["id"]))
def test_any_rows_are_read_as_they_were_written(open_source: Opener, rows: list[Row]):
    with (
        TemporaryDirectory() as folder,
        open_source({"license_change": rows}, Path(folder)) as source,
    ):
        read_rows = source.read("license_change", list(TABLES["license_change"].columns))

    assert (read_rows.rows, read_rows.findings) == (sorted(rows, key=lambda row: row["id"]), [])
