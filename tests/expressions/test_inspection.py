"""What an expression refers to, without evaluating it."""

import pytest

from engine.expressions import ExpressionFault, Program, evaluate, inspect


@pytest.mark.parametrize(
    ("raw", "paths"),
    [
        ("{{ source.name }}", {("source", "name")}),
        ("{{ source['name'] }}", {("source", "name")}),
        ("{{ source }}", {("source",)}),
        ("{{ related.contract.customer }}", {("related", "contract", "customer")}),
        ("{{ settings.billing_codes['services'] }}", {("settings", "billing_codes", "services")}),
        (
            "{{ settings.billing_codes[source.kind] }}",
            {("settings", "billing_codes"), ("source", "kind")},
        ),
        (
            "{{ settings.codes[source.kind].of[related.product.unit]['x'] }}",
            {("settings", "codes"), ("source", "kind"), ("related", "product", "unit")},
        ),
        ("{{ related.logs[0].quantity }}", {("related", "logs")}),
        ("{{ (related.logs | first).quantity }}", {("related", "logs")}),
        ("{{ related.logs | selectattr('open') | length > 1 }}", {("related", "logs")}),
        ("{{ a.b if c.d else e.f }}", {("a", "b"), ("c", "d"), ("e", "f")}),
        ("{{ a if b }}", {("a",), ("b",)}),
        ("{{ {a.b: [c.d, (e.f,)]} }}", {("a", "b"), ("c", "d"), ("e", "f")}),
        (
            "{{ source.phone is phone(related.account.country) }}",
            {("source", "phone"), ("related", "account", "country")},
        ),
        ("{{ x | default(source.name) }}", {("x",), ("source", "name")}),
        ("{{ rows | join(separator=settings.comma) }}", {("rows",), ("settings", "comma")}),
        ("W365 {{ source.id }} of {{ related.account.name }}", {("source", "id"), ("related", "account", "name")}),
        ("no braces that count", set()),
        ("{{ 'source.name' }}", set()),
    ],
)
def test_paths_are_found_as_far_as_the_text_says_them(raw, paths):
    said = inspect(raw)
    assert said.paths == paths
    assert said.roots == {path[0] for path in paths}


@pytest.mark.parametrize(
    ("raw", "attributes"),
    [
        ("{{ rows | sum(attribute='quantity') }}", {"quantity"}),
        ("{{ rows | sum('quantity') }}", {"quantity"}),
        ("{{ rows | map('name') | join(', ') }}", {"name"}),
        ("{{ rows | join(', ', 'name') }}", {"name"}),
        ("{{ rows | join(attribute='name') }}", {"name"}),
        ("{{ rows | selectattr('state', 'equalto', 'Active') | list }}", {"state"}),
        ("{{ rows | min('since') }}", {"since"}),
        ("{{ rows | rejectattr('state') | sort('since', true) }}", {"state", "since"}),
        ("{{ (rows | min(attribute='since')).name }}", {"since", "name"}),
        ("{{ (rows | max('since'))['last name'] }}", {"since", "last name"}),
        ("{{ rows[0].name }}", {"name"}),
        ("{{ rows[source.n].name.length }}", {"name", "length"}),
        ("{{ rows | map(attribute=settings.column) }}", set()),
        ("{{ rows | select('gt', 'x') }}", set()),
        ("{{ source.name }}", set()),
        ("{{ settings.codes['Monthly'] }}", set()),
    ],
)
def test_columns_of_what_a_filter_or_subscript_gives_are_known_as_attributes(raw, attributes):
    assert inspect(raw).attributes == attributes


def test_filters_and_tests_are_known_wherever_they_stand():
    said = inspect("{{ (a | lower | trim) if b[c | upper] is phone else [d is none, e is not date] }}")
    assert said.filters == {"lower", "trim", "upper"}
    assert said.tests == {"phone", "none", "date"}


def test_filters_that_do_not_exist_are_reported_not_refused():
    said = inspect("{{ a | lowr is fone }}")
    assert (said.filters, said.tests) == ({"lowr"}, {"fone"})


def test_the_filter_that_makes_text_of_a_template_s_parts_is_not_reported():
    assert inspect("a {{ b }}").filters == frozenset()


@pytest.mark.parametrize(
    ("raw", "template"),
    [
        ("{{ a }}", False),
        (" {{ a }} ", False),
        ("{{ a ~ b }}", False),
        ("{{ 'a' }}", False),
        ("{# aside #}{{ a }}", False),
        ("plain", False),
        ("x{{ a }}", True),
        ("{{ a }}{{ b }}", True),
        ("{{ a }} {{ b }}", True),
    ],
)
def test_a_template_is_told_from_an_expression(raw, template):
    assert inspect(raw).is_template is template


def test_compiling_leaves_no_mark_on_what_is_inspected():
    raw = "{{ ['b' | upper, 'a' | lower] | join | trim }}"
    Program([raw])
    evaluate(raw, {})
    assert inspect(raw).filters == {"upper", "lower", "join", "trim"}


def test_what_cannot_be_parsed_cannot_be_inspected():
    with pytest.raises(ExpressionFault):
        inspect("{{ a b }}")
