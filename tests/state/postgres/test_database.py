"""The database: created, migrated, refused, lost. Each error says what to do."""

import threading
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import sql
from trueup.errors import StateError
from trueup.model.run import Effects, Entry, Link, Run, RunStatus, Step
from trueup.ports.state import StateSnapshot
from trueup.state import journal
from trueup.state.postgres import access, database
from trueup.state.postgres.address import parse_address
from trueup.state.postgres.store import PostgresState

from tests.state.stores import EDIT, NOON, TABLES, fill
from tests.support.fakes import FakeClock
from tests.support.postgres import NAMED, of_database

PUSHED = ("license_change", "c1")
LATER = "ALTER TABLE trueup.links ADD COLUMN note text NOT NULL DEFAULT ''"


def opened(address, tenant="acme"):
    return PostgresState(address, tenant, clock=FakeClock(NOON))


def run(address, statement, *values):
    with psycopg.connect(address, autocommit=True) as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def has_tables(address):
    return run(address, "SELECT to_regclass('trueup.state') IS NOT NULL")[0][0]


@pytest.fixture
def newer(monkeypatch):
    """A program with one more migration, until it ends."""
    scripts = (*database.migrations(), LATER)

    def begin():
        monkeypatch.setattr(database, "migrations", lambda: scripts)

    def end():
        monkeypatch.setattr(database, "migrations", lambda: scripts[:-1])

    return begin, end


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("no north\nhere", "no (hidden) here"),
        ("x" * 296 + " north", "x" * 296 + " (hi…"),  # cut in two, it would not be found
    ],
)
def test_a_secret_is_hidden_in_the_words_of_the_server_before_they_are_cut(reason, shown):
    address = parse_address("postgresql://trueup:north@dbhost/north")

    with (
        pytest.raises(StateError) as failed,
        database.translated(address, "the state of north on dbhost/north"),
    ):
        raise psycopg.DataError(reason)

    message = f"the state of north on dbhost/north cannot keep this value: {shown}"
    assert str(failed.value) == message


# Created


def test_reading_creates_nothing(postgres):
    with opened(postgres) as state:
        assert state.load() == StateSnapshot()
        assert (state.runs(), state.audit(), state.holder(), state.head()) == (
            [],
            [],
            None,
            (0, ""),
        )
        with pytest.raises(StateError, match="nothing to export"):
            state.export()

    assert not has_tables(postgres)


def test_the_first_writers_of_many_tenants_create_the_tables_together(postgres):
    ready, failed = threading.Barrier(4), []

    def first(tenant):
        try:
            with opened(postgres, tenant) as state:
                ready.wait()
                fill(state)
        except StateError as error:
            failed.append(error)

    threads = [threading.Thread(target=first, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    for number in range(4):
        with opened(postgres, f"t{number}") as state:
            assert (state.head()[0], state.verify()) == (9, [])


def test_tenants_do_not_see_each_other(postgres):
    with opened(postgres, "acme") as acme, opened(postgres, "birch") as birch:
        fill(acme)
        assert birch.load() == StateSnapshot()
        fill(birch)
        run(postgres, "UPDATE trueup.links SET record = 7 WHERE tenant = 'acme'")

        assert [finding.code for finding in acme.verify()] == ["state-changed"]
        assert birch.verify() == []
        [missing] = birch.verify([acme.head()[1]])
        assert missing.code == "history-rewritten"
        assert acme.load().lineage != birch.load().lineage


def test_no_call_touches_a_row_of_another_tenant(postgres):
    def rows(tenant):
        return {
            table: run(postgres, f"SELECT * FROM trueup.{table} WHERE tenant = %s", tenant)  # noqa: S608
            for table in TABLES
        }

    later = FakeClock(NOON + timedelta(days=1))
    with (
        opened(postgres, "acme") as acme,
        opened(postgres, "ash") as untouched,
        PostgresState(postgres, "birch", clock=later) as birch,
    ):
        fill(acme)
        lease = acme.acquire("apply (ann)")
        acme.record(lease, "r2", [Entry("b1", Step.STARTED, NOON)])
        untouched.acquire("apply (ann)")
        before, empty = rows("acme"), rows("ash")

        fill(birch)
        lease = birch.renew(birch.acquire("apply (ann)"))  # with the same token
        run_of_birch = birch.run("r2")
        birch.record(lease, "r2", [Entry("b1", Step.DONE, NOON)], Effects(unpush=(PUSHED,)))
        birch.settle(lease, "r2", [Entry("a2", Step.DONE, NOON)], reason="seen")
        birch.edit(lease, EDIT, Effects(unlink=(("customer", "x"),)))
        birch.finish(lease, "r2", RunStatus.DONE, NOON)
        birch.adopt(lease, {"target": "b"}, reason="renamed")
        birch.begin(replace(run_of_birch, id="r3"), lease)
        birch.release(lease)
        run(postgres, "DELETE FROM trueup.lock WHERE tenant = 'birch'")
        birch.acquire("apply (ben)", reason="why")
        with opened(postgres, "cedar") as cedar:
            cedar.import_(birch.export())

        assert all(before.values())
        assert (rows("acme"), rows("ash")) == (before, empty)
        assert acme.verify() == []


# Migrated


@pytest.mark.parametrize("version", range(1, len(database.migrations()) + 1))
def test_a_state_of_each_released_version_is_migrated(postgres, monkeypatch, version, newer):
    begin, _ = newer
    scripts = database.migrations()
    monkeypatch.setattr(database, "migrations", lambda: scripts[:version])
    with opened(postgres) as state:
        fill(state)
        before = state.export()

    begin()
    with opened(postgres) as state:
        assert state.export() == before
        assert state.verify() == []
        state.release(state.acquire("apply (ann)"))
    assert run(postgres, "SELECT version FROM trueup.schema_version") == [(len(scripts) + 1,)]
    assert run(postgres, "SELECT DISTINCT note FROM trueup.links") == [("",)]


def test_a_newer_schema_is_refused_and_nothing_is_written(postgres, newer):
    begin, end = newer
    begin()
    with opened(postgres) as state:
        fill(state)
        before = state.export()
    end()

    with opened(postgres) as state:
        for call in (state.load, state.head, lambda: state.acquire("ann"), state.export):
            with pytest.raises(
                StateError, match=r"newer trueup \(version 2 .* reads up to version 1"
            ):
                call()
    begin()
    with opened(postgres) as state:
        assert state.export() == before


def test_a_program_that_runs_while_a_newer_one_migrates_writes_nothing_more(postgres, newer):
    begin, end = newer
    with opened(postgres) as old:
        lease = old.acquire("apply (ann)")
        begin()
        with opened(postgres) as new:
            assert new.holder() == lease
        end()

        for call in (lambda: old.edit(lease, EDIT, Effects()), old.load):
            with pytest.raises(StateError, match="newer trueup"):
                call()
    assert run(postgres, "SELECT lines FROM trueup.state") == [(0,)]


def test_a_migration_that_fails_changes_nothing(postgres, monkeypatch):
    with opened(postgres) as state:
        fill(state)
        before = state.export()
    scripts = database.migrations()
    with monkeypatch.context() as patched:
        patched.setattr(database, "migrations", lambda: (*scripts, LATER, "SELECT 1/0"))
        with opened(postgres) as state, pytest.raises(StateError, match="division by zero"):
            state.load()

    with opened(postgres) as state:
        assert state.export() == before


# Refused


def test_a_server_that_is_too_old_is_refused_by_its_version(postgres, monkeypatch):
    monkeypatch.setattr(database, "OLDEST", 99)

    with opened(postgres) as state, pytest.raises(StateError, match="PostgreSQL 99 or later"):
        state.acquire("ann")
    assert not has_tables(postgres)


def test_a_database_that_cannot_keep_every_text_is_refused(postgres_server):
    create = (
        "CREATE DATABASE narrow ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    )
    run(postgres_server.address, create)
    try:
        with (
            opened(of_database(postgres_server.address, "narrow")) as state,
            pytest.raises(StateError, match=r"SQL_ASCII.*ENCODING 'UTF8'"),
        ):
            state.acquire("ann")
    finally:
        run(postgres_server.address, "DROP DATABASE narrow WITH (FORCE)")


def test_tables_of_another_program_are_left_as_they_are(postgres):
    run(postgres, "CREATE SCHEMA trueup")
    run(postgres, "CREATE TABLE trueup.state (theirs int)")

    with opened(postgres) as state:
        for call in (state.load, lambda: state.acquire("ann")):
            with pytest.raises(StateError, match="tables of another program"):
                call()
    assert run(postgres, "SELECT to_regclass('trueup.lock')") == [(None,)]


@pytest.mark.skipif("://" in NAMED, reason="needs a server on which everybody may log in")
def test_a_user_without_rights_is_refused(postgres, postgres_server):
    run(postgres_server.address, "DROP ROLE IF EXISTS trueup_reader")
    run(postgres_server.address, "CREATE ROLE trueup_reader LOGIN")
    try:
        address = postgres.replace("://postgres@", "://trueup_reader@")
        with opened(postgres) as state:
            fill(state)
        with opened(address) as state, pytest.raises(StateError, match="rights of this user"):
            state.load()
    finally:
        run(postgres, "DROP OWNED BY trueup_reader")
        run(postgres_server.address, "DROP ROLE trueup_reader")


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"], ids=["NUL", "half a character"])
def test_a_text_that_postgres_cannot_keep_is_refused(postgres, text):
    with opened(postgres) as state:
        lease = state.acquire("apply (ann)")
        link = Link("customer", text, "Companies", 1, "created")
        with pytest.raises(StateError, match="cannot keep"):
            state.edit(lease, EDIT, Effects(links=(link,)))
        assert (state.head(), state.load().serial) == ((0, ""), 0)


@pytest.mark.parametrize(
    ("statement", "call"),
    [
        ("UPDATE trueup.applied SET fields = '[1]'", lambda state: state.load()),
        ("UPDATE trueup.applied SET fields = '{'", lambda state: state.load()),
        ("UPDATE trueup.pushed SET day = 'soon'", lambda state: state.load()),
        ("UPDATE trueup.state SET lines = -1", lambda state: state.acquire("ben", reason="why")),
        (
            "UPDATE trueup.lock SET holder = 'ann', since = 'soon'",
            lambda state: state.acquire("ben"),
        ),
        ("DELETE FROM trueup.state", lambda state: state.release(state.acquire("ben"))),
    ],
)
def test_a_value_of_another_program_is_refused_with_what_to_do(postgres, statement, call):
    with opened(postgres) as state:
        fill(state)
        lease = state.acquire("apply (ann)")
        assert lease
        run(postgres, statement)
        if "DELETE" in statement:
            with pytest.raises(StateError, match="does not exist"):
                state.renew(lease)
            return
        with pytest.raises(StateError, match="did not write: put a copy back"):
            call(state)


# Lost


@pytest.fixture
def cut(monkeypatch, postgres):
    """Ends the connection of a store inside its next call that writes lines."""

    def at_the_next_line():
        append = journal.append

        def cut_first(transaction, lines):
            monkeypatch.setattr(journal, "append", append)
            [(pid,)] = transaction._connection.execute("SELECT pg_backend_pid()")
            head = append(transaction, lines)
            run(postgres, "SELECT pg_terminate_backend(%s, 5000)", pid)
            return head

        monkeypatch.setattr(journal, "append", cut_first)

    return at_the_next_line


def test_a_connection_lost_in_a_call_writes_nothing_and_the_next_call_goes_on(postgres, cut):
    with opened(postgres) as state:
        lease = state.acquire("apply (ann)")
        state.begin(Run("r1", "d", "{}", "ann", "host-1", NOON), lease)
        before = state.export()

        cut()
        entry = Entry("a1", Step.STARTED, NOON)
        with pytest.raises(StateError, match=r"lost its connection: .*as a whole, or not at all"):
            state.record(lease, "r1", [entry])

        assert state.export() == before
        state.record(lease, "r1", [entry])
        assert [one.step for one in state.journal("r1")] == [Step.STARTED]


def test_a_server_that_restarted_between_calls_is_not_noticed(postgres):
    with opened(postgres) as state:
        lease = state.acquire("apply (ann)")
        run(
            postgres,
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )

        state.edit(lease, EDIT, Effects())
        assert state.load().serial == 1


def test_a_process_that_freezes_in_a_call_does_not_stop_the_others(postgres, monkeypatch):
    quick = database.BEGIN_WRITING.replace("timeout = '60s'", "timeout = '50ms'")
    assert quick != database.BEGIN_WRITING
    append = journal.append

    def frozen_first(transaction, lines):
        monkeypatch.undo()
        assert journal.append == append
        other.edit(lease, EDIT, Effects())  # waits until the server ends the first transaction
        return append(transaction, lines)

    with opened(postgres) as state, opened(postgres) as other:
        lease = state.acquire("apply (ann)")
        monkeypatch.setattr(access, "BEGIN_WRITING", quick)
        monkeypatch.setattr(journal, "append", frozen_first)
        with pytest.raises(StateError, match="lost its connection"):
            state.edit(lease, EDIT, Effects())
        assert other.load().serial == 1


def test_a_state_that_another_process_keeps_busy_is_reported(postgres, monkeypatch):
    quick = database.BEGIN_WRITING.replace("lock_timeout = '30s'", "lock_timeout = '10ms'")
    assert quick != database.BEGIN_WRITING
    with opened(postgres) as state, closing(psycopg.connect(postgres)) as other:
        state.acquire("apply (ann)")
        other.execute("SELECT 1 FROM trueup.state FOR UPDATE")
        monkeypatch.setattr(access, "BEGIN_WRITING", quick)
        with pytest.raises(StateError, match="is busy: another process"):
            state.acquire("apply (ben)")


def test_a_schema_that_was_removed_while_in_use_is_an_error(postgres):
    with opened(postgres) as state:
        fill(state)
        run(postgres, "DROP SCHEMA trueup CASCADE")

        with pytest.raises(StateError, match="removed while in use"):
            state.load()


def test_an_interrupted_call_leaves_no_transaction_open(postgres, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    with opened(postgres) as state, opened(postgres) as other:
        lease = state.acquire("apply (ann)")
        with monkeypatch.context() as patched:
            patched.setattr(journal, "append", interrupted)
            with pytest.raises(KeyboardInterrupt):
                state.edit(lease, EDIT, Effects())

        other.edit(lease, EDIT, Effects())
        state.edit(lease, EDIT, Effects())
        assert state.load().serial == 2


# What does not depend on the database


def test_a_commit_waits_for_the_disk_whatever_the_server_does_otherwise(postgres):
    base = str(psycopg.conninfo.conninfo_to_dict(postgres)["dbname"])
    run(
        postgres,
        sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(base)),
    )
    with opened(postgres) as state:
        state.acquire("apply (ann)")
        with state._access.writing() as transaction:
            [(setting,)] = transaction._connection.execute("SHOW synchronous_commit")

    assert run(postgres, "SHOW synchronous_commit") == [("off",)]
    assert setting == "on"


def test_names_in_the_search_path_do_not_matter(postgres):
    run(postgres, "CREATE SCHEMA other")
    run(postgres, sql.SQL("CREATE TABLE other.state (theirs int)"))
    separator = "&" if "?" in postgres else "?"
    with opened(f"{postgres}{separator}options=-csearch_path%3Dother") as state:
        fill(state)
        assert state.verify() == []
