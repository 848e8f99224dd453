"""Each change made outside trueup is found; of the journal the first changed line is named."""

import json
import sqlite3
from decimal import Decimal

import pytest
from trueup.errors import StateError
from trueup.model.approval import ApprovalStated, Statement
from trueup.model.run import Effects, Entry, RunStatus, Step
from trueup.state.journal import Line, digest
from trueup.state.values import canonical

UNLOCKED = ("DROP TRIGGER journal_keeps_its_lines", "DROP TRIGGER journal_keeps_its_words")
SHIFTED = (
    "UPDATE journal SET seq = -seq WHERE seq {0}; UPDATE journal SET seq = -seq {1} WHERE seq < 0"
)
COPIED = (
    "INSERT INTO journal SELECT {0}, kind, 'r9', change, step, at, data, '', hash "
    "FROM journal WHERE seq = 1"
)


@pytest.fixture
def tamper(filled, path):
    """Runs statements on the file as any SQLite tool can, without the triggers."""

    def run(*statements):
        filled.close()
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for statement in (*UNLOCKED, *statements):
            connection.executescript(statement)
        connection.close()

    return run


@pytest.fixture
def texts(opened):
    """Verifies the file and returns the texts of the findings."""
    return lambda known=(): [finding.text for finding in opened(9).verify(known)]


def rewrite(path, changed: dict[int, dict[str, object]], *, start="") -> None:
    """Changes lines and recalculates all later hashes and the head."""
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in UNLOCKED:
        connection.execute(statement)
    lines = [Line(*row) for row in connection.execute("SELECT * FROM journal ORDER BY seq")]
    connection.execute("DELETE FROM journal")
    head = start
    for line in lines:
        new = line._replace(**changed.get(line.seq, {}), previous=head)
        head = new.digest()
        connection.execute(
            "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", new._replace(hash=head)
        )
    connection.execute("UPDATE state SET head = ?", (head,))
    connection.close()


def test_an_unchanged_state_has_no_findings(filled, texts):
    filled.close()

    assert texts() == []


def test_the_journal_has_a_line_for_each_write(filled, path):
    filled.close()
    connection = sqlite3.connect(path)
    lines = connection.execute(
        "SELECT seq, kind, run, change, step FROM journal ORDER BY seq"
    ).fetchall()
    connection.close()

    assert lines == [
        (1, "run", "r1", "", ""),
        (2, "entry", "r1", "a1", "started"),
        (3, "entry", "r1", "a2", "started"),
        (4, "entry", "r1", "a1", "done"),
        (5, "effects", "r1", "", ""),
        (6, "finished", "r1", "", ""),
        (7, "edit", "", "", ""),
        (8, "effects", "", "", ""),
        (9, "run", "r2", "", ""),
    ]


def test_a_hash_covers_the_canonical_json_of_all_other_columns(filled, path):
    filled.close()
    connection = sqlite3.connect(path)
    before, line = (
        Line(*row) for row in connection.execute("SELECT * FROM journal WHERE seq IN (3, 4)")
    )
    connection.close()

    assert line.previous == before.hash
    assert line.hash == digest(
        canonical(
            [4, "entry", "r1", "a1", "done", "2026-11-20T12:00:00+00:00", '{"id":1}', before.hash]
        )
    )


@pytest.mark.parametrize("seq", range(1, 10))
@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("UPDATE journal SET kind = ? WHERE seq = ?", "x"),
        ("UPDATE journal SET run = ? WHERE seq = ?", "x"),
        ("UPDATE journal SET change = ? WHERE seq = ?", "x"),
        ("UPDATE journal SET step = ? WHERE seq = ?", "x"),
        ("UPDATE journal SET at = ? WHERE seq = ?", "x"),
        ("UPDATE journal SET data = ? WHERE seq = ?", "{}  "),
        ("UPDATE journal SET data = ? WHERE seq = ?", b"{}"),
        ("UPDATE journal SET previous = ? WHERE seq = ?", "x"),
        ("UPDATE journal SET hash = ? WHERE seq = ?", "x"),
    ],
)
def test_a_changed_line_is_named(tamper, texts, path, seq, statement, value):
    tamper()
    connection = sqlite3.connect(path)
    connection.execute(statement, (value, seq))
    connection.commit()
    connection.close()

    (text,) = texts()
    assert text.startswith(f"line {seq} of the journal ")
    assert text.endswith("was changed")


def test_an_approval_in_the_name_of_another_is_found(opened, path, texts):
    store = opened()
    said = ApprovalStated(Statement.YES, "d1g3st", Decimal(5))
    store.state_approval(store.acquire("anna"), said)
    assert texts() == []
    store.close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("DROP TRIGGER journal_keeps_its_words")
    connection.execute("UPDATE journal SET data = replace(data, 'anna', 'carla')")
    connection.close()

    (text,) = texts()
    assert text == "line 1 of the journal (approval, 2026-11-20T12:00:00+00:00) was changed"


def test_a_finding_describes_the_line(tamper, opened):
    tamper("UPDATE journal SET data = '{\"id\":2}' WHERE seq = 4")

    (finding,) = opened(9).verify()
    assert finding.code == "history-changed"
    assert finding.text == (
        "line 4 of the journal (entry of change a1, run r1, 2026-11-20T12:00:00+00:00) was changed"
    )
    assert finding.remedy


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("DELETE FROM journal WHERE seq = 1", "line 1 of the journal was removed"),
        ("DELETE FROM journal WHERE seq = 4", "line 4 of the journal was removed"),
        ("DELETE FROM journal WHERE seq IN (4, 5)", "lines 4 to 5 of the journal were removed"),
        ("DELETE FROM journal WHERE seq = 9", "line 9 of the journal was removed"),
        ("DELETE FROM journal WHERE seq > 6", "lines 7 to 9 of the journal were removed"),
        ("DELETE FROM journal", "lines 1 to 9 of the journal were removed"),
    ],
)
def test_removed_lines_are_named(tamper, texts, statement, text):
    tamper(statement)

    assert texts() == [text]


def test_a_removed_line_is_named_although_later_lines_were_renumbered(tamper, texts):
    tamper(
        "DELETE FROM journal WHERE seq = 4",
        SHIFTED.format("> 4", "- 1"),
        "UPDATE state SET lines = 8",
    )

    assert texts() == ["line 4 of the journal was removed, and the later lines were renumbered"]


def test_an_inserted_line_is_named_although_later_lines_were_renumbered(tamper, texts, path):
    tamper(SHIFTED.format("> 3", "+ 1"))
    connection = sqlite3.connect(path)
    third = Line(*connection.execute("SELECT * FROM journal WHERE seq = 3").fetchone())
    forged = third._replace(seq=4, change="a9", step="done", previous=third.hash)
    connection.execute(
        "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        forged._replace(hash=forged.digest()),
    )
    connection.commit()
    connection.close()

    assert texts() == ["line 4 of the journal was inserted, and the later lines were renumbered"]


@pytest.mark.parametrize(("seq", "difference"), [(0, "inserted"), (10, "changed")])
def test_a_line_inserted_at_either_end_is_named(tamper, texts, seq, difference):
    tamper(COPIED.format(seq))

    line = f"line {seq} of the journal (run, run r9, 2026-11-20T12:00:00+00:00)"
    assert texts() == [f"{line} was {difference}"]


def test_a_line_added_with_a_valid_hash_contradicts_the_head(tamper, texts, path):
    tamper()
    connection = sqlite3.connect(path)
    last = Line(*connection.execute("SELECT * FROM journal WHERE seq = 9").fetchone())
    forged = last._replace(seq=10, run="r9", previous=last.hash)
    connection.execute(
        "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        forged._replace(hash=forged.digest()),
    )
    connection.commit()
    connection.close()

    assert texts() == ["line 10 of the journal was inserted"]


@pytest.mark.parametrize("seq", [1, 4, 9])
def test_a_changed_line_with_a_recalculated_hash_is_named(tamper, texts, path, seq):
    tamper()
    connection = sqlite3.connect(path)
    line = Line(*connection.execute("SELECT * FROM journal WHERE seq = ?", (seq,)).fetchone())
    forged = line._replace(at="2020-01-01T00:00:00+00:00")
    connection.execute(
        "UPDATE journal SET at = ?, hash = ? WHERE seq = ?", (forged.at, forged.digest(), seq)
    )
    connection.commit()
    connection.close()

    (text,) = texts()
    assert text.startswith(f"line {seq} of the journal ")
    assert text.endswith("was changed, and its hash was recalculated")


def test_last_lines_removed_with_their_head_contradict_the_tables(tamper, texts, path):
    tamper()
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM journal WHERE seq > 6")
    connection.execute(
        "UPDATE state SET lines = 6, head = (SELECT hash FROM journal WHERE seq = 6)"
    )
    connection.commit()
    connection.close()

    found = texts()
    assert found[0].startswith("the state has lineage ")
    assert found[1:] == [
        "run r2 was inserted: the journal does not have it",
        "link customer y was removed: the journal has it",
        "applied values customer y was removed: the journal has it",
    ]


def test_a_rewritten_journal_contradicts_the_anchors(filled, path, texts):
    filled.close()
    rewrite(path, {4: {"data": '{"id":2}'}})

    assert texts() == ["run r1 was changed: the journal has other values"]


def test_a_rewritten_journal_with_its_anchors_contradicts_a_head_noted_elsewhere(
    filled, path, texts
):
    _, noted = filled.head()
    filled.close()
    assert texts([noted]) == []

    rewrite(path, {4: {"data": '{"id":2}'}})
    connection = sqlite3.connect(path)
    connection.execute(
        "UPDATE runs SET anchor = (SELECT hash FROM journal WHERE kind = 'finished') "
        "WHERE id = 'r1'"
    )
    connection.commit()
    connection.close()

    assert texts() == []
    assert texts([noted]) == [
        f"the journal has no line with the hash {noted} any more: it was rewritten"
    ]


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("UPDATE runs SET plan = '{}' WHERE id = 'r1'", "run r1 was changed"),
        ("UPDATE runs SET who = 'eve' WHERE id = 'r2'", "run r2 was changed"),
        ("UPDATE runs SET status = 'done' WHERE id = 'r2'", "run r2 was changed"),
        ("UPDATE runs SET ended = NULL WHERE id = 'r1'", "run r1 was changed"),
        ("UPDATE runs SET undo_of = 'r1' WHERE id = 'r2'", "run r2 was changed"),
        ("DELETE FROM runs WHERE id = 'r1'", "run r1 was removed"),
        ("UPDATE links SET record = 2", "link customer x was changed"),
        ("DELETE FROM links", "link customer x was removed"),
        (
            "INSERT INTO links VALUES ('customer', 'z', 'Companies', 3, 'created')",
            "link customer z was inserted",
        ),
        ('UPDATE applied SET fields = \'{"name":"Zoe"}\'', "applied values customer x was changed"),
        ("UPDATE pushed SET units = 4", "pushed change license_change c1 was changed"),
        ("UPDATE pushed SET proof = '[]'", "pushed change license_change c1 was changed"),
        ("DELETE FROM doubts", "doubt r1 a2 was removed"),
        ("INSERT INTO doubts VALUES ('r1', 'a1', 4)", "doubt r1 a1 was inserted"),
        ("DELETE FROM pushed", "pushed change license_change c1 was removed"),
    ],
)
def test_a_row_that_differs_from_the_journal_is_found(tamper, texts, statement, text):
    tamper(statement)

    reason = {
        "changed": "has other values",
        "removed": "has it",
        "inserted": "does not have it",
    }[text.rpartition(" ")[2]]
    assert texts() == [f"{text}: the journal {reason}"]


@pytest.mark.parametrize(
    "statement", ["UPDATE state SET serial = 3", "UPDATE state SET lineage = 'another'"]
)
def test_a_serial_or_lineage_that_differs_from_the_journal_is_found(tamper, texts, statement):
    tamper(statement)

    (text,) = texts()
    assert text.startswith("the state has lineage ")


def test_many_differences_are_counted(tamper, texts):
    tamper(
        "WITH RECURSIVE more (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM more WHERE n < 25) "
        "INSERT INTO links SELECT 'customer', 'z' || n, 'Companies', 3, 'created' FROM more"
    )

    found = texts()
    assert len(found) == 11
    assert found[-1] == "link: 15 more rows differ from the journal"


def test_triggers_keep_other_programs_from_changing_the_journal(filled, path):
    filled.close()
    connection = sqlite3.connect(path)
    for statement in ("DELETE FROM journal", "UPDATE journal SET data = '{}'"):
        with pytest.raises(sqlite3.IntegrityError, match="only ever added to"):
            connection.execute(statement)
    connection.close()


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


def test_a_first_line_with_a_previous_hash_is_named(filled, path, texts):
    filled.close()
    rewrite(path, {}, start="0" * 64)

    assert texts() == ["line 1 of the journal (run, run r1, 2026-11-20T12:00:00+00:00) was changed"]


def test_data_that_trueup_never_writes_is_refused(filled, path, opened):
    filled.close()
    rewrite(path, {5: {"data": '{"links":5}'}})

    with pytest.raises(StateError, match="did not write"):
        opened(9).verify()


def test_lines_of_later_processes_verify(filled, opened):
    lease = filled.acquire("apply (ann)")
    filled.record(lease, "r2", [Entry("b1", Step.DONE, filled.run("r2").started)], Effects())
    filled.finish(lease, "r2", RunStatus.DONE, filled.run("r2").started)
    opened(2).acquire("apply (ben)", reason="stolen laptop")

    assert filled.verify() == []
    assert json.loads(filled.export())["lines"] == 12


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
