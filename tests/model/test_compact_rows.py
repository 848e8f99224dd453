"""Rows of one table share their names, and are plain dicts all the same."""

import sys

import pytest
from trueup.model.compact_rows import row_maker

NAMES = [f"column_{number}" for number in range(15)]


def test_a_row_is_a_plain_dict_of_its_own():
    make = row_maker(["id", "name"])
    first, second = make(["a", 1]), make(["b", 2])
    first["more"] = True

    assert first.__class__ is dict
    assert (first, second) == ({"id": "a", "name": 1, "more": True}, {"id": "b", "name": 2})
    assert make(["c", 3]) == {"id": "c", "name": 3}


def test_a_row_takes_half_the_memory_of_a_dict_of_its_own():
    make = row_maker(NAMES)
    row = [make(range(15)) for _ in range(50)][-1]  # CPython learns the number of names

    assert sys.getsizeof(row) < sys.getsizeof(dict(zip(NAMES, range(15), strict=True))) / 2


def test_values_that_do_not_fit_the_names_are_an_error():
    with pytest.raises(ValueError, match="shorter"):
        row_maker(NAMES)([1])
