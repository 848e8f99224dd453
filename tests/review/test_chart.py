"""The chart of units: it lies within its frame, and says in words what it shows."""

from datetime import date, timedelta

import pytest
from trueup.model.change import RowRef
from trueup.render.unit_steps import ServiceUnits, UnitLevel
from trueup.review.chart import HEIGHT, WIDTH, chart

DAY = date(2026, 11, 10)


def steps(*pairs):
    found = [UnitLevel(DAY + timedelta(20 * n), *pair) for n, pair in enumerate(pairs)]
    return ServiceUnits(RowRef("subscription", "one"), (), tuple(found))


@pytest.mark.parametrize(
    "pairs", [[(0, 0)], [(0, 5)], [(10, 10), (10, 13)], [(99_999, 1), (0, 100_000), (7, 7)]]
)
def test_all_of_it_lies_within_the_frame(pairs):
    made = chart("Mail", steps(*pairs))

    for path in (made.before, made.after):
        numbers = [
            int(one) for one in path.replace("M", " ").replace("H", " ").replace("V", " ").split()
        ]
        assert all(0 <= one <= WIDTH for one in numbers)
        assert path.startswith("M40 ")
        assert path.endswith(f"H{WIDTH - 70}")
    assert all(0 < one.at < WIDTH for one in made.days)
    assert all(0 < one.at < HEIGHT for one in made.units)
    assert abs(made.before_end - made.after_end) >= 10 or made.before == made.after


def test_a_new_service_begins_with_nothing():
    assert chart("Mail", steps((0, 5))).after == "M40 116H225V12H410"


def test_the_lines_are_the_steps_and_are_in_words_too():
    made = chart("Mail", steps((10, 10), (10, 20)))

    assert made.before == "M40 64H179V64H271V64H410"
    assert made.after == "M40 64H179V64H271V12H410"
    assert made.title == "Units of Mail over time"
    assert made.description == (
        "from 2026-11-10 10 before, 10 after; from 2026-11-30 10 before, 20 after"
    )
