"""Rows cached between runs are brought up to date by increments, or by a full load if needed."""

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from trueup.errors import SourceError
from trueup.model.catalogue import Column, Table, Type
from trueup.ports.source import Row
from trueup.sandbox.dataverse.faults import OWN
from trueup.sandbox.dataverse.schema import Quirks
from trueup.sandbox.dataverse.server import DataverseSandbox
from trueup.sandbox.http.fault_effects import KINDS
from trueup.source.dataverse.cache import CachedLoad, RowCache
from trueup.source.dataverse.source import DataverseSource
from trueup.source.dataverse.sync import TableLoader
from trueup.source.profile import ColumnProfile, Profile
from trueup.wiring import SystemClock

from tests.support.dataverse_world import (
    CHANGE_TABLE,
    COLUMNS,
    TABLES,
    DataverseWorld,
    account,
    environment,
    key,
    license_change,
)
from tests.support.paths import ROOT

STARTED = "2026-11-20T12:00:00+00:00"
ROWS = {"license_change": [license_change(number) for number in range(1, 8)]}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DataverseWorld]:
    with DataverseSandbox(TABLES, ROWS, environment()) as sandbox:
        opened = DataverseWorld(sandbox, tmp_path)
        opened.read()
        opened.request_counts()
        yield opened


def notices(world: DataverseWorld, *columns: str, **options: Any) -> list[str]:
    with world.source(**options) as source:
        source.read("license_change", columns or COLUMNS)
        return list(source.notices)


def test_a_second_run_without_changes_costs_one_request_for_each_table(world: DataverseWorld):
    assert world.read() == world.read(cached=False)
    world.request_counts()

    world.read()

    assert world.request_counts() == {"GET work365_licensechangelogs": 1, "GET uoms": 1}


@pytest.fixture
def parents(tmp_path: Path) -> Iterator[DataverseWorld]:
    """Accounts whose parent, another account, is read by its name."""

    def tables(kind: Type) -> dict[str, Table]:
        parent = Column("parent", kind, "parentaccountid", table="account")
        table = TABLES["account"]
        return {**TABLES, "account": replace(table, columns={**table.columns, "parent": parent})}

    rows = [account(1, parent=None), account(2, parent=key(1)), account(3, parent=key(2))]
    profile = Profile(tables(Type.TEXT), {("account", "parent"): ColumnProfile(shows="name")})
    with DataverseSandbox(tables(Type.LOOKUP), {"account": rows}, environment()) as sandbox:
        yield DataverseWorld(sandbox, tmp_path, profile)


def test_texts_of_the_same_table_leave_its_rows_in_the_cache(parents: DataverseWorld):
    columns = ("name", "parent")

    readings = [parents.read("account", columns) for _ in range(3)]
    parents.sandbox.change("account", key(1), name="renamed")
    parents.request_counts()
    with parents.source() as source:
        changed = source.read("account", columns)
        by_key = source.read("account", columns, [key(2)])
        notices = list(source.notices)

    assert [
        [(row["name"], row["parent"]) for row in rows] for rows in [*readings, changed.rows]
    ] == [
        *[[("account 1", None), ("account 2", "account 1"), ("account 3", "account 2")]] * 3,
        [("renamed", None), ("account 2", "renamed"), ("account 3", "account 2")],
    ]
    assert [row["parent"] for row in by_key.rows] == ["renamed"]
    assert notices == []
    assert parents.request_counts() == {"GET accounts": 3}  # rows, texts, and rows by key


def test_rows_that_were_cached_without_slots_are_loaded_again(world: DataverseWorld):
    _edit("UPDATE definition SET body = '' WHERE name = ''")(world.folder / "rows.sqlite")
    _edit("UPDATE page SET name = 'old ' || name, body = '[5]'")(world.folder / "rows.sqlite")

    rows = world.read()

    assert rows == world.read(cached=False)
    with closing(sqlite3.connect(world.folder / "rows.sqlite")) as connection:
        assert connection.execute("SELECT name FROM page WHERE name LIKE 'old%'").fetchall() == []


def test_changed_new_and_deleted_rows_are_seen(world: DataverseWorld):
    world.sandbox.set("license_change", license_change(2, quantity=Decimal(99)))
    world.sandbox.set("license_change", license_change(20))
    world.sandbox.remove(CHANGE_TABLE, key(5))
    world.sandbox.set("license_change", license_change(30))
    world.sandbox.remove(CHANGE_TABLE, key(30))  # created and deleted between two readings

    rows = world.read()

    assert [row["id"] for row in rows] == [key(number) for number in (1, 2, 3, 4, 6, 7, 20)]
    assert rows[1]["quantity"] == Decimal(99)
    assert world.read() == world.read(cached=False) == rows


def test_rows_that_are_read_by_key_are_as_they_are_now(world: DataverseWorld):
    """Also after another run has loaded the pages anew, in which they stand in other places."""
    keys = [key(number) for number in (2, 5, 7, 20, 99)]

    def by_key(source: DataverseSource) -> list[Row]:
        found = source.read("license_change", COLUMNS, keys)
        assert found == source.read("license_change", COLUMNS).only(keys, "id")
        return [*found.rows]

    with world.source(page=3) as source:
        assert [row["id"] for row in by_key(source)] == keys[:3]
        world.sandbox.set("license_change", license_change(2, quantity=Decimal(99)))
        world.sandbox.set("license_change", license_change(20))
        world.sandbox.remove(CHANGE_TABLE, key(5))
        assert [row["quantity"] for row in by_key(source)] == [99, 7, 20]

        world.sandbox.remove(CHANGE_TABLE, key(1))
        world.clock.sleep(1)
        world.read(page=2, refresh=True)
        assert [row["id"] for row in by_key(source)] == [key(2), key(7), key(20)]
        world.sandbox.expire_changes()
        assert [row["id"] for row in by_key(source)] == [key(2), key(7), key(20)]


def test_changes_of_more_than_one_page_are_all_seen(world: DataverseWorld):
    for number in range(3, 20):
        world.sandbox.set("license_change", license_change(number, quantity=Decimal(number) + 100))

    assert world.read(page=4) == world.read(cached=False)


def test_an_expired_change_token_causes_a_full_load_with_a_notice(world: DataverseWorld):
    world.sandbox.expire_changes()
    world.sandbox.remove(CHANGE_TABLE, key(1))

    shown_notices = notices(world)

    message = (
        "Version stamp associated with the client has expired. "
        "Please perform a full sync. (HTTP 400)"
    )
    assert sorted(shown_notices) == [
        (
            f"{table}: full load, because the change token was refused: {world.host}, reading "
            f"{table}: {message}"
        )
        for table in ("uom", CHANGE_TABLE)
    ]
    assert world.read()[0]["id"] == key(2)
    assert notices(world) == []


def test_more_columns_cause_a_full_load_and_fewer_do_not(world: DataverseWorld):
    assert notices(world, "quantity") == []
    assert world.request_counts()["GET work365_licensechangelogs"] == 1

    world.read(columns=["quantity"], cached=False)
    with TemporaryDirectory() as folder:
        elsewhere = replace(world, folder=Path(folder))
        elsewhere.read(columns=["quantity"])
        shown_notices = notices(elsewhere, "quantity", "name")

    assert shown_notices == [f"{CHANGE_TABLE}: full load, because columns or profile have changed"]


def test_another_profile_causes_a_full_load(world: DataverseWorld):
    changed = Profile(
        TABLES,
        {("license_change", "status"): ColumnProfile(labels={"x": "Active"})},
        digest="changed",
    )

    assert notices(replace(world, profile=changed)) == [
        f"{CHANGE_TABLE}: full load, because columns or profile have changed"
    ]


def test_a_column_of_another_type_causes_a_full_load_under_its_new_name(world: DataverseWorld):
    attributes = world.sandbox.definitions[CHANGE_TABLE].attributes
    invoice = attributes["work365_lcl_invoice"]
    attributes[invoice.logical] = replace(invoice, kind="Lookup", targets=("account",))
    world.sandbox.change(CHANGE_TABLE, key(1), _work365_lcl_invoice_value=None)
    for number in range(1, 8):
        world.sandbox.change(CHANGE_TABLE, key(number), _work365_lcl_invoice_value=key(77))
    world.sandbox.redefine()

    assert {row["invoice"] for row in world.read()} == {key(77)}


def test_a_full_load_can_be_requested_once_or_after_a_number_of_days(world: DataverseWorld):
    with world.source(refresh=True) as source:
        loaded = [source.read("license_change", COLUMNS).rows for _ in range(2)]
    assert (
        world.request_counts()["GET work365_licensechangelogs"] == 2
    )  # all rows, and what changed
    assert loaded[0] == loaded[1]

    assert notices(world, refresh_after=timedelta(days=7)) == []
    world.clock.sleep(8 * 24 * 3600)
    assert sorted(notices(world, refresh_after=timedelta(days=7))) == [
        f"{table}: full load, because the last full load was on 2026-11-15"
        for table in ("uom", CHANGE_TABLE)
    ]
    assert notices(world, refresh_after=timedelta(days=7)) == []


def test_a_table_without_change_tracking_is_fully_loaded_each_time(tmp_path: Path):
    with DataverseSandbox(
        TABLES, ROWS, environment(quirks=Quirks(untracked=frozenset({CHANGE_TABLE})))
    ) as sandbox:
        world = DataverseWorld(sandbox, tmp_path)
        first = world.read()
        sandbox.remove(CHANGE_TABLE, key(1))
        second = world.read()

    assert (len(first), len(second)) == (7, 6)


def test_an_interrupted_full_load_leaves_the_cached_rows_and_their_token(world: DataverseWorld):
    world.fault("error", query="skiptoken", times=0)
    with pytest.raises(SourceError):
        world.read(page=3, refresh=True)
    world.sandbox.faults.clear()
    world.sandbox.set("license_change", license_change(1, quantity=Decimal(50)))
    world.request_counts()

    assert world.read()[0]["quantity"] == 50
    assert world.request_counts()["GET work365_licensechangelogs"] == 1


def test_interrupted_increments_are_read_again(world: DataverseWorld):
    for number in range(1, 8):
        world.sandbox.set("license_change", license_change(number, quantity=Decimal(50)))
    world.fault("error", query="skiptoken", times=6)
    with pytest.raises(SourceError):
        world.read(page=3)
    world.sandbox.faults.clear()

    assert {row["quantity"] for row in world.read(page=3)} == {Decimal(50)}


EVERY_KIND: dict[str, dict[str, Any]] = {
    "twice": {},
    "latency": {"seconds": 0.05},
    "drop": {},
    "drop after": {"when": "after"},
    "late": {"seconds": 0.05},
    "empty": {},
    "busy": {"seconds": 3},
    "error": {},
    "html": {},
    "truncate": {},
    "truncate in the middle": {"announce": False},
    "restart": {"seconds": 0.05},
    "unauthorized": {},
    "expired": {},
    "lost": {},
}


def test_every_kind_of_fault_is_tried():
    assert {kind.partition(" ")[0] for kind in EVERY_KIND} | {"page", "hide"} == {*KINDS, *OWN}


@pytest.mark.parametrize("name", EVERY_KIND)
def test_increments_survive_every_kind_of_fault(world: DataverseWorld, name: str):
    for number in range(1, 8):
        world.sandbox.set("license_change", license_change(number, quantity=Decimal(50)))
    world.sandbox.remove(CHANGE_TABLE, key(4))
    world.fault(name.partition(" ")[0], path="changelogs$", nth=2, **EVERY_KIND[name])

    with replace(world, clock=SystemClock() if name == "restart" else world.clock).source(
        page=3
    ) as source:
        rows = source.read("license_change", COLUMNS).rows

    assert [(row["id"], row["quantity"]) for row in rows] == [
        (key(number), Decimal(50)) for number in (1, 2, 3, 5, 6, 7)
    ]
    assert rows == world.read(cached=False)


@pytest.mark.parametrize("page", ["empty", "half"])
@pytest.mark.parametrize("nth", [1, 2])
def test_increments_that_end_too_early_are_an_error_and_are_read_again(
    world: DataverseWorld, page: str, nth: int
):
    for number in range(1, 8):
        world.sandbox.set("license_change", license_change(number, quantity=Decimal(50)))
    world.fault("page", page=page, path="changelogs$", nth=nth)

    with pytest.raises(SourceError, match=r"the last page has no delta link; pages may be missing"):
        world.read(page=3)

    assert {row["quantity"] for row in world.read(page=3)} == {Decimal(50)}


@pytest.mark.parametrize("page", ["empty", "half", "skip"])
def test_a_table_without_change_tracking_is_counted(tmp_path: Path, page: str):
    with DataverseSandbox(
        TABLES, ROWS, environment(quirks=Quirks(untracked=frozenset({CHANGE_TABLE})))
    ) as sandbox:
        world = DataverseWorld(sandbox, tmp_path)
        world.fault("page", page=page, path="changelogs$")
        with pytest.raises(
            SourceError, match=r"reading work365_licensechangelog: \d of 7 rows were received"
        ):
            world.read(page=2)

        assert len(world.read(page=2)) == 7


def test_a_row_created_while_an_untracked_table_is_read_is_included(tmp_path: Path):
    with DataverseSandbox(
        TABLES, ROWS, environment(quirks=Quirks(untracked=frozenset({CHANGE_TABLE})))
    ) as sandbox:
        world = DataverseWorld(sandbox, tmp_path)
        limited = sandbox._limited

        def with_a_change(request):
            if "skiptoken" in request.query:
                sandbox.set("license_change", license_change(20))
            return limited(request)

        sandbox._limited = with_a_change

        assert len(world.read(page=3)) == 8


def test_of_a_row_that_changes_while_pages_are_read_the_last_version_counts(
    world: DataverseWorld, monkeypatch: pytest.MonkeyPatch
):
    limited = DataverseSandbox._limited

    def with_a_change(self, request):
        if (
            "skiptoken" in request.query
            and self.store.get(CHANGE_TABLE, key(1)).values()["work365_lcl_quantity"] == "1"
        ):
            self.set("license_change", license_change(1, quantity=Decimal(500)))
        return limited(self, request)

    monkeypatch.setattr(DataverseSandbox, "_limited", with_a_change)

    rows = world.read(page=3, refresh=True)

    assert [row["id"] for row in rows] == [key(number) for number in range(1, 8)]
    assert rows[0]["quantity"] == 500
    assert world.read() == rows


def test_rows_that_come_twice_in_a_page_and_in_two_pages_are_kept_once(
    world: DataverseWorld, monkeypatch: pytest.MonkeyPatch
):
    limited, pages = DataverseSandbox._limited, []

    def with_repeated_rows(self, request):
        answer = limited(self, request)
        if not request.path.endswith("changelogs"):
            return answer
        page = json.loads(answer.body)
        rows = page["value"]
        if pages:
            newer = {**pages[0]["value"][0], "work365_lcl_quantity": 500}
            page["value"] = [newer, *rows, {**rows[0], "work365_lcl_quantity": 600}]
        pages.append(page)
        return replace(answer, body=json.dumps(page).encode())

    monkeypatch.setattr(DataverseSandbox, "_limited", with_repeated_rows)
    with world.source(page=4, refresh=True) as source:
        result = source.read("license_change", COLUMNS)

    assert result.findings == []
    assert [row["quantity"] for row in result.rows] == [500, 2, 3, 4, 600, 6, 7]


def test_a_row_that_is_both_changed_and_deleted_causes_a_full_load(
    world: DataverseWorld, monkeypatch: pytest.MonkeyPatch
):
    world.sandbox.set("license_change", license_change(1, quantity=Decimal(70)))
    changes = TableLoader._pages

    def both(self, query, address, *, tracked):
        for page in changes(self, query, address, tracked=tracked):
            yield (
                replace(page, deleted=[key(1)])
                if query.name == CHANGE_TABLE and "deltatoken" in address
                else page
            )

    monkeypatch.setattr(TableLoader, "_pages", both)

    shown_notices = notices(world)
    monkeypatch.undo()

    assert shown_notices == [
        f"{CHANGE_TABLE}: full load, because {key(1)} was both changed and deleted"
    ]
    assert world.read()[0]["quantity"] == 70


@pytest.mark.usefixtures("world")
def test_rows_of_another_environment_are_dropped_from_the_cache(tmp_path: Path):
    with DataverseSandbox(TABLES, {"license_change": [license_change(50)]}, environment()) as other:
        assert [row["id"] for row in DataverseWorld(other, tmp_path).read()] == [key(50)]


def test_a_run_overtaken_by_another_run_continues_from_the_newer_token(
    world: DataverseWorld, monkeypatch: pytest.MonkeyPatch
):
    world.sandbox.set("license_change", license_change(1, quantity=Decimal(70)))
    changes = TableLoader._changes

    def overtaken(self, query, cached):
        pages = changes(self, query, cached)
        if query.name == CHANGE_TABLE and not seen:
            seen.append(query)
            world.sandbox.set("license_change", license_change(1, quantity=Decimal(71)))
            world.read()
        return pages

    seen = []
    monkeypatch.setattr(TableLoader, "_changes", overtaken)

    assert world.read()[0]["quantity"] == 71
    assert world.read() == world.read(cached=False)


def test_only_the_owner_can_read_the_cache(world: DataverseWorld):
    mode = stat.S_IMODE((world.folder / "rows.sqlite").stat().st_mode)

    assert mode == 0o600


def test_a_file_that_is_not_a_cache_is_reported_and_may_be_deleted(tmp_path: Path):
    path = tmp_path / "rows.sqlite"
    path.write_text("not a database, and long enough to be read as one " * 20)

    with pytest.raises(
        SourceError, match=r"the row cache rows\.sqlite cannot be opened: .*; it may be deleted"
    ):
        RowCache(path, path.name)


def _overwrite_pages(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:] = b"\x55" * (len(content) - 4096)
    file.write_bytes(content)


def _overwrite_schema(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[100:4096] = b"\x55" * 3996
    file.write_bytes(content)


def _edit(statement: str) -> Callable[[Path], None]:
    def damage(file: Path) -> None:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute(statement)
            connection.commit()

    return damage


DAMAGES = {
    "pages": _overwrite_pages,
    "schema": _overwrite_schema,
    "cut": lambda file: os.truncate(file, 5000),
    "no JSON": _edit("UPDATE page SET body = substr(body, 1, 40)"),
    "other JSON": _edit("UPDATE page SET body = '[5]'"),
    "no key": _edit("""UPDATE page SET body = '{"value": [{}]}'"""),
    "number": _edit("UPDATE page SET body = x'00'"),
    "no text": _edit("UPDATE page SET body = CAST(x'ff' AS TEXT)"),
    "time": _edit("UPDATE loaded SET at = '2026-11-20T12:00:00'"),
    "newer": _edit("INSERT INTO newer SELECT name, 'k', '{' FROM page"),
    "definition": _edit("UPDATE definition SET body = '{}' WHERE name != ''"),
    "other tables": _edit("ALTER TABLE page RENAME COLUMN body TO text"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("keys", [None, [key(2), key(5)]], ids=["all", "some"])
def test_a_damaged_cache_costs_one_full_load(world: DataverseWorld, damage, keys):
    damage(world.folder / "rows.sqlite")

    with world.source() as source:
        rows = source.read("license_change", COLUMNS, keys).rows
        (notice,) = source.notices
    world.request_counts()

    assert [row["id"] for row in rows] == (keys or [key(number) for number in range(1, 8)])
    assert notice.startswith("every table: full load, because the row cache rows.sqlite ")
    assert len(world.read()) == 7
    assert world.request_counts() == {"GET work365_licensechangelogs": 1, "GET uoms": 1}


def test_rows_and_token_are_cached_together_or_not_at_all(tmp_path: Path):
    with closing(RowCache(tmp_path / "rows.sqlite", "rows.sqlite")) as cache:
        with cache.transaction():
            cache.add_page("t", 0, "first")
            cache.mark_loaded("t", CachedLoad("p", frozenset({"a"}), "token 1", STARTED))

        def broken() -> None:
            with cache.transaction():
                cache.forget("t")
                cache.add_page("t", 0, "second")
                cache.mark_loaded("t", CachedLoad("p", frozenset({"a"}), "token 2", STARTED))
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            broken()

        assert (list(cache.pages("t")), cache.loaded("t").token) == (["first"], "token 1")


def test_a_cache_locked_by_another_program_is_a_source_error(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("trueup.source.dataverse.cache_file.LOCK_TIMEOUT", 0.05)
    path = tmp_path / "rows.sqlite"
    with (
        closing(RowCache(path, path.name)) as cache,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN EXCLUSIVE")
        with (
            pytest.raises(SourceError, match="cannot be used: database is locked"),
            cache.transaction(),
        ):
            pass


steps = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.integers(1, 9), st.integers(-5, 5)),
        st.tuples(st.just("remove"), st.integers(1, 9)),
        st.tuples(st.just("archive"), st.integers(1, 9)),
        st.tuples(st.just("expire")),
        st.tuples(st.just("redefine")),
        st.tuples(st.just("read"), st.integers(1, 6)),
    ),
    max_size=12,
)


def step(world: DataverseWorld, what: str, *figures: int) -> None:
    if what == "set":
        world.sandbox.set(
            "license_change", license_change(figures[0], quantity=Decimal(figures[1]))
        )
    elif what == "remove" and world.sandbox.store.get(CHANGE_TABLE, key(figures[0])):
        world.sandbox.remove(CHANGE_TABLE, key(figures[0]))
    elif what == "archive" and world.sandbox.store.get(CHANGE_TABLE, key(figures[0])):
        world.sandbox.change(CHANGE_TABLE, key(figures[0]), work365_lcl_name="archived")
    elif what == "expire":
        world.sandbox.expire_changes()
    elif what == "redefine":
        world.sandbox.redefine()
    elif what == "read":
        world.read(page=figures[0])


@settings(max_examples=settings().max_examples // 4)
@given(done=steps, page=st.integers(1, 6))
def test_rows_from_increments_are_the_rows_of_a_full_load(done: list, page: int):
    with TemporaryDirectory() as folder, DataverseSandbox(TABLES, ROWS, environment()) as sandbox:
        world = DataverseWorld(sandbox, Path(folder))
        for each in done:
            step(world, *each)

        with world.source(page=page) as cached, world.source(cached=False) as whole:
            assert cached.read("license_change", COLUMNS) == whole.read("license_change", COLUMNS)


READER = """
import sys
from pathlib import Path
from datetime import UTC, datetime
from tests.support.dataverse_world import COLUMNS, SECRET, TABLES, ZONE
from trueup.source.dataverse.client import DataverseAccess
from trueup.source.dataverse.sync import LoadSettings
from trueup.source.dataverse.source import CacheSettings, DataverseSource
from trueup.source.profile import Profile
url, rows = sys.argv[1:]
print("ready", flush=True)
for turn in range(10_000):
    cache = CacheSettings(Path(rows), LoadSettings(page=2, refresh=turn % 2 == 1))
    access = DataverseAccess(url, "demo.example", "trueup-demo", SECRET, url)
    with DataverseSource(access, Profile(TABLES), ZONE, SystemClock(), cache) as source:
        source.read("license_change", COLUMNS)
"""


def with_root_on_path() -> dict[str, str]:
    """The environment of a process that can import the tests."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path}


@pytest.mark.chaos
@pytest.mark.parametrize("after", [0.05, 0.11, 0.17, 0.23])
def test_a_reader_killed_at_any_instant_leaves_rows_that_match_their_token(
    world: DataverseWorld, after: float
):
    command = [sys.executable, "-c", READER, world.sandbox.url, str(world.folder / "rows.sqlite")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, cwd=ROOT, env=with_root_on_path()
    ) as reader:
        assert reader.stdout.readline() == b"ready\n"
        for number in range(1, 8):
            world.sandbox.set(
                "license_change", license_change(number, quantity=Decimal(number) + 100)
            )
            time.sleep(after / 7)
        reader.send_signal(signal.SIGKILL)
    world.sandbox.remove(CHANGE_TABLE, key(3))

    assert world.read() == world.read(cached=False)
