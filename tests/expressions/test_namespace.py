"""The names that the expressions of a mapping see for a row."""

from decimal import Decimal

import pytest
from jinja2 import UndefinedError
from trueup.expressions import evaluate

from tests.support.joined_tables import TABLES, ids, join, namespace, related, row


def test_names_are_the_row_its_joined_rows_the_settings_and_the_plan():
    names = namespace().names(row("contract", "c1"))
    assert names == {
        "source": TABLES["contract"][0],
        "related": {},
        "settings": {"least": Decimal(1)},
        "plan": {"as_of": "2026-11-15"},
    }


def test_names_without_a_row_have_no_source():
    assert namespace().base(record={"id": 5}) == {
        "source": None,
        "related": {},
        "settings": {"least": Decimal(1)},
        "plan": {"as_of": "2026-11-15"},
        "record": {"id": 5},
    }


def test_names_are_fresh_for_each_row():
    made = namespace(join("logs", "log", {"contract": "id"}))
    first = made.names(row("contract", "c1"))
    first["mine"] = 1
    first["related"]["logs"].clear()
    assert "mine" not in made.names(row("contract", "c1"))
    assert ids(related(made, "logs")) == ["l1", "l2", "l3"]


def test_only_the_named_joins_and_those_they_join_through_are_looked_up():
    contract = join("contract", "contract", {"id": "contract"}, one=True)
    customer = join("customer", "account", {"id": "contract.customer"}, one=True)
    other = join("other", "log", {"contract": "contract"})
    contact = join("contact", "account", {"contact": "contract.customer"})
    made = namespace(contract, customer, other, contact, table="log")
    l1 = row("log", "l1")
    assert set(made.reader([])(l1)["related"]) == set()
    assert set(made.reader(["customer"])(l1)["related"]) == {"customer", "contract"}
    assert set(made.reader(["customer", "contract", "contact"])(l1)["related"]) == {
        "customer",
        "contract",
        "contact",
    }


def test_joins_are_looked_up_on_first_use_if_none_are_named():
    contract = join("contract", "contract", {"id": "contract"}, one=True)
    customer = join("customer", "account", {"id": "contract.customer"}, one=True)
    names = namespace(contract, customer, table="log").names(row("log", "l1"))
    assert names["related"] == {}
    assert evaluate("{{ related.customer.name }}", names) == "Alpine"
    assert set(names["related"]) == {"customer", "contract"}
    with pytest.raises(UndefinedError, match="there is no 'unknown'"):
        evaluate("{{ related.unknown.name }}", names)
