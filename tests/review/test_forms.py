"""Forms as browsers send them."""

from datetime import date

import pytest
from trueup.review.forms import MOST_FIELDS, FormError, parse_form


def test_fields_are_read_with_all_their_values():
    form = parse_form(b"row=a%3A1&row=b:2&reason=+two+words+&empty=&key=%20odd%20")

    assert form.values("row") == ["a:1", "b:2"]
    assert form.value("reason") == "two words"
    assert form.value("empty") == form.value("absent") == ""
    assert form.raw("key") == " odd "
    assert form.values("absent") == ()


def test_letters_of_every_script_arrive():
    assert parse_form(b"name=%D7%A9%D7%9C%D7%95%D7%9D+%F0%9F%A6%B7").value("name") == "שלום 🦷"


@pytest.mark.parametrize("other", ["30.11.2026", "20261130", "2026-W48-1", "2026-11-30T10:00"])
def test_days_are_read_and_anything_else_is_refused(other):
    form = parse_form(f"until=2026-11-30&on=&other={other}".encode())

    assert form.day("until") == date(2026, 11, 30)
    assert form.day("on") is None
    with pytest.raises(FormError, match="is no day: write it as 2026-11-30"):
        form.day("other")


@pytest.mark.parametrize("body", [b"a=%ff", b"a=\xff", b"a=1&" * (MOST_FIELDS + 1)])
def test_what_no_page_sends_is_refused(body):
    with pytest.raises(FormError):
        parse_form(body)
