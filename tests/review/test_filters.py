"""Which rows a list shows, from what stands in its address."""

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from trueup.model.change import RowRef
from trueup.model.note import Note
from trueup.render.pennies import UNBOUNDED
from trueup.render.view import Sort
from trueup.review.filters import GROUPS, IN_GROUP, PAGE, Filter, counted, total
from trueup.review.owners import Owner, Owners


@dataclass(frozen=True)
class Line:
    name: str
    weight: Decimal = Decimal(0)
    customer: str = ""
    states: tuple = ()
    classes: tuple = ()
    service: str = ""
    contract: str = ""
    sums: tuple = ()
    notes: tuple = ()

    @property
    def owners(self):
        named = {name: getattr(self, name) for name in ("customer", "service", "contract")}
        return Owners(
            **{name: RowRef(name, one, one) if one else None for name, one in named.items()}
        )

    @property
    def words(self):
        return f"{self.name} {self.customer}".casefold()


LINES = [
    Line("Mail", Decimal(5), "Alpine Dental", ("adjust",), ("changed in Work 365",), "E-mail"),
    Line("Backup", Decimal(90), "Straße & Co", ("adjust", "mark"), (), "Storage"),
    Line(
        "Phone",
        Decimal(5),
        "Alpine Bakery",
        ("blocked",),
        ("no-phone", "depends"),
        notes=(Note("a", "b", "asked", ("vip", "renewal"), "Ada"), Note("a", "c", tags=("x",))),
    ),
]


def names(**query):
    return [line.name for line in Filter.from_query(query).choose(LINES)]


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
        ({"class": "depends"}, ["Phone"]),
        ({"class": "depend"}, []),
        ({"service": "STOR"}, ["Backup"]),
        ({"under": "customer:Alpine Dental"}, ["Mail"]),
        ({"under": "service:E-mail"}, ["Mail"]),
        ({"under": "contract:E-mail"}, []),
        ({"amount": "5.01"}, ["Backup"]),
        ({"owner": "Ada"}, ["Phone"]),
        ({"owner": "nobody"}, ["Backup", "Mail"]),
        ({"owner": "Ad"}, []),
        ({"tag": "renewal"}, ["Phone"]),
        ({"tag": "x"}, ["Phone"]),
        ({"tag": "ren"}, []),
        ({"amount": "1,000"}, []),
        ({"text": " ALPINE "}, ["Mail", "Phone"]),
        ({"state": "blocked", "customer": "alpine", "text": "phone"}, ["Phone"]),
    ],
)
def test_each_part_narrows(query, found):
    assert names(**query) == found
    assert Filter.from_query(query).narrows


def test_a_row_without_a_price_may_be_any_amount():
    lines = [*LINES, Line("Unpriced", UNBOUNDED, "Alpine Dental", sums=(Decimal(1),))]

    found = Filter.from_query({"amount": "1000"}).choose(lines)
    groups = Filter().groups([replace(line, sums=(line.weight,)) for line in lines[:3]] + lines[3:],
                             Owner.CUSTOMER).rows  # fmt: skip

    assert [line.name for line in found] == ["Unpriced"]
    assert [(group.name, group.price_unknown) for group in groups] == [
        ("Alpine Dental", True),
        ("Straße & Co", False),
        ("Alpine Bakery", False),
    ]


def test_an_amount_selects_no_row_whose_amount_is_unknown():
    lines = [*LINES, Line("Unpriced", UNBOUNDED)]

    def selected(**query):
        return [line.name for line in Filter.from_query(query).select(lines)]

    assert selected(amount="50") == ["Backup"]
    assert selected(amount="0") == selected() == ["Unpriced", "Backup", "Mail", "Phone"]


@pytest.mark.parametrize("page", ["", "0", "-1", "x", "9" * 30, "²", "1.5"])
def test_an_invalid_page_is_the_first_or_the_last(page):
    part = Filter.from_query({"page": page}).part([Line(str(n)) for n in range(PAGE + 1)])

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


def test_the_address_holds_all_of_it_and_begins_again_where_something_changes():
    query = {
        "state": "held", "class": "depends", "customer": "Söhne & Co", "service": "Mail",
        "under": "customer:a:b", "amount": "12.50", "owner": "Ada", "tag": "a b",
        "text": "a b", "sort": "name",
        "group": "service", "page": "3",
    }  # fmt: skip
    wanted = Filter.from_query(query)

    assert wanted.query(page=3) == query
    assert wanted.query() == {**{k: v for k, v in query.items() if k != "page"}}
    assert wanted.query(state="", sort=Sort.MONEY, page=2) == {
        **{k: v for k, v in query.items() if k not in {"state", "sort"}},
        "page": "2",
    }
    assert Filter.from_query({}).query() == {}


@pytest.mark.parametrize(
    "amount",
    ["x", "NaN", "Infinity", "1e999999999", "9" * 30, "--1", "12,50", "£12", "1,00,000", ",1"],
)
def test_an_invalid_amount_leaves_nothing_out(amount):
    wanted = Filter.from_query({"amount": amount})

    assert (wanted.narrows, wanted.no_amount) == (False, amount)
    assert len(wanted.choose(LINES)) == len(LINES)


def test_states_are_counted():
    assert counted(line.states for line in LINES) == {"adjust": 2, "mark": 1, "blocked": 1}


def grouped(many=60, **query):
    """Lines of several customers and none, as groups."""
    lines = [
        Line(f"{n:03}", Decimal(n % 7), f"Customer {n % 9}" if n % 9 else "", service=f"S{n % 2}",
             sums=(Decimal(n), None, Decimal(-n) / 4))
        for n in range(many)
    ]  # fmt: skip
    return lines, Filter.from_query(query)


@pytest.mark.parametrize("owner", [*Owner])
def test_groups_add_up_to_the_list(owner):
    lines, wanted = grouped()
    part = wanted.groups(lines, owner)

    assert sum(group.total for group in part.rows) == len(lines)
    sums = [sum(one, Decimal(0)) for one in zip(*(group.sums for group in part.rows), strict=True)]
    assert sums == total(lines) != [0, 0, 0]


def test_a_group_shows_its_first_rows_and_the_groups_have_pages():
    lines = [
        Line(f"{n:03}", customer=f"C{n // 8}", sums=(Decimal(1),)) for n in range(8 * (GROUPS + 1))
    ]
    first, last = (Filter.from_query({"page": page}).groups(lines, Owner.CUSTOMER) for page in "12")

    assert (len(first.rows), len(last.rows), first.total) == (GROUPS, 1, GROUPS + 1)
    assert (last.first, last.last) == (GROUPS + 1, GROUPS + 1)
    assert {len(group.rows) for group in first.rows} == {IN_GROUP}
    assert {group.total for group in first.rows} == {8}


def test_the_most_expensive_group_is_first_or_by_name_and_rows_without_an_owner_are_one():
    lines, wanted = grouped()
    by_money = wanted.groups(lines, Owner.CUSTOMER).rows
    by_name = Filter.from_query({"sort": "name"}).groups(lines, Owner.CUSTOMER).rows

    assert [group.weight for group in by_money] == sorted(
        (group.weight for group in by_money), reverse=True
    )
    assert [group.name for group in by_name][:2] == ["(no customer)", "Customer 1"]


def test_two_customers_with_one_name_are_two_groups():
    @dataclass(frozen=True)
    class Named(Line):
        @property
        def owners(self):
            return Owners(RowRef("customer", self.customer, "Alpine"))

    rows = [Named("a", customer="one"), Named("b", customer="two")]

    groups = Filter().groups(rows, Owner.CUSTOMER).rows
    assert [(group.name, group.total) for group in groups] == [("Alpine", 1), ("Alpine", 1)]
