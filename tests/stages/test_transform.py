"""Rows through the one fused call: ready, out, or wanting a closer look."""

from engine.expressions.compiled import Compiled
from engine.expressions.context import Context
from engine.model.finding import Severity
from engine.stages.transform import transform
from tests.stages.small import ENTITY, mapping, rule, spec

FIELDS = [spec("contractName", "{{ source.name }}"), spec("units", "{{ source.units + 1 }}")]


def transformed(rows, rules=(), where="{{ source.state == 'Active' }}"):
    one = mapping(fields=FIELDS, where=where)
    compiled = Compiled(one, ENTITY, rules)
    return transform(compiled, rows, Context(one, {"contract": rows}, {}, {}), "id")


def row(id_, **more):
    return {"id": id_, "name": "Alpine", "units": 1, "state": "Active", **more}


def test_rows_that_all_rules_hold_for_are_ready_with_their_values():
    standing, suspects = transformed([row("a"), row("b", units=4)], [rule("r", "{{ source.name }}")])
    assert standing.ready == {"a": (True and "Alpine", "Alpine", 2), "b": ("Alpine", "Alpine", 5)}
    assert [*suspects] == []
    assert set(standing.rows) == {"a", "b"}


def test_rows_out_of_where_are_out():
    standing, suspects = transformed([row("a", state="Inactive"), row("b")])
    assert (standing.out, set(standing.ready), [*suspects]) == ({"a"}, {"b"}, [])


def test_rows_that_a_rule_is_against_or_an_expression_fails_on_are_looked_at_again():
    rules = [
        rule("named", "{{ source.name }}"),
        rule("says", "{{ source.gone }}", Severity.WARNING, when="{{ source.odd }}"),
    ]
    rows = [row("a", name="", odd=0), row("b", units=None, odd=0), row("c", odd=1), row("d", odd=0), row("e")]
    standing, suspects = transformed(rows, rules)
    assert set(standing.ready) == {"d"}
    assert [*suspects] == ["a", "b", "c", "e"]


def test_a_single_rule_that_is_against_a_row_is_enough():
    _, suspects = transformed([row("a", name="")], [rule("named", "{{ source.name }}")])
    assert [*suspects] == ["a"]


def test_a_where_that_fails_makes_the_row_one_to_look_at():
    _, suspects = transformed([row("a")], where="{{ source.gone == 1 }}")
    assert [*suspects] == ["a"]


def test_no_rows_give_nothing():
    standing, suspects = transformed([])
    assert (standing.ready, standing.out, [*suspects]) == ({}, set(), [])
