"""Operators of other languages are named, with what to write instead."""

import pytest
from trueup.errors import ExpressionFault
from trueup.expressions import inspect
from trueup.expressions.foreign_operators import find_foreign_operator


@pytest.mark.parametrize(
    ("expression", "sign", "instead"),
    [
        ("{{ source.a || source.b }}", "||", "`a or b`"),
        ("{{ source.a && source.b }}", "&&", "`a and b`"),
        ("{{ source.a ?? 'x' }}", "??", "`a or b`, or the filter `default`"),
        ("{{ related.contact?.phone }}", "?.", "`.`: a row that is not there gives none"),
        ("{{ source.a === 1 }}", "===", "`a == b`"),
        ("{{ source.a !== 1 }}", "!==", "`a != b`"),
        ("{{ source.a <> 1 }}", "<>", "`a != b`"),
        ("{{ source.a => 1 }}", "=>", "`a >= b`"),
        ("{{ source.a++ }}", "++", "`a + 1`"),
        ("{{ source.a ? 1 : 2 }}", "?", "`a if condition else b`"),
        ("{{ !source.a }}", "!", "`not a`"),
        ("{{ source.a = 1 }}", "=", "`a == b` to compare"),
        ("{{ 'a || b' ~ source.a || source.b }}", "||", "`a or b`"),
    ],
)
def test_an_operator_of_another_language_is_named(expression, sign, instead):
    with pytest.raises(ExpressionFault) as refused:
        inspect(expression)
    assert f"`{sign}` is not an operator here: write {instead}" in str(refused.value)


@pytest.mark.parametrize(
    "expression",
    [
        "{{ source.a == 1 and source.b != 2 and source.c >= 3 and source.d <= 4 }}",
        "{{ source.a // 2 ** 3 }}",
        "{{ 'a || b && c = d !' }}",
        '{{ "a \\" || b" }}',
        "{{ source.a | default(value=1) }}",
        "a || b {{ source.a }} ! c = d",
    ],
)
def test_text_arguments_and_known_operators_are_no_foreign_ones(expression):
    assert find_foreign_operator(expression) is None
