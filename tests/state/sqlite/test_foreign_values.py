"""Values that trueup did not write, in every column of every table: refused, never a fault of ours.

Another program may write anything into a file. Each call either does its work or raises
`StateError`.
"""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest
from trueup.errors import StateError
from trueup.model.run import Entry, Run, Step

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
VALUES = ["", "x", "[]", "{}", "null", "5", '"x"', "[5]", "NaN", "[" * 3000, "\x00", 0, -1, 1.5]
VALUES += [2**63 - 1, None, b"\xff\xfe", "2026-11-20", '{"before": "x"}', '{"proof": [5]}']


def write(state):
    lease = state.acquire("apply (ann)")
    state.begin(Run("r9", "digest", "plan", "ann", "host-1", NOW), lease)
    state.record(lease, "r9", [Entry("c", Step.STARTED, NOW)])


CALLS = {
    "load": lambda state: state.load(),
    "runs": lambda state: state.runs(),
    "journal": lambda state: state.journal("r1"),
    "in_doubt": lambda state: state.in_doubt(),
    "audit": lambda state: state.audit(),
    "head": lambda state: state.head(),
    "holder": lambda state: state.holder(),
    "verify": lambda state: state.verify(),
    "export": lambda state: state.export(),
    "write": write,
}


def columns():
    """All columns that can be changed, by table."""
    return {
        "state": ["lineage", "serial", "lines", "head"],
        "lock": ["token", "holder", "host", "pid", "born", "realm", "since", "expires"],
        "links": ["mapping", "key", "entity", "record", "how"],
        "applied": ["mapping", "key", "fields"],
        "pushed": ["mapping", "key", "record", "day", "units", "change", "run", "proof", "marked"],
        "runs": ["plan", "who", "started", "status", "ended", "undo_of", "anchor"],
        "journal": ["kind", "run", "change", "step", "at", "data", "previous", "hash"],
    }


@pytest.mark.parametrize(
    ("table", "column"), [(table, name) for table, names in columns().items() for name in names]
)
def test_a_value_of_another_program_is_no_fault_of_trueup(filled, path, opened, table, column):
    filled.close()
    before = path.read_bytes()
    refused = 0
    for number, value in enumerate(VALUES):
        path.write_bytes(before)
        with closing(sqlite3.connect(path)) as connection:
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall():
                connection.execute(f'DROP TRIGGER "{name}"')
            try:
                connection.execute(f"UPDATE {table} SET {column} = ?", [value])  # noqa: S608
            except sqlite3.IntegrityError:
                continue
            connection.commit()
        with opened(100 + number) as state:
            for call in CALLS.values():
                try:
                    call(state)
                except StateError:
                    refused += 1

    assert refused or column in {"who", "anchor", "born", "realm", "holder", "host"}


@pytest.mark.parametrize(
    ("statement", "call"),
    [
        ("UPDATE state SET lines = 'x'", "write"),
        ("UPDATE state SET lineage = x'ff'", "load"),
        ("UPDATE journal SET data = '\"text\"' WHERE kind = 'entry'", "journal"),
        ("UPDATE journal SET data = '{\"kept\": 3}' WHERE kind = 'entry'", "journal"),
        ("UPDATE journal SET at = '2026-11-20' WHERE kind = 'entry'", "journal"),
        ("UPDATE applied SET fields = '[1]'", "load"),
        ("UPDATE pushed SET proof = '[1]'", "load"),
        ("UPDATE lock SET holder = 'ann', since = 'soon', expires = 'later'", "write"),
    ],
)
def test_a_row_that_was_edited_is_refused_with_what_to_do(filled, path, opened, statement, call):
    filled.close()
    with closing(sqlite3.connect(path)) as connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute(statement)
        connection.commit()

    with pytest.raises(StateError, match="holds a value that trueup did not write: put a copy"):
        CALLS[call](opened(9))
