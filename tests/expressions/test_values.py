"""The values of expressions, templates and literals."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from jinja2 import UndefinedError
from trueup.expressions import EVALUATION_ERRORS, evaluate

NAMES = {
    "source": {
        "text": "007",
        "exponent": "1e5",
        "quantity": Decimal("12.50"),
        "whole": 12,
        "since": date(2026, 11, 15),
        "at": datetime(2026, 11, 15, 9, 30, tzinfo=UTC),
        "yes": True,
        "nothing": None,
        "items": "a column of that name",
        "with space": "x",
    },
    "related": {"contract": None, "logs": [{"quantity": 1}, {"quantity": 2}]},
    "settings": {"codes": {"Monthly": "M"}},
}


@pytest.mark.parametrize(
    ("raw", "gives"),
    [
        ("{{ source.text }}", "007"),
        ("{{ source.exponent }}", "1e5"),
        ("{{ source.quantity }}", Decimal("12.50")),
        ("{{ source.whole }}", 12),
        ("{{ source.since }}", date(2026, 11, 15)),
        ("{{ source.at }}", datetime(2026, 11, 15, 9, 30, tzinfo=UTC)),
        ("{{ source.yes }}", True),
        ("{{ source.nothing }}", None),
        ("{{ related.logs }}", [{"quantity": 1}, {"quantity": 2}]),
        ("  {{ source.whole }}\n", 12),
        ("{{- source.whole -}}", 12),
        ("{# a comment #}{{ source.whole }}", 12),
    ],
)
def test_an_expression_keeps_its_type(raw, gives):
    value = evaluate(raw, NAMES)
    assert value == gives
    assert type(value) is type(gives)


@pytest.mark.parametrize(
    ("raw", "gives"),
    [
        ("W365 {{ source.text }}", "W365 007"),
        ("{{ source.text }}{{ source.whole }}", "00712"),
        ("{{ source.quantity }} from {{ source.since }}", "12.5 from 2026-11-15"),
        ("at {{ source.at }}", "at 2026-11-15T09:30:00+00:00"),
        ("<{{ source.nothing }}>", "<>"),
        ("{{ source.text }} is 100%", "007 is 100%"),
        ("{% raw %}{{ braces }}{% endraw %}", "{{ braces }}"),
        ("{# nothing at all #}", ""),
    ],
)
def test_a_template_gives_text(raw, gives):
    assert evaluate(raw, NAMES) == gives


@pytest.mark.parametrize(
    "raw", ["Active", "007", " kept as it is ", " {x} ", 12, Decimal("1.5"), True, None, ["a"], {}]
)
def test_anything_else_is_a_literal(raw):
    assert evaluate(raw, NAMES) is raw


@pytest.mark.parametrize(
    ("raw", "gives"),
    [
        ("{{ source.items }}", "a column of that name"),
        ("{{ source['with space'] }}", "x"),
        ("{{ settings.codes['Monthly'] }}", "M"),
        ("{{ related.logs[1].quantity }}", 2),
        ("{{ (related.logs | last).quantity }}", 2),
        ("{{ source.since.year * 10000 + source.since.month * 100 + source.since.day }}", 20261115),
        ("{{ source.at.day }}", 15),
    ],
)
def test_an_attribute_is_a_key_of_a_row_or_a_part_of_a_day(raw, gives):
    assert evaluate(raw, NAMES) == gives


@pytest.mark.parametrize(
    "raw",
    [
        "{{ related.contract.name }}",
        "{{ related.contract['name'].first }}",
        "{{ source.nothing[0] }}",
    ],
)
def test_an_attribute_of_none_is_none(raw):
    assert evaluate(raw, NAMES) is None


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("{{ unknown }}", "'unknown' is undefined"),
        ("{{ source.unknown }}", "there is no 'unknown'"),
        ("{{ settings.codes['Weekly'] }}", "there is no 'Weekly'"),
        ("{{ related.logs[9] }}", "there is no 9"),
        ("{{ related.logs['x'] }}", "there is no 'x'"),
        ("{{ source.text.upper }}", "text '007' has no 'upper'"),
        ("{{ related.logs.append }}", "a list has no 'append'"),
        ("{{ source.since.isoformat }}", "day 2026-11-15 has no 'isoformat'"),
        ("{{ source.text[0] }}", "nothing can be looked up in text"),
        ("{{ unknown.name }}", "'unknown' is undefined"),
        ("{{ source.unknown + 1 }}", "there is no 'unknown'"),
        ("for {{ source.unknown }}", "there is no 'unknown'"),
        ("{{ 'yes' if source.unknown else 'no' }}", "there is no 'unknown'"),
        ("{{ settings.codes[source.unknown] }}", "there is no 'unknown'"),
    ],
)
def test_a_name_that_does_not_exist_is_an_error_when_it_is_used(raw, message):
    with pytest.raises(UndefinedError) as raised:
        evaluate(raw, NAMES)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("raw", "gives"),
    [
        ("{{ 1.5 }}", Decimal("1.5")),
        ("{{ -0.1 }}", Decimal("-0.1")),
        ("{{ 1e3 }}", Decimal(1000)),
        ("{{ source.quantity * 1.2 }}", Decimal("15.0")),
        ("{{ 0.1 + 0.2 }}", Decimal("0.3")),
        ("{{ 7 / 2 }}", Decimal("3.5")),
        ("{{ source.quantity / 2 }}", Decimal("6.25")),
        ("{{ 7 // 2 }}", 3),
        ("{{ 7 % 4 }}", 3),
        ("{{ -7 // 2 }}", -4),
        ("{{ -7.0 // 2 }}", Decimal(-4)),
        ("{{ 7 // -2.0 }}", Decimal(-4)),
        ("{{ -7.0 // -2 }}", Decimal(3)),
        ("{{ -6.0 // 2 }}", Decimal(-3)),
        ("{{ -7 % 3 }}", 2),
        ("{{ -7.0 % 3 }}", Decimal(2)),
        ("{{ 7.0 % -3 }}", Decimal(-2)),
        ("{{ -6.0 % 3 }}", Decimal(0)),
        ("{{ 3 * 4 }}", 12),
        ("{{ [0.5] | first }}", Decimal("0.5")),
    ],
)
def test_numbers_are_integers_or_decimals_and_never_floats(raw, gives):
    value = evaluate(raw, NAMES)
    assert value == gives
    assert type(value) is type(gives)


@pytest.mark.parametrize(
    ("raw", "gives"),
    [
        ("{{ source.text if source.yes }}", "007"),
        ("{{ source.text if not source.yes }}", None),
        ("{{ ('a' if false) or 'b' }}", "b"),
    ],
)
def test_an_if_without_else_gives_none(raw, gives):
    assert evaluate(raw, NAMES) == gives


@pytest.mark.parametrize(
    ("raw", "gives"),
    [
        ("{{ source.text in ['007', '008'] }}", True),
        ("{{ source.since >= settings.codes.Monthly }}", TypeError),
        ("{{ 1 < source.whole <= 12 }}", True),
        ("{{ source.nothing or 'none' }}", "none"),
        ("{{ source.yes and not source.nothing }}", True),
        ("{{ source.text ~ '-' ~ source.whole }}", "007-12"),
        ("{{ {'a': 1}['a'] }}", 1),
        ("{{ (1, 2) }}", (1, 2)),
        ("{{ +source.whole }}", 12),
        ("{{ 1 / 0 }}", ArithmeticError),
        ("{{ source.since + 1 }}", TypeError),
        ("{{ 1 in source.whole }}", TypeError),
    ],
)
def test_operators_work_as_in_jinja_and_raise_only_evaluation_errors(raw, gives):
    if isinstance(gives, type):
        assert issubclass(gives, EVALUATION_ERRORS)
        with pytest.raises(gives):
            evaluate(raw, NAMES)
    else:
        assert evaluate(raw, NAMES) == gives
