"""Rows through the one fused call: ready, out, or wanting a closer look."""

from trueup.expressions.compiled import Compiled
from trueup.expressions.namespace import Namespace
from trueup.model.finding import Severity
from trueup.stages.transform import transform

from tests.stages.examples import ENTITY, mapping, rule, spec

FIELDS = [spec("contractName", "{{ source.name }}"), spec("units", "{{ source.units + 1 }}")]


def transformed(rows, rules=(), where="{{ source.state == 'Active' }}"):
    one = mapping(fields=FIELDS, where=where)
    compiled = Compiled(one, ENTITY, rules)
    return transform(compiled, rows, Namespace(one, {"contract": rows}, {}, {}), "id")


def row(id_, **more):
    return {"id": id_, "name": "Alpine", "units": 1, "state": "Active", **more}


def test_rows_that_all_rules_hold_for_are_ready_with_their_values():
    state, suspects = transformed([row("a"), row("b", units=4)], [rule("r", "{{ source.name }}")])
    assert state.ready == {"a": (True and "Alpine", "Alpine", 2), "b": ("Alpine", "Alpine", 5)}
    assert [*suspects] == []
    assert set(state.rows) == {"a", "b"}


def test_rows_out_of_where_are_out():
    state, suspects = transformed([row("a", state="Inactive"), row("b")])
    assert (state.out_of_scope, set(state.ready), [*suspects]) == ({"a"}, {"b"}, [])


def test_rows_that_a_rule_is_against_or_an_expression_fails_on_are_looked_at_again():
    rules = [
        rule("named", "{{ source.name }}"),
        rule("says", "{{ source.gone }}", Severity.WARNING, when="{{ source.odd }}"),
    ]
    rows = [
        row("a", name="", odd=0),
        row("b", units=None, odd=0),
        row("c", odd=1),
        row("d", odd=0),
        row("e"),
    ]
    state, suspects = transformed(rows, rules)
    assert set(state.ready) == {"d"}
    assert [*suspects] == ["a", "b", "c", "e"]


def test_a_single_rule_that_is_against_a_row_is_enough():
    _, suspects = transformed([row("a", name="")], [rule("named", "{{ source.name }}")])
    assert [*suspects] == ["a"]


def test_a_where_that_fails_makes_the_row_one_to_look_at():
    _, suspects = transformed([row("a")], where="{{ source.gone == 1 }}")
    assert [*suspects] == ["a"]


def test_no_rows_give_nothing():
    state, suspects = transformed([])
    assert (state.ready, state.out_of_scope, [*suspects]) == ({}, set(), [])
