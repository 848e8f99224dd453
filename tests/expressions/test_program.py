"""A program of many values gives the same as evaluating them one by one."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Undefined
from trueup.expressions import EVALUATION_ERRORS, Every, ExpressionFault, Implies, Program, evaluate
from trueup.expressions.jinja_environment import ENVIRONMENT
from trueup.expressions.recording import recording

NAMES = {
    "source": {
        "a": 3,
        "b": "text",
        "c": None,
        "d": Decimal("2.5"),
        "e": date(2026, 11, 15),
        "f": True,
        "g": ["x", "y"],
    },
    "related": {"one": {"a": 7}, "none": None, "many": [{"n": 1}, {"n": 2}]},
    "settings": {"codes": {"text": "T"}},
}

ATOMS = st.sampled_from(
    [
        "source.a",
        "source.b",
        "source.c",
        "source.d",
        "source.e",
        "source.f",
        "source.g",
        "source.gone",
        "gone",
        "related.one.a",
        "related.none.a",
        "related.many",
        "settings.codes[source.b]",
        "settings.codes[source.a]",
        "1",
        "2.5",
        "0",
        "'text'",
        "''",
        "none",
        "true",
        "[]",
        "{'k': source.a}",
        "(1, source.b)",
    ]
)


def compounds(inner):
    return st.one_of(
        st.builds(
            "({} {} {})".format,
            inner,
            st.sampled_from(
                [
                    "+",
                    "-",
                    "*",
                    "/",
                    "//",
                    "%",
                    "~",
                    "==",
                    "!=",
                    "<",
                    ">=",
                    "in",
                    "not in",
                    "and",
                    "or",
                ]
            ),
            inner,
        ),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("({} if {})".format, inner, inner),
        st.builds("(not {})".format, inner),
        st.builds("(-{})".format, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("({}).a".format, inner),
        st.builds("({})[{}]".format, inner, inner),
        st.builds(
            "({} is {})".format,
            inner,
            st.sampled_from(["none", "defined", "whole", "string", "date", "in [1]"]),
        ),
        st.builds(
            "({} | {})".format,
            inner,
            st.sampled_from(
                [
                    "upper",
                    "default('x')",
                    "string",
                    "length",
                    "first",
                    "sum",
                    "map('n')",
                    "int",
                    "round",
                    "yes_no",
                    "join('-')",
                    "list",
                    "truncate_visibly(3)",
                    "days(1)",
                    "select",
                    "sort",
                    "max",
                    "unique",
                ]
            ),
        ),
    )


EXPRESSIONS = st.recursive(ATOMS, compounds, max_leaves=8)
RAWS = st.one_of(
    EXPRESSIONS.map(lambda text: "{{ " + text + " }}"),
    st.lists(EXPRESSIONS, min_size=1, max_size=3).map(
        lambda texts: "of " + " and ".join("{{ " + text + " }}" for text in texts)
    ),
    st.sampled_from(["literal", 5, None, True, Decimal("1.5")]),
)
VALUES = st.one_of(
    RAWS,
    st.builds(Implies, RAWS, RAWS),
    st.tuples(RAWS, RAWS),
    st.builds(Every, st.tuples(RAWS, RAWS)),
)


def outcome(call):
    """Returns what a call gives, or that it fails. An undefined value counts as a failure."""
    try:
        value = call()
    except EVALUATION_ERRORS:
        return "fails"
    return "fails" if is_undefined(value) else ("gives", value, type(value))


def is_undefined(value):
    if isinstance(value, dict):
        return is_undefined([*value.values()])
    return isinstance(value, Undefined) or (
        isinstance(value, list | tuple) and any(map(is_undefined, value))
    )


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_a_program_gives_the_same_as_its_values_one_by_one(raws):
    program = Program(raws)
    single = [outcome(lambda index=index: program.one(index, NAMES)) for index in range(len(raws))]
    alone = [outcome(lambda raw=raw: Program([raw])(dict(NAMES))[0]) for raw in raws]
    assert single == alone
    try:
        fused = program(dict(NAMES))
    except EVALUATION_ERRORS:
        assert "fails" in single
    else:
        assert [outcome(lambda value=value: value) for value in fused] == single


@given(RAWS)
def test_evaluate_gives_what_a_program_gives(raw):
    assert outcome(lambda: evaluate(raw, NAMES)) == outcome(lambda: Program([raw]).one(0, NAMES))


@given(RAWS, RAWS)
def test_a_false_guard_gives_none_and_a_true_guard_changes_nothing(guard, raw):
    def unguarded():
        return Program([raw])(dict(NAMES))

    def guarded():
        return Program([raw], guard=guard)(dict(NAMES))

    holds = outcome(lambda: bool(evaluate(guard, NAMES)))
    if guard is None or holds == ("gives", True, bool):
        assert outcome(guarded) == outcome(unguarded)
    elif holds == ("gives", False, bool):
        assert outcome(guarded) == ("gives", None, type(None))
    else:
        assert outcome(guarded) == "fails"


def test_nothing_is_evaluated_if_the_guard_is_false():
    assert Program(["{{ gone + 1 }}"], guard="{{ source.c }}")(dict(NAMES)) is None


def test_a_program_without_values_gives_an_empty_tuple():
    assert Program([])({}) == ()


def test_literals_keep_their_identity_in_a_program():
    literal = {"a": [1, 2]}
    values = Program([literal, "{{ source.a }}", literal])(dict(NAMES))
    assert values is not None
    assert values[0] is literal
    assert values[2] is literal


@pytest.mark.parametrize(
    ("when", "then", "gives"),
    [
        ("{{ source.f }}", "{{ source.a == 3 }}", True),
        ("{{ source.f }}", "{{ source.a == 4 }}", False),
        ("{{ not source.f }}", "{{ gone + 1 }}", True),
        ("{{ source.c }}", "{{ source.a == 4 }}", True),
    ],
)
def test_a_rule_holds_if_its_condition_is_false(when, then, gives):
    program = Program([Implies(when, then)])
    assert program(dict(NAMES)) == (gives,)
    assert program.one(0, NAMES) == gives


RULES = ["{{ source.f }}", Implies("{{ source.c }}", "{{ gone + 1 }}"), "{{ source.b == 'text' }}"]


@pytest.mark.parametrize(
    ("rules", "holds"),
    [
        ([], True),
        (RULES, True),
        (RULES * 300, True),
        ([*RULES, "{{ source.c }}"], False),
        (["{{ source.c }}", "{{ gone + 1 }}"], False),
        ([True, 0, "{{ gone + 1 }}"], False),
    ],
)
def test_every_rule_holds_or_not_all_do(rules, holds):
    program = Program([Every(tuple(rules)), "{{ source.a }}"])

    values = program(dict(NAMES))

    assert (bool(values[0]), values[1]) == (holds, 3)
    assert bool(program.one(0, NAMES)) == holds


def test_rules_after_one_that_fails_are_evaluated_where_branches_are_recorded():
    rules = Every(("{{ source.c }}", "{{ source.a == 3 }}"))
    with recording() as reached:
        values = Program([rules])(dict(NAMES))

    assert values == (False,)
    assert ("{{ source.a == 3 }}", 0) in reached


def test_a_tuple_of_values_gives_a_tuple():
    program = Program([("{{ source.a }}", "fixed", "{{ source.b }} too")])
    assert program(dict(NAMES)) == ((3, "fixed", "text too"),)
    assert program.one(0, NAMES) == (3, "fixed", "text too")


def test_an_undefined_value_raises_when_it_is_evaluated_alone():
    program = Program(["{{ source.a }}", "{{ source.gone }}"])
    values = program(dict(NAMES))
    assert values is not None
    assert values[0] == 3
    assert isinstance(values[1], Undefined)
    assert program.one(0, NAMES) == 3
    with pytest.raises(EVALUATION_ERRORS, match="there is no 'gone'"):
        program.one(1, NAMES)


@pytest.mark.parametrize(
    "raw",
    [
        "{{ a b }}",
        "{{ a() }}",
        "{{ a | nosuch }}",
        ("{{ a }}", "{{ b( }}"),
        Implies("{{ a( }}", "{{ b }}"),
        "{% x %}",
    ],
)
def test_a_value_that_cannot_be_compiled_is_refused_when_the_program_is_made(raw):
    with pytest.raises(ExpressionFault):
        Program(["{{ source.a }}", raw])
    with pytest.raises(ExpressionFault):
        Program([], guard=raw)


def test_an_error_of_pythons_compiler_is_an_expression_fault(monkeypatch):
    def fail(_tree):
        raise SyntaxError("too many nested parentheses")

    monkeypatch.setattr(ENVIRONMENT, "compile", fail)
    with pytest.raises(ExpressionFault, match="cannot be compiled: too many nested parentheses"):
        Program(["{{ source.compiled_nowhere_else }}"])


@pytest.mark.parametrize(
    "raw", ["{{ {[1]: 2} }}", "{{ 1 if (1).a else 2 }}", "{{ (1).a and 2 }}", "{{ 'x' | int }}"]
)
def test_constants_that_fail_do_so_when_they_are_evaluated(raw):
    program = Program([raw])
    with pytest.raises(EVALUATION_ERRORS):
        program(dict(NAMES))


def test_a_single_value_is_compiled_once():
    program = Program(["{{ source.a }}"])
    assert [program.one(0, NAMES), program.one(0, {"source": {"a": 4}})] == [3, 4]


def test_twenty_fields_and_eleven_rules_compile_into_one_call():
    raws = [Implies("{{ source.a }}", "{{ source.b == 'text' }}")] * 11 + [
        "{{ source.d | round(1) }}"
    ] * 20
    assert Program(raws)(dict(NAMES)) == (True,) * 11 + (Decimal("2.5"),) * 20


def test_values_of_one_shape_are_compiled_once_and_keep_their_literals(monkeypatch):
    first = Program(["{{ source.shape }}", 1, "one"], guard=True)
    compiled = []
    monkeypatch.setattr(ENVIRONMENT, "compile", compiled.append)

    second = Program(["{{ source.shape }}", True, "two"], guard=1)

    assert compiled == []
    assert first({"source": {"shape": "a"}}) == ("a", 1, "one")
    assert second({"source": {"shape": "b"}}) == ("b", True, "two")
    assert second({"source": {"shape": "b"}})[1] is True
