"""The one next step of a row, by what the plan says of it."""

from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from trueup.model.change import RowRef
from trueup.model.decision import Decision
from trueup.model.finding import Command, Finding, Place, Severity
from trueup.model.verdict import Verdict
from trueup.render.attention import Item, NeedKind
from trueup.review.next_step import NextStep, StepKind, next_step
from trueup.review.rows import RowKey

REF = RowKey("subscription", "one")
AS_OF = date(2026, 11, 15)


def item(kind, *commands, code="no-phone", because=()):
    finding = Finding(code, Severity.ERROR, "it is wrong", commands=commands)
    return Item(kind, RowRef(*REF), (finding,), because=because)


def step(*items, decisions=(), links=None, row=True, can_link=True):
    """The next step of the row with these items."""
    project = SimpleNamespace(decisions=decisions)
    current: Any = SimpleNamespace(
        project=project, plan=SimpleNamespace(as_of=AS_OF), links=links or {}
    )
    here: Any = SimpleNamespace(keys=("one",), changes=(), items=items) if row else None
    return next_step(current, REF, here, can_link=can_link)


LINKS = [Command.link(*REF, 600), Command.link(*REF, 601), Command.link(*REF)]
CREATE = Command.decide(*REF, Verdict.CREATE)
FAULT = RowRef("customer", "bad", "Bad Ltd")


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([item(NeedKind.BLOCKED)], NextStep(StepKind.BLOCKED)),
        (
            [item(NeedKind.BLOCKED, *LINKS, CREATE)],
            NextStep(StepKind.CHOOSE, suggested=(600, 601)),
        ),
        ([item(NeedKind.BLOCKED, CREATE)], NextStep(StepKind.CHOOSE)),
        ([item(NeedKind.HELD)], NextStep(StepKind.DECIDE)),
        (
            [item(NeedKind.BLOCKED, Command.decide(*REF, Verdict.PUSH))],
            NextStep(StepKind.DECIDE),
        ),
        (
            [item(NeedKind.BLOCKED, Command.link("customer", "bad", 7))],
            NextStep(StepKind.BLOCKED),
        ),
        (
            [
                item(
                    NeedKind.BLOCKED,
                    code="depends-on-blocked",
                    because=(RowRef("x", "y"), FAULT),
                )
            ],
            NextStep(StepKind.WAITS, waits_for=FAULT),
        ),
        ([], NextStep(StepKind.LINKED)),
    ],
)
def test_what_stops_a_row_determines_its_next_step(items, expected):
    assert step(*items) == expected


def test_a_linked_row_is_not_chosen_again_for_a_new_one():
    found = step(item(NeedKind.BLOCKED, CREATE), links={REF: 700})

    assert found.step is StepKind.DECIDE


def test_an_ignored_row_shows_until_when_and_no_longer_once_that_is_past():
    def ignore(until):
        place = Place("mappings/decisions.yaml", 2, 1)
        return Decision(*REF, Verdict.IGNORE, place, until=until)

    assert step(decisions=[ignore(AS_OF)], row=False) == NextStep(StepKind.IGNORED, until=AS_OF)
    assert step(decisions=[ignore(None)], row=False).text.startswith("It is left alone for good")
    assert step(decisions=[ignore(date(2026, 11, 14))], row=False).step is StepKind.LINKED
