"""Which rows the joins of a mapping give."""

import pytest
from jinja2 import UndefinedError
from trueup.expressions import evaluate
from trueup.expressions.joins import used_joins

from tests.support.joined_tables import ids, join, namespace, related, row


def test_a_join_gives_all_rows_in_the_order_of_their_table():
    assert ids(related(namespace(join("logs", "log", {"contract": "id"})), "logs")) == [
        "l1",
        "l2",
        "l3",
    ]


@pytest.mark.parametrize(
    ("table", "on", "expected"),
    [
        ("contract", {"customer": "customer"}, ["c1", "c2"]),
        ("contract", {"id": "id"}, ["c1"]),
        ("account", {"id": "customer"}, ["a1"]),
        ("log", {"contract": "id"}, ["l1", "l2", "l3"]),
    ],
)
def test_a_join_reads_the_table_that_it_names_by_the_columns_that_it_names(table, on, expected):
    assert ids(related(namespace(join("rows", table, on)), "rows")) == expected


def test_a_join_without_rows_gives_an_empty_list():
    assert related(namespace(join("logs", "log", {"contract": "id"})), "logs", "c3") == []


def test_a_join_of_one_gives_a_row_or_none():
    made = namespace(join("customer", "account", {"id": "customer"}, one=True))
    assert related(made, "customer")["name"] == "Alpine"
    assert related(made, "customer", "c3") is None


def test_rows_without_a_value_to_join_on_are_never_joined():
    made = namespace(join("contracts", "contract", {"customer": "contact"}), table="account")
    assert related(made, "contracts", "a2", "account") == []
    made = namespace(
        join("same", "log", {"contract": "contract", "product": "product"}), table="log"
    )
    assert ids(related(made, "same", "l1", "log")) == ["l1", "l2"]
    assert related(made, "same", "l3", "log") == []


def test_a_join_may_be_on_several_columns():
    made = namespace(join("logs", "log", {"contract": "id", "product": "customer"}))
    assert related(made, "logs") == []


def test_where_may_use_the_joined_row():
    made = namespace(
        join("gains", "log", {"contract": "id"}, "{{ row.quantity > settings.least }}")
    )
    assert ids(related(made, "gains")) == ["l1", "l3"]


def test_where_may_use_the_row_itself_and_its_joined_rows():
    own = join(
        "own", "log", {"contract": "id"}, "{{ row.id == 'l2' and source.state == 'Active' }}"
    )
    assert ids(related(namespace(own), "own")) == ["l2"]
    customer = join("customer", "account", {"id": "customer"}, one=True)
    through = join(
        "logs", "log", {"contract": "id"}, "{{ row.quantity > related.customer.number }}"
    )
    assert ids(related(namespace(customer, through), "logs")) == ["l1", "l3"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [(True, ["l1", "l2", "l3"]), (False, []), ("", []), ("text", ["l1", "l2", "l3"])],
)
def test_where_may_be_a_literal(where, expected):
    assert (
        ids(related(namespace(join("logs", "log", {"contract": "id"}, where)), "logs")) == expected
    )


def test_a_join_may_go_through_another_join_in_any_order():
    customer = join("customer", "account", {"id": "contract.customer"}, one=True)
    contract = join("contract", "contract", {"id": "contract"}, one=True)
    for made in (
        namespace(customer, contract, table="log"),
        namespace(contract, customer, table="log"),
    ):
        assert related(made, "customer", "l1", "log")["name"] == "Alpine"


def test_a_join_through_a_join_without_a_row_gives_none():
    contract = join("contract", "contract", {"id": "product"}, one=True)
    customer = join("customer", "account", {"id": "contract.customer"}, one=True)
    assert related(namespace(contract, customer, table="log"), "customer", "l1", "log") is None


def test_a_join_through_a_list_gives_no_rows():
    logs = join("logs", "log", {"contract": "id"})
    account = join("account", "account", {"id": "logs.contract"})
    assert related(namespace(logs, account), "account") == []


BROKEN = join("gains", "log", {"contract": "id"}, "{{ row.quantity > 1 }}")
MESSAGE = (
    r"related\.gains: its `where` cannot be evaluated for a row of log:"
    " nothing and a number cannot be compared"
)


def test_a_where_that_fails_on_a_row_fails_only_where_that_row_is_used():
    made = namespace(BROKEN)
    assert ids(related(made, "gains", "c1")) == ["l1", "l3"]
    names = made.names(row("contract", "c2"))
    assert evaluate("{{ source.state }}", names) == "Inactive"
    with pytest.raises(UndefinedError, match=MESSAGE):
        evaluate("{{ related.gains | length }}", names)


def test_a_where_that_fails_on_a_pair_of_rows_fails_the_same_way():
    made = namespace(
        join("gains", "log", {"contract": "id"}, "{{ row.quantity > 1 and source.id }}")
    )
    assert ids(related(made, "gains", "c1")) == ["l1", "l3"]
    with pytest.raises(UndefinedError, match=MESSAGE):
        evaluate("{{ related.gains | length }}", made.names(row("contract", "c2")))


def test_a_join_through_a_broken_join_fails_too():
    through = join("account", "account", {"id": "gains.contract", "name": "state"}, one=True)
    made = namespace(BROKEN, through)
    for names_of in (made.names, made.reader(["account"])):
        names = names_of(row("contract", "c2"))
        assert evaluate("{{ source.id }}", names) == "c2"
        with pytest.raises(UndefinedError, match=MESSAGE):
            evaluate("{{ related.account.name }}", names)


@pytest.mark.parametrize(
    ("raws", "used"),
    [
        (
            ["{{ related.customer.name }}", "of {{ related['logs'] | length }}"],
            {"customer", "logs"},
        ),
        (["{{ source.name }}", "related.customer", 5, None, "{related.customer}"], set()),
        (["{{ related }}"], set()),
    ],
)
def test_the_joins_that_values_use_are_found(raws, used):
    assert used_joins(raws) == used
