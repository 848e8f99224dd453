"""Each kind of decision has its own parts; every check asks the same function about them."""

import pytest
from trueup.model.verdict import Verdict, WrongPart, wrong_parts

ALL = ("record", "of", "on", "after", "seen")


@pytest.mark.parametrize("verdict", Verdict)
def test_a_decision_with_its_own_parts_has_nothing_wrong(verdict: Verdict):
    parts = {name: "x" if name in verdict.parts else None for name in ALL}

    assert [*wrong_parts(verdict, **parts)] == []


def test_parts_of_other_decisions_are_named():
    assert [*wrong_parts(Verdict.PUSH, record=0, of="", on=None, after=None, seen="x")] == [
        WrongPart(
            "record", "the id of the record: it goes with link, not with push", is_missing=False
        ),
        WrongPart(
            "seen",
            "the difference that was seen: it goes with correct, not with push",
            is_missing=False,
        ),
    ]


@pytest.mark.parametrize(("verdict", "name"), [(Verdict.LINK, "record"), (Verdict.SUCCEED, "of")])
def test_a_part_without_which_a_decision_says_nothing_is_missing(verdict: Verdict, name: str):
    parts = dict.fromkeys(ALL)

    found = [(part.name, part.is_missing) for part in wrong_parts(verdict, **parts)]

    assert found == [(name, True)]
