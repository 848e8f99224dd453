"""What the expressions of a mapping see of a row."""

from decimal import Decimal

import pytest
from jinja2 import UndefinedError

from engine.expressions import evaluate
from engine.expressions.context import Context, used_joins
from engine.model.finding import Place
from engine.model.project import Join, MappingSpec, SourceSpec, TargetSpec, Value

HERE = Place("mappings/x.yaml", 1, 1)
TABLES = {
    "account": [
        {"id": "a1", "name": "Alpine", "contact": "k1", "number": 1},
        {"id": "a2", "name": "Brightwater", "contact": None, "number": 2},
    ],
    "contract": [
        {"id": "c1", "customer": "a1", "state": "Active"},
        {"id": "c2", "customer": "a1", "state": "Inactive"},
        {"id": "c3", "customer": None, "state": "Active"},
    ],
    "log": [
        {"id": "l1", "contract": "c1", "product": "p1", "quantity": Decimal(5)},
        {"id": "l2", "contract": "c1", "product": "p1", "quantity": Decimal(-2)},
        {"id": "l3", "contract": "c1", "product": None, "quantity": Decimal(9)},
        {"id": "l4", "contract": "c2", "product": "p1", "quantity": None},
    ],
}


def join(name, table, on, where=None, *, one=False):
    return Join(name, table, on, HERE, Value(where, HERE) if where is not None else None, one)


def context(*joins, table="contract"):
    source = SourceSpec(table, HERE, joins={one.name: one for one in joins})
    mapping = MappingSpec("x", "X", "X", source, TargetSpec("Contracts", HERE), {}, HERE)
    return Context(mapping, TABLES, {"least": Decimal(1)}, {"as_of": "2026-11-15"})


def row(table, id_):
    return next(one for one in TABLES[table] if one["id"] == id_)


def related(made, name, id_="c1", table="contract"):
    return made.names(row(table, id_))["related"][name]


def ids(rows):
    return [one["id"] for one in rows]


def test_names_are_the_row_its_relatives_the_settings_and_the_plan():
    names = context().names(row("contract", "c1"))
    assert names == {
        "source": TABLES["contract"][0],
        "related": {},
        "settings": {"least": Decimal(1)},
        "plan": {"as_of": "2026-11-15"},
    }


def test_names_without_a_row_have_no_source():
    assert context().base(record={"id": 5}) == {
        "source": None,
        "related": {},
        "settings": {"least": Decimal(1)},
        "plan": {"as_of": "2026-11-15"},
        "record": {"id": 5},
    }


def test_names_are_fresh_for_each_row():
    made = context(join("logs", "log", {"contract": "id"}))
    first = made.names(row("contract", "c1"))
    first["mine"] = 1
    first["related"]["logs"].clear()
    assert "mine" not in made.names(row("contract", "c1"))
    assert ids(related(made, "logs")) == ["l1", "l2", "l3"]


def test_a_join_gives_all_rows_in_the_order_of_their_table():
    assert ids(related(context(join("logs", "log", {"contract": "id"})), "logs")) == ["l1", "l2", "l3"]


def test_a_join_for_which_there_are_no_rows_gives_an_empty_list():
    assert related(context(join("logs", "log", {"contract": "id"})), "logs", "c3") == []


def test_a_join_of_one_gives_a_row_or_none():
    made = context(join("customer", "account", {"id": "customer"}, one=True))
    assert related(made, "customer")["name"] == "Alpine"
    assert related(made, "customer", "c3") is None


def test_rows_without_a_value_to_join_on_are_nobody_s():
    made = context(join("contracts", "contract", {"customer": "contact"}), table="account")
    assert related(made, "contracts", "a2", "account") == []
    made = context(join("same", "log", {"contract": "contract", "product": "product"}), table="log")
    assert ids(related(made, "same", "l1", "log")) == ["l1", "l2"]
    assert related(made, "same", "l3", "log") == []


def test_a_join_may_be_on_several_columns():
    made = context(join("logs", "log", {"contract": "id", "product": "customer"}))
    assert related(made, "logs") == []


def test_where_sees_the_joined_row():
    made = context(join("gains", "log", {"contract": "id"}, "{{ row.quantity > settings.least }}"))
    assert ids(related(made, "gains")) == ["l1", "l3"]


def test_where_may_see_the_row_itself_and_what_is_related_to_it():
    own = join("own", "log", {"contract": "id"}, "{{ row.id == 'l2' and source.state == 'Active' }}")
    assert ids(related(context(own), "own")) == ["l2"]
    customer = join("customer", "account", {"id": "customer"}, one=True)
    through = join("logs", "log", {"contract": "id"}, "{{ row.quantity > related.customer.number }}")
    assert ids(related(context(customer, through), "logs")) == ["l1", "l3"]


@pytest.mark.parametrize(
    ("where", "found"), [(True, ["l1", "l2", "l3"]), (False, []), ("", []), ("text", ["l1", "l2", "l3"])]
)
def test_where_may_be_a_literal(where, found):
    assert ids(related(context(join("logs", "log", {"contract": "id"}, where)), "logs")) == found


def test_a_join_may_go_through_another_one_whatever_their_order():
    customer = join("customer", "account", {"id": "contract.customer"}, one=True)
    contract = join("contract", "contract", {"id": "contract"}, one=True)
    for made in (context(customer, contract, table="log"), context(contract, customer, table="log")):
        assert related(made, "customer", "l1", "log")["name"] == "Alpine"


def test_a_join_through_one_that_gives_nothing_gives_nothing():
    contract = join("contract", "contract", {"id": "product"}, one=True)
    customer = join("customer", "account", {"id": "contract.customer"}, one=True)
    assert related(context(contract, customer, table="log"), "customer", "l1", "log") is None


def test_a_join_through_a_list_gives_nothing():
    logs = join("logs", "log", {"contract": "id"})
    account = join("account", "account", {"id": "logs.contract"})
    assert related(context(logs, account), "account") == []


def test_only_the_joins_asked_for_are_looked_up_and_those_they_go_through():
    contract = join("contract", "contract", {"id": "contract"}, one=True)
    customer = join("customer", "account", {"id": "contract.customer"}, one=True)
    other = join("other", "log", {"contract": "contract"})
    contact = join("contact", "account", {"contact": "contract.customer"})
    made = context(contract, customer, other, contact, table="log")
    l1 = row("log", "l1")
    assert set(made.names(l1, [])["related"]) == set()
    assert set(made.names(l1, ["customer"])["related"]) == {"customer", "contract"}
    assert set(made.names(l1, ["customer", "contract", "contact"])["related"]) == {"customer", "contract", "contact"}


def test_joins_that_nobody_asked_for_are_looked_up_when_they_are_used():
    contract = join("contract", "contract", {"id": "contract"}, one=True)
    customer = join("customer", "account", {"id": "contract.customer"}, one=True)
    names = context(contract, customer, table="log").names(row("log", "l1"))
    assert names["related"] == {}
    assert evaluate("{{ related.customer.name }}", names) == "Alpine"
    assert set(names["related"]) == {"customer", "contract"}
    with pytest.raises(UndefinedError, match="there is no 'nobody'"):
        evaluate("{{ related.nobody.name }}", names)


BROKEN = join("gains", "log", {"contract": "id"}, "{{ row.quantity > 1 }}")
SAYS = r"related\.gains: its where cannot be worked out for a row of log: nothing and a number cannot be compared"


def test_a_where_that_fails_on_a_row_is_told_where_that_row_is_used_and_nowhere_else():
    made = context(BROKEN)
    assert ids(related(made, "gains", "c1")) == ["l1", "l3"]
    names = made.names(row("contract", "c2"))
    assert evaluate("{{ source.state }}", names) == "Inactive"
    with pytest.raises(UndefinedError, match=SAYS):
        evaluate("{{ related.gains | length }}", names)


def test_a_where_that_fails_on_a_pair_of_rows_is_told_the_same_way():
    made = context(join("gains", "log", {"contract": "id"}, "{{ row.quantity > 1 and source.id }}"))
    assert ids(related(made, "gains", "c1")) == ["l1", "l3"]
    with pytest.raises(UndefinedError, match=SAYS):
        evaluate("{{ related.gains | length }}", made.names(row("contract", "c2")))


def test_what_is_joined_through_a_broken_join_is_broken_too():
    through = join("account", "account", {"id": "gains.contract", "name": "state"}, one=True)
    for joins in (None, ["account"]):
        names = context(BROKEN, through).names(row("contract", "c2"), joins)
        assert evaluate("{{ source.id }}", names) == "c2"
        with pytest.raises(UndefinedError, match=SAYS):
            evaluate("{{ related.account.name }}", names)


@pytest.mark.parametrize(
    ("raws", "used"),
    [
        (["{{ related.customer.name }}", "of {{ related['logs'] | length }}"], {"customer", "logs"}),
        (["{{ source.name }}", "related.customer", 5, None, "{related.customer}"], set()),
        (["{{ related }}"], set()),
    ],
)
def test_joins_that_values_use_are_known(raws, used):
    assert used_joins(raws) == used
