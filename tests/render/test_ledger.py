"""Tests of the lines of the ledger."""

import pytest
from msgspec.structs import replace
from trueup.model.plan import LedgerClass
from trueup.render.ledger import name_of

from tests.render.conftest import ledger


@pytest.mark.parametrize(
    ("customer", "name", "shown"),
    [
        ("Dunmore", "Microsoft 365 E5", "Dunmore, Microsoft 365 E5"),
        ("Dunmore", "Dunmore, Microsoft 365 E5", "Dunmore, Microsoft 365 E5"),
        ("Dunmore", "Dunmore: Microsoft 365 E5", "Dunmore: Microsoft 365 E5"),
        ("Dunmore", "Dunmore", "Dunmore"),
        ("Micro", "Microsoft 365 E5", "Micro, Microsoft 365 E5"),
        ("365", "3650 seats", "365, 3650 seats"),
        ("", "Microsoft 365 E5", "Microsoft 365 E5"),
    ],
)
def test_a_line_names_the_customer_once(customer, name, shown):
    line = replace(ledger(LedgerClass.MATCH, name, (1, 1, 0), None), customer=customer)

    assert name_of(line) == shown
