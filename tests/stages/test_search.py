"""How well records fit a text that a user typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trueup.model.record_search import Fit
from trueup.stages.search import rank

NAME = "Alpine Dental AG"
WEB = "https://www.alpine-dental.example/start"


@pytest.mark.parametrize(
    ("value", "text", "fit"),
    [
        (NAME, " alpine dental ag ", Fit.SAME),
        (NAME, "Alpine Dental", Fit.NAME),
        ("Föhnwind Energie AG", "fohnwind energie", Fit.NAME),
        (WEB, "info@alpine-dental.example", Fit.DOMAIN),
        (NAME, "alpine d", Fit.BEGINS),
        ("CFQ7TTC0LCHC:0002-M", "0002-m", Fit.CONTAINS),
        (NAME, "dental alpine", Fit.WORDS),
        (NAME, "Alpine Dentla", Fit.ALIKE),
        (NAME, "Alpine Hotel Group", Fit.SOME_WORDS),
        ("W365_12", "w365_1", Fit.BEGINS),
    ],
)
def test_a_text_fits_a_value_so(value, text, fit):
    assert [(id_, fits.by) for id_, fits in rank({7: {"name": value}}, text)] == [
        (7, (("name", fit),))
    ]


@pytest.mark.parametrize("text", ["Brightwater", "12", "enx"])
def test_another_text_fits_nothing(text):
    assert rank({7: {"name": NAME}}, text) == []


def test_the_best_come_first_with_all_fields_that_fit():
    records = {
        1: {"name": "Alpine Hotel", "web": WEB},
        2: {"name": NAME, "web": WEB},
        3: {"name": "Dental Alpine Ltd"},
        4: {"name": "Brightwater"},
    }

    found = [(id_, fits.by) for id_, fits in rank(records, "alpine dental")]

    assert found == [
        (2, (("name", Fit.NAME), ("web", Fit.CONTAINS))),
        (1, (("web", Fit.CONTAINS),)),
        (3, (("name", Fit.WORDS),)),
    ]


def test_words_may_be_in_several_fields():
    records = {5: {"contract": "Alpine Dental AG-CSP-Annual", "service": "Microsoft 365 E3"}}

    ((_, fits),) = rank(records, "alpine e3")

    assert fits.by == (("contract", Fit.WORDS), ("service", Fit.WORDS))


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=8), st.text(max_size=12))
def test_any_text_is_ranked_and_the_order_of_records_does_not_matter(values, text):
    records = {number: {"name": value} for number, value in enumerate(values)}

    found = rank(records, text)

    assert found == rank(dict(reversed(records.items())), text)
    assert {id_ for id_, _ in found} <= records.keys()
