"""`~` writes a value as a template does."""

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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


def test_lists_and_maps_are_written_as_json():
    names = {"source": {**VALUES, "map": {"on": True, "of": [Decimal("2E+1"), 'a "b" é']}}}

    assert evaluate("<{{ source.list }}>", names) == '<[1.5, null, "2026-11-15"]>'
    assert evaluate("<{{ source.map }}>", names) == '<{"on": true, "of": [20, "a \\"b\\" é"]}>'
    assert evaluate("{{ {'a': 1} ~ [] ~ {} }}", names) == '{"a": 1}[]{}'


def test_booleans_and_numbers_are_written_as_in_expressions():
    assert evaluate("{{ true ~ ' ' ~ (1 > 2) }}", {}) == "true false"
    assert evaluate("<{{ 15 | round(-1) }}>", {}) == "<20>"


def test_a_list_of_rows_without_end_is_an_error():
    with pytest.raises(ValueError, match="too long to be written as text"):
        evaluate("<{{ source.rows }}>", {"source": {"rows": [{"name": "x" * 99}] * 1_000}})


single = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30),
    st.text(),
    st.dates(),
)
values = st.recursive(
    single,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(value=values)
def test_each_way_to_write_a_value_gives_the_same_text(value):
    names = {"source": {"value": value}}

    template = evaluate("<{{ source.value }}>", names)[1:-1]

    assert evaluate("{{ '<' ~ source.value }}", names) == f"<{template}"
    assert evaluate("{{ source.value | string }}", names) == template
    assert evaluate("{{ [source.value] | join }}", names) == template
    assert evaluate("<{{ [source.value] }}>", names) == f"<[{_in_json(value, template)}]>"
    if isinstance(value, list | dict):
        json.loads(template)
    elif isinstance(value, int | Decimal) and not isinstance(value, bool):
        assert re.fullmatch(r"-?[0-9]+(\.[0-9]*[1-9])?", template)
        assert Decimal(template) == value


def _in_json(value, text):
    """The text of a value as an item of a list."""
    if value is None:
        return "null"
    return json.dumps(text, ensure_ascii=False) if isinstance(value, str | date) else text


def test_nothing_is_an_empty_text_and_decimals_have_no_idle_zeros():
    names = {"source": VALUES}

    assert evaluate("{{ 'a' ~ source.none ~ 'b' }}", names) == "ab"
    assert evaluate("{{ source.price ~ ' / ' ~ source.whole }}", names) == "12.5 / 100"
    assert evaluate("{{ (source.none ~ source.none) or 'empty' }}", names) == "empty"
    assert evaluate("{{ ('a' ~ (source.price ~ 'b')) | upper }}", names) == "A12.5B"


def test_what_does_not_exist_is_an_error_not_a_text():
    with pytest.raises(Exception, match="there is no 'nothing'"):
        evaluate("{{ 'a' ~ source.nothing }}", {"source": VALUES})
