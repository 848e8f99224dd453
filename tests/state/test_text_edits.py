"""Edits of versions before 1.0, of which the journal line holds only a text."""

import pytest
from trueup.model.audit import ChangesSettled, LinkForgotten, RunClosed, SettledChange, TextOnly
from trueup.model.run import Effects, Entry, Link, Step
from trueup.state import journal
from trueup.state.effects import write_lines
from trueup.state.values import canonical

from tests.state.stores import NOON


@pytest.fixture
def old_edit(filled):
    """Writes an edit as those versions did and returns the event that is read from it."""

    def edited(text, *, run="", entries=(), effects=None, after=()):
        data = {"what": text, "reason": "", "who": "ann", "host": "host-1"}
        lines = [journal.NewLine(journal.LineKind.EDIT, NOON, canonical(data), run)]
        lines += [journal.entry_line(run, entry) for entry in entries]
        with filled._access.writing() as transaction:
            journal.append(transaction, lines)
            write_lines(transaction, [], run, effects or Effects(), NOON)
            later = [journal.entry_line(run, entry) for entry in after]
            journal.append(transaction, later)
        return filled.audit()[-1].event

    return edited


def unlink(*rows) -> Effects:
    return Effects(unlink=rows)


@pytest.mark.parametrize(
    ("key", "name"), [("7", ""), ("7", "Alpine"), ("A, B-7", ""), ("A", "B-7, C"), ("7, 7", "7, 7")]
)
def test_a_forgotten_link_is_read_from_the_effects_that_follow(old_edit, key, name):
    text = f"forget customer {key}" + (f", {name}" if name else "")

    event = old_edit(text, effects=unlink(("customer", key)))

    assert event == LinkForgotten("customer", key, name)


@pytest.mark.parametrize(
    "effects",
    [
        unlink(),
        unlink(("customer", "8")),
        unlink(("customer", "7"), ("customer", "8")),
        Effects(links=(Link("customer", "7", "Companies", 1, "decision"),)),
    ],
    ids=["no effects", "another row", "two rows", "another effect"],
)
def test_a_forgotten_link_whose_effects_are_not_its_own_stays_a_text(old_edit, effects):
    event = old_edit("forget customer 7, Alpine", effects=effects)

    assert event == TextOnly("forget customer 7, Alpine")


def test_a_text_that_is_no_command_stays_a_text(old_edit):
    assert old_edit("link", effects=unlink(("customer", "x"))) == TextOnly("link")


def test_settled_changes_are_read_from_the_entries_that_follow(old_edit):
    first = Entry("customer:A, B-7", Step.DONE, NOON)
    second = Entry("a1", Step.NOT_LANDED, NOON)
    text = "settle customer:A, B-7 landed, a1 absent"

    event = old_edit(text, run="r1", entries=[first, second])

    assert event == ChangesSettled(
        (SettledChange("customer:A, B-7", landed=True), SettledChange("a1", landed=False))
    )


def test_entries_of_a_later_call_are_not_part_of_a_settlement(old_edit):
    one, later = Entry("a1", Step.DONE, NOON), Entry("a2", Step.DONE, NOON)

    event = old_edit("settle a1 landed", run="r1", entries=[one], after=[later])

    assert event == ChangesSettled((SettledChange("a1", landed=True),))


@pytest.mark.parametrize("entries", [[], [Entry("a2", Step.DONE, NOON)]])
def test_a_settlement_without_its_entries_stays_a_text(old_edit, entries):
    assert old_edit("settle a1 landed", run="r1", entries=entries) == TextOnly("settle a1 landed")


def test_a_closed_run_is_the_run_of_its_line(old_edit):
    skipped = Entry("a3", Step.SKIPPED, NOON)

    assert old_edit("settle r1 closed", run="r1", entries=[skipped]) == RunClosed()
