"""`trueup note`: notes, tags and assignees of rows, in a file of their own."""

import csv
import io
import json
from zipfile import ZipFile

import pytest
from trueup.cli.main import run
from trueup.config.file_names import NOTES
from trueup.model import document
from trueup.operations.notes import NoteEdit, write_note
from trueup.operations.plan import plan
from trueup.operations.project import check_project, load_project

from tests.scenarios.beginnings import Service
from tests.scenarios.world import World

HOSTILE = "=HYPERLINK(1) \u202e<img src=x onerror=alert(1)>"
HEAD = "# what we know\nnotes:\n# the dentist\n- {mapping: customer, key: acc, note: pays late}\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project with its plan, saved."""
    folder = tmp_path_factory.mktemp("notes") / "work"
    world = World(folder, Service("two", seats=10, billed=8))
    text = document.dumps(world.plan())
    (folder / "plan.json").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def work(made):
    """The project without notes."""
    (made / NOTES).unlink(missing_ok=True)
    yield made
    (made / NOTES).unlink(missing_ok=True)


def note(folder, *words):
    return run(["note", *words, "--project", str(folder)])


def test_a_note_is_written_changed_and_removed_and_the_rest_stays(work, capsys):
    (work / NOTES).write_text(HEAD, encoding="utf-8")
    assert (
        note(work, "subscription", "two", "asked  on\nMonday", "--tag", "renewal", "--tag", "x")
        == 0
    )
    by = load_project(work).notes[1].by
    entry = (
        "- mapping: subscription\n  key: two\n  note: asked on Monday\n  tags:\n  - renewal\n"
        f"  - x\n  by: {by}\n"
    )
    assert by
    assert (work / NOTES).read_text(encoding="utf-8") == HEAD + entry
    assert note(work, "subscription", "two", "--assign", "Ada", "--untag", "x", "--json") == 0
    shown = json.loads(capsys.readouterr().out.partition("{")[2].join(["{", ""]))
    assert (shown["note"], shown["tags"], shown["assignee"]) == (
        "asked on Monday",
        ["renewal"],
        "Ada",
    )
    assert shown["place"] == f"{NOTES}:5:3"
    assert note(work, "subscription", "two", "--clear") == 0
    assert (work / NOTES).read_text(encoding="utf-8") == HEAD
    assert note(work, "customer", "Alpine Dental", "--clear") == 0
    assert load_project(work).notes == ()
    assert "# the dentist" in (work / NOTES).read_text(encoding="utf-8")


def test_the_assignee_of_a_row_is_removed(work, capsys):
    note(work, "customer", "acc", "pays late", "--assign", "Ada")
    capsys.readouterr()

    assert note(work, "customer", "acc", "--unassign", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["note"], shown["assignee"]) == ("pays late", "")
    assert note(work, "customer", "acc", "--unassign", "--assign", "Ben") == 64


def test_without_a_text_the_note_is_shown(work, capsys):
    assert note(work, "customer", "acc") == 0
    assert "nothing is noted" in capsys.readouterr().out
    assert not (work / NOTES).exists()
    note(work, "customer", "acc", "pays late", "--tag", "a", "--assign", "Ada")
    capsys.readouterr()
    assert note(work, "customer", "acc") == 0
    assert capsys.readouterr().out == (
        "customer acc (Alpine Dental)\n  pays late\n  tags: a\n  assigned to Ada\n"
    )


def test_two_edits_of_one_note_at_once_lose_nothing(work):
    project = load_project(work)
    note(work, "customer", "acc", "pays late", "--tag", "a")

    write_note(project, "customer", "acc", NoteEdit(add=["b"]), "ada")

    [found] = load_project(work).notes
    assert (found.text, found.tags, found.by) == ("pays late", ("a", "b"), "ada")


def test_a_note_that_shows_nothing_is_none(work):
    assert note(work, "customer", "acc", "\u202e", "--tag", "\0", "--assign", "\u200b") == 0

    assert not (work / NOTES).exists()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["nothing", "acc", "x"], "there is no mapping 'nothing'"),
        (["customer", "nobody", "x"], "there is no row 'nobody'"),
        (["customer", "acc", "x" * 10_001], "the note has 10,001 characters"),
        (["customer", "acc", "--tag", "x" * 101], "a tag has 101 characters"),
        (["customer", "acc", "x", "--clear"], "--clear removes all of it"),
    ],
)
def test_a_note_about_what_is_not_there_is_refused(work, capsys, words, text):
    assert note(work, *words) != 0
    assert text in capsys.readouterr().err
    assert not (work / NOTES).exists()


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ("- {mapping: custmer, key: acc, note: x}", "there is no mapping 'custmer'"),
        ("- {mapping: customer, key: acc}", "there is no note, no tag and no assignee"),
        ("- {mapping: customer, key: acc, tags: [a, a]}", ""),
        ("- {mapping: customer, key: acc, remark: x}", "unknown key 'remark'"),
        (
            "- {mapping: customer, key: acc, note: x}\n- {mapping: customer, key: acc, tags: [a]}",
            "has two entries; the first is at mappings/notes.yaml:2:3",
        ),
    ],
)
def test_what_is_wrong_with_notes_is_reported_with_its_place(work, entries, text):
    (work / NOTES).write_text(f"notes:\n{entries}\n", encoding="utf-8")
    project, findings = check_project(work)

    assert project is None
    assert any(text in one.text for one in findings)
    assert all(one.place.file == NOTES for one in findings)


def test_no_plan_depends_on_a_note(work):
    before = document.dumps(plan(load_project(work)))
    note(work, "customer", "acc", "pays late")

    assert document.dumps(plan(load_project(work))) == before


def test_notes_travel_with_each_report(work, tmp_path, capsys):
    note(work, "subscription", "two", HOSTILE, "--tag", "=1+1", "--assign", "Ada <b>")
    saved = str(work / "plan.json")

    def show(format_, *more):
        file = tmp_path / f"plan.{format_}"
        words = ["show", saved, "--format", format_, *more, "--out", str(file)]
        assert run([*words, "--project", str(work)]) == 0
        return file

    rows = [*csv.DictReader(io.StringIO(show("csv", "--table", "ledger").read_text("utf-8")))]
    [row] = [one for one in rows if one["key"] == "two"]
    assert row["noted"].startswith("'=HYPERLINK(1) \\u202e<img")
    assert (row["tags"], row["assignee"]) == ("'=1+1", "Ada <b>")
    for table in ("changes", "waiting"):
        text = show("csv", "--table", table).read_text("utf-8")
        assert "Ada <b>" in text
    page = show("html").read_text("utf-8")
    assert "&lt;img src=x onerror" in page
    assert "<img" not in page
    assert "Ada &lt;b&gt;" in page
    with ZipFile(show("xlsx")) as book:
        content = b"".join(book.read(name) for name in book.namelist()).decode("utf-8", "replace")
    assert "Ada &lt;b&gt;" in content
    assert "<f>=HYPERLINK" not in content
    assert "<f>HYPERLINK" not in content
