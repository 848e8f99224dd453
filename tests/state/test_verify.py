"""Each change made outside trueup is found; of the journal the first changed line is named."""

import json
from decimal import Decimal
from typing import Any

import pytest
from trueup.errors import StateError
from trueup.model.approval import ApprovalStated, Statement
from trueup.model.run import Effects, Entry, RunStatus, Step
from trueup.state.journal import JournalLine, digest
from trueup.state.values import canonical

SHIFTED = (
    "UPDATE journal SET seq = -seq WHERE seq {0}; UPDATE journal SET seq = -seq {1} WHERE seq < 0"
)
COPIED = (
    "INSERT INTO journal SELECT {0}, kind, 'r9', change, step, at, data, '', hash "
    "FROM journal WHERE seq = 1"
)


@pytest.fixture
def tamper(filled, tool):
    """Runs statements on a filled state as any other program can, without the triggers."""
    assert filled.head()[0] == 9
    return tool.run


@pytest.fixture
def texts(opened):
    """Verifies the file and returns the texts of the findings."""
    return lambda known=(): [finding.text for finding in opened(9).verify(known)]


LINES = "SELECT seq, kind, run, change, step, at, data, previous, hash FROM journal"
ADD = "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


def rewrite(tool, changed: dict[int, dict[str, Any]], *, start="") -> None:
    """Changes lines and recalculates all later hashes and the head."""
    lines = [JournalLine(*row) for row in tool.rows(f"{LINES} ORDER BY seq")]
    tool.run("DELETE FROM journal")
    head = start
    for line in lines:
        new = line._replace(**changed.get(line.seq, {}), previous=head)
        head = new.digest()
        tool.execute(ADD, *new._replace(hash=head))
    tool.execute("UPDATE state SET head = ?", head)


def test_an_unchanged_state_has_no_findings(filled, texts):
    filled.close()

    assert texts() == []


def test_the_journal_has_a_line_for_each_write(filled, tool):
    assert filled.head()[0] == 9
    lines = tool.rows("SELECT seq, kind, run, change, step FROM journal ORDER BY seq")

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


def test_a_hash_covers_the_canonical_json_of_all_other_columns(filled, tool):
    assert filled.head()[0] == 9
    before, line = (
        JournalLine(*row) for row in tool.rows(f"{LINES} WHERE seq IN (3, 4) ORDER BY seq")
    )

    assert line.previous == before.hash
    assert line.hash == digest(
        canonical(
            [4, "entry", "r1", "a1", "done", "2026-11-20T12:00:00+00:00", '{"id":1}', before.hash]
        )
    )


@pytest.mark.parametrize(
    ("seq", "column", "value"),
    [
        (1, "data", "{}  "),
        (4, "kind", "x"),
        (4, "run", "x"),
        (4, "change", "x"),
        (4, "step", "x"),
        (4, "at", "x"),
        (4, "data", "{}  "),
        (4, "previous", "x"),
        (4, "hash", "x"),
        (5, "data", "{}  "),
        (9, "hash", "x"),
    ],
)
def test_a_changed_line_is_named(tamper, texts, seq, column, value):
    change = f"UPDATE journal SET {column} = '{value}' WHERE seq = {seq}"  # noqa: S608 -- ours
    tamper(change)

    (text,) = texts()
    assert text.startswith(f"line {seq} of the journal ")
    assert text.endswith("was changed")


def test_an_approval_in_the_name_of_another_is_found(opened, tool, texts):
    store = opened()
    statement = ApprovalStated(Statement.YES, "d1g3st", Decimal(5))
    store.record_statement(store.acquire("anna"), statement)
    assert texts() == []
    tool.run("UPDATE journal SET data = replace(data, 'anna', 'carla')")

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


def test_an_inserted_line_is_named_although_later_lines_were_renumbered(tamper, texts, tool):
    tamper(SHIFTED.format("> 3", "+ 1"))
    third = JournalLine(*tool.rows(f"{LINES} WHERE seq = 3")[0])
    forged = third._replace(seq=4, change="a9", step="done", previous=third.hash)
    tool.execute(ADD, *forged._replace(hash=forged.digest()))

    assert texts() == ["line 4 of the journal was inserted, and the later lines were renumbered"]


@pytest.mark.parametrize(("seq", "difference"), [(0, "inserted"), (10, "changed")])
def test_a_line_inserted_at_either_end_is_named(tamper, texts, seq, difference):
    tamper(COPIED.format(seq))

    line = f"line {seq} of the journal (run, run r9, 2026-11-20T12:00:00+00:00)"
    assert texts() == [f"{line} was {difference}"]


def test_a_line_added_with_a_valid_hash_contradicts_the_head(filled, texts, tool):
    assert filled.head()[0] == 9
    last = JournalLine(*tool.rows(f"{LINES} WHERE seq = 9")[0])
    forged = last._replace(seq=10, run="r9", previous=last.hash)
    tool.execute(ADD, *forged._replace(hash=forged.digest()))

    assert texts() == ["line 10 of the journal was inserted"]


@pytest.mark.parametrize("seq", [1, 4, 9])
def test_a_changed_line_with_a_recalculated_hash_is_named(filled, texts, tool, seq):
    assert filled.head()[0] == 9
    line = JournalLine(*tool.rows(f"{LINES} WHERE seq = {seq}")[0])
    forged = line._replace(at="2020-01-01T00:00:00+00:00")
    tool.execute(
        "UPDATE journal SET at = ?, hash = ? WHERE seq = ?", forged.at, forged.digest(), seq
    )

    (text,) = texts()
    assert text.startswith(f"line {seq} of the journal ")
    assert text.endswith("was changed, and its hash was recalculated")


def test_last_lines_removed_with_their_head_contradict_the_tables(tamper, texts):
    tamper(
        "DELETE FROM journal WHERE seq > 6",
        "UPDATE state SET lines = 6, head = (SELECT hash FROM journal WHERE seq = 6)",
    )

    found = texts()
    assert found[0].startswith("the state has lineage ")
    assert found[1:] == [
        "run r2 was inserted: the journal does not have it",
        "link customer y was removed: the journal has it",
        "applied values customer y was removed: the journal has it",
    ]


def test_a_rewritten_journal_contradicts_the_anchors(filled, tool, texts):
    assert filled.head()[0] == 9
    rewrite(tool, {4: {"data": '{"id":2}'}})

    assert texts() == ["run r1 was changed: the journal has other values"]


def test_a_rewritten_journal_with_its_anchors_contradicts_a_head_noted_elsewhere(
    filled, tool, texts
):
    _, noted = filled.head()
    assert texts([noted]) == []

    rewrite(tool, {4: {"data": '{"id":2}'}})
    tool.run(
        "UPDATE runs SET anchor = (SELECT hash FROM journal WHERE kind = 'finished') "
        "WHERE id = 'r1'"
    )

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


def test_triggers_keep_other_programs_from_changing_the_journal(filled, tool):
    assert filled.head()[0] == 9
    for statement in ("DELETE FROM journal", "UPDATE journal SET data = '{}'"):
        assert "only ever added to" in tool.refuses(statement)


def test_a_first_line_with_a_previous_hash_is_named(filled, tool, texts):
    assert filled.head()[0] == 9
    rewrite(tool, {}, start="0" * 64)

    assert texts() == ["line 1 of the journal (run, run r1, 2026-11-20T12:00:00+00:00) was changed"]


def test_data_that_trueup_never_writes_is_refused(filled, tool, opened):
    assert filled.head()[0] == 9
    rewrite(tool, {5: {"data": '{"links":5}'}})

    with pytest.raises(StateError, match="did not write"):
        opened(9).verify()


def test_lines_of_later_processes_verify(filled, opened):
    lease = filled.acquire("apply (ann)")
    filled.record(lease, "r2", [Entry("b1", Step.DONE, filled.run("r2").started)], Effects())
    filled.finish(lease, "r2", RunStatus.DONE, filled.run("r2").started)
    opened(2).acquire("apply (ben)", reason="stolen laptop")

    assert filled.verify() == []
    assert json.loads(filled.export())["lines"] == 12
