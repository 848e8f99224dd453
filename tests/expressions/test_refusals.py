"""No expression can run statements, make calls, reach Python's internals or fill the memory."""

import tracemalloc
from contextlib import suppress
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trueup.expressions import (
    EVALUATION_ERRORS,
    TESTS,
    ExpressionFault,
    Implies,
    Program,
    evaluate,
    inspect,
)
from trueup.expressions.syntax import DEEPEST

NAMES = {
    "source": {"name": "Alpine", "items": [1, 2], "quantity": 3},
    "related": {},
    "settings": {},
}


@pytest.mark.parametrize(
    "raw",
    [
        "{% for row in related.logs %}{{ row }}{% endfor %}",
        "{% if true %}x{% endif %}",
        "{% set x = 1 %}{{ x }}",
        "{% include 'secrets' %}",
        "{% import 'os' as os %}",
        "{% macro m() %}{% endmacro %}",
        "{% filter upper %}x{% endfilter %}",
        "{% extends 'x' %}",
        "{% block b %}{% endblock %}",
        "{% do source.update({}) %}",
    ],
)
def test_statements_are_refused(raw):
    with pytest.raises(ExpressionFault):
        inspect(raw)


@pytest.mark.parametrize(
    "raw",
    [
        "{{ source.name.upper() }}",
        "{{ range(10) }}",
        "{{ dict(a=1) }}",
        "{{ super() }}",
        "{{ self.block() }}",
        "{{ cycler('a') }}",
        "{{ joiner() }}",
        "{{ lipsum(9) }}",
        "{{ namespace(a=1) }}",
        "{{ [].append(1) }}",
        "{{ ('a').format(1) }}",
        "{{ source.items() }}",
        "{{ (source.name | upper)() }}",
    ],
)
def test_calls_are_refused(raw):
    with pytest.raises(ExpressionFault, match=r"calls are not allowed|not accessible"):
        inspect(raw)


def test_no_test_depends_on_the_identity_of_objects():
    assert "sameas" not in TESTS


@pytest.mark.parametrize(
    "raw",
    [
        "{{ ''.__class__ }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ source.__init__.__globals__ }}",
        "{{ __import__ }}",
        "{{ _result }}",
        "{{ _literal0 }}",
        "{{ source._private }}",
        "{{ self }}",
        "{{ self._TemplateReference__context }}",
        "{{ self['x'] }}",
        "{{ 'x' | _text }}",
        "{{ 'x' is _private }}",
    ],
)
def test_names_that_begin_with_an_underscore_are_refused(raw):
    with pytest.raises(ExpressionFault):
        inspect(raw)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("{{ source.name[0:2] }}", "`[from:to]` is not allowed; filters are (a | slice(0, 2))"),
        ("{{ [1][::2] }}", "`[from:to]` is not allowed; filters are (a | slice(0, 2))"),
        ("{{ 2 ** 99999 }}", "`**` is not allowed; multiply instead (a * a)"),
    ],
)
def test_slices_and_powers_are_refused(raw, message):
    with pytest.raises(ExpressionFault) as refusal:
        inspect(raw)

    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        ("{% set x = 1 %}", "set"),
        ("{% set x %}a{% endset %}", "set"),
        ("{% filter lower %}a{% endfilter %}", "filter"),
        ("{% if a %}b{% endif %}", "if"),
    ],
)
def test_a_statement_is_refused_by_its_own_word(raw, word):
    with pytest.raises(ExpressionFault) as refusal:
        inspect(raw)

    assert str(refusal.value) == f"{word}: statements and loops are not allowed"


@pytest.mark.parametrize(
    "raw",
    [
        "{{ ''['__class__'] }}",
        "{{ source['__class__'] }}",
        "{{ source.items['__len__'] }}",
        "{{ source.items.pop }}",
        "{{ source.update }}",
        "{{ settings.keys }}",
        "{{ (1).real }}",
        "{{ source.quantity.bit_length }}",
        "{{ lipsum }}",
        "{{ cycler }}",
        "{{ namespace }}",
        "{{ range }}",
        "{{ dict }}",
        "{{ super }}",
        "{{ caller }}",
        "{{ loop }}",
        "{{ varargs }}",
        "{{ environment }}",
        "{{ context }}",
        "{{ missing }}",
        "{{ ([source] | selectattr('__class__') | first).name }}",
        "{{ [source] | map('__class__') }}",
        "{{ [source] | map(attribute='keys') }}",
        "{{ [''] | map('upper') }}",
        "{{ [''] | sort(attribute='__len__') }}",
        "{{ [source] | sum(attribute='__class__') }}",
        "{{ [''] | join(',', '__class__') }}",
        "{{ ['a'] | select('callable') }}",
        "{{ ['a'] | select('__class__') }}",
        "{{ source | first | abs }}",
    ],
)
def test_methods_and_names_of_jinja_are_unknown_names(raw):
    with pytest.raises(EVALUATION_ERRORS):
        evaluate(raw, NAMES)


@pytest.mark.parametrize(
    "raw",
    [
        "{{ '' | attr('__class__') }}",
        "{{ '{0.__class__}' | format(source) }}",
        "{{ source | pprint }}",
        "{{ source | tojson }}",
        "{{ source | items }}",
        "{{ source | dictsort }}",
        "{{ source | xmlattr }}",
        "{{ 'a' | center(10) }}",
        "{{ [1] | batch(1) }}",
        "{{ [1] | random }}",
        "{{ 'x' | e }}",
        "{{ 'x' | safe }}",
        "{{ 'x' | wordwrap }}",
        "{{ 'x' | nosuch if true else 1 }}",
        "{{ 1 if 'x' is nosuch else 2 }}",
        "{{ 'x' is callable }}",
        "{{ 'x' is filter }}",
    ],
)
def test_jinjas_other_filters_and_tests_do_not_exist(raw):
    with pytest.raises(ExpressionFault, match=r"there is no (filter|test) "):
        Program([raw])


@pytest.mark.parametrize(
    "raw",
    [
        "{{ 'a' * 1000000000 }}",
        "{{ 1000000000 * 'a' }}",
        "{{ [1] * 1000000000 }}",
        "{{ 1000000000 * (1, 2) }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '%s' % source }}",
        "{{ [source.name] * 1000000000 }}",
        "{{ source.name * source.quantity }}",
    ],
)
def test_times_and_modulo_are_for_numbers_only(raw):
    with pytest.raises(EVALUATION_ERRORS, match="for numbers only"):
        evaluate(raw, NAMES)


def nested(inner: str, outer: str, levels: int) -> str:
    for _ in range(levels):
        inner = outer.replace("…", inner)
    return "{{ " + inner + " }}"


BOMBS = {
    "replace": nested("'aaaaaaaaaa'", "(… | replace('a', 'aaaaaaaaaa'))", DEEPEST // 2),
    "replace nothing": nested("'aaaaaaaaaa'", "(… | replace('', 'aaaaaaaaaa'))", DEEPEST // 2),
    "join": nested(
        "'aaaaaaaaaa'", "(['', '', '', '', '', '', '', '', '', ''] | join(…))", DEEPEST // 4
    ),
    "join lists": nested("'aaaaaaaaaa'", "([…] | join)", DEEPEST // 3),
    "int": "{{ '1e999999999' | int }}",
    "decimal": "{{ ('1e999999999' | decimal) ~ '' }}",
    "number as text": "{{ source.huge ~ '' }}",
    "money": "{{ source.huge | money }}",
    "round": "{{ 1 | round(999999999) }}",
    "round to nothing": "{{ 1 | round(-999999999) }}",
    "abs": "{{ (source.huge | abs) // 1 }}",
    "days": "{{ plan.as_of | days(999999999999) }}",
    "months": "{{ plan.as_of | months(99999999999999999999) }}",
    "date form": "{{ '2026-11-15' | date('%999999999Y%999999999d') | length }}",
    "long number": "{{ " + "9" * 9_000 + " }}",
    "large number": "{{ 1e999999999 }}",
    "many products": "{{ " + "*".join(["99999999999999"] * 50) + " }}",
    "truncate": "{{ 'abc' | truncate_visibly(-1) }}",
}


@pytest.mark.parametrize("raw", BOMBS.values(), ids=BOMBS.keys())
def test_no_expression_fills_the_memory(raw):
    names = {"source": {"huge": Decimal("1e999999999")}, "plan": {"as_of": date(2026, 11, 15)}}
    tracemalloc.start()
    try:
        with suppress(ExpressionFault, *EVALUATION_ERRORS):
            evaluate(raw, names)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize(
    "raw",
    [
        "{{ " + "(" * 4_000 + "1" + ")" * 4_000 + " }}",
        "{{ " + "[" * 4_000 + "]" * 4_000 + " }}",
        "{{ " + "not " * 2_400 + "1 }}",
        "{{ " + "-" * 9_000 + "1 }}",
        "{{ " + "1+" * 4_000 + "1 }}",
        "{{ source" + ".a" * 4_000 + " }}",
        "{{ source" + "['a']" * 1_500 + " }}",
        "{{ 1" + "|abs" * 2_000 + " }}",
        "{{ " + "1 if 1 else " * 700 + "1 }}",
        "{{ " + "a and " * 1_500 + "a }}",
        "{{ " + "{1:" * 2_000 + "1" + "}" * 2_000 + " }}",
    ],
)
def test_an_expression_that_is_nested_too_deeply_is_refused(raw):
    with pytest.raises(ExpressionFault, match=r"nested|cannot be compiled"):
        Program([raw])


def test_an_expression_of_the_allowed_depth_compiles():
    text = "1"
    for _ in range(DEEPEST - 1):
        text = f"(-{text})"
    assert evaluate("{{ " + text + " }}", {}) in (1, -1)
    with pytest.raises(ExpressionFault, match="nested deeper than 60 levels"):
        inspect("{{ -" + text + " }}")


@pytest.mark.parametrize(
    "outer",
    [
        "(… | default(1))",
        "(1 | default(…))",
        "(… if 1 else 1)",
        "(1 if 1 else …)",
        "(1 if … else 1)",
        "{'a': …}",
        "[…, 1]",
        "(… ~ 'x')",
        "('x' ~ …)",
        "(… == 1)",
        "(1 == …)",
        "source[…]",
        "source.a[…].b",
        "(….x)",
        "(not …)",
        "(… and 1)",
        "(… is none)",
        "(… in [1])",
        "(1 * …)",
        "(… / 2)",
        "([1] | select('eq', …))",
        "(1 < 2 < …)",
    ],
)
def test_an_expression_that_can_be_inspected_compiles_at_any_depth(outer):
    inner, deepest = "source", ""
    for _ in range(DEEPEST + 1):
        inner = outer.replace("…", inner)
        try:
            inspect("{{ " + inner + " }}")
        except ExpressionFault:
            break
        deepest = "{{ " + inner + " }}"
    else:
        pytest.fail("no depth was refused")
    Program([Implies(deepest, deepest), (deepest, deepest), f"{deepest} as text"], guard=deepest)


@pytest.mark.parametrize("number", ["9" * 5_000, "1e999", "-1e40", "0x" + "f" * 9_000, "9" * 41])
def test_a_number_that_is_too_large_is_refused(number):
    with pytest.raises(ExpressionFault, match=r"holds a number that is too (long|large)"):
        inspect("{{ " + number + " }}")


def test_text_of_more_than_ten_thousand_characters_is_refused():
    inspect("{{ 1 }}" + "x" * 9_993)
    with pytest.raises(ExpressionFault, match="longer than 10,000 characters"):
        inspect("{{ 1 }}" + "x" * 9_994)


@pytest.mark.parametrize(
    ("raw", "offset"),
    [
        ("{{ a b }}", 0),
        ("first\nsecond {{ a b }}", 6),
        ("\n\n  first\r\n{{ a b }}", 11),
        ("one\ntwo {{ a() }}", 4),
        ("{{ a }}\n{% set x = 1 %}", 8),
        ("{{ a }}\n\n{{ a ** 2 }}", 9),
        ("{{ 'never ended }}", 0),
        ("{{ a", 0),
        ("{{ a | }}", 0),
        ("{{ }}", 0),
    ],
)
def test_a_fault_has_the_offset_of_its_line(raw, offset):
    with pytest.raises(ExpressionFault) as raised:
        inspect(raw)
    assert raised.value.offset == offset
    assert str(raised.value)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("{{ a", "`{{` is not closed with `}}`"),
        ("{{ a }", "unexpected `}`: an expression ends with `}}`"),
        ("{{ a ) }}", "unexpected `)`"),
        ("{{ (a }}", "`)` is missing before `}}`"),
        ("{{ a + }}", "something is missing before `}}`"),
        ("{{ }}", "an expression is missing before `}}`"),
        ("{{ a | }}", "a name is missing before `}}`"),
        ("{{ a..b }}", "a name is missing after `.`"),
        ("{{ a b }}", "an operator, `|` or `}}` is missing before `b`"),
        ("{{ a if b else", "something is missing before end"),
        ("{{ {1: 2 a} }}", "`,` is missing before 'a'"),
        ("{{ $a }}", "`$` cannot stand here"),
        ("{{ 'a }}", "a quote is not closed"),
        ("{# a", "`{#` is not closed with `#}`"),
        ("{% raw %}{{ a }}", "`{% raw %}` is not closed with `{% endraw %}`"),
        ("{{ a }}{%- raw %} ", "`{% raw %}` is not closed with `{% endraw %}`"),
    ],
)
def test_a_syntax_error_names_the_signs_of_the_text(raw, message):
    with pytest.raises(ExpressionFault) as raised:
        inspect(raw)
    assert str(raised.value) == message


PIECES = st.sampled_from(
    [
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "|",
        ".",
        ",",
        ":",
        "'",
        '"',
        "~",
        "*",
        "**",
        "+",
        "-",
        "/",
        "%",
        "==",
        "<",
        "is",
        "in",
        "not",
        "and",
        "or",
        "if",
        "else",
        "for",
        "set",
        "raw",
        "endraw",
        " ",
        "\n",
        "source",
        "name",
        "self",
        "__class__",
        "first",
        "join",
        "select",
        "map",
        "1",
        "1.5",
        "none",
        "é",
        "\x00",
        "items",
        "attribute=",
        "default",
        "=",
        "\\",
        "\ud800",
        "9" * 5_000,
    ]
)


@given(
    st.lists(PIECES, max_size=25).map("".join)
    | st.text(max_size=60).map(lambda text: "{{" + text + "}}")
)
def test_any_text_gives_a_value_a_fault_or_an_evaluation_error(raw):
    with suppress(ExpressionFault, *EVALUATION_ERRORS):
        evaluate(raw, NAMES)


@given(st.lists(PIECES, max_size=12).map(lambda parts: "{{ " + " ".join(parts) + " }}"))
def test_a_text_that_can_be_inspected_compiles_or_is_refused(raw):
    with suppress(ExpressionFault):
        inspect(raw)
        Program([raw])
