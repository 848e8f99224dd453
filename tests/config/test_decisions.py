"""`decide` writes an entry into decisions.yaml and leaves the rest of the file unchanged."""

import stat
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from trueup import operating_system
from trueup.config.decisions import decide, edited, edited_all, read, write
from trueup.config.documents import LARGEST_FILE, parse
from trueup.config.notes import edit_note
from trueup.errors import ConfigError

ENTRY = {"mapping": "customer", "key": "c7", "link": 29683}
OTHER = "- {mapping: a, key: b, do: create}\n"
BLOCK = "- mapping: customer\n  key: c7\n  link: 29683\n"


def text_of(old, entry=ENTRY):
    return edited(old.encode(), entry)[0].decode()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", f"decisions:\n{BLOCK}"),
        ("# only words\n", f"# only words\ndecisions:\n{BLOCK}"),
        ("# head\ndecisions: []\n", f"# head\ndecisions:\n{BLOCK}"),
        ("decisions: []  # none yet\n# tail\n", f"decisions:  # none yet\n{BLOCK}# tail\n"),
        ("decisions:\n", f"decisions:\n{BLOCK}"),
        ("decisions: null", f"decisions:\n{BLOCK}"),
        ("decisions: ~\n\n# tail\n", f"decisions:\n{BLOCK}\n# tail\n"),
        (
            "decisions:\n- {mapping: a, key: b, do: create}  # why\n\n# tail\n",
            f"decisions:\n- {{mapping: a, key: b, do: create}}  # why\n{BLOCK}\n# tail\n",
        ),
        (
            f"decisions:\n  # first\n  {OTHER.strip()}",
            (
                f"decisions:\n  # first\n  {OTHER}  - mapping: customer\n    key: c7\n    link:"
                f" 29683\n"
            ),
        ),
        (
            (
                "decisions:\n- mapping: a\n  key: b\n  do: ignore\n  reason: |\n    long\n   "
                " talk\n\n# tail\n"
            ),
            "decisions:\n- mapping: a\n  key: b\n  do: ignore\n  reason: |\n    long\n    talk\n"
            + BLOCK
            + "\n# tail\n",
        ),
        (
            "decisions: [{mapping: a, key: b, do: create}, ]\n",
            (
                "decisions: [{mapping: a, key: b, do: create}, {mapping: customer, key: c7, link:"
                " 29683}, ]\n"
            ),
        ),
        (
            (
                f"decisions:\n- mapping: customer # who\n  key: c7\n  do: create # old\n#"
                f" between\n{OTHER}"
            ),
            f"decisions:\n{BLOCK}# between\n{OTHER}",
        ),
        (
            f"decisions:\n{OTHER}-\n  # why\n  mapping: customer\n  key: 'c7'\n  do: create\n",
            f"decisions:\n{OTHER}{BLOCK}",
        ),
        (
            (
                "decisions: [{mapping: customer, key: c7, do: create}, {mapping: a, key: b, do:"
                " create}] # x\n"
            ),
            (
                "decisions: [{mapping: customer, key: c7, link: 29683}, {mapping: a, key: b, do:"
                " create}] # x\n"
            ),
        ),
        (
            "\ufeffdecisions: []\r\n# tail\r\n",
            "\ufeffdecisions:\r\n" + BLOCK.replace("\n", "\r\n") + "# tail\r\n",
        ),
    ],
)
def test_an_entry_is_added_or_replaced_and_the_rest_stays(old, new):
    assert text_of(old) == new


def test_the_result_has_the_place_and_whether_an_older_entry_was_replaced():
    _, added = edited(b"decisions: []\n", ENTRY)
    assert (str(added.place), added.replaced) == ("mappings/decisions.yaml:2:3", False)
    _, again = edited(b"# x\n\ndecisions:\n- {mapping: customer, key: c7, do: create}\n", ENTRY)
    assert (str(again.place), again.replaced) == ("mappings/decisions.yaml:4:3", True)


def test_text_that_yaml_would_read_as_another_type_stays_text():
    entry = {
        "mapping": "customer",
        "key": "007",
        "do": "ignore",
        "reason": "no: 'yes' # {1e5}\t\u202e",
        "until": date(2027, 1, 31),
    }
    documents, findings = parse(text_of("", entry).encode(), "d.yaml")
    assert not findings
    assert documents[0].data == {"decisions": [entry]}


LINK = "- {mapping: subscription, key: s1, link: 5}"
CORRECT = "- {mapping: subscription, key: s1, do: correct, reason: counted}"
ONLY = "- mapping: subscription\n  key: s1\n  "


@pytest.mark.parametrize(
    ("old", "entry", "new"),
    [
        ([CORRECT], {"link": 7}, [CORRECT, f"{ONLY}link: 7"]),
        ([LINK], {"do": "correct"}, [LINK, f"{ONLY}do: correct"]),
        ([CORRECT, LINK], {"link": 7}, [CORRECT, f"{ONLY}link: 7"]),
        ([LINK, CORRECT], {"do": "push"}, [LINK, f"{ONLY}do: push"]),
        ([LINK], {"do": "create"}, [f"{ONLY}do: create"]),
        (
            [LINK, "- {mapping: a, key: b, do: create}", CORRECT],
            {"do": "ignore", "reason": "r"},
            [f"{ONLY}do: ignore\n  reason: r", "- {mapping: a, key: b, do: create}"],
        ),
        (
            ["- {mapping: subscription, key: s1, do: ignore, reason: r}"],
            {"do": "correct"},
            [f"{ONLY}do: correct"],
        ),
    ],
)
def test_a_decision_replaces_only_what_is_decided_on_the_same_topics_of_the_row(old, entry, new):
    lines = "\n".join(old)
    entry = {"mapping": "subscription", "key": "s1", **entry}
    assert text_of(f"decisions:\n{lines}\n# tail\n", entry) == "\n".join(
        ["decisions:", *new, "# tail\n"]
    )


def test_ignore_replaces_all_decisions_on_the_row_also_in_brackets():
    entry = {"mapping": "s", "key": "1", "do": "ignore", "reason": "r"}
    other = "{mapping: a, key: b, do: create}"
    link, correct = "{mapping: s, key: 1, link: 5}", "{mapping: s, key: 1, do: correct}"
    ignore = "{mapping: s, key: '1', do: ignore, reason: r}"
    text = text_of(f"decisions: [{link}, {other}, {correct}]\n", entry)
    assert text == f"decisions: [{ignore}, {other}]\n"


@pytest.mark.parametrize(
    ("old", "message"),
    [
        ("decisions: [\n", "broken YAML"),
        ("decisions: {a: b}\n", "has no list under `decisions:`"),
        ("decisions: [a]\n", "has no list under `decisions:`"),
        ("- a\n", "has no list under `decisions:`"),
        ("decisions: []\n---\ndecisions: []\n", "more than one YAML document"),
        (
            f"decisions:\n{OTHER}{OTHER.replace('a, key: b', 'customer, key: c7') * 2}",
            "decided 2 times",
        ),
        ("decisions: []\n...\n", None),
        ("{decisions: [], }\n", "cannot be edited safely"),
        ("a: &x [{mapping: a, key: b, do: create}]\ndecisions: *x\n", "cannot be edited safely"),
        ("decisions: []\n" + "# \x07\n", "broken YAML"),
    ],
)
def test_a_file_that_cannot_be_edited_safely_is_not_changed(old, message):
    if message is None:
        assert "link: 29683" in text_of(old)
        return
    with pytest.raises(ConfigError, match=message):
        text_of(old)


def test_a_missing_file_is_created_and_an_existing_one_keeps_its_mode(tmp_path):
    (tmp_path / "mappings").mkdir()
    decide(tmp_path, ENTRY)
    path = tmp_path / "mappings" / "decisions.yaml"
    path.chmod(0o640)
    decide(tmp_path, {**ENTRY, "key": "c8"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.read_text() == f"decisions:\n{BLOCK}{BLOCK.replace('c7', 'c8')}"
    assert [other.name for other in path.parent.iterdir()] == ["decisions.yaml"]


def test_a_link_to_the_file_stays_a_link(tmp_path):
    (tmp_path / "mappings").mkdir()
    shared = tmp_path / "shared.yaml"
    shared.write_text("decisions: []\n")
    (tmp_path / "mappings" / "decisions.yaml").symlink_to(shared)
    decide(tmp_path, ENTRY)
    assert (tmp_path / "mappings" / "decisions.yaml").is_symlink()
    assert shared.read_text() == f"decisions:\n{BLOCK}"


def test_a_missing_folder_is_reported(tmp_path):
    with pytest.raises(
        ConfigError, match="cannot be written: No such file or directory; it is unchanged"
    ):
        decide(tmp_path, ENTRY)


KEYS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12
)


@given(st.lists(KEYS, max_size=6), st.booleans(), st.booleans())
def test_any_keys_in_any_order_are_read_back_as_written(keys, flow, commented):
    raw = b"decisions: [{mapping: x, key: y, do: create}]\n" if flow else b"# head\n"
    expected = {("x", "y"): "create"} if flow else {}
    for number, key in enumerate(keys):
        entry = {"mapping": "customer", "key": key, "link": number}
        raw, _ = edited(raw + (b"# note\n" if commented else b""), entry)
        expected[("customer", key)] = number
    documents, _ = parse(raw, "d.yaml")
    entries = (documents[0].data or {}).get("decisions", []) if documents else []
    written = {
        (entry["mapping"], entry["key"]): entry.get("link", entry.get("do")) for entry in entries
    }
    assert written == expected


def test_several_entries_replace_remove_and_append_in_one_go():
    old = (
        b"decisions:\n# first\n"
        b"- {mapping: s, key: a, link: 1}\n- {mapping: s, key: a, do: correct}\n"
        b"- {mapping: s, key: b, link: 2}  # stays\n- {mapping: s, key: c, link: 3}\n# tail\n"
    )
    day = date(2026, 11, 15)
    ignore = {"mapping": "s", "key": "a", "do": "ignore", "reason": "r", "until": day}
    link = {"mapping": "s", "key": "c", "link": 9}
    new = {"mapping": "s", "key": "d", "do": "ignore", "reason": "r", "until": day}

    other = {**new, "key": "e"}

    text, written = edited_all(old, [new, link, ignore, other])

    assert text.decode() == (
        "decisions:\n# first\n"
        "- mapping: s\n  key: a\n  do: ignore\n  reason: r\n  until: 2026-11-15\n"
        "- {mapping: s, key: b, link: 2}  # stays\n"
        "- mapping: s\n  key: c\n  link: 9\n"
        "- mapping: s\n  key: d\n  do: ignore\n  reason: r\n  until: 2026-11-15\n"
        "- mapping: s\n  key: e\n  do: ignore\n  reason: r\n  until: 2026-11-15\n"
        "# tail\n"
    )
    assert [(str(one.place), one.replaced) for one in written] == [
        ("mappings/decisions.yaml:12:3", False),
        ("mappings/decisions.yaml:9:3", True),
        ("mappings/decisions.yaml:3:3", True),
        ("mappings/decisions.yaml:17:3", False),
    ]


def test_a_file_that_was_changed_since_it_was_read_is_not_overwritten(tmp_path):
    (tmp_path / "mappings").mkdir()
    decide(tmp_path, ENTRY)
    old = read(tmp_path)
    new, _ = edited(old, {**ENTRY, "key": "c8"})
    decide(tmp_path, {**ENTRY, "key": "c9"})

    with pytest.raises(ConfigError, match="was changed in the meantime; it is left as it is now"):
        write(tmp_path, new, old)

    text = read(tmp_path).decode()
    assert ("c9" in text, "c8" in text) == (True, False)


def test_what_another_program_writes_while_the_file_is_replaced_stays(tmp_path, monkeypatch):
    (tmp_path / "mappings").mkdir()
    decide(tmp_path, ENTRY)
    file, real = tmp_path / "mappings" / "decisions.yaml", operating_system.write_whole

    def late(path, content, **options):
        file.write_text("decisions: []  # typed by hand\n")
        real(path, content, **options)

    monkeypatch.setattr(operating_system, "write_whole", late)
    with pytest.raises(ConfigError, match="was changed in the meantime"):
        decide(tmp_path, {**ENTRY, "key": "c8"})

    assert file.read_text() == "decisions: []  # typed by hand\n"


def _decide_or_note(root: Path, name: str) -> int:
    """Writes both lists ten times; returns how many writes of each are reported as done."""
    for number in range(10):
        key = f"{name}{number}"
        decide(root, {"mapping": "customer", "key": key, "do": "create"})
        edit_note(root, "customer", key, lambda note: replace(note, text="n"))
    return 10


def test_entries_of_processes_that_write_at_once_are_all_in_the_file(tmp_path):
    (tmp_path / "mappings").mkdir()

    with ProcessPoolExecutor(2, mp_context=operating_system.process_context()) as pool:
        written = sum(pool.map(partial(_decide_or_note, tmp_path), ["a", "b"]))

    for name in ("decisions", "notes"):
        assert (tmp_path / "mappings" / f"{name}.yaml").read_text().count("key: ") == written
    assert sorted(path.name for path in (tmp_path / "mappings").iterdir()) == [
        "decisions.yaml",
        "notes.yaml",
    ]


def test_a_file_that_no_command_would_read_is_not_written(tmp_path):
    (tmp_path / "mappings").mkdir()
    decide(tmp_path, ENTRY)
    before = read(tmp_path)

    with pytest.raises(ConfigError, match="would be larger than 2,000,000 bytes"):
        decide(tmp_path, {**ENTRY, "key": "c8", "reason": "x" * LARGEST_FILE})

    assert read(tmp_path) == before


def test_a_lock_that_cannot_be_taken_is_reported(tmp_path):
    (tmp_path / ".trueup").write_text("no folder")

    with pytest.raises(ConfigError, match=r"cannot be locked in \.trueup: File exists; it is unch"):
        decide(tmp_path, ENTRY)
