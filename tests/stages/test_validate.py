"""Rows that something is wrong with: what it is, in words."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.expressions.compiled import Compiled
from engine.expressions.context import Context
from engine.model.finding import Severity
from engine.model.project import Join
from engine.model.work import Standing
from engine.stages.transform import transform
from engine.stages.validate import RecordRules, rule_findings, validate
from tests.stages.small import ENTITY, HERE, mapping, rule, spec, value

FIELDS = [spec("contractName", "{{ source.name }}"), spec("units", "{{ source.units + 1 }}")]
ERROR, HOLD, SKIP, WARNING, INFO = Severity


def judged(row, rules=(), where=None, joins=(), tables=None):
    one = mapping(fields=FIELDS, where=where)
    one.source.joins.update({join.name: join for join in joins})
    compiled = Compiled(one, ENTITY, rules)
    standing = Standing(one, {"k": row})
    validate(compiled, ["k"], Context(one, tables or {}, {}, {}), standing)
    return standing


def row(**more):
    return {"id": "k", "name": "Alpine", "units": 1, **more}


def texts(standing):
    return [finding.text for finding in standing.blocked.get("k", ())]


def test_a_row_with_nothing_wrong_is_ready_after_all():
    standing = judged(row(), [rule("r", "{{ source.name }}")])
    assert standing.ready == {"k": (True, "Alpine", 2)}
    assert (standing.blocked, standing.left, standing.out, standing.findings) == ({}, {}, set(), [])


def test_a_row_out_of_where_is_out_and_nothing_is_said_of_it():
    standing = judged(row(), [rule("r", "{{ false }}")], where="{{ source.units > 5 }}")
    assert (standing.out, standing.ready, standing.blocked) == ({"k"}, {}, {})


@pytest.mark.parametrize("severity", [ERROR, HOLD])
def test_a_rule_that_stops_blocks_the_row_with_its_words(severity):
    standing = judged(
        row(), [rule("r", "{{ source.units > 5 }}", severity, message="{{ source.name }} has {{ source.units }}")]
    )
    finding = standing.blocked["k"][0]
    assert (finding.code, finding.severity, finding.text, finding.remedy) == ("r", severity, "Alpine has 1", "mend it")
    assert (finding.mapping, finding.key, finding.place) == ("contract", "k", HERE)
    assert not standing.ready


def test_every_rule_that_is_against_a_row_is_told_together():
    standing = judged(
        row(name=None), [rule("a", "{{ source.name }}", message="a"), rule("b", "{{ false }}", message="b")]
    )
    assert texts(standing) == ["a", "b"]


@pytest.mark.parametrize("severity", [WARNING, INFO])
def test_a_rule_that_only_says_something_leaves_the_row_ready(severity):
    standing = judged(row(), [rule("r", "{{ false }}", severity, message="odd")])
    assert [(one.severity, one.text) for one in standing.findings] == [(severity, "odd")]
    assert standing.ready == {"k": (True, "Alpine", 2)}


def test_what_is_only_said_is_said_of_a_blocked_row_too():
    standing = judged(
        row(), [rule("a", "{{ false }}", WARNING, message="odd"), rule("b", "{{ false }}", message="wrong")]
    )
    assert (texts(standing), [one.text for one in standing.findings]) == (["wrong"], ["odd"])


def test_a_row_that_is_skipped_is_left_out_with_the_reason_and_nothing_else_is_said():
    rules = [
        rule("wrong", "{{ false }}"),
        rule("skips", "{{ source.units > 5 }}", SKIP, message="too few"),
        rule("w", "{{ false }}", WARNING),
    ]
    standing = judged(row(), rules)
    assert standing.left["k"].text == "too few"
    assert (standing.left["k"].code, standing.blocked, standing.findings, standing.ready) == ("skips", {}, [], {})


def test_a_rule_holds_where_its_condition_does_not():
    standing = judged(row(), [rule("r", "{{ false }}", when="{{ source.units > 5 }}")])
    assert set(standing.ready) == {"k"}


@pytest.mark.parametrize(
    ("rules", "where", "says"),
    [
        ([rule("r", "{{ source.gone }}")], None, "rule r cannot be worked out: there is no 'gone'"),
        ([rule("r", "{{ true }}", when="{{ source.gone }}")], None, "rule r cannot be worked out: there is no 'gone'"),
        ([rule("r", "{{ source.gone }}", SKIP)], None, "rule r cannot be worked out: there is no 'gone'"),
        ([], "{{ source.gone }}", "where cannot be worked out: there is no 'gone'"),
        ([], "{{ source.name > 5 }}", "where cannot be worked out: text and a number cannot be compared"),
    ],
)
def test_an_expression_that_fails_blocks_the_row_in_words(rules, where, says):
    standing = judged(row(), rules, where)
    assert texts(standing)[0].startswith(says)
    finding = standing.blocked["k"][0]
    assert (finding.code, finding.severity, finding.place) == ("expression-failed", ERROR, HERE)


def test_every_field_that_fails_is_named():
    standing = judged({"id": "k", "units": None})
    assert [text.split(" cannot")[0] for text in texts(standing)] == ["contractName", "units"]


def test_fields_of_a_row_that_a_rule_stops_are_not_worked_out():
    assert texts(judged({"id": "k"}, [rule("r", "{{ false }}", message="wrong")])) == ["wrong"]


def test_a_join_that_fails_is_told_by_what_uses_it():
    logs = Join("logs", "log", {"contract": "id"}, HERE, value("{{ row.units > 1 }}"))
    tables = {"log": [{"contract": "k", "units": None}]}
    assert set(judged(row(), joins=[logs], tables=tables).ready) == {"k"}
    standing = judged(row(), [rule("r", "{{ related.logs }}")], joins=[logs], tables=tables)
    assert texts(standing)[0].startswith("rule r cannot be worked out: related.logs: its where cannot be worked out")


def test_messages_are_written_as_people_write():
    standing = judged(
        row(price=Decimal("1E+2"), gone=None),
        [rule("r", "{{ false }}", message="{{ source.price }}", remedy="{{ source.gone }}")],
    )
    assert (standing.blocked["k"][0].text, standing.blocked["k"][0].remedy) == ("100", "")


def test_a_message_that_fails_is_told_as_it_stands():
    standing = judged(row(), [rule("r", "{{ false }}", message="has {{ source.gone }}")])
    assert texts(standing) == ["has {{ source.gone }} (this message cannot be worked out: there is no 'gone')"]


def test_rules_in_a_row_are_asked_until_one_skips():
    names = {"source": row()}
    rules = [
        rule("a", "{{ false }}"),
        rule("b", "{{ true }}"),
        rule("c", "{{ false }}", SKIP),
        rule("d", "{{ false }}"),
    ]
    assert [one.code for one in rule_findings(rules, names, "k")] == ["c"]
    assert [one.code for one in rule_findings(rules[:2], names, "k")] == ["a"]
    assert rule_findings([], names, "k") == []


def test_rules_about_records_say_nothing_where_all_hold():
    rules = RecordRules([rule("a", "{{ after.units > 1 }}"), rule("b", "{{ before }}", when="{{ not after }}")])
    assert rules({"after": {"units": 2}, "before": None}, "k") == []
    assert RecordRules([])({}, "k") == []


def test_rules_about_records_say_which_is_against_or_fails():
    rules = RecordRules([rule("a", "{{ after.units > 1 }}"), rule("b", "{{ after.gone }}", when="{{ after.units }}")])
    assert [one.code for one in rules({"after": {"units": 0}}, "k")] == ["a"]
    assert [one.code for one in rules({"after": {"units": 1}}, "k")] == ["a", "expression-failed"]
    assert [one.code for one in rules({"after": {"units": None}}, "k")] == ["expression-failed"]


ROWS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["", "Alpine", None]),
        "units": st.sampled_from([0, 1, 7, None, "x"]),
        "state": st.sampled_from(["Active", "Inactive"]),
    },
    optional={"odd": st.booleans()},
)
CHECKS = st.lists(
    st.builds(
        rule,
        st.sampled_from("abc"),
        st.sampled_from(["{{ source.name }}", "{{ source.units > 1 }}", "{{ source.odd }}", "{{ true }}"]),
        st.sampled_from(Severity),
        st.sampled_from([None, "{{ source.units }}", "{{ source.odd }}"]),
    ),
    max_size=3,
)


@given(ROWS, CHECKS, st.sampled_from([None, "{{ source.state == 'Active' }}", "{{ source.odd }}"]))
def test_every_row_ends_in_one_place_and_the_quick_way_agrees_with_the_slow_one(values, rules, where):
    one = mapping(fields=FIELDS, where=where)
    compiled = Compiled(one, ENTITY, rules)
    source = {"id": "k", **values}
    context = Context(one, {}, {}, {})
    standing, suspects = transform(compiled, [source], context, "id")
    quick = (dict(standing.ready), set(standing.out))
    validate(compiled, suspects, context, standing)
    places = [standing.ready, standing.blocked, standing.left, standing.out]
    assert sum("k" in place for place in places) == 1
    slow = Standing(one, {"k": source})
    validate(compiled, ["k"], context, slow)
    if not suspects:
        assert quick[1] == slow.out
        assert [*quick[0]] == [*slow.ready]
        assert all(raw[compiled.first :] == slow.ready[key][compiled.first :] for key, raw in quick[0].items())
        assert not slow.findings
