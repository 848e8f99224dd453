"""No line of output is wider than the terminal, and nothing is lost where a line is broken."""

import re
import tracemalloc
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace
from trueup.render.history import run_text
from trueup.render.layout import Cell, Line, lay_out
from trueup.render.outcome import outcome_text
from trueup.render.sanitize import sanitize, width
from trueup.render.style import Style
from trueup.render.text import plan_text
from trueup.render.view import Arrangement, GroupBy
from trueup.render.wrapping import wrap

ANY_TEXT = st.text(st.characters(codec=None), max_size=80).map(sanitize)
ZURICH = ZoneInfo("Europe/Zurich")
TERMINALS = (20, 40, 60, 80, 100, 120, 200)


def widest(text):
    return max(width(line) for line in text.splitlines())


@pytest.mark.parametrize("columns", TERMINALS)
@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("group", GroupBy)
def test_a_plan_fits_its_terminal(a_plan, columns, verbose, group):
    style = Style(columns=columns)
    text = plan_text(a_plan, style, verbose=verbose, arrangement=Arrangement(group=group))
    assert widest(text) <= columns


@pytest.mark.parametrize("columns", TERMINALS)
def test_runs_and_outcomes_fit_their_terminal(run_history, outcome, columns):
    style = Style(columns=columns)
    assert widest(run_text(run_history, ZURICH, style)) <= columns
    assert widest(outcome_text(outcome, style, verbose=True)) <= columns


def test_a_narrow_page_has_the_same_words(a_plan):
    words = [re.findall(r"\w+", plan_text(a_plan, Style(columns=n))) for n in (120, 20_000)]
    assert sorted(words[0]) == sorted(words[1])


@pytest.mark.parametrize("columns", [30, 40])
def test_cells_that_are_not_beside_each_other_keep_their_names(a_plan, columns):
    text = plan_text(a_plan, Style(columns=columns))
    assert "\nMoney\n  This invoice run\n    more +£548.21" in text
    assert "    a month +£50.40\n" in text


def test_a_page_of_forty_columns_reads_well(a_plan, golden):
    golden("plan_40_columns.txt", plan_text(a_plan, Style(columns=40)))


def test_colours_are_around_each_piece_of_a_broken_line(a_plan):
    def mark(text):
        assert text == text.strip(" ")
        return f"⟦{text}⟧"

    marked = Style(**dict.fromkeys(("heading", "change", "error", "warn"), mark), columns=40)
    plain = plan_text(a_plan, replace(marked, heading=str, change=str, error=str, warn=str))
    text = re.sub("[⟦⟧]", "", plan_text(a_plan, marked))
    assert text == plain


@given(ANY_TEXT, st.integers(2, 60), st.integers(0, 6))
def test_a_wrapped_text_fits_and_loses_nothing_but_spaces(text, columns, hanging):
    lines = wrap(text, columns, hanging)
    assert all(width(line) <= max(columns, hanging + 2) for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@given(
    st.lists(st.lists(ANY_TEXT, min_size=1, max_size=5), min_size=1, max_size=5),
    st.integers(12, 150),
    st.booleans(),
)
@example(rows=[["", "", "", "0" * 83]], columns=12, wraps=False)  # wider than any column
def test_lines_of_one_kind_fit_whatever_is_in_them(rows, columns, wraps):
    lines = [Line(tuple(Cell(text, wraps=wraps) for text in row), "k", 2) for row in rows]
    shown = lay_out(lines, columns)
    assert all(width(line) <= columns for line in shown)
    letters = sorted(letter for row in rows for text in row for letter in text if letter != " ")
    assert sorted("".join(shown).replace(" ", "")) == letters


def test_figures_keep_their_column_and_texts_are_wrapped_in_theirs():
    rows = [("a text of several words that is long", "1.00"), ("short", "-20.00")]
    lines = [Line((Cell(text), Cell(figure, right=True)), "k") for text, figure in rows]
    assert lay_out(lines, 30) == [
        "a text of several         1.00",
        "  words that is long",
        "short                   -20.00",
    ]


@pytest.mark.parametrize("text", ["x" * 200_000, "é" * 200_000, "ab " * 70_000])
def test_a_word_of_megabytes_is_wrapped_without_copies_of_its_rest(text):
    tracemalloc.start()
    try:
        lines = wrap(text, 60)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert {*map(width, lines[:-1])} <= {59, 60}
    assert peak < 10 * len(text.encode())


def test_a_command_stays_in_one_line_where_it_can():
    text = "Say `trueup decide customer KEY push --reason …`, or wait"
    assert wrap(text, 47) == ["Say", "`trueup decide customer KEY push --reason …`,", "or wait"]
    assert wrap(text, 30) == [
        "Say `trueup decide customer",
        "KEY push --reason …`, or wait",
    ]
