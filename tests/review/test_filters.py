"""Which rows a list shows, from what stands in its address."""

from dataclasses import dataclass
from decimal import Decimal

import pytest
from trueup.render.view import Sort
from trueup.review.filters import PAGE, Filter, states_of


@dataclass(frozen=True)
class Line:
    name: str
    weight: Decimal = Decimal(0)
    customer: str = ""
    states: tuple = ()

    @property
    def words(self):
        return f"{self.name} {self.customer}".casefold()


LINES = [
    Line("Mail", Decimal(5), "Alpine Dental", ("adjust",)),
    Line("Backup", Decimal(90), "Straße & Co", ("adjust", "mark")),
    Line("Phone", Decimal(5), "Alpine Bakery", ("blocked",)),
]


def names(**query):
    return [line.name for line in Filter.of(query).choose(LINES)]


def test_the_most_money_comes_first_and_equal_amounts_by_name():
    assert names() == ["Backup", "Mail", "Phone"]
    assert names(sort="name") == ["Backup", "Mail", "Phone"]
    assert [line.name for line in Filter(sort=Sort.NAME).choose(LINES[::-1])] == [
        "Backup", "Mail", "Phone",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "adjust"}, ["Backup", "Mail"]),
        ({"state": "mark"}, ["Backup"]),
        ({"state": "no such"}, []),
        ({"customer": "alpine"}, ["Mail", "Phone"]),
        ({"customer": "STRASSE"}, ["Backup"]),
        ({"text": "dental mail"}, ["Mail"]),
        ({"text": " ALPINE "}, ["Mail", "Phone"]),
        ({"state": "blocked", "customer": "alpine", "text": "phone"}, ["Phone"]),
    ],
)
def test_each_part_narrows(query, found):
    assert names(**query) == found
    assert Filter.of(query).narrows


@pytest.mark.parametrize("page", ["", "0", "-1", "x", "9" * 30, "²", "1.5"])
def test_a_page_that_is_none_is_the_first_or_the_last(page):
    part = Filter.of({"page": page}).part([Line(str(n)) for n in range(PAGE + 1)])

    assert part.number in {1, 2}
    assert part.pages == 2


def test_pages_have_their_share_and_together_all():
    lines = [Line(f"{n:03}") for n in range(2 * PAGE + 7)]
    parts = [Filter(page=number).part(lines) for number in (1, 2, 3)]

    assert [line for part in parts for line in part.rows] == lines
    assert [(part.first, part.last, part.total) for part in parts] == [
        (1, 50, 107), (51, 100, 107), (101, 107, 107),
    ]  # fmt: skip
    assert Filter(page=9).part(lines) == parts[2]


def test_a_list_without_rows_has_one_page():
    part = Filter().part([])

    assert (part.first, part.last, part.total, part.pages) == (0, 0, 0, 1)


def test_the_address_holds_all_of_it_and_begins_anew_where_something_changes():
    query = {"state": "held", "customer": "Söhne & Co", "text": "a b", "sort": "name", "page": "3"}
    wanted = Filter.of(query)

    assert wanted.query(page=3) == query
    assert wanted.query() == {**{k: v for k, v in query.items() if k != "page"}}
    assert wanted.query(state="", sort=Sort.MONEY, page=2) == {
        "customer": "Söhne & Co", "text": "a b", "page": "2",
    }  # fmt: skip
    assert Filter.of({}).query() == {}


def test_states_are_counted():
    assert states_of(LINES) == {"adjust": 2, "mark": 1, "blocked": 1}
