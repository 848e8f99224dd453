"""A plan of format 1 is read: what stood in its texts and ids becomes fields."""

import json
from datetime import date
from decimal import Decimal

import pytest
from trueup.errors import EngineError
from trueup.model.change import Action, Adjustment, Reason, RowRef, SeenRow, Unknown
from trueup.model.document import dumps, loads
from trueup.model.plan import GuardExceeded, LedgerClass

from tests.support.documents import with_digest

DAY = {"day": "2026-11-15"}


def change(id_, action="update", **more):
    return {
        "id": id_,
        "action": action,
        "mapping": "customer",
        "keys": ["a1"],
        "name": "Alpine",
        "tab": "Customers",
        "entity": "Companies",
        "place": "mappings/customer.yaml:3:1",
        "record": 7,
        "fields": [],
        "values": {},
        "owned": {},
        "needs": [],
        "seen": {"row": {}, "record": {}, "absent": {}, "units": None, "made_of": {}},
        "how": "",
        "monthly": None,
        "one_off": None,
        "price_unknown": False,
        "notes": [],
        "units": None,
        "makes": None,
        **more,
    }


def line(class_, **more):
    return {
        "mapping": "subscription",
        "key": "s1",
        "name": "Premium",
        "record": 7,
        "customer": "Alpine",
        "day": DAY,
        "quantity": 12,
        "units": 10,
        "pending": 2,
        "difference": 0,
        "class_": class_,
        "monthly": 33.6,
        "price": 16.8,
        "text": "",
        "remedy": "",
        **more,
    }


FINDING = {
    "code": "phone",
    "severity": "error",
    "text": "is no number",
    "remedy": "`trueup decide customer a1 ignore`",
    "place": None,
    "mapping": "customer",
    "key": "a1",
    "name": "Alpine",
}


def document(**parts):
    """A document of format 1 with these parts, as it was written."""
    plan = {
        "project": "p",
        "as_of": DAY,
        "lineage": "",
        "serial": 0,
        "source": "examples",
        "target": "sandbox",
        "currency": "GBP",
        "changes": [],
        "findings": [],
        "blocked": [],
        "left_out": [],
        "ledger": [],
        "exceeded": [],
        "summary": {
            "source_rows": 1,
            "source_tables": 1,
            "records": 1,
            "read_calls": 1,
            "apply_calls": 1,
            "monthly": 0.1,
            "prices_unknown": 0,
            "prices_zero": 0,
            "actions": {"update": 1},
            "blocked": 0,
            "held": 0,
        },
        "selection": "",
        "undo_of": "",
        "systems": {"source": "x", "target": "y"},
        **parts,
    }
    plan.setdefault("waves", [[one["id"]] for one in plan["changes"]])
    return with_digest(json.dumps({"format": 1, **plan}, indent=1) + "\n")


def read(*changes, **parts):
    return loads(document(changes=list(changes), **parts))


def only(*changes):
    return read(*changes).changes[0]


def test_a_plan_of_format_1_is_read_and_written_in_the_present_format():
    plan = read(change("customer:a1"))
    assert loads(dumps(plan)) == plan
    assert (plan.as_of, plan.systems) == (date(2026, 11, 15), {"source": "x", "target": "y"})
    assert (plan.names.source, plan.names.target) == ("the source", "the target")


def test_one_that_was_altered_is_refused():
    with pytest.raises(EngineError, match="was changed or cut short"):
        loads(document().replace("examples", "example"))


@pytest.mark.parametrize("part", ["changes", "summary", "ledger", "selection", "blocked"])
def test_one_without_a_part_is_damaged(part):
    parts = {name: value for name, value in json.loads(document()).items() if name != part}
    del parts["digest"]
    text = with_digest(json.dumps(parts, indent=1) + "\n")
    with pytest.raises(EngineError, match="the plan is damaged"):
        loads(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("changed in Work 365", Reason.SOURCE),
        ("mapping changed", Reason.MAPPING),
        ("edited in Autotask, put back", Reason.DRIFT),
        ("changed in Work 365 and edited in Autotask", Reason.BOTH),
        ("first alignment", Reason.FIRST),
        ("new", Reason.NEW),
        ("undo", Reason.UNDO),
        ("undone before, still wanted", Reason.UNDONE),
        ("as decided", Reason.DECISION),
    ],
)
def test_reasons_have_new_words(text, reason):
    field = {"field": "phone", "before": None, "after": "1", "reason": text}
    made = only(change("customer:a1", fields=[{**field, "shown_before": "", "shown_after": "1"}]))
    assert made.fields[0].reason is reason


@pytest.mark.parametrize(
    ("id_", "undoes", "depth"),
    [
        ("customer:a1", "", 0),
        ("undo:customer:a1", "customer:a1", 1),
        ("undo:undo:customer:a1", "undo:customer:a1", 2),
        ("customer:undo:a1", "", 0),
    ],
)
def test_an_undo_is_known_by_the_beginning_of_its_id(id_, undoes, depth):
    made = only(change(id_))
    assert (made.undoes, made.undo_depth, made.takes_back) == (undoes, depth, depth == 1)


def test_rows_that_were_seen_are_split_at_the_first_colon():
    seen = {"row": {"account:a:1": "ab12"}, "record": {}, "absent": {}, "units": None}
    assert only(change("customer:a1", seen=seen)).seen.rows == (SeenRow("account", "a:1", "ab12"),)


def test_the_day_of_an_adjustment_is_the_only_day_among_its_values():
    values = {"contractServiceID": 7, "effectiveDate": DAY, "unitChange": 2}
    made = only(change("c", "adjust", values=values, units=[10, 12]))
    assert made.adjustment == Adjustment(date(2026, 11, 15), RowRef("", "", "Alpine"), service=7)


def test_an_adjustment_of_a_service_that_is_yet_to_be_created_names_the_change():
    values = {"contractServiceID": {"unknown": "subscription:s1"}, "effectiveDate": DAY}
    made = only(change("c", "adjust", values=values, record=None))
    assert (made.adjustment.service, made.adjustment.service_change) == (None, "subscription:s1")
    assert made.values["contractServiceID"] == Unknown("subscription:s1")


def test_a_correction_is_known_by_its_id():
    made = only(change("q:correct:a1", "adjust", values={"on": DAY}, units=[12, 9]))
    adjustment = made.adjustment
    assert (adjustment.is_correction, adjustment.correction) == (True, -3)
    assert adjustment.row == RowRef("", "a1", "Alpine")


def test_only_adjustments_have_one():
    assert only(change("customer:a1")).adjustment is None


@pytest.mark.parametrize(
    ("needs", "record", "marks"),
    [
        (["c"], 7, True),  # it waits for an adjustment
        (["customer:a1"], None, False),  # it waits for the record that it writes about
        ([], None, True),
        ([], 7, False),
    ],
)
def test_the_mark_of_pending_changes_is_known_by_what_it_waits_for(needs, record, marks):
    adjusting = change("c", "adjust", values={"on": DAY})
    other = change("customer:a1")
    mark = change("m", "write back", needs=needs, record=record)
    plan = read(mark, adjusting, other)
    assert plan.changes[0].action is Action.WRITE_BACK
    assert plan.changes[0].marks_changes is marks


@pytest.mark.parametrize(
    ("text", "selection"),
    [
        ("", ""),
        ("only customer b", "only customer b"),
        ("only customer b; outside of it: 9 rows", "only customer b (9 rows not shown)"),
    ],
)
def test_what_is_outside_of_a_selection_stays_text(text, selection):
    plan = read(selection=text)
    assert (plan.selection, plan.outside) == (selection, None)


@pytest.mark.parametrize(
    ("class_", "now"),
    [
        ("match", LedgerClass.MATCH),
        ("under-billed", LedgerClass.UNDER_BILLED),
        ("missing in Autotask", LedgerClass.MISSING),
        ("orphan in Autotask", LedgerClass.ORPHAN),
        ("cannot be told", LedgerClass.UNKNOWN),
        ("held", LedgerClass.MATCH),
    ],
)
def test_classes_of_the_ledger_have_new_words(class_, now):
    (found,) = read(ledger=[line(class_)]).ledger
    assert found.class_ is now
    assert (found.price, found.monthly, found.pending) == (Decimal("16.8"), Decimal("33.6"), 2)
    assert (found.moved, found.held, found.unexplained) == (0, (), 0)
    assert (found.customer, found.customer_row) == ("Alpine", None)


def test_findings_have_no_commands_and_figures_of_money_are_zero():
    row = {
        "mapping": "customer",
        "key": "a1",
        "name": "Alpine",
        "tab": "Customers",
        "findings": [FINDING],
        "because": [["customer", "a1", "Alpine"]],
        "holds_back": {},
    }
    plan = read(findings=[FINDING], blocked=[row])
    assert plan.findings[0].commands == plan.blocked[0].findings[0].commands == ()
    assert plan.blocked[0].because == (RowRef("customer", "a1", "Alpine"),)
    summary = plan.summary
    assert (summary.monthly, summary.invoice.net, summary.ledger.under.units) == (
        Decimal("0.1"),
        0,
        0,
    )


def test_the_kind_of_a_limit_is_the_beginning_of_its_name():
    limits = [{"limit": "creates:Companies", "text": "…"}, {"limit": "calls", "text": "…"}]
    assert read(exceeded=limits).exceeded == (
        GuardExceeded("creates", "creates:Companies", "…"),
        GuardExceeded("calls", "calls", "…"),
    )
