"""An unreadable value is never taken for an absent one: an expression that uses it fails."""

import contextlib

import pytest
from trueup.expressions import FILTERS, TESTS, evaluate
from trueup.expressions.namespace import Namespace
from trueup.expressions.unreadable import NotRead, PartialRow, UnreadableValue
from trueup.model.finding import Finding, Place, Severity
from trueup.model.mapping import Join, MappingSpec, SourceSpec, TargetSpec, Value
from trueup.model.mapping_state import UnreadableRow, UnreadableRows

HERE = Place("mappings/x.yaml", 1, 1)
WHY = 'needs log l2, which cannot be read: quantity: "x" is not a number'
ROW = PartialRow({"id": "l2", "contract": "c1", "status": "Archived"}, WHY, ("log", "l2"))

ARGUMENTS = {
    "days": "(1)",
    "months": "(1)",
    "replace": "('a', 'b')",
    "truncate_visibly": "(3)",
    "map": "(attribute='a')",
    "select": "('gt', 1)",
    "reject": "('gt', 1)",
    "selectattr": "('a')",
    "rejectattr": "('a')",
}


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_no_filter_accepts_an_unreadable_value(name):
    with pytest.raises(NotRead):
        evaluate(f"{{{{ source.quantity | {name}{ARGUMENTS.get(name, '')} }}}}", {"source": ROW})


@pytest.mark.parametrize("name", [name for name in sorted(TESTS) if name.isalpha()])
def test_no_test_accepts_an_unreadable_value(name):
    argument = "([1])" if name == "in" else "(1)" if len(name) == 2 or name == "equalto" else ""
    with pytest.raises(NotRead):
        evaluate(f"{{{{ source.quantity is {name}{argument} }}}}", {"source": ROW})


@pytest.mark.parametrize(
    "expression",
    [
        "source.quantity",
        "source.quantity + 1",
        "source.quantity == 1",
        "source.quantity and 1",
        "'a' ~ source.quantity",
        "source.quantity.part",
        "1 if source.quantity",
        "source['quantity']",
        "'+41' | phone(source.quantity)",
        "[source] | map(attribute='quantity') | sum",
        "[source] | sum(attribute='quantity')",
        "[source] | selectattr('quantity', 'gt', 1) | list | length",
    ],
)
def test_every_use_of_an_unreadable_value_raises_not_read(expression):
    with pytest.raises(NotRead, match="needs log l2, which cannot be read"):
        evaluate(f"{{{{ {expression} }}}}", {"source": ROW})


def test_an_expression_that_does_not_use_it_is_evaluated():
    assert (
        evaluate("{{ source.status == 'Active' and source.quantity > 1 }}", {"source": ROW})
        is False
    )
    assert (
        evaluate(
            "{{ [source] | selectattr('status', 'eq', 'Archived') | list | length }}",
            {"source": ROW},
        )
        == 1
    )


def namespace(where=None, *, one=False, without_key=(), readable="l1"):
    join = Join("logs", "log", {"contract": "id"}, HERE, Value(where, HERE) if where else None, one)
    mapping = MappingSpec(
        "x",
        "X",
        "X",
        SourceSpec("contract", HERE, joins={"logs": join}),
        TargetSpec("Contracts", HERE),
        {},
        HERE,
    )
    lost = PartialRow({"id": "l9"}, "needs log l9", ("log", "l9"))  # its contract is unknown
    unreadable = UnreadableRows(
        {"l2": UnreadableRow(ROW, ()), "l9": UnreadableRow(lost, ())}, without_key, "id"
    )
    tables = {"log": [{"id": readable, "contract": "c1", "quantity": 2, "status": "Active"}]}
    return Namespace(mapping, tables, {}, {}, {"log": unreadable})


def evaluated(made, expression, row="c1"):
    """Evaluates with names that look joins up on first use, then with those for many rows."""
    raw = f"{{{{ {expression} }}}}"
    with contextlib.suppress(NotRead):
        assert evaluate(raw, made.names({"id": row})) == evaluate(raw, read(made, row))
    return evaluate(raw, read(made, row))


def read(made, row):
    return made.reader(["logs"])({"id": row})


def test_a_list_of_joined_rows_includes_the_unreadable_ones():
    made = namespace()
    assert evaluated(made, "related.logs | length") == 2
    with pytest.raises(NotRead, match="needs log l2"):
        evaluated(made, "related.logs | sum(attribute='quantity')")
    assert evaluated(made, "related.logs | sum(attribute='quantity')", "c2") == 0
    assert [*made.unreadable({"id": "c1"}, ["logs"])] == [(WHY, ("log", "l2"))]


def test_an_unreadable_row_has_its_place_among_the_joined_rows():
    assert evaluated(namespace(), "related.logs | map(attribute='id') | list") == ["l1", "l2"]
    made = namespace(readable="l3")
    assert evaluated(made, "related.logs | map(attribute='id') | list") == ["l2", "l3"]
    with pytest.raises(NotRead, match="needs log l2"):
        evaluated(made, "(related.logs | first).quantity")


def test_an_unreadable_row_is_the_one_row_of_its_join_if_it_comes_first():
    assert evaluated(namespace(one=True), "related.logs.quantity") == 2
    made = namespace(one=True, readable="l3")
    assert evaluated(made, "related.logs.id") == "l2"
    with pytest.raises(NotRead, match="needs log l2"):
        evaluated(made, "related.logs.quantity")


def test_an_unreadable_row_is_left_out_if_the_join_excludes_its_readable_part():
    assert evaluated(namespace("{{ row.status == 'Active' }}"), "related.logs | length") == 1
    made = namespace("{{ row.quantity > 1 }}")
    with pytest.raises(NotRead, match="needs log l2"):
        evaluated(made, "related.logs | length")
    assert evaluated(made, "related.logs | length", "c2") == 0


def test_a_joined_row_that_is_not_found_may_be_a_row_without_a_key():
    finding = Finding("row-without-key", Severity.ERROR, "a row of log has no key")
    made = namespace(one=True, without_key=(finding,))
    assert evaluated(made, "related.logs.id") == "l1"
    for missing in (
        made.names({"id": "c2"})["related"]["logs"],
        read(made, "c2")["related"]["logs"],
    ):
        assert isinstance(missing, UnreadableValue)
        assert (
            missing.text
            == "log c2 is not found, and may be a row that cannot be read: a row of log has no key"
        )
    assert made.names({"id": None})["related"]["logs"] is None
    assert read(made, None)["related"]["logs"] is None
    assert namespace(one=True).names({"id": "c2"})["related"]["logs"] is None
    left_out = namespace("{{ row.status == 'Deleted' }}", one=True, without_key=(finding,))
    assert left_out.names({"id": "c1"})["related"]["logs"] is None
