"""The .sql files: every statement fits the tables, is explained, and is used."""

import re
from pathlib import Path

import engine.state
from engine.state.file import open_file
from engine.state.statements import migrations, statement

FOLDER = Path(engine.state.__file__).parent
QUERIES = (FOLDER / "sql" / "queries.sql").read_text(encoding="utf-8")
NAMES = re.findall(r"^-- name: (\w+)$", QUERIES, re.MULTILINE)


def test_every_statement_fits_the_tables(path):
    connection = open_file(path, create=True)
    try:
        for name in NAMES:
            text = re.sub(r"--.*", "", statement(name))
            named = dict.fromkeys(re.findall(r":(\w+)", text), 1)
            connection.execute(f"EXPLAIN {text}", named or (1,) * text.count("?"))
    finally:
        connection.close()


def test_every_name_is_there_once_with_a_sentence():
    assert len(NAMES) == len(set(NAMES))
    assert all(statement(name).startswith("-- ") for name in NAMES)


def test_every_statement_is_used_and_every_one_used_is_there():
    code = "".join(file.read_text(encoding="utf-8") for file in FOLDER.glob("*.py"))

    assert {name for name in NAMES if f'"{name}"' not in code} == set()
    assert set(re.findall(r'statement\("(\w+)"\)', code)) <= set(NAMES)


def test_migrations_are_numbered_without_a_gap():
    files = sorted(file.name for file in (FOLDER / "sql" / "migrations").iterdir())

    assert [int(name[:4]) for name in files] == list(range(1, len(migrations()) + 1))
