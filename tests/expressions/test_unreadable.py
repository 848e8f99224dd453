"""What cannot be read is never taken for nothing: whoever uses it is told so."""

import pytest

from engine.expressions import FILTERS, TESTS, evaluate
from engine.expressions.context import Context
from engine.expressions.unread import NotRead, PartialRow, Unread
from engine.model.finding import Finding, Place, Severity
from engine.model.project import Join, MappingSpec, SourceSpec, TargetSpec, Value
from engine.model.work import Gaps
from engine.model.work import Unread as UnreadRow

HERE = Place("mappings/x.yaml", 1, 1)
WHY = 'needs log l2, which cannot be read: quantity: "x" is not a number'
ROW = PartialRow({"id": "l2", "contract": "c1", "status": "Archived"}, WHY, ("log", "l2"))

ARGUMENTS = {
    "days": "(1)", "months": "(1)", "replace": "('a', 'b')", "truncate_visibly": "(3)", "map": "(attribute='a')",
    "select": "('gt', 1)", "reject": "('gt', 1)", "selectattr": "('a')", "rejectattr": "('a')",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_no_filter_makes_anything_of_it(name):
    with pytest.raises(NotRead):
        evaluate(f"{{{{ source.quantity | {name}{ARGUMENTS.get(name, '')} }}}}", {"source": ROW})


@pytest.mark.parametrize("name", [name for name in sorted(TESTS) if name.isalpha()])
def test_no_test_says_yes_or_no_to_it(name):
    argument = "([1])" if name == "in" else "(1)" if len(name) == 2 or name in ("equalto", "sameas") else ""
    with pytest.raises(NotRead):
        evaluate(f"{{{{ source.quantity is {name}{argument} }}}}", {"source": ROW})


@pytest.mark.parametrize(
    "said",
    [
        "source.quantity", "source.quantity + 1", "source.quantity == 1", "source.quantity and 1",
        "'a' ~ source.quantity",
        "source.quantity.part", "1 if source.quantity", "source['quantity']", "'+41' | phone(source.quantity)",
        "[source] | map(attribute='quantity') | sum", "[source] | sum(attribute='quantity')",
        "[source] | selectattr('quantity', 'gt', 1) | list | length",
    ],
)  # fmt: skip
def test_every_use_of_it_raises_in_words(said):
    with pytest.raises(NotRead, match="needs log l2, which cannot be read"):
        evaluate(f"{{{{ {said} }}}}", {"source": ROW})


def test_what_does_not_depend_on_it_is_worked_out():
    assert evaluate("{{ source.status == 'Active' and source.quantity > 1 }}", {"source": ROW}) is False
    assert evaluate("{{ [source] | selectattr('status', 'eq', 'Archived') | list | length }}", {"source": ROW}) == 1


def context(where=None, *, one=False, nameless=()):
    join = Join("logs", "log", {"contract": "id"}, HERE, Value(where, HERE) if where else None, one)
    mapping = MappingSpec("x", "X", "X", SourceSpec("contract", HERE, joins={"logs": join}),
                          TargetSpec("Contracts", HERE), {}, HERE)  # fmt: skip
    lost = PartialRow({"id": "l9"}, "needs log l9", ("log", "l9"))  # nobody knows of which contract
    gaps = Gaps({"l2": UnreadRow(ROW, ()), "l9": UnreadRow(lost, ())}, nameless)
    tables = {"log": [{"id": "l1", "contract": "c1", "quantity": 2, "status": "Active"}]}
    return Context(mapping, tables, {}, {}, {"log": gaps})


def worked_out(made, said, row="c1"):
    return evaluate(f"{{{{ {said} }}}}", made.names({"id": row}))


def test_a_list_of_joined_rows_holds_those_that_cannot_be_read():
    made = context()
    assert worked_out(made, "related.logs | length") == 2
    with pytest.raises(NotRead, match="needs log l2"):
        worked_out(made, "related.logs | sum(attribute='quantity')")
    assert worked_out(made, "related.logs | sum(attribute='quantity')", "c2") == 0
    assert [*made.unread({"id": "c1"}, ["logs"])] == [(WHY, ("log", "l2"))]


def test_a_joined_row_that_the_join_leaves_out_as_far_as_it_can_be_read_is_left_out():
    assert worked_out(context("{{ row.status == 'Active' }}"), "related.logs | length") == 1
    made = context("{{ row.quantity > 1 }}")
    with pytest.raises(NotRead, match="needs log l2"):
        worked_out(made, "related.logs | length")
    assert worked_out(made, "related.logs | length", "c2") == 0


def test_one_row_that_is_not_found_may_be_one_without_a_key():
    finding = Finding("row-without-key", Severity.ERROR, "a row of log has no key")
    made = context(one=True, nameless=(finding,))
    assert worked_out(made, "related.logs.id") == "l1"
    missing = made.names({"id": "c2"})["related"]["logs"]
    assert isinstance(missing, Unread)
    assert missing.text == "log c2 is not found, and may be a row that cannot be read: a row of log has no key"
    assert made.names({"id": None})["related"]["logs"] is None
    assert context(one=True).names({"id": "c2"})["related"]["logs"] is None
    left_out = context("{{ row.status == 'Deleted' }}", one=True, nameless=(finding,))
    assert left_out.names({"id": "c1"})["related"]["logs"] is None
