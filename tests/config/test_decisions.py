"""Entries go into decisions.yaml; all else of the file stays as it was."""

import stat
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.decisions import decide, edited
from engine.config.documents import parse
from engine.errors import ConfigError

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
            f"decisions:\n  # first\n  {OTHER}  - mapping: customer\n    key: c7\n    link: 29683\n",
        ),
        (
            "decisions:\n- mapping: a\n  key: b\n  do: ignore\n  reason: |\n    long\n    talk\n\n# tail\n",
            "decisions:\n- mapping: a\n  key: b\n  do: ignore\n  reason: |\n    long\n    talk\n"
            + BLOCK
            + "\n# tail\n",
        ),
        (
            "decisions: [{mapping: a, key: b, do: create}, ]\n",
            "decisions: [{mapping: a, key: b, do: create}, {mapping: customer, key: c7, link: 29683}, ]\n",
        ),
        (
            f"decisions:\n- mapping: customer # who\n  key: c7\n  do: create # old\n# between\n{OTHER}",
            f"decisions:\n{BLOCK}# between\n{OTHER}",
        ),
        (
            f"decisions:\n{OTHER}-\n  # why\n  mapping: customer\n  key: 'c7'\n  do: create\n",
            f"decisions:\n{OTHER}{BLOCK}",
        ),
        (
            "decisions: [{mapping: customer, key: c7, do: create}, {mapping: a, key: b, do: create}] # x\n",
            "decisions: [{mapping: customer, key: c7, link: 29683}, {mapping: a, key: b, do: create}] # x\n",
        ),
        (
            "\ufeffdecisions: []\r\n# tail\r\n",
            "\ufeffdecisions:\r\n" + BLOCK.replace("\n", "\r\n") + "# tail\r\n",
        ),
    ],
)
def test_an_entry_is_added_or_exchanged_and_the_rest_stays(old, new):
    assert text_of(old) == new


def test_what_was_written_says_where_and_whether_it_took_an_older_ones_place():
    _, added = edited(b"decisions: []\n", ENTRY)
    assert (str(added.place), added.replaced) == ("mappings/decisions.yaml:2:3", False)
    _, again = edited(b"# x\n\ndecisions:\n- {mapping: customer, key: c7, do: create}\n", ENTRY)
    assert (str(again.place), again.replaced) == ("mappings/decisions.yaml:4:3", True)


def test_text_that_yaml_would_take_for_something_else_stays_text():
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
        ([LINK, "- {mapping: a, key: b, do: create}", CORRECT], {"do": "ignore", "reason": "r"},
         [f"{ONLY}do: ignore\n  reason: r", "- {mapping: a, key: b, do: create}"]),
        (["- {mapping: subscription, key: s1, do: ignore, reason: r}"], {"do": "correct"}, [f"{ONLY}do: correct"]),
    ],
)  # fmt: skip
def test_a_decision_takes_the_place_of_what_is_decided_on_the_same_matter_and_of_nothing_else(old, entry, new):
    lines = "\n".join(old)
    entry = {"mapping": "subscription", "key": "s1", **entry}
    assert text_of(f"decisions:\n{lines}\n# tail\n", entry) == "\n".join(["decisions:", *new, "# tail\n"])


def test_in_brackets_too_what_is_ignored_is_decided_in_nothing_else():
    entry = {"mapping": "s", "key": "1", "do": "ignore", "reason": "r"}
    other = "{mapping: a, key: b, do: create}"
    old = f"decisions: [{{mapping: s, key: 1, link: 5}}, {other}, {{mapping: s, key: 1, do: correct}}]"
    new = "decisions: [{mapping: s, key: '1', do: ignore, reason: r}, {mapping: a, key: b, do: create}]\n"
    assert text_of(f"{old}\n", entry) == new


@pytest.mark.parametrize(
    ("old", "said"),
    [
        ("decisions: [\n", "broken YAML"),
        ("decisions: {a: b}\n", "is no list under `decisions:`"),
        ("decisions: [a]\n", "is no list under `decisions:`"),
        ("- a\n", "is no list under `decisions:`"),
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
def test_a_file_that_cannot_be_edited_safely_is_left_alone(old, said):
    if said is None:
        assert "link: 29683" in text_of(old)
        return
    with pytest.raises(ConfigError, match=said):
        text_of(old)


def test_a_file_is_made_where_there_is_none_and_keeps_its_mode(tmp_path):
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


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ConfigError, match="cannot be written: No such file or directory; it is as it was"):
        decide(tmp_path, ENTRY)


KEYS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


@given(st.lists(KEYS, max_size=6), st.booleans(), st.booleans())
def test_any_keys_in_any_order_come_out_as_they_went_in(keys, flow, commented):
    raw = b"decisions: [{mapping: x, key: y, do: create}]\n" if flow else b"# head\n"
    wanted = {("x", "y"): "create"} if flow else {}
    for number, key in enumerate(keys):
        entry = {"mapping": "customer", "key": key, "link": number}
        raw, _ = edited(raw + (b"# said\n" if commented else b""), entry)
        wanted[("customer", key)] = number
    documents, _ = parse(raw, "d.yaml")
    entries = (documents[0].data or {}).get("decisions", []) if documents else []
    assert {(e["mapping"], e["key"]): e.get("link", e.get("do")) for e in entries} == wanted
