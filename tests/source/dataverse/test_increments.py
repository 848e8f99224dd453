"""What is kept between runs: cheap where nothing changed, right whatever changed, whole where it cannot be trusted."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import SourceError
from engine.sandbox.dataverse import server
from engine.sandbox.dataverse.faults import OWN
from engine.sandbox.dataverse.schema import Habits
from engine.sandbox.dataverse.server import DataverseSandbox
from engine.sandbox.faults import KINDS
from engine.source.dataverse.cache import Loaded, RowCache
from engine.source.dataverse.loading import Loader
from engine.source.profile import Here, Profile
from tests.source.bench_dataverse import Clock
from tests.source.dataverse_worlds import COLUMNS, LOG, TABLES, World, environment, key, log

ROWS = {"license_change": [log(number) for number in range(1, 8)]}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with DataverseSandbox(TABLES, ROWS, environment()) as sandbox:
        made = World(sandbox, tmp_path)
        made.read()
        made.asked()
        yield made


def remarks(world: World, *columns: str, **how: object) -> list[str]:
    with world.source(**how) as source:
        source.read("license_change", columns or COLUMNS)
        return list(source.remarks)


def test_a_second_run_with_nothing_changed_costs_one_request_a_table(world: World):
    assert world.read() == world.read(kept=False)
    world.asked()

    world.read()

    assert world.asked() == {"GET work365_licensechangelogs": 1, "GET uoms": 1}


def test_changed_new_and_deleted_rows_are_seen(world: World):
    world.sandbox.set("license_change", log(2, quantity=Decimal(99)))
    world.sandbox.set("license_change", log(20))
    world.sandbox.remove(LOG, key(5))
    world.sandbox.set("license_change", log(30))
    world.sandbox.remove(LOG, key(30))  # made and gone between two readings

    rows = world.read()

    assert [row["id"] for row in rows] == [key(number) for number in (1, 2, 3, 4, 6, 7, 20)]
    assert rows[1]["quantity"] == Decimal(99)
    assert world.read() == world.read(kept=False) == rows


def test_changes_of_more_than_one_page_are_all_seen(world: World):
    for number in range(3, 20):
        world.sandbox.set("license_change", log(number, quantity=Decimal(number) + 100))

    assert world.read(page=4) == world.read(kept=False)


def test_a_token_that_is_too_old_means_all_again_and_is_said(world: World):
    world.sandbox.expire_changes()
    world.sandbox.remove(LOG, key(1))

    said = remarks(world)

    words = "Version stamp associated with the client has expired. Please perform a full sync. (HTTP 400)"
    assert sorted(said) == [
        f"{table}: read whole, for the change token was refused: {world.host}, reading {table}: {words}"
        for table in ("uom", LOG)
    ]
    assert world.read()[0]["id"] == key(2)
    assert remarks(world) == []


def test_more_columns_mean_all_again_and_fewer_do_not(world: World):
    assert remarks(world, "quantity") == []
    assert world.asked()["GET work365_licensechangelogs"] == 1

    world.read(columns=["quantity"], kept=False)
    with TemporaryDirectory() as folder:
        elsewhere = replace(world, folder=Path(folder))
        elsewhere.read(columns=["quantity"])
        said = remarks(elsewhere, "quantity", "name")

    assert said == [f"{LOG}: read whole, for columns or profile have changed"]


def test_another_profile_means_all_again(world: World):
    changed = Profile(TABLES, {("license_change", "status"): Here(labels={"x": "Active"})}, digest="changed")

    assert remarks(replace(world, profile=changed)) == [f"{LOG}: read whole, for columns or profile have changed"]


def test_a_column_of_another_type_means_all_again_and_the_new_name_is_selected(world: World):
    attributes = world.sandbox.kinds[LOG].attributes
    invoice = attributes["work365_lcl_invoice"]
    attributes[invoice.logical] = replace(invoice, kind="Lookup", targets=("account",))
    world.sandbox.change(LOG, key(1), _work365_lcl_invoice_value=None)
    for number in range(1, 8):
        world.sandbox.change(LOG, key(number), _work365_lcl_invoice_value=key(77))
    world.sandbox.redefine()

    assert {row["invoice"] for row in world.read()} == {key(77)}


def test_a_full_load_can_be_asked_for_once_or_every_so_often(world: World):
    asked = world.asked
    world.read(refresh=True)
    assert asked()["GET EntityDefinitions"] > 0

    assert remarks(world, refresh_after=timedelta(days=7)) == []
    world.clock.sleep(8 * 24 * 3600)
    assert sorted(remarks(world, refresh_after=timedelta(days=7))) == [
        f"{table}: read whole, for the last full load was on 2026-11-15" for table in ("uom", LOG)
    ]
    assert remarks(world, refresh_after=timedelta(days=7)) == []


def test_a_table_without_change_tracking_is_read_whole_each_time(tmp_path: Path):
    with DataverseSandbox(TABLES, ROWS, environment(habits=Habits(untracked=frozenset({LOG})))) as sandbox:
        world = World(sandbox, tmp_path)
        first = world.read()
        sandbox.remove(LOG, key(1))
        second = world.read()

    assert (len(first), len(second)) == (7, 6)


def test_a_full_load_that_breaks_off_leaves_what_was_kept_and_its_token(world: World):
    world.fault("error", query="skiptoken", times=0)
    with pytest.raises(SourceError):
        world.read(page=3, refresh=True)
    world.sandbox.faults.clear()
    world.sandbox.set("license_change", log(1, quantity=Decimal(50)))
    world.asked()

    assert world.read()[0]["quantity"] == 50
    assert world.asked()["GET work365_licensechangelogs"] == 1


def test_increments_that_break_off_are_asked_for_again(world: World):
    for number in range(1, 8):
        world.sandbox.set("license_change", log(number, quantity=Decimal(50)))
    world.fault("error", query="skiptoken", times=6)
    with pytest.raises(SourceError):
        world.read(page=3)
    world.sandbox.faults.clear()

    assert {row["quantity"] for row in world.read(page=3)} == {Decimal(50)}


EVERY_KIND = {
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
def test_increments_survive_every_kind_of_fault(world: World, name: str):
    for number in range(1, 8):
        world.sandbox.set("license_change", log(number, quantity=Decimal(50)))
    world.sandbox.remove(LOG, key(4))
    world.fault(name.partition(" ")[0], path="changelogs$", nth=2, **EVERY_KIND[name])

    with replace(world, clock=Clock() if name == "restart" else world.clock).source(page=3) as source:
        rows = source.read("license_change", COLUMNS).rows

    assert [(row["id"], row["quantity"]) for row in rows] == [
        (key(number), Decimal(50)) for number in (1, 2, 3, 5, 6, 7)
    ]
    assert rows == world.read(kept=False)


@pytest.mark.parametrize("page", ["empty", "half"])
@pytest.mark.parametrize("nth", [1, 2])
def test_changes_that_break_off_without_a_word_are_an_error_and_asked_for_again(world: World, page: str, nth: int):
    for number in range(1, 8):
        world.sandbox.set("license_change", log(number, quantity=Decimal(50)))
    world.fault("page", page=page, path="changelogs$", nth=nth)

    with pytest.raises(SourceError, match=r"the last page has no delta link; is it the last\?"):
        world.read(page=3)

    assert {row["quantity"] for row in world.read(page=3)} == {Decimal(50)}


@pytest.mark.parametrize("page", ["empty", "half", "skip"])
def test_a_table_without_change_tracking_is_counted(tmp_path: Path, page: str):
    with DataverseSandbox(TABLES, ROWS, environment(habits=Habits(untracked=frozenset({LOG})))) as sandbox:
        world = World(sandbox, tmp_path)
        world.fault("page", page=page, path="changelogs$")
        with pytest.raises(SourceError, match=r"reading work365_licensechangelog: \d rows came and there are 7"):
            world.read(page=2)

        assert len(world.read(page=2)) == 7


def test_a_row_that_is_made_while_an_untracked_table_is_read_is_no_matter(tmp_path: Path):
    with DataverseSandbox(TABLES, ROWS, environment(habits=Habits(untracked=frozenset({LOG})))) as sandbox:
        world = World(sandbox, tmp_path)
        plainly = sandbox._plainly

        def somebody_works(request):
            if "skiptoken" in request.query:
                sandbox.set("license_change", log(20))
            return plainly(request)

        sandbox._plainly = somebody_works

        assert len(world.read(page=3)) == 8


def test_a_row_that_changes_while_pages_are_read_counts_as_it_came_last(world: World, monkeypatch: pytest.MonkeyPatch):
    plainly = DataverseSandbox._plainly

    def somebody_works(self, request):
        if "skiptoken" in request.query and self.store.get(LOG, key(1)).values()["work365_lcl_quantity"] == "1":
            self.set("license_change", log(1, quantity=Decimal(500)))
        return plainly(self, request)

    monkeypatch.setattr(server.DataverseSandbox, "_plainly", somebody_works)

    rows = world.read(page=3, refresh=True)

    assert [row["id"] for row in rows] == [key(number) for number in range(1, 8)]
    assert rows[0]["quantity"] == 500
    assert world.read() == rows


def test_a_row_that_was_deleted_and_is_back_is_looked_at_anew(world: World, monkeypatch: pytest.MonkeyPatch):
    world.sandbox.set("license_change", log(1, quantity=Decimal(70)))
    changes = Loader._pages

    def both(self, wanted, address, *, tracked):
        for page in changes(self, wanted, address, tracked=tracked):
            yield replace(page, gone=[key(1)]) if wanted.name == LOG and "deltatoken" in address else page

    monkeypatch.setattr(Loader, "_pages", both)

    said = remarks(world)
    monkeypatch.undo()

    assert said == [f"{LOG}: read whole, for {key(1)} was deleted and is there"]
    assert world.read()[0]["quantity"] == 70


@pytest.mark.usefixtures("world")
def test_another_environment_finds_nothing_of_the_first_ones_rows(tmp_path: Path):
    with DataverseSandbox(TABLES, {"license_change": [log(50)]}, environment()) as other:
        assert [row["id"] for row in World(other, tmp_path).read()] == [key(50)]


def test_a_run_that_was_overtaken_by_another_goes_on_from_its_token(world: World, monkeypatch: pytest.MonkeyPatch):
    world.sandbox.set("license_change", log(1, quantity=Decimal(70)))
    changes = Loader._changes

    def overtaken(self, wanted, kept):
        pages = changes(self, wanted, kept)
        if wanted.name == LOG and not overtaken.once:
            overtaken.once = True
            world.sandbox.set("license_change", log(1, quantity=Decimal(71)))
            world.read()
        return pages

    overtaken.once = False
    monkeypatch.setattr(Loader, "_changes", overtaken)

    assert world.read()[0]["quantity"] == 71
    assert world.read() == world.read(kept=False)


def test_kept_rows_are_for_their_owner_only(world: World):
    mode = stat.S_IMODE((world.folder / "rows.sqlite").stat().st_mode)

    assert mode == 0o600


def test_a_file_that_is_no_cache_is_said_and_may_go(tmp_path: Path):
    path = tmp_path / "rows.sqlite"
    path.write_text("not a database, and long enough to be looked at as one " * 20)

    with pytest.raises(SourceError, match=r"the row cache rows\.sqlite cannot be opened: .*; it may be deleted"):
        RowCache(path, path.name)


def test_rows_and_token_are_kept_together_or_not_at_all(tmp_path: Path):
    with closing(RowCache(tmp_path / "rows.sqlite", "rows.sqlite")) as cache:
        with cache.together():
            cache.add("t", 0, "first")
            cache.mark("t", Loaded("p", frozenset({"a"}), "token 1", "2026"))

        def broken() -> None:
            with cache.together():
                cache.forget("t")
                cache.add("t", 0, "second")
                cache.mark("t", Loaded("p", frozenset({"a"}), "token 2", "2026"))
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            broken()

        assert (list(cache.pages("t")), cache.loaded("t").token) == (["first"], "token 1")


def test_a_cache_that_another_program_holds_is_an_error_and_no_traceback(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("engine.source.dataverse.cache.PATIENCE", 0.05)
    path = tmp_path / "rows.sqlite"
    with closing(RowCache(path, path.name)) as cache, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(SourceError, match="cannot be written: database is locked"), cache.together():
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


def step(world: World, what: str, *figures: int) -> None:
    if what == "set":
        world.sandbox.set("license_change", log(figures[0], quantity=Decimal(figures[1])))
    elif what == "remove" and world.sandbox.store.get(LOG, key(figures[0])):
        world.sandbox.remove(LOG, key(figures[0]))
    elif what == "archive" and world.sandbox.store.get(LOG, key(figures[0])):
        world.sandbox.change(LOG, key(figures[0]), work365_lcl_name="archived")
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
        world = World(sandbox, Path(folder))
        for each in done:
            step(world, *each)

        with world.source(page=page) as kept, world.source(kept=False) as whole:
            assert kept.read("license_change", COLUMNS) == whole.read("license_change", COLUMNS)


READER = """
import sys
from pathlib import Path
from datetime import UTC, datetime
from tests.source.bench_dataverse import Clock
from tests.source.dataverse_worlds import COLUMNS, SECRET, TABLES, ZONE
from engine.source.dataverse.client import Access
from engine.source.dataverse.loading import Patience
from engine.source.dataverse.source import DataverseSource, Keeping
from engine.source.profile import Profile
url, kept = sys.argv[1:]
print("ready", flush=True)
for turn in range(10_000):
    keeping = Keeping(Path(kept), Patience(page=2, refresh=turn % 2 == 1))
    access = Access(url, "demo.example", "trueup-demo", SECRET, url)
    with DataverseSource(access, Profile(TABLES), ZONE, Clock(), keeping) as source:
        source.read("license_change", COLUMNS)
"""


@pytest.mark.chaos
@pytest.mark.parametrize("after", [0.05, 0.11, 0.17, 0.23])
def test_a_reader_killed_at_any_instant_leaves_rows_that_go_with_their_token(world: World, after: float):
    command = [sys.executable, "-c", READER, world.sandbox.url, str(world.folder / "rows.sqlite")]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root, env={**os.environ, "PYTHONPATH": "."}) as reader:
        assert reader.stdout.readline() == b"ready\n"
        for number in range(1, 8):
            world.sandbox.set("license_change", log(number, quantity=Decimal(number) + 100))
            time.sleep(after / 7)
        reader.send_signal(signal.SIGKILL)
    world.sandbox.remove(LOG, key(3))

    assert world.read() == world.read(kept=False)
