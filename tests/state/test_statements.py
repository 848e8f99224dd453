"""Each statement of the .sql files fits the tables and is used; both adapters have the same."""

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
import trueup.state
from trueup.state.postgres.database import migrations as postgres_migrations
from trueup.state.sql_files import named_statements
from trueup.state.sqlite.file import open_file
from trueup.state.sqlite.statements import migrations as sqlite_migrations

from tests.state.stores import fill

FOLDER = Path(trueup.state.__file__).parent
ADAPTERS = ("sqlite", "postgres")
MIGRATIONS: dict[str, Any] = {"sqlite": sqlite_migrations, "postgres": postgres_migrations}
OF_THE_SERVER = {"open_reading", "open_writing", "add_state", "add_lock", "read_clock"}


def statements(adapter):
    return named_statements(f"trueup.state.{adapter}")


def names(adapter):
    queries = (FOLDER / adapter / "sql" / "queries.sql").read_text(encoding="utf-8")
    return re.findall(r"^-- name: (\w+)$", queries, re.MULTILINE)


def test_each_statement_fits_the_tables_of_sqlite(tmp_path):
    connection = open_file(tmp_path / "state.sqlite", create=True)
    try:
        for statement in statements("sqlite").values():
            text = re.sub(r"--.*", "", statement)
            named = dict.fromkeys(re.findall(r":(\w+)", text), 1)
            connection.execute(f"EXPLAIN {text}", named or (1,) * text.count("?"))
    finally:
        connection.close()


@pytest.mark.parametrize("place", ["postgres"], indirect=True)
def test_each_statement_fits_the_tables_of_postgres(opened, postgres_of_module):
    fill(opened())
    with psycopg.connect(postgres_of_module) as connection:
        for statement in statements("postgres").values():
            text = re.sub(r"--.*", "", statement)
            named = dict.fromkeys(re.findall(r"%\((\w+)\)s", text))
            values = named or (None,) * text.count("%s")
            connection.execute(f"EXPLAIN {text}", values)


def test_both_adapters_have_the_same_statements():
    assert set(names("postgres")) - set(names("sqlite")) == OF_THE_SERVER
    assert set(names("sqlite")) <= set(names("postgres"))


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_each_name_is_unique_and_has_a_comment(adapter):
    assert len(names(adapter)) == len(set(names(adapter)))
    assert all(text.startswith("-- ") for text in statements(adapter).values())


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_each_statement_is_used_and_each_name_in_use_exists(adapter):
    files = [*FOLDER.glob("*.py"), *(FOLDER / adapter).glob("*.py")]
    code = "".join(file.read_text(encoding="utf-8") for file in files)

    assert {name for name in names(adapter) if f'"{name}"' not in code} == set()
    calls = re.findall(r"(?:one|rows|each|columns|do|do_many)\(\s*\"(\w+)\"", code)
    assert calls
    assert set(calls) <= set(names(adapter))


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_migrations_are_numbered_without_a_gap(adapter):
    files = sorted(file.name for file in (FOLDER / adapter / "sql" / "migrations").iterdir())

    assert [int(name[:4]) for name in files] == list(range(1, len(MIGRATIONS[adapter]()) + 1))


def test_all_statements_of_postgres_are_about_one_tenant():
    about_all = {"read_clock"}
    assert {
        name
        for name, text in statements("postgres").items()
        if "tenant" not in re.sub(r"--.*", "", text)
    } == about_all


def test_a_run_is_found_without_its_row_which_has_the_whole_plan(tmp_path):
    connection = open_file(tmp_path / "state.sqlite", create=True)
    try:
        query = f"EXPLAIN QUERY PLAN {statements('sqlite')['has_run']}"
        steps = [row[3] for row in connection.execute(query, {"run": "r1"})]
    finally:
        connection.close()

    assert [step.partition(" INDEX")[0] for step in steps] == ["SEARCH runs USING COVERING"]
