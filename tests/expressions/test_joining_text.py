"""`~` writes a value as a template does."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from trueup.expressions.program import evaluate

VALUES = {
    "none": None,
    "text": "Alpine",
    "price": Decimal("12.50"),
    "whole": Decimal("1E+2"),
    "seats": 12,
    "day": date(2026, 11, 15),
    "instant": datetime(2026, 11, 15, 8, 30, tzinfo=UTC),
    "yes": True,
    "list": [Decimal("1.50"), None, date(2026, 11, 15)],
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_written_as_in_a_template(name: str):
    names = {"source": VALUES}

    joined = evaluate(f"{{{{ '<' ~ source.{name} ~ '>' }}}}", names)

    assert joined == evaluate(f"<{{{{ source.{name} }}}}>", names)
    assert joined == evaluate(f"{{{{ ['<', source.{name}, '>'] | join('') }}}}", names)
    assert joined == evaluate(f"<{{{{ source.{name} | string }}}}>", names)


def test_the_items_of_a_list_are_written_like_single_values():
    assert evaluate("<{{ source.list }}>", {"source": VALUES}) == "<1.5, , 2026-11-15>"


def test_nothing_is_an_empty_text_and_decimals_have_no_idle_zeros():
    names = {"source": VALUES}

    assert evaluate("{{ 'a' ~ source.none ~ 'b' }}", names) == "ab"
    assert evaluate("{{ source.price ~ ' / ' ~ source.whole }}", names) == "12.5 / 100"
    assert evaluate("{{ (source.none ~ source.none) or 'empty' }}", names) == "empty"
    assert evaluate("{{ ('a' ~ (source.price ~ 'b')) | upper }}", names) == "A12.5B"


def test_what_does_not_exist_is_an_error_not_a_text():
    with pytest.raises(Exception, match="there is no 'nothing'"):
        evaluate("{{ 'a' ~ source.nothing }}", {"source": VALUES})
