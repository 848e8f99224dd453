"""Three small tables, and namespaces over them, for tests of joins."""

from decimal import Decimal
from typing import Any

from trueup.expressions.namespace import Namespace
from trueup.model.finding import Place
from trueup.model.mapping import Join, MappingSpec, SourceSpec, TargetSpec, Value

HERE = Place("mappings/x.yaml", 1, 1)
TABLES: dict[str, list[dict[str, Any]]] = {
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
    """Returns a join; `where` is the text of its expression."""
    return Join(name, table, on, HERE, Value(where, HERE) if where is not None else None, one)


def namespace(*joins, table="contract"):
    """Returns the namespace of a mapping of the table with these joins."""
    source = SourceSpec(table, HERE, joins={join.name: join for join in joins})
    mapping = MappingSpec("x", "X", "X", source, TargetSpec("Contracts", HERE), {}, HERE)
    return Namespace(mapping, TABLES, {"least": Decimal(1)}, {"as_of": "2026-11-15"})


def row(table, id_):
    """Returns the row of a table by its id."""
    return next(row for row in TABLES[table] if row["id"] == id_)


def related(made, name, id_="c1", table="contract"):
    """Returns what a join gives for a row: on first use, and to readers of many rows alike."""
    on_first_use = made.names(row(table, id_))["related"][name]
    assert made.reader([name])(row(table, id_))["related"][name] == on_first_use
    return on_first_use


def ids(rows):
    """Returns the ids of rows."""
    return [row["id"] for row in rows]
