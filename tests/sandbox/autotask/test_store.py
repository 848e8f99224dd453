"""The database holds: killed in the middle of writes, opened by several processes, restarted."""

import http.client
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from engine.errors import SandboxError
from engine.sandbox import seed
from engine.sandbox.server import Sandbox
from engine.sandbox.store import Store

SERVE = Path(__file__).with_name("serve.py")
COMPANY = {"companyName": "New", "companyType": 1, "phone": "1", "ownerResourceID": 30}


@contextmanager
def process(database, seed_file):
    """A sandbox process and its address."""
    command = [sys.executable, str(SERVE), str(database), str(seed_file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running, running.stdout.readline().strip()
        finally:
            running.kill()


def write_until_killed(api, running, kill_after, day):
    """Adjusts day after day, creating companies in between, and kills the process in the middle; what was answered."""
    answered = []

    def kill():
        while len(answered) < kill_after:
            time.sleep(0.0005)
        running.kill()

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    try:
        for number in range(300):
            at = (day + timedelta(days=number)).isoformat()
            if api.adjust(at, 1).status == 200:
                answered.append(("adjust", at))
            name = f"{day}-{number}"
            if api.post("Companies", {**COMPANY, "companyName": name}).status == 200:
                answered.append(("create", name))
    except (OSError, http.client.HTTPException):
        pass
    killer.join()
    return answered


def test_killed_in_the_middle_of_writes_everything_answered_is_there_and_every_write_is_whole(
    tmp_path, seed_file, entities, api
):
    database, answered = tmp_path / "killed.sqlite", []
    for number, kill_after in enumerate((7, 16, 25, 9)):
        with process(database, seed_file) as (running, url):
            api.url = url
            answered += write_until_killed(api, running, kill_after, date(2026, 2, 1) + timedelta(days=60 * number))

    found = seed.dump(database, entities)
    days = [one["effectiveDate"] for one in found["adjustments"]]
    names = {company["companyName"] for company in found["records"]["Companies"]}
    assert len(answered) >= 57
    assert all(what in (days if kind == "adjust" else names) for kind, what in answered)
    assert len(days) == len(set(days))
    for row in found["records"]["ContractServiceUnits"]:
        total = sum(one["unitChange"] for one in found["adjustments"] if one["effectiveDate"] <= row["startDate"])
        assert row["units"] == total


def test_several_processes_write_to_one_database_and_no_id_is_given_twice(tmp_path, seed_file, entities, api):
    database, found, lock = tmp_path / "shared.sqlite", [], threading.Lock()

    def write(url, number):
        mine = type(api)(url)
        for count in range(15):
            record = mine.post("Companies", {**COMPANY, "companyName": f"{number}-{count}"}).id
            with lock:
                found.append((record, f"{number}-{count}"))

    with process(database, seed_file) as (_, first), process(database, seed_file) as (_, second):
        threads = [threading.Thread(target=write, args=(url, n)) for n, url in enumerate([first, second] * 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    there = {company["id"]: company["companyName"] for company in seed.dump(database, entities)["records"]["Companies"]}
    assert len({record for record, _ in found}) == 60
    assert all(there[record] == name for record, name in found)


def test_data_survive_a_restart(open_sandbox, sandbox, api):
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


def test_a_field_that_the_catalogue_gains_is_added_to_the_table(tmp_path, entities):
    fields = dict(entities["TaxRegions"].fields)
    gained = fields.pop("name")
    Store(tmp_path / "grows.sqlite", {"TaxRegions": replace(entities["TaxRegions"], fields=fields)}).close()

    seed.seed(tmp_path / "grows.sqlite", {"TaxRegions": entities["TaxRegions"]}, {})

    with closing(sqlite3.connect(tmp_path / "grows.sqlite")) as db:
        assert gained.name in {row[1] for row in db.execute("PRAGMA table_info(TaxRegions)")}


@pytest.mark.parametrize("content", [b"no database " * 100, b""])
def test_a_file_of_something_else_is_not_touched(tmp_path, entities, content):
    file = tmp_path / "other.sqlite"
    file.write_bytes(content)
    if not content:
        with closing(sqlite3.connect(file)) as other:
            other.execute("CREATE TABLE theirs (x)")
        content = file.read_bytes()

    with pytest.raises(SandboxError, match=r"other\.sqlite"):
        Sandbox(file, entities)

    assert file.read_bytes() == content


def test_a_place_that_cannot_be_written_is_said(tmp_path, entities):
    (tmp_path / "file").write_text("")

    with pytest.raises(SandboxError):
        Sandbox(tmp_path / "file" / "autotask.sqlite", entities)


def test_the_database_is_its_owners_alone(open_sandbox, tmp_path):
    open_sandbox(database=tmp_path / "deep" / "private.sqlite")

    assert (tmp_path / "deep" / "private.sqlite").stat().st_mode & 0o077 == 0


def test_a_port_that_is_taken_is_said_and_nothing_stays_open(open_sandbox, tmp_path, entities):
    port = int(open_sandbox().url.rsplit(":", 1)[1])

    with pytest.raises(SandboxError, match="cannot listen"):
        Sandbox(tmp_path / "second.sqlite", entities, port=port)


def test_a_sandbox_that_never_served_can_be_closed(tmp_path, entities):
    Sandbox(tmp_path / "idle.sqlite", entities).close()


def test_a_sandbox_serves_in_the_callers_own_thread_until_it_is_closed(tmp_path, entities, api):
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
