"""Each statement of the .sql files fits the tables, has a comment, and is used."""

import re
from pathlib import Path

import trueup.state.sqlite
from trueup.state.sqlite.file import open_file
from trueup.state.sqlite.statements import migrations, statement

FOLDER = Path(trueup.state.sqlite.__file__).parent
QUERIES = (FOLDER / "sql" / "queries.sql").read_text(encoding="utf-8")
NAMES = re.findall(r"^-- name: (\w+)$", QUERIES, re.MULTILINE)


def test_each_statement_fits_the_tables(path):
    connection = open_file(path, create=True)
    try:
        for name in NAMES:
            text = re.sub(r"--.*", "", statement(name))
            named = dict.fromkeys(re.findall(r":(\w+)", text), 1)
            connection.execute(f"EXPLAIN {text}", named or (1,) * text.count("?"))
    finally:
        connection.close()


def test_each_name_is_unique_and_has_a_comment():
    assert len(NAMES) == len(set(NAMES))
    assert all(statement(name).startswith("-- ") for name in NAMES)


def test_each_statement_is_used_and_each_name_in_use_exists():
    files = [*FOLDER.glob("*.py"), *FOLDER.parent.glob("*.py")]
    code = "".join(file.read_text(encoding="utf-8") for file in files)

    assert {name for name in NAMES if f'"{name}"' not in code} == set()
    calls = re.findall(r'transaction\.(?:one|rows|each|columns|do|do_many)\(\s*"(\w+)"', code)
    assert set(calls) <= set(NAMES)


def test_migrations_are_numbered_without_a_gap():
    files = sorted(file.name for file in (FOLDER / "sql" / "migrations").iterdir())

    assert [int(name[:4]) for name in files] == list(range(1, len(migrations()) + 1))
