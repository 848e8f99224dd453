"""Variants of expressions: each differs in one operator or number, and can be evaluated."""

import pytest
from trueup.expressions import evaluate
from trueup.expressions.variants import variants


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("{{ source.a == 1 }}", ["{{ source.a != 1 }}", "{{ source.a == 2 }}"]),
        ("{{ source.a and not source.b }}", ["{{ source.a or not source.b }}",
                                             "{{ source.a and  source.b }}"]),
        ("{{ source.a > source.b }}", ["{{ source.a >= source.b }}"]),
        ("{{ source.a - source.b }}", ["{{ source.a + source.b }}"]),
        ("{{ source.a }} and not 1 == 1", []),
        ("plain and not 1", []),
        ("{{ 'a and b == 1' }}", []),
        ("{{ source.a not in ['x'] }}", ["{{ source.a  in ['x'] }}"]),
    ],
)  # fmt: skip
def test_a_variant_differs_in_one_place(text, changed):
    assert [one for one, _ in variants(text)] == changed


def test_a_variant_has_what_was_changed():
    assert [text for _, text in variants("{{ not source.a or source.b == 3 }}")] == [
        "not → nothing",
        "or → and",
        "== → !=",
        "3 → 4",
    ]


def test_a_variant_that_is_no_expression_is_left_out():
    """`is not none` without `not` is an expression; `-` alone in the place of a sign is not."""
    found = [one for one, _ in variants("{{ source.a is not none }}")]

    assert [evaluate(one, {"source": {"a": None}}) for one in found] == [True]
