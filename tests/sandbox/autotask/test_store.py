"""The database: kills in the middle of writes, several processes, restarts, files of others."""

import http.client
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from datetime import date, timedelta

import pytest
from msgspec.structs import replace
from trueup.errors import SandboxError
from trueup.sandbox.autotask import seed
from trueup.sandbox.autotask.dump import dump_database
from trueup.sandbox.autotask.server import Sandbox
from trueup.sandbox.autotask.store import RecordStore

from tests.support.paths import ROOT

SERVE = [sys.executable, "-m", "tests.bench.serve_sandbox"]
COMPANY = {"companyName": "New", "companyType": 1, "phone": "1", "ownerResourceID": 30}


@contextmanager
def process(database, seed_file):
    """Runs a sandbox in a process; yields the process and its address."""
    command = [*SERVE, str(database), str(seed_file)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            yield running, running.stdout.readline().strip()
        finally:
            running.kill()


def write_until_killed(api, running, kill_after, day):
    """Writes adjustments and companies until the process is killed; returns the answered writes.

    The process is killed after so many answered writes.
    """
    answered = []

    def kill():
        while len(answered) < kill_after and running.poll() is None:
            time.sleep(0.0005)
        running.kill()

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    try:
        for number in range(300):
            effective = (day + timedelta(days=number)).isoformat()
            if api.adjust(effective, 1).status == 200:
                answered.append(("adjust", effective))
            name = f"{day}-{number}"
            if api.post("Companies", {**COMPANY, "companyName": name}).status == 200:
                answered.append(("create", name))
    except (OSError, http.client.HTTPException):
        pass  # the process was killed
    killer.join()
    return answered


def test_after_a_kill_all_answered_writes_are_stored_and_no_write_is_partial(
    tmp_path, seed_file, entities, api
):
    database, answered = tmp_path / "killed.sqlite", []
    for number, kill_after in enumerate((7, 16, 25, 9)):
        with process(database, seed_file) as (running, url):
            api.url = url
            answered += write_until_killed(
                api, running, kill_after, date(2026, 2, 1) + timedelta(days=60 * number)
            )

    stored = dump_database(database, entities)
    days = [adjustment["effectiveDate"] for adjustment in stored["adjustments"]]
    names = {company["companyName"] for company in stored["records"]["Companies"]}
    assert len(answered) >= 57
    assert {written for kind, written in answered if kind == "adjust"} <= set(days)
    assert {written for kind, written in answered if kind == "create"} <= names
    assert len(days) == len(set(days))
    for row in stored["records"]["ContractServiceUnits"]:
        total = sum(
            adjustment["unitChange"]
            for adjustment in stored["adjustments"]
            if adjustment["effectiveDate"] <= row["startDate"]
        )
        assert row["units"] == total


def test_several_processes_write_to_one_database_with_unique_ids(
    tmp_path, seed_file, entities, api
):
    database, created, lock = tmp_path / "shared.sqlite", [], threading.Lock()

    def write(url, number):
        client = type(api)(url)
        for count in range(15):
            record = client.post("Companies", {**COMPANY, "companyName": f"{number}-{count}"}).id
            with lock:
                created.append((record, f"{number}-{count}"))

    with process(database, seed_file) as (_, first), process(database, seed_file) as (_, second):
        threads = [
            threading.Thread(target=write, args=(url, number))
            for number, url in enumerate([first, second] * 2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    names = {
        company["id"]: company["companyName"]
        for company in dump_database(database, entities)["records"]["Companies"]
    }
    assert len({record for record, _ in created}) == 60
    assert all(names[record] == name for record, name in created)


def test_data_survives_a_restart(open_sandbox, sandbox, api):
    api.adjust("2026-03-10", 3)
    before = api.control("GET", "dump")
    sandbox.close()

    api.url = open_sandbox().url

    assert api.control("GET", "dump") == before


def test_a_change_of_settings_reaches_another_process_at_once(open_sandbox, api, sandbox):
    other = type(api)(open_sandbox().url)
    assert other.get("Companies/7").status == 200

    api.switch("missing_record", "404")

    assert other.get("Companies/7").status == 404
    assert sandbox.url != other.url


def test_a_new_field_of_the_catalogue_is_added_to_the_table(tmp_path, entities):
    fields = dict(entities["TaxRegions"].fields)
    gained = fields.pop("name")
    RecordStore(
        tmp_path / "grows.sqlite", {"TaxRegions": replace(entities["TaxRegions"], fields=fields)}
    ).close()

    seed.seed(tmp_path / "grows.sqlite", {"TaxRegions": entities["TaxRegions"]}, {})

    with closing(sqlite3.connect(tmp_path / "grows.sqlite")) as db:
        assert gained.name in {row[1] for row in db.execute("PRAGMA table_info(TaxRegions)")}


def test_an_entity_with_an_id_alone_has_a_table(tmp_path, entities):
    regions = entities["TaxRegions"]
    only_id = replace(regions, fields={"id": regions.fields["id"]})

    RecordStore(tmp_path / "ids.sqlite", {"TaxRegions": only_id}).close()

    with closing(sqlite3.connect(tmp_path / "ids.sqlite")) as db:
        assert [row[1] for row in db.execute("PRAGMA table_info(TaxRegions)")] == ["id"]


@pytest.mark.parametrize("content", [b"no database " * 100, b""])
def test_a_file_of_another_program_is_not_changed(tmp_path, entities, content):
    file = tmp_path / "other.sqlite"
    file.write_bytes(content)
    if not content:
        with closing(sqlite3.connect(file)) as other:
            other.execute("CREATE TABLE theirs (x)")
        content = file.read_bytes()

    with pytest.raises(SandboxError, match=r"other\.sqlite"):
        Sandbox(file, entities)

    assert file.read_bytes() == content


def test_a_path_that_cannot_be_written_is_an_error(tmp_path, entities):
    (tmp_path / "file").write_text("")

    with pytest.raises(SandboxError):
        Sandbox(tmp_path / "file" / "autotask.sqlite", entities)


def test_only_the_owner_can_read_the_database(open_sandbox, tmp_path):
    open_sandbox(database=tmp_path / "deep" / "private.sqlite")

    assert (tmp_path / "deep" / "private.sqlite").stat().st_mode & 0o077 == 0


def test_a_port_in_use_is_an_error(open_sandbox, tmp_path, entities):
    port = int(open_sandbox().url.rsplit(":", 1)[1])

    with pytest.raises(SandboxError, match="cannot listen"):
        Sandbox(tmp_path / "second.sqlite", entities, port=port)


def test_a_sandbox_that_never_served_can_be_closed(tmp_path, entities):
    Sandbox(tmp_path / "idle.sqlite", entities).close()


def test_a_sandbox_serves_in_the_callers_thread_until_it_is_closed(tmp_path, entities, api):
    sandbox = Sandbox(tmp_path / "own.sqlite", entities)
    thread = threading.Thread(target=sandbox.serve_forever)
    thread.start()
    api.url = sandbox.url
    assert api.get("ZoneInformation?user=api@demo.example").status == 200

    sandbox.close()
    thread.join(10)

    assert not thread.is_alive()
    with pytest.raises(ConnectionRefusedError):
        api.get("Companies/0")
