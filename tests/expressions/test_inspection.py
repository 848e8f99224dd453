"""What an expression refers to is found without evaluating it."""

import pytest
from trueup.expressions import ExpressionFault, Program, evaluate, inspect


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
        (
            "W365 {{ source.id }} of {{ related.account.name }}",
            {("source", "id"), ("related", "account", "name")},
        ),
        ("no braces that count", set()),
        ("{{ 'source.name' }}", set()),
    ],
)
def test_the_paths_in_a_text_are_found(raw, paths):
    inspection = inspect(raw)
    assert inspection.paths == paths
    assert inspection.roots == {path[0] for path in paths}


@pytest.mark.parametrize(
    ("raw", "attributes"),
    [
        ("{{ a | average('price') }}", {"price"}),
        ("{{ a | unique('name') | first }}", {"name"}),
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
def test_columns_named_to_filters_and_of_results_are_attributes(raw, attributes):
    assert inspect(raw).attributes == attributes


def test_filters_and_tests_are_found_at_any_depth():
    inspection = inspect(
        "{{ (a | lower | trim) if b[c | upper] is phone else [d is none, e is not date] }}"
    )
    assert inspection.filters == {"lower", "trim", "upper"}
    assert inspection.tests == {"phone", "none", "date"}


def test_unknown_filters_and_tests_are_listed_and_not_refused():
    inspection = inspect("{{ a | lowr is fone }}")
    assert (inspection.filters, inspection.tests) == ({"lowr"}, {"fone"})


def test_the_internal_text_filter_of_templates_is_not_listed():
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
def test_a_template_differs_from_an_expression(raw, template):
    assert inspect(raw).is_template is template


def test_compiling_does_not_change_what_is_inspected():
    raw = "{{ ['b' | upper, 'a' | lower] | join | trim }}"
    Program([raw])
    evaluate(raw, {})
    assert inspect(raw).filters == {"upper", "lower", "join", "trim"}


def test_a_text_that_cannot_be_parsed_cannot_be_inspected():
    with pytest.raises(ExpressionFault):
        inspect("{{ a b }}")
