"""Branches of expressions: which there are, and which are noted while they are recorded."""

import pytest
from trueup.expressions import Program, evaluate
from trueup.expressions.branches import branches
from trueup.expressions.recording import recording

WHOLE = "never evaluated"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{{ source.a }}", ()),
        (
            "{{ source.a if source.b else 1 }}",
            ("an `if` is never true", "an `if` is never false"),
        ),
        ("{{ 1 if source.b }} units", ("an `if` is never true", "an `if` is never false")),
        ("{{ source.a and source.b }}", ("what follows an `and` is never evaluated",)),
        (
            "{{ source.a or source.b or 1 }}",
            (
                "what follows an `or` is never evaluated (number 1)",
                "what follows an `or` is never evaluated (number 2)",
            ),
        ),
    ],
)
def test_each_if_and_or_has_branches(text, names):
    assert branches(text) == (WHOLE, *names)


@pytest.mark.parametrize(
    ("value", "reached"), [(1, {0, 1}), (0, {0, 2})], ids=["then", "otherwise"]
)
def test_what_is_evaluated_is_noted(value, reached):
    text = "{{ 'then' if source.a else 'otherwise' }}"

    with recording() as noted:
        result = evaluate(text, {"source": {"a": value}})

    assert result == ("then" if value else "otherwise")
    assert noted == {(text, number) for number in reached}


def test_a_program_notes_what_it_evaluates_and_gives_the_same_values():
    raws = ["{{ source.a or source.b }}", 7]
    names = {"source": {"a": 0, "b": 2, "c": 1}}
    plain = Program(raws, guard="{{ source.c }}")(dict(names))

    with recording() as noted:
        recorded = Program(raws, guard="{{ source.c }}")(dict(names))

    assert recorded == plain == (2, 7)
    assert noted == {(raws[0], 0), (raws[0], 1), ("{{ source.c }}", 0)}


def test_nothing_is_noted_outside():
    with recording() as noted:
        pass
    evaluate("{{ source.nothing_is_noted }}", {"source": {"nothing_is_noted": 1}})

    assert noted == set()
