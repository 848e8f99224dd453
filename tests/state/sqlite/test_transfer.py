"""Export and import: everything but the lock, whole or not at all."""

import json

import pytest

from engine.errors import StateError, StateLocked
from engine.model.run import Effects, Link
from engine.ports import Memory


@pytest.fixture
def empty(opened, tmp_path):
    return opened(2, tmp_path / "new.sqlite")


def all_of(state) -> tuple:
    runs = state.runs()
    return state.load(), runs, [state.journal(run.id) for run in runs], state.head(), state.audit()


def test_an_import_gives_back_what_was_exported(told, empty):
    text = told.export()

    empty.import_(text)

    assert all_of(empty) == all_of(told)
    assert empty.export() == text
    assert empty.verify([told.head()[1]]) == []


def test_an_imported_state_goes_on(told, empty):
    empty.import_(told.export())
    lease = empty.acquire("apply (ann)")
    empty.edit(lease, "link", Effects(links=(Link("customer", "z", "Companies", 3, "decision"),)))

    assert empty.load().serial == told.load().serial + 1
    assert empty.verify() == []


def test_the_lock_stays_behind(told, empty):
    told.acquire("apply (ann)")

    empty.import_(told.export())

    assert empty.holder() is None


def test_an_export_is_json_with_one_row_a_line(told):
    document = json.loads(told.export())

    assert set(document) == {
        *("format", "lineage", "serial", "lines", "head"),
        *("links", "applied", "pushed", "runs", "journal"),
    }
    assert document["applied"] == [{"mapping": "customer", "key": "x", "fields": {"name": "Zoë"}}]
    assert len(document["journal"]) == document["lines"] == 9
    assert (
        told.export().count("\n")
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

    assert empty.load() == Memory()


@pytest.mark.parametrize("what", ["links", "a run"])
def test_a_state_that_holds_something_is_not_overwritten(told, opened, tmp_path, what):
    full = opened(3, tmp_path / "full.sqlite")
    lease = full.acquire("apply (ann)")
    if what == "links":
        full.edit(lease, "link", Effects())
    else:
        full.begin(told.run("r1"), lease)
    full.release(lease)
    before = full.export()

    with pytest.raises(StateError, match="not empty"):
        full.import_(told.export())
    assert full.export() == before


def test_a_state_in_use_is_not_overwritten(told, empty):
    empty.acquire("apply (ann)")

    with pytest.raises(StateLocked, match=r"apply \(ann\)"):
        empty.import_(told.export())


BROKEN = {
    "no JSON": lambda _: "links:",
    "half": lambda text: text[: len(text) // 2],
    "another document": lambda _: '{"waves": []}',
    "a list": lambda _: "[]",
    "nested without end": lambda _: "[" * 100_000,
    "a table missing": lambda text: change(text, lambda document: document.pop("pushed")),
    "a column missing": lambda text: change(text, lambda document: document["links"][0].pop("entity")),
    "an object for a text": lambda text: change(text, lambda document: document["links"][0].update(entity={})),
    "nothing for a text": lambda text: change(text, lambda document: document["links"][0].update(entity=None)),
    "a number too great": lambda text: change(text, lambda document: document["links"][0].update(record=2**70)),
    "no day": lambda text: change(text, lambda document: document["pushed"][0].update(day="soon")),
    "no status": lambda text: change(text, lambda document: document["runs"][0].update(status="fine")),
    "a row twice": lambda text: change(text, lambda document: document["journal"].append(document["journal"][0])),
}


def change(text, how) -> str:
    document = json.loads(text)
    how(document)
    return json.dumps(document)


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_whole_export_is_refused_and_nothing_is_written(told, empty, kind):
    with pytest.raises(StateError, match="not an export"):
        empty.import_(BROKEN[kind](told.export()))

    assert empty.load() == Memory()
    empty.import_(told.export())


def test_an_export_of_another_format_is_refused(told, empty):
    with pytest.raises(StateError, match="format 2, this trueup reads 1"):
        empty.import_(change(told.export(), lambda document: document.update(format=2)))


@pytest.mark.parametrize(
    ("how", "text"),
    [
        (lambda document: document["pushed"][0].update(units=4), "pushed log license_change c1 was changed"),
        (lambda document: document["journal"][3].update(data={"id": 2}), "line 4 of the journal"),
        (lambda document: document["journal"].pop(), "line 9 of the journal was removed"),
        (lambda document: document.update(serial=7), "serial 7"),
    ],
    ids=["pushed", "changed line", "removed line", "serial"],
)
def test_an_export_that_was_changed_is_refused_and_nothing_is_written(told, empty, how, text):
    with pytest.raises(StateError, match="was changed after it was written") as refused:
        empty.import_(change(told.export(), how))

    assert text in str(refused.value)
    assert empty.load() == Memory()
