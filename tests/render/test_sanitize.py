"""Whatever stands in the data, a line stays a line and a terminal obeys nothing in it."""

import tracemalloc
import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trueup.errors import LONGEST_LINE
from trueup.render.csv_ import guarded
from trueup.render.formatting import count, known_as, money, number, plural, signed, unit_price
from trueup.render.layout import Cell, Line, lay_out
from trueup.render.sanitize import ELLIPSIS, LONGEST, clip, sanitize, width
from trueup.render.values import literal

ANY_TEXT = st.text(st.characters(codec=None), max_size=80)
JOINERS = {"\u200c", "\u200d"}


@given(ANY_TEXT)
def test_nothing_is_left_that_a_terminal_obeys(text):
    shown = sanitize(text)
    obeyed = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not [c for c in shown if unicodedata.category(c) in obeyed and c not in JOINERS]
    assert sanitize(shown) == shown
    shown.encode()


@given(ANY_TEXT, st.integers(1, 60))
def test_a_cut_text_is_as_wide_as_its_column_at_most(text, columns):
    assert width(clip(sanitize(text), columns)) <= columns


@given(ANY_TEXT)
def test_no_cell_begins_as_a_formula(text):
    assert guarded(text)[:1] not in set("=+-@|%\t\r\n\uff1d\uff0b\uff0d\uff20")


@given(st.lists(st.lists(ANY_TEXT.map(sanitize), min_size=1, max_size=4), max_size=6))
def test_cells_of_one_kind_begin_in_one_column(rows):
    lines = [Line(tuple(Cell(cell) for cell in row), "a") for row in rows]
    out = lay_out(lines, 10_000)
    assert len(out) == len(rows)
    assert not any(line.endswith(" ") for line in out)


def test_marks_piled_on_a_letter_are_cut():
    assert sanitize("a" + "\u0301" * 50) == "a" + "\u0301" * 4


def test_a_text_without_end_ends():
    assert sanitize("x" * 10_000) == "x" * 499 + "…"
    assert known_as("x" * 200) == "x" * 79 + "…"
    assert known_as("") == "(no name)"


def test_wide_letters_count_two_and_marks_none():
    assert (width("abc"), width("日本"), width("é"), width("e\u0301")) == (3, 4, 1, 1)


def test_control_characters_are_written_out():
    assert (
        sanitize("a\x1b[31m\x07\x9b\u202e\ud800\u2028b\tc\nd")
        == "a\\x1b[31m\\x07\\x9b\\u202e\\ud800\\u2028b c d"
    )


def test_a_cell_wider_than_the_widest_moves_only_its_own_line():
    lines = [
        Line((Cell("x" * 90), Cell("a")), "k"),
        Line((Cell("y"), Cell("b")), "k"),
        Line((Cell("zzz"), Cell("c")), "k"),
    ]
    assert lay_out(lines) == ["x" * 90 + "   a", "y     b", "zzz   c"]


@pytest.mark.parametrize(
    ("amount", "currency", "plain", "with_sign"),
    [
        ("50.4", "GBP", "£50.40", "+£50.40"),
        ("-1250.555", "EUR", "-€1,250.56", "-€1,250.56"),
        ("0.004", "USD", "$0.00", "$0.00"),
        ("-0.004", "USD", "$0.00", "$0.00"),
        ("3", "CHF", "CHF 3.00", "+CHF 3.00"),
        ("3", "", "3.00", "+3.00"),
    ],
)
def test_money_is_shown_rounded_with_its_sign(amount, currency, plain, with_sign):
    assert money(Decimal(amount), currency) == plain
    assert money(Decimal(amount), currency, signed=True) == with_sign


def test_numbers_lose_the_zeros_that_a_database_adds():
    assert [number(Decimal(n)) for n in ("20.0000", "2.50", "100", "1E+2")] == [
        "20",
        "2.5",
        "100",
        "100",
    ]
    assert [signed(n) for n in (2, -3, 0)] == ["+2", "-3", "0"]


def test_words_have_their_plurals():
    one = ("contact", "company", "day", "address", "license_change", "branch")
    many = ["contacts", "companies", "days", "addresses", "license changes", "branches"]
    assert [plural(word) for word in one] == many
    assert (count(1, "license_change"), count(1084, "row")) == ("1 license change", "1,084 rows")


@pytest.mark.parametrize("text", ["x" * 1_000_000, "a b " * 250_000, "\n" * 999_000 + "x" * 1_000])
def test_an_absurd_text_is_cut_before_it_is_looked_at(text):
    tracemalloc.start()
    try:
        shown = sanitize(text), literal(text), literal([text] * 2, whole=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert len(shown[0]) == LONGEST
    assert len(shown[1]) <= 4 * LONGEST  # each line break is four characters here
    assert all(one.endswith(ELLIPSIS) for one in shown[:2])
    assert " characters…] " in shown[2]
    assert len(shown[2]) < 4 * LONGEST_LINE
    assert peak < 10 * len(text)


@pytest.mark.parametrize(
    ("price", "shown"),
    [
        ("22.555", "£22.555"),
        ("22.5", "£22.50"),
        ("1234567", "£1,234,567.00"),
        ("0.0049", "£0.0049"),
        ("10.99995", "£11.00"),
        ("-0.5", "-£0.50"),
        ("1E+3", "£1,000.00"),
    ],
)
def test_the_price_of_a_unit_has_the_places_that_it_has_up_to_four(price, shown):
    assert unit_price(Decimal(price), "GBP") == shown
