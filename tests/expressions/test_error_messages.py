"""The error of an expression has a plain text that does not mention Python or its libraries."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from trueup.expressions import EVALUATION_ERRORS, Program, evaluate

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

MESSAGES = [
    ("1 / 0", "divided by zero"),
    ("price / 0", "divided by zero"),
    ("nil / nil", "divided by zero"),
    ("whole // 0", "divided by zero"),
    ("price // nil", "divided by zero"),
    ("whole % 0", "divided by zero"),
    ("price % nil", "divided by zero"),
    ("price | round(99999)", "the number is out of range"),
    ("price * price | round(50)", "the number is out of range"),
    ("day | days(999999999)", "the day is out of range"),
    ("day | days(99999999999999999999)", "the day is out of range"),
    ("day | months(99999)", "the day is out of range"),
    ("text | days(1)", "'Alpine' is not a day"),
    ("text | months(1)", "'Alpine' is not a day"),
    ("whole - nothing", "- cannot be used on a number and nothing"),
    ("nothing - day", "- cannot be used on nothing and a day"),
    ("day + price", "+ cannot be used on a day and a number"),
    ("text + whole", "+ cannot be used on text and a number"),
    ("many | sum", "+ cannot be used on a number and text"),
    ("-text", "text is not a number"),
    ("text | abs", "text is not a number"),
    ("whole < text", "a number and text cannot be compared"),
    ("whole > row", "a number and a row cannot be compared"),
    ("day < at", "a day and a point in time cannot be compared"),
    ("day >= text", "a day and text cannot be compared"),
    ("many | sort", "text and a number cannot be compared"),
    ("whole | length", "a number is not a list"),
    ("nothing | sum", "nothing is not a list"),
    ("whole | first", "a number is not a list"),
    ("whole in nothing", "nothing is not a list"),
    ("[row] | unique", "a row is not a single value"),
    ("text | replace(1, 2)", "text is expected, not a number"),
    ("day | days('a')", "'a' is not a number"),
    ("day | months(price)", "1.5 is not whole"),
    ("text | slice(price)", "1.5 is not whole"),
    ("text | lower(3)", "the arguments in the brackets do not fit"),
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


@pytest.mark.parametrize(("expression", "message"), MESSAGES, ids=[case[0] for case in MESSAGES])
def test_an_error_has_a_plain_text(expression, message):
    with pytest.raises(EVALUATION_ERRORS) as alone:
        evaluate(f"{{{{ {expression} }}}}", NAMES)
    with pytest.raises(EVALUATION_ERRORS) as among_others:
        Program(["{{ 1 }}", f"{{{{ not ({expression}) }}}}"])(dict(NAMES))

    assert str(alone.value) == message
    assert str(among_others.value) == message
