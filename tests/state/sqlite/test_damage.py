"""Damage of the file, and values that only SQLite lets into a column, are found by `verify`."""

import sqlite3

import pytest

from tests.state.stores import SqliteTool


@pytest.fixture
def tamper(filled, path):
    """Runs statements on the file as any SQLite tool can, without the triggers."""
    filled.close()
    return SqliteTool(path).run


@pytest.fixture
def texts(opened):
    """Verifies the file and returns the texts of the findings."""
    return lambda: [finding.text for finding in opened(9).verify()]


def test_a_text_that_became_bytes_is_named(tamper, texts):
    tamper("UPDATE journal SET data = x'7b7d' WHERE seq = 4")

    (text,) = texts()
    assert text.startswith("line 4 of the journal ")
    assert text.endswith("was changed")


def test_damage_that_no_call_reads_is_found(filled, path, opened):
    """The header counts an unused page (sqlite.org/fileformat2.html#database_header)."""
    filled.close()
    content = bytearray(path.read_bytes())
    pages, size = int.from_bytes(content[28:32], "big"), int.from_bytes(content[16:18], "big")
    content[28:32] = (pages + 1).to_bytes(4, "big")
    path.write_bytes(bytes(content) + bytes(size))

    assert opened(8).load().links
    (finding,) = opened(9).verify()
    assert finding.code == "state-damaged"
    assert "never used" in finding.text


def test_keys_that_are_not_text_are_reported_too(tamper, texts):
    tamper(
        "INSERT INTO links VALUES (x'00', 'z', 'Companies', 3, 'created')",
        "INSERT INTO links VALUES ('customer', 'z', 'Companies', 3, 'created')",
    )

    assert len(texts()) == 2


def test_a_line_that_a_damaged_index_hides_is_found(filled, path, opened, texts):
    filled.close()
    schema = "UPDATE sqlite_master SET sql = '{}' WHERE name = 'journal_of_run'"
    complete = "CREATE INDEX journal_of_run ON journal (run, change, seq)"
    for sql in (f"{complete} WHERE seq <> 3", complete):
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(schema.format(sql))
        connection.close()
        if sql != complete:
            connection = sqlite3.connect(path, isolation_level=None)
            connection.execute("REINDEX journal_of_run")
            connection.close()
    assert 3 not in [entry.seq for entry in opened(2).journal("r1")]  # the index hides it

    assert texts() == ["the state is damaged: row 3 missing from index journal_of_run"]
