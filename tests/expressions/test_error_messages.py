"""What an expression raises on a row is told in words of this tool: Python and its libraries are not mentioned."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from engine.expressions import EVALUATION_ERRORS, Program, evaluate

NAMES = {
    "text": "Alpine",
    "whole": 5,
    "price": Decimal("1.5"),
    "nil": Decimal(0),
    "nothing": None,
    "day": date(2026, 1, 31),
    "at": datetime(2026, 1, 31, tzinfo=UTC),
    "many": [1, "a"],
    "row": {"a": 1},
    "yes": True,
}

SAID = [
    ("1 / 0", "divided by zero"),
    ("price / 0", "divided by zero"),
    ("nil / nil", "divided by zero"),
    ("whole // 0", "divided by zero"),
    ("price // nil", "divided by zero"),
    ("whole % 0", "divided by zero"),
    ("price % nil", "divided by zero"),
    ("price | round(99999)", "a number is out of all range"),
    ("price * price | round(50)", "a number is out of all range"),
    ("day | days(999999999)", "the day is out of all range"),
    ("day | days(99999999999999999999)", "the day is out of all range"),
    ("day | months(99999)", "the day is out of all range"),
    ("text | days(1)", "'Alpine' is not a day"),
    ("text | months(1)", "'Alpine' is not a day"),
    ("whole - nothing", "- is not for a number and nothing"),
    ("nothing - day", "- is not for nothing and a day"),
    ("day + price", "+ is not for a day and a number"),
    ("text + whole", "+ is not for text and a number"),
    ("many | sum", "+ is not for a number and text"),
    ("-text", "text is not a number"),
    ("text | abs", "text is not a number"),
    ("whole < text", "a number and text cannot be compared"),
    ("whole > row", "a number and a row cannot be compared"),
    ("day < at", "a day and a point in time cannot be compared"),
    ("day >= text", "a day and text cannot be compared"),
    ("many | sort", "text and a number cannot be compared"),
    ("whole | length", "a number is no list"),
    ("nothing | sum", "nothing is no list"),
    ("whole | first", "a number is no list"),
    ("whole in nothing", "nothing is no list"),
    ("[row] | unique", "a row is not one value"),
    ("text | replace(1, 2)", "text is wanted, not a number"),
    ("day | days('a')", "a number is wanted, not text"),
    ("text | lower(3)", "what stands in the brackets does not fit"),
    ("many | map('x')", "a number has no 'x'"),
    ("text.foo", "text 'Alpine' has no 'foo'"),
    ("price.foo", "number 1.5 has no 'foo'"),
    ("yes.foo", "true has no 'foo'"),
    ("many.foo", "a list has no 'foo'"),
    ("whole[0]", "nothing can be looked up in a number"),
    ("day | int", "2026-01-31 is not a number"),
    ("row | int", "a map is not a number"),
    ("yes | int", "true is not a number"),
    ("price | date", "1.5 is not a day"),
    ("many | date", "a list is not a day"),
]


@pytest.mark.parametrize(("expression", "says"), SAID, ids=[one for one, _ in SAID])
def test_it_is_told_in_words(expression, says):
    with pytest.raises(EVALUATION_ERRORS) as alone:
        evaluate(f"{{{{ {expression} }}}}", NAMES)
    with pytest.raises(EVALUATION_ERRORS) as among_others:
        Program(["{{ 1 }}", f"{{{{ not ({expression}) }}}}"])(dict(NAMES))

    assert str(alone.value) == says
    assert str(among_others.value) == says
