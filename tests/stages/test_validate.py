"""Rows that something is wrong with: what it is, in words."""

from collections.abc import Container
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from trueup.expressions.compiled import Compiled
from trueup.expressions.namespace import Namespace
from trueup.expressions.rules import RecordRules, RuleBook, decide_commands, rule_findings
from trueup.model.finding import Severity
from trueup.model.mapping import Join
from trueup.model.mapping_state import MappingState
from trueup.model.rule_scopes import RuleOn
from trueup.stages.transform import transform
from trueup.stages.validate import validate

from tests.stages.examples import ENTITY, HERE, mapping, rule, spec, value

FIELDS = [spec("contractName", "{{ source.name }}"), spec("units", "{{ source.units + 1 }}")]
ERROR, HOLD, SKIP, WARNING, INFO = Severity


def judged(row, rules=(), where=None, joins=(), tables=None, linked=()):
    one = mapping(fields=FIELDS, where=where)
    one.source.joins.update({join.name: join for join in joins})
    compiled = Compiled(one, ENTITY, rules)
    state = MappingState(one, {"k": row})
    namespace = Namespace(one, tables or {}, {}, {})
    validate(compiled, ["k"], state.rows, namespace, linked).apply_to(state)
    return state


def row(**more):
    return {"id": "k", "name": "Alpine", "units": 1, **more}


def texts(state):
    return [finding.text for finding in state.blocked.get("k", ())]


def test_a_row_with_nothing_wrong_is_ready_after_all():
    state = judged(row(), [rule("r", "{{ source.name }}")])
    assert state.ready == {"k": (True, "Alpine", 2)}
    assert (state.blocked, state.skipped, state.out_of_scope, state.findings) == ({}, {}, set(), [])


def test_a_row_out_of_where_is_out_and_has_no_findings():
    state = judged(row(), [rule("r", "{{ false }}")], where="{{ source.units > 5 }}")
    assert (state.out_of_scope, state.ready, state.blocked) == ({"k"}, {}, {})


@pytest.mark.parametrize("severity", [ERROR, HOLD])
def test_a_rule_that_stops_blocks_the_row_with_its_words(severity):
    state = judged(
        row(),
        [
            rule(
                "r",
                "{{ source.units > 5 }}",
                severity,
                message="{{ source.name }} has {{ source.units }}",
            )
        ],
    )
    finding = state.blocked["k"][0]
    assert (finding.code, finding.severity, finding.text, finding.remedy) == (
        "r",
        severity,
        "Alpine has 1",
        "mend it",
    )
    assert (finding.mapping, finding.key, finding.place) == ("contract", "k", HERE)
    assert not state.ready


def test_every_rule_that_is_against_a_row_is_reported_together():
    state = judged(
        row(name=None),
        [rule("a", "{{ source.name }}", message="a"), rule("b", "{{ false }}", message="b")],
    )
    assert texts(state) == ["a", "b"]


@pytest.mark.parametrize("severity", [WARNING, INFO])
def test_a_rule_of_severity_info_leaves_the_row_ready(severity):
    state = judged(row(), [rule("r", "{{ false }}", severity, message="odd")])
    assert [(one.severity, one.text) for one in state.findings] == [(severity, "odd")]
    assert state.ready == {"k": (True, "Alpine", 2)}


def test_a_warning_is_reported_on_a_blocked_row_too():
    state = judged(
        row(),
        [
            rule("a", "{{ false }}", WARNING, message="odd"),
            rule("b", "{{ false }}", message="wrong"),
        ],
    )
    assert (texts(state), [one.text for one in state.findings]) == (["wrong"], ["odd"])


def test_a_row_that_is_skipped_is_left_out_with_the_reason_and_no_other_finding():
    rules = [
        rule("wrong", "{{ false }}"),
        rule("skips", "{{ source.units > 5 }}", SKIP, message="too few"),
        rule("w", "{{ false }}", WARNING),
    ]
    state = judged(row(), rules)
    assert state.skipped["k"].text == "too few"
    assert (state.skipped["k"].code, state.blocked, state.findings, state.ready) == (
        "skips",
        {},
        [],
        {},
    )


def test_a_rule_holds_where_its_condition_does_not():
    state = judged(row(), [rule("r", "{{ false }}", when="{{ source.units > 5 }}")])
    assert set(state.ready) == {"k"}


@pytest.mark.parametrize(
    ("rules", "where", "says"),
    [
        ([rule("r", "{{ source.gone }}")], None, "rule r cannot be evaluated: there is no 'gone'"),
        (
            [rule("r", "{{ true }}", when="{{ source.gone }}")],
            None,
            "rule r cannot be evaluated: there is no 'gone'",
        ),
        (
            [rule("r", "{{ source.gone }}", SKIP)],
            None,
            "rule r cannot be evaluated: there is no 'gone'",
        ),
        ([], "{{ source.gone }}", "where cannot be evaluated: there is no 'gone'"),
        (
            [],
            "{{ source.name > 5 }}",
            "where cannot be evaluated: text and a number cannot be compared",
        ),
    ],
)
def test_an_expression_that_fails_blocks_the_row_in_words(rules, where, says):
    state = judged(row(), rules, where)
    assert texts(state)[0].startswith(says)
    finding = state.blocked["k"][0]
    assert (finding.code, finding.severity, finding.place) == ("expression-failed", ERROR, HERE)


def test_every_field_that_fails_is_named():
    state = judged({"id": "k", "units": None})
    assert [text.split(" cannot")[0] for text in texts(state)] == ["contractName", "units"]


def test_fields_of_a_row_that_a_rule_stops_are_not_evaluated():
    assert texts(judged({"id": "k"}, [rule("r", "{{ false }}", message="wrong")])) == ["wrong"]


def test_a_join_that_fails_is_reported_by_what_uses_it():
    logs = Join("logs", "log", {"contract": "id"}, HERE, value("{{ row.units > 1 }}"))
    tables = {"log": [{"contract": "k", "units": None}]}
    assert set(judged(row(), joins=[logs], tables=tables).ready) == {"k"}
    state = judged(row(), [rule("r", "{{ related.logs }}")], joins=[logs], tables=tables)
    assert texts(state)[0].startswith(
        "rule r cannot be evaluated: related.logs: its `where` cannot be evaluated"
    )


def test_messages_are_written_as_people_write():
    state = judged(
        row(price=Decimal("1E+2"), gone=None),
        [rule("r", "{{ false }}", message="{{ source.price }}", remedy="{{ source.gone }}")],
    )
    assert (state.blocked["k"][0].text, state.blocked["k"][0].remedy) == ("100", "")


def test_a_message_that_fails_is_shown_unchanged():
    state = judged(row(), [rule("r", "{{ false }}", message="has {{ source.gone }}")])
    assert texts(state) == [
        "has {{ source.gone }} (this message cannot be evaluated: there is no 'gone')"
    ]


def test_rules_of_a_row_are_evaluated_until_one_skips():
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
    rules = RecordRules(
        [rule("a", "{{ after.units > 1 }}"), rule("b", "{{ before }}", when="{{ not after }}")]
    )
    assert rules({"after": {"units": 2}, "before": None}, "k") == []
    assert RecordRules([])({}, "k") == []


def test_rules_about_records_say_which_is_against_or_fails():
    rules = RecordRules(
        [
            rule("a", "{{ after.units > 1 }}"),
            rule("b", "{{ after.gone }}", when="{{ after.units }}"),
        ]
    )

    def codes(units):
        return [one.code for _, one in rules({"after": {"units": units}}, "k")]

    assert codes(0) == ["a"]
    assert codes(1) == ["a", "expression-failed"]
    assert codes(None) == ["expression-failed"]


def linked_rule(severity=ERROR, when_linked=WARNING, fields=("units",)):
    """A rule that fails, and is milder for rows that have a record already."""
    one = rule("phone", "{{ false }}", severity, message="is no phone number")
    return replace(one, when_linked=when_linked, fields=fields)


def test_a_rule_may_be_milder_for_a_row_whose_record_is_linked():
    state = judged(row(), [linked_rule()])
    assert [one.severity for one in state.blocked["k"]] == [ERROR]
    state = judged(row(), [linked_rule()], linked={"k"})
    assert state.blocked == {}
    assert [(one.severity, one.text) for one in state.findings] == [
        (WARNING, "is no phone number (units is left as before)")
    ]


def test_fields_that_such_a_rule_names_are_left_alone():
    state = judged(row(units="x"), [linked_rule()], linked={"k"})
    assert state.ready == {"k": (True, "Alpine", None)}
    assert state.left_alone == {"k": frozenset({"units"})}
    state = judged(row(), [linked_rule(fields=("units", "contractName"))], linked={"k"})
    assert (
        state.findings[0].text == "is no phone number (units and contractName are left as before)"
    )
    assert state.left_alone == {"k": frozenset({"units", "contractName"})}


def test_a_rule_that_holds_leaves_no_field_alone():
    holds = replace(linked_rule(), check=value("{{ true }}"))
    state = judged(row(), [holds], linked={"k"})
    assert (state.left_alone, state.ready) == ({}, {"k": (True, "Alpine", 2)})


def test_a_row_that_another_rule_stops_has_no_fields_left_alone():
    state = judged(row(), [linked_rule(), rule("r", "{{ false }}")], linked={"k"})
    assert (set(state.blocked), state.left_alone) == ({"k"}, {})


def test_a_remedy_may_name_the_decisions_about_its_row():
    remedy = "correct it, or {{ decide.ignore }}"
    state = judged(row(), [rule("r", "{{ false }}", remedy=remedy)])
    (finding,) = state.blocked["k"]
    assert finding.remedy == "correct it, or `trueup decide contract k ignore --reason …`"
    assert finding.commands == (decide_commands("contract", "k")["ignore"],)


def test_rules_of_a_scope_that_is_never_evaluated_are_reported():
    book = RuleBook([rule("r", "{{ false }}")])
    with pytest.raises(AssertionError, match=r"never evaluated: .*row"):
        book.require_all_evaluated()
    assert [one.name for one in book.of("contract", RuleOn.ROW)] == ["r"]
    assert book.of("customer", RuleOn.ROW) == []
    book.require_all_evaluated()


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
        st.sampled_from(
            ["{{ source.name }}", "{{ source.units > 1 }}", "{{ source.odd }}", "{{ true }}"]
        ),
        st.sampled_from(Severity),
        st.sampled_from([None, "{{ source.units }}", "{{ source.odd }}"]),
    ),
    max_size=3,
)


@given(ROWS, CHECKS, st.sampled_from([None, "{{ source.state == 'Active' }}", "{{ source.odd }}"]))
def test_every_row_ends_in_one_place_and_the_quick_way_agrees_with_the_slow_one(
    values, rules, where
):
    one = mapping(fields=FIELDS, where=where)
    compiled = Compiled(one, ENTITY, rules)
    source = {"id": "k", **values}
    namespace = Namespace(one, {}, {}, {})
    state, suspects = transform(compiled, [source], namespace, "id")
    quick = (dict(state.ready), set(state.out_of_scope))
    validate(compiled, suspects, state.rows, namespace).apply_to(state)
    places: list[Container[str]] = [state.ready, state.blocked, state.skipped, state.out_of_scope]
    assert sum("k" in place for place in places) == 1
    slow = MappingState(one, {"k": source})
    validate(compiled, ["k"], slow.rows, namespace).apply_to(slow)
    if not suspects:
        assert quick[1] == slow.out_of_scope
        assert [*quick[0]] == [*slow.ready]
        assert all(
            raw[compiled.first :] == slow.ready[key][compiled.first :]
            for key, raw in quick[0].items()
        )
        assert not slow.findings
