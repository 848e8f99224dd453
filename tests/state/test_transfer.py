"""The format of an export; damaged and changed exports are refused."""

import json

import pytest
from trueup.errors import StateError
from trueup.model.run import Effects
from trueup.ports.state import StateSnapshot

from tests.state.stores import EDIT


@pytest.fixture
def empty(opened):
    return opened(2, "new")


def test_an_export_is_json_with_one_row_per_line(filled):
    document = json.loads(filled.export())

    assert set(document) == {
        *("format", "lineage", "serial", "lines", "head"),
        *("links", "applied", "pushed", "runs", "journal"),
    }
    assert document["applied"] == [{"mapping": "customer", "key": "x", "fields": {"name": "Zoë"}}]
    assert len(document["journal"]) == document["lines"] == 9
    assert (
        filled.export().count("\n")
        == sum(
            len(document[table]) + 2 if document[table] else 1
            for table in ("links", "applied", "pushed", "runs", "journal")
        )
        + 5
        + 2
    )


def test_an_empty_state_can_be_exported_and_imported(state, empty):
    state.release(state.acquire("apply (ann)"))

    empty.import_(state.export())

    assert empty.load() == StateSnapshot()


@pytest.mark.parametrize("content", ["an edit", "a run"])
def test_a_state_with_content_is_not_overwritten(filled, opened, content):
    other = opened(3, "other")
    lease = other.acquire("apply (ann)")
    if content == "an edit":
        other.edit(lease, EDIT, Effects())
    else:
        other.begin(filled.run("r1"), lease)
    other.release(lease)
    before = other.export()

    with pytest.raises(StateError, match="not empty"):
        other.import_(filled.export())
    assert other.export() == before


BROKEN = {
    "no JSON": lambda _: "links:",
    "half": lambda text: text[: len(text) // 2],
    "another document": lambda _: '{"waves": []}',
    "a list": lambda _: "[]",
    "nested without end": lambda _: "[" * 100_000,
    "a table missing": lambda text: change(text, lambda document: document.pop("pushed")),
    "a column missing": lambda text: change(
        text, lambda document: document["links"][0].pop("entity")
    ),
    "an object for a text": lambda text: change(
        text, lambda document: document["links"][0].update(entity={})
    ),
    "nothing for a text": lambda text: change(
        text, lambda document: document["links"][0].update(entity=None)
    ),
    "a number too great": lambda text: change(
        text, lambda document: document["links"][0].update(record=2**70)
    ),
    "no day": lambda text: change(text, lambda document: document["pushed"][0].update(day="soon")),
    "no status": lambda text: change(
        text, lambda document: document["runs"][0].update(status="fine")
    ),
    "a row twice": lambda text: change(
        text, lambda document: document["journal"].append(document["journal"][0])
    ),
}


def change(text, how) -> str:
    document = json.loads(text)
    how(document)
    return json.dumps(document)


@pytest.mark.parametrize("kind", BROKEN)
def test_a_text_that_is_no_complete_export_is_refused_and_writes_nothing(filled, empty, kind):
    with pytest.raises(StateError, match="not an export"):
        empty.import_(BROKEN[kind](filled.export()))

    assert empty.load() == StateSnapshot()
    empty.import_(filled.export())


def test_an_export_of_another_format_is_refused(filled, empty):
    with pytest.raises(StateError, match="format 2, this trueup reads 1"):
        empty.import_(change(filled.export(), lambda document: document.update(format=2)))


@pytest.mark.parametrize(
    ("how", "text"),
    [
        (
            lambda document: document["pushed"][0].update(units=4),
            "pushed change license_change c1 was changed",
        ),
        (lambda document: document["journal"][3].update(data={"id": 2}), "line 4 of the journal"),
        (lambda document: document["journal"].pop(), "line 9 of the journal was removed"),
        (lambda document: document.update(serial=7), "serial 7"),
    ],
    ids=["pushed", "changed line", "removed line", "serial"],
)
def test_an_export_that_was_changed_is_refused_and_writes_nothing(filled, empty, how, text):
    with pytest.raises(StateError, match="was changed after it was written") as refused:
        empty.import_(change(filled.export(), how))

    assert text in str(refused.value)
    assert empty.load() == StateSnapshot()
