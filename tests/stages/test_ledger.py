"""The law of the ledger: units in Autotask plus what is pending equal the quantity in Work 365."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.plan import LedgerClass
from engine.model.project import Difference
from engine.stages.ledger import Account, Log, adjust, comparison_day, one_off, orphan, weigh
from tests.stages.small import day, units

AS_OF = day("11-15")
ACCOUNT = Account(
    mapping="subscription",
    key="s1",
    name="Alpine, Business Premium",
    customer="Alpine",
    record=7,
    coming=False,
    quantity=Decimal(12),
    rows=units(("11-1", "11-30", 12)),
    price=Decimal("16.80"),
)


def log(key, on, count, **more):
    return Log(key, day(on), Decimal(count), **more)


def weighed(difference=Difference.HOLD, decided=None, **more):
    return weigh(replace(ACCOUNT, **more), AS_OF, difference, decided or {})


@pytest.mark.parametrize(
    ("more", "on"),
    [
        ({}, "11-15"),
        ({"logs": (log("a", "11-10", 1), log("b", "11-5", 1))}, "11-15"),
        ({"logs": (log("a", "11-20", 1), log("b", "11-18", 1))}, "11-20"),
        ({"last_day": day("11-25")}, "11-25"),
        ({"last_day": day("11-1")}, "11-15"),
        ({"rows": units(("12-1", "12-31", 5))}, "12-1"),
        ({"rows": ()}, "11-15"),
    ],
)
def test_both_sides_are_compared_when_all_that_is_known_has_taken_effect(more, on):
    assert comparison_day(replace(ACCOUNT, **more), AS_OF) == day(on)


def test_where_the_law_holds_changes_flow_and_nothing_is_said():
    result = weighed(rows=units(("11-1", "11-30", 10)), logs=(log("a", "11-20", 2),))
    assert result.flows
    assert result.correction == 0
    assert (result.line.class_, result.line.text) == (LedgerClass.MATCH, "")
    assert (result.line.quantity, result.line.units, result.line.pending, result.line.difference) == (12, 10, 2, 0)
    assert result.line.monthly == 0


def test_units_of_the_day_of_comparison_count_and_not_those_of_today():
    assert weighed(rows=units(("11-1", "11-19", 9), ("11-20", "11-30", 12)), last_day=day("11-20")).flows
    assert not weighed(rows=units(("11-1", "11-19", 9), ("11-20", "11-30", 12))).flows


def test_where_there_are_no_rows_the_units_are_what_the_mapping_says():
    assert weighed(rows=(), none=12).line.units == 12
    assert weighed(rows=()).line.units == 0


@pytest.mark.parametrize(
    ("quantity", "class_", "monthly"),
    [
        (14, LedgerClass.UNDER_BILLED, "33.60"),
        (10, LedgerClass.OVER_BILLED, "-33.60"),
        (0, LedgerClass.OVER_BILLED, "-201.60"),
    ],
)
def test_a_difference_that_nothing_pending_explains_is_told_in_money(quantity, class_, monthly):
    result = weighed(quantity=Decimal(quantity))
    assert not result.flows
    assert result.line.class_ is class_
    assert result.line.monthly == Decimal(monthly)
    assert result.line.text == "nothing pending explains it"
    assert result.line.remedy == "`trueup decide subscription s1 correct --reason …` adjusts Autotask to Work 365"


def test_an_unknown_price_is_not_no_money():
    line = weighed(quantity=Decimal(14), price=None).line
    assert (line.monthly, line.price) == (None, None)


def test_changes_that_do_not_explain_a_difference_are_held_and_the_ways_out_are_shown():
    result = weighed(logs=(log("a", "11-10", 12),))
    assert not result.flows
    assert result.line.class_ is LedgerClass.HELD
    assert result.line.difference == -12
    assert result.line.text == "what is pending does not explain it"
    assert result.line.remedy == "`trueup decide subscription s1 correct --reason …` adjusts Autotask to Work 365"


def test_a_log_that_a_rule_stops_is_pending_all_the_same():
    result = weighed(rows=units(("11-1", "11-30", 10)), logs=(log("a", "11-10", 2, stopped=True),))
    assert (result.flows, result.line.pending, result.line.difference) == (True, 2, 0)


def test_logs_that_are_to_be_archived_only_do_not_count():
    result = weighed(decided={"a": "archive"}, logs=(log("a", "11-10", 12),))
    assert (result.flows, result.line.pending, result.line.class_) == (True, 0, LedgerClass.MATCH)


def test_logs_that_were_all_decided_to_be_pushed_flow_and_the_difference_stays():
    logs = (log("a", "11-10", 2), log("b", "11-11", 1))
    result = weighed(decided={"a": "push", "b": "push"}, logs=logs)
    assert (result.flows, result.correction) == (True, 0)
    assert (result.line.class_, result.line.difference) == (LedgerClass.OVER_BILLED, -3)
    assert result.line.text == "pushed all the same, as decided"
    assert not weighed(decided={"a": "push"}, logs=logs).flows
    assert weighed(decided={"a": "push", "b": "archive"}, logs=logs).flows


def test_pushing_decides_nothing_where_nothing_is_pending():
    assert not weighed(quantity=Decimal(14), decided={"s1": "push"}).flows


@pytest.mark.parametrize(
    ("difference", "decided"),
    [(Difference.CORRECT, {}), (Difference.HOLD, {"s1": "correct"}), (Difference.REPORT, {"s1": "correct"})],
)
def test_a_difference_is_corrected_by_the_project_or_by_a_person(difference, decided):
    result = weighed(difference, decided, quantity=Decimal(14), logs=(log("a", "11-10", 3),))
    assert (result.flows, result.correction) == (True, -1)
    assert result.line.text == "is corrected by this plan"
    assert result.line.class_ is LedgerClass.OVER_BILLED


def test_a_difference_that_is_not_whole_cannot_be_corrected_and_is_not_said_to_be():
    result = weighed(Difference.CORRECT, {"s1": "correct"}, quantity=Decimal("12.5"))
    assert (result.flows, result.correction) == (False, 0)
    assert result.line.text == "is not corrected: Autotask counts whole units"
    assert result.line.remedy == "correct the quantity, or the changes of it, in Work 365"


@pytest.mark.parametrize(("difference", "decided"), [(Difference.CORRECT, {}), (Difference.HOLD, {"s1": "correct"})])
def test_what_is_not_in_autotask_and_not_coming_has_nothing_to_correct(difference, decided):
    result = weighed(difference, decided, record=None, coming=False, rows=(), quantity=Decimal(14))
    assert (result.flows, result.correction) == (False, 0)
    assert (result.line.class_, result.line.text) == (LedgerClass.MISSING, "not in Autotask")


def test_a_difference_that_is_only_reported_holds_nothing():
    result = weighed(Difference.REPORT, logs=(log("a", "11-10", 3),))
    assert (result.flows, result.correction, result.line.class_) == (True, 0, LedgerClass.OVER_BILLED)


@pytest.mark.parametrize(
    ("more", "class_", "text"),
    [
        ({"record": None}, LedgerClass.MISSING, "not in Autotask"),
        ({"record": None, "quantity": Decimal(0)}, LedgerClass.MATCH, ""),
        ({"record": None, "quantity": Decimal(-1)}, LedgerClass.OVER_BILLED, "not in Autotask"),
        (
            {"record": None, "quantity": Decimal(0), "logs": (log("a", "11-10", 3),)},
            LedgerClass.HELD,
            "not in Autotask",
        ),
        ({"record": None, "coming": True}, LedgerClass.UNDER_BILLED, "the logs do not give the quantity"),
        (
            {"record": None, "coming": True, "logs": (log("a", "11-10", 5),)},
            LedgerClass.HELD,
            "the logs do not give the quantity",
        ),
        ({"record": None, "coming": True, "logs": (log("a", "11-10", 12),)}, LedgerClass.MATCH, ""),
    ],
)
def test_what_is_not_in_autotask_yet_is_told_from_what_differs(more, class_, text):
    line = weighed(**{"rows": (), **more}).line
    assert line.class_ is class_
    assert line.text.startswith(text)


def test_an_orphan_has_units_and_nobody_behind_them():
    line = orphan("subscription", 9, "Old Ltd, Exchange", 4, AS_OF, Decimal("3.20"))
    assert (line.key, line.quantity, line.units, line.difference) == ("", None, 4, -4)
    assert (line.class_, line.monthly, line.day) == (LedgerClass.ORPHAN, Decimal("-12.80"), AS_OF)
    assert orphan("subscription", 9, "Old Ltd", 4, AS_OF, None).monthly is None


def test_the_one_off_amount_is_for_the_days_gone_by_and_only_for_them():
    assert one_off(Decimal(365), AS_OF.replace(month=10), AS_OF) == Decimal(365) * 31 / (Decimal(365) / 12)
    assert one_off(Decimal(365), AS_OF, AS_OF) is None
    assert one_off(Decimal(365), day("12-1"), AS_OF) is None
    assert one_off(None, day("1-1"), AS_OF) is None


LOGS = st.lists(st.tuples(st.integers(1, 30), st.integers(-5, 5)), max_size=5).map(
    lambda many: tuple(log(f"l{number}", f"11-{on}", count) for number, (on, count) in enumerate(many))
)
DECISIONS = st.dictionaries(
    st.sampled_from(["l0", "l1", "l2", "s1"]), st.sampled_from(["archive", "push", "correct", "ignore"]), max_size=4
)


@given(st.integers(0, 20), st.integers(0, 20), LOGS, st.sampled_from(Difference), DECISIONS)
def test_nothing_flows_against_the_law_that_nobody_decided_on(quantity, before, logs, difference, decided):
    result = weighed(difference, decided, quantity=Decimal(quantity), rows=units(("11-1", "11-30", before)), logs=logs)
    counted = [one for one in logs if decided.get(one.key) != "archive"]
    gap = quantity - before - sum(one.units for one in counted)
    assert result.line.difference == gap
    assert (result.line.class_ is LedgerClass.MATCH) == (gap == 0)
    if difference is Difference.HOLD and gap and not decided:
        assert (result.flows, result.correction) == (False, 0)
    if gap == 0:
        assert (result.flows, result.correction) == (True, 0)


@given(st.integers(0, 20), st.integers(0, 20), LOGS)
def test_once_all_that_is_pending_and_the_correction_are_applied_the_law_holds(quantity, before, logs):
    rows = units(("11-1", "11-30", before))
    result = weighed(Difference.CORRECT, quantity=Decimal(quantity), rows=rows, logs=logs)
    for one in logs:
        rows = adjust(rows, one.day, int(one.units))
    rows = adjust(rows, result.line.day, int(result.correction))
    after = weighed(quantity=Decimal(quantity), rows=rows, last_day=result.line.day)
    assert (after.line.class_, after.flows) == (LedgerClass.MATCH, True)
