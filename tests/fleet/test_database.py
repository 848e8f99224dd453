"""Conditions of the fleet's database, and the errors when they are not met."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from trueup.errors import EngineError, FleetDatabaseAway
from trueup.fleet import connection as connections
from trueup.fleet import schema
from trueup.fleet.connection import connect, require_clock, require_version, translated
from trueup.fleet.procrastinate_queue import ProcrastinateQueue, migrations
from trueup.fleet.schedule import request_runs, sync
from trueup.model.fleet_run import RunKind
from trueup.operations.redaction import scrubbed

from tests.support.fleet import opened, rows, tenant

CANARY = "pw-k4n4ry"


def prepare(url):
    with connect(url) as connection:
        schema.prepare(connection, ProcrastinateQueue(url))


def test_many_processes_make_the_tables_at_once(postgres):
    with ThreadPoolExecutor(4) as pool:
        for done in pool.map(prepare, [postgres] * 4):
            assert done is None

    with connect(postgres) as connection:
        assert rows(connection, "SELECT number FROM trueup_fleet.version") == [
            (len(schema.MIGRATIONS),)
        ]


def test_tables_of_a_newer_trueup_are_refused_and_left_alone(url, connection):
    connection.execute("UPDATE trueup_fleet.version SET number = 99")

    with pytest.raises(EngineError, match=r"tables of version 99.*update trueup"):
        prepare(url)

    assert rows(connection, "SELECT number FROM trueup_fleet.version") == [(99,)]


def test_a_queue_of_a_newer_trueup_is_refused(url, connection):
    connection.execute("UPDATE trueup_queue.installed SET migration = '99.00.00_01_new.sql'")

    with pytest.raises(EngineError, match="migrated by a newer trueup"):
        prepare(url)


def test_a_queue_of_an_older_procrastinate_is_migrated(url, connection):
    files = sorted(migrations().glob("*.sql"))
    connection.execute("UPDATE trueup_queue.installed SET migration = %s", [files[-2].name])

    prepare(url)

    assert rows(connection, "SELECT migration FROM trueup_queue.installed") == [(files[-1].name,)]


def test_an_old_postgresql_is_refused():
    old: Any = SimpleNamespace(info=SimpleNamespace(server_version=120_022))

    with pytest.raises(EngineError, match=r"PostgreSQL 12.22, and trueup needs 13 or later"):
        require_version(old)


@pytest.mark.parametrize(("ahead", "words"), [(40, "40 s ahead of"), (-40, "40 s behind")])
def test_a_clock_that_is_wrong_is_refused(connection, monkeypatch, ahead, words):
    class Wrong(datetime):
        @classmethod
        def now(cls, zone=None):
            return datetime.now(zone) + timedelta(seconds=ahead)

    require_clock(connection)
    monkeypatch.setattr(connections, "datetime", Wrong)

    with pytest.raises(EngineError, match=words):
        require_clock(connection)


def test_what_the_server_says_is_cleaned():
    with pytest.raises(FleetDatabaseAway) as caught, translated():
        raise psycopg.OperationalError("failed: FATAL:  bad\r\x1b[31m\u202eforged\x07\nhere")

    assert str(caught.value) == "the fleet's database cannot be used: bad forged here"


def test_the_error_about_a_database_that_is_away_shows_no_secret():
    with pytest.raises(FleetDatabaseAway) as caught:
        connect(f"postgresql://ada:{CANARY}@127.0.0.1:1/base")

    assert str(caught.value) == (
        "the fleet's database cannot be used: nothing listens at its address"
    )
    assert CANARY not in repr(caught.value)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ada:{}@x@127.0.0.1:1/base", "host is unknown.*%40"),
        ("ada:{}/x@127.0.0.1:1/base", "host is unknown.*%2F"),
        ("ada:{}@127.0.0.1:999999/base", "a part that is not valid"),
        ("ada:x@127.0.0.1:1/base?sslmode={}", "a part that is not valid"),
        ("ada:{}%zz@127.0.0.1:1/base", "cannot be read.*%25"),
    ],
)
def test_an_address_that_is_not_encoded_is_refused_with_a_remedy(address, words):
    with pytest.raises(EngineError, match=words) as caught:
        connect(f"postgresql://{address.format(CANARY)}")

    assert CANARY not in str(caught.value)
    assert scrubbed(str(caught.value)) == str(caught.value)


def test_a_database_that_only_reads_is_waited_for(url):
    read_only = f"{url}&options=-c%20default_transaction_read_only%3Don"

    with pytest.raises(FleetDatabaseAway, match=r"read-only.*primary"):
        prepare(read_only)


@pytest.mark.parametrize(
    "change", ["DROP TABLE trueup_fleet.tenants", "DROP TABLE trueup_queue.procrastinate_jobs"]
)
def test_missing_tables_are_reported(url, connection, change):
    one = opened(url, [tenant("acme")])
    sync(connection, one.fleet, one.digest)
    connection.execute(f"{change} CASCADE".encode())

    with pytest.raises(EngineError, match=r"lacks tables that trueup created.*backup"):
        request_runs(connection, one.queue, ["acme"], RunKind.REQUESTED)


def test_an_invalid_address_is_refused_without_showing_it():
    with pytest.raises(EngineError, match="cannot be read: it is postgresql") as caught:
        connect(f"nonsense {CANARY}")

    assert CANARY not in str(caught.value)


def test_both_ends_of_a_connection_notice_that_the_line_is_cut():
    found = connections.address("postgresql://host/base?options=-c%20work_mem%3D8MB", "-c x.y=1")

    assert "tcp_user_timeout" in found
    for setting in ("-c work_mem=8MB", "tcp_keepalives_idle=10", "-c x.y=1"):
        assert setting in found
