"""The law of the ledger: the target's units plus what is pending equal the source's quantity."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from trueup.model.catalogue import SystemNames
from trueup.model.change import RowRef, ServiceTerms
from trueup.model.finding import Advice, Command
from trueup.model.mapping import Difference
from trueup.model.plan import Amount, HeldTotal, HeldUnits, LedgerClass
from trueup.model.units import adjust, extended
from trueup.model.verdict import Verdict
from trueup.stages.ledger import (
    PendingUnits,
    ServiceLedger,
    compare,
    comparison_day,
    complete,
    correctable,
    orphan,
)
from trueup.stages.ledger_totals import totals

from tests.stages.examples import day, units

AS_OF = day("11-15")
ROW = RowRef("subscription", "s1", "Alpine, Business Premium")
CUSTOMER = RowRef("customer", "a1", "Dunmore, Surveyors & Sons")
SERVICE = ServiceLedger(
    row=ROW,
    record=7,
    quantity=Decimal(12),
    rows=units(("11-1", "11-30", 12)),
    none_is_zero=True,
    terms=ServiceTerms(price=Decimal("16.80"), months=1, start=day("1-1")),
    pending_mapping="quantity",
    customer=CUSTOMER,
    systems=SystemNames("Work 365", "Autotask"),
)
CORRECT = "`trueup decide subscription s1 correct --reason …` adjusts Autotask to Work 365"


def log(key, on, count, **more):
    return PendingUnits(key, day(on), Decimal(count), **more)


def compared(difference=Difference.HOLD, pushed=(), *, correct=False, outdated="", **more):
    return compare(
        replace(SERVICE, **more), AS_OF, difference, pushed, correct=correct, outdated=outdated
    )


def completed(*args, moved=0, held=(), **more):
    """The line of the ledger once it is known what the plan moves and holds."""
    return complete(compared(*args, **more).line, moved, held)


def held(count, code="phone", key="a"):
    return HeldUnits(Decimal(count), code, "is held", (key,), RowRef("quantity", key))


@pytest.mark.parametrize(
    ("more", "on"),
    [
        ({}, "11-15"),
        ({"changes": (log("a", "11-10", 1), log("b", "11-5", 1))}, "11-15"),
        ({"changes": (log("a", "11-20", 1), log("b", "11-18", 1))}, "11-20"),
        ({"last_day": day("11-25")}, "11-25"),
        ({"last_day": day("11-1")}, "11-15"),
        ({"rows": units(("12-1", "12-31", 5))}, "11-15"),  # a row is missing: that is no later day
        ({"rows": ()}, "11-15"),
    ],
)
def test_both_sides_are_compared_when_all_that_is_known_has_taken_effect(more, on):
    assert comparison_day(replace(SERVICE, **more), AS_OF) == day(on)


@pytest.mark.parametrize(
    ("end", "on"),
    [("11-30", "11-30"), ("11-20", "11-20"), ("11-15", "11-15"), ("11-14", "12-5")],
)
def test_a_change_after_the_end_of_the_contract_is_compared_on_its_last_day(end, on):
    """A contract that has ended before the plan's day has no such day."""
    terms = replace(SERVICE.terms, end=day(end))
    ledger = replace(SERVICE, terms=terms, changes=(log("a", "12-5", 2),))
    assert comparison_day(ledger, AS_OF) == day(on)


def test_where_the_plan_extends_the_contract_its_units_are_those_of_the_last_day():
    rows = extended(units(("11-1", "11-30", 10)), day("12-31"))
    terms = replace(SERVICE.terms, end=day("12-31"), present_end=day("11-30"))
    result = compared(rows=rows, terms=terms, changes=(log("a", "12-5", 2),))
    assert (result.line.day, result.line.units, result.line.difference) == (day("12-5"), 10, 0)
    assert result.sendable


def test_where_the_law_holds_changes_may_be_sent_without_a_text():
    result = compared(rows=units(("11-1", "11-30", 10)), changes=(log("a", "11-20", 2),))
    assert result.sendable
    assert result.correction == 0
    line = complete(result.line, 2, ())
    assert (line.quantity, line.units, line.pending, line.difference) == (12, 10, 2, 0)
    assert (line.class_, line.text) == (LedgerClass.UNDER_BILLED, "")
    assert (line.moved, line.unexplained, line.monthly) == (2, 0, Decimal("33.60"))


def test_units_of_the_day_of_comparison_count_and_not_those_of_today():
    rows = units(("11-1", "11-19", 9), ("11-20", "11-30", 12))
    assert compared(rows=rows, last_day=day("11-20")).sendable
    assert not compared(rows=rows).sendable


def test_without_rows_the_units_are_zero_or_unknown_as_configured():
    assert compared(rows=()).line.units == 0
    line = completed(rows=(), none_is_zero=False)
    assert (line.units, line.class_) == (None, LedgerClass.UNKNOWN)


def test_a_day_that_no_unit_row_covers_is_not_known_and_offers_no_correction():
    gap = units(("11-1", "11-10", 12), ("11-20", "11-30", 12))
    result = compared(Difference.CORRECT, correct=True, rows=gap, none_is_zero=False)
    line = complete(result.line, 0, ())
    assert (result.sendable, result.correction) == (False, 0)
    assert (line.class_, line.units, line.unexplained) == (LedgerClass.UNKNOWN, None, None)
    assert line.text == "not known: no unit row covers 15 Nov 2026"
    assert line.remedy == "wait until Autotask has written the units of that day, and plan again"


@pytest.mark.parametrize(
    ("rows", "terms", "expected"),
    [
        (("11-20", "11-30", 5), {"start": day("11-20")}, 0),
        (("11-1", "11-10", 5), {"end": day("11-10")}, 0),
        (("11-20", "11-30", 5), {}, None),  # within the contract, a row may just be missing
    ],
)
def test_a_day_before_or_after_the_contract_has_no_units(rows, terms, expected):
    terms = replace(SERVICE.terms, **terms)
    service = replace(SERVICE, rows=units(rows), terms=terms, none_is_zero=False)
    assert service.units(AS_OF) == expected


@pytest.mark.parametrize("quantity", [None, Decimal(12)])
def test_a_side_that_is_not_known_is_no_difference(quantity):
    why = "its row cannot be read"
    remedy = Advice.of("correct it: ", Command.decide("subscription", "s1", Verdict.IGNORE))
    result = compared(Difference.REPORT, quantity=quantity, unknown=why, remedy=remedy)
    line = complete(result.line, 0, ())
    assert (result.sendable, line.class_) == (False, LedgerClass.UNKNOWN)
    assert line.text == why
    assert (line.remedy, line.commands) == (remedy.text, remedy.commands)
    assert (line.difference, line.unexplained, line.monthly) == (None, None, None)


@pytest.mark.parametrize(
    ("quantity", "class_", "monthly"),
    [
        (14, LedgerClass.UNDER_BILLED, "33.60"),
        (10, LedgerClass.OVER_BILLED, "-33.60"),
        (0, LedgerClass.OVER_BILLED, "-201.60"),
    ],
)
def test_a_difference_that_nothing_pending_explains_is_shown_in_money(quantity, class_, monthly):
    result = compared(quantity=Decimal(quantity))
    line = complete(result.line, 0, ())
    assert not result.sendable
    assert line.class_ is class_
    assert line.monthly == Decimal(monthly)
    assert line.unexplained == quantity - 12
    assert (line.text, line.remedy) == ("nothing pending explains it", CORRECT)
    assert line.commands == (Command.decide("subscription", "s1", Verdict.CORRECT),)


def test_the_customer_is_a_reference_and_its_name_is_whole():
    line = completed()
    assert (line.customer, line.customer_row) == ("Dunmore, Surveyors & Sons", CUSTOMER)
    assert completed(customer=None).customer == ""


def test_the_price_of_a_line_is_that_of_a_month():
    yearly = ServiceTerms(price=Decimal(120), months=12, start=day("1-1"))
    assert completed(terms=yearly, quantity=Decimal(15)).monthly == 30


def test_an_unknown_price_is_not_no_money():
    line = completed(quantity=Decimal(14), terms=ServiceTerms())
    assert (line.monthly, line.price) == (None, None)


def test_changes_that_do_not_explain_a_difference_are_kept_back_with_the_ways_out():
    result = compared(changes=(log("a", "11-10", 12),))
    assert not result.sendable
    assert result.line.difference == -12
    assert result.line.text == "what is pending does not explain it"
    assert result.line.remedy == CORRECT
    line = complete(result.line, 0, (held(12),))
    assert (line.class_, line.held_units, line.unexplained) == (LedgerClass.MATCH, 12, -12)


def test_a_change_that_a_rule_stops_is_pending_anyway():
    changes = (log("a", "11-10", 2, stopped=True),)
    result = compared(rows=units(("11-1", "11-30", 10)), changes=changes)
    assert (result.sendable, result.line.pending, result.line.difference) == (True, 2, 0)


def test_held_changes_are_shown_as_held_and_not_as_billed():
    """10 of 12 seats are billed, and the two that are missing are held: one seat in one place."""
    changes = (log("a", "11-10", 2, stopped=True),)
    line = completed(rows=units(("11-1", "11-30", 10)), changes=changes, held=(held(2),))
    assert (line.class_, line.monthly) == (LedgerClass.UNDER_BILLED, Decimal("33.60"))
    assert (line.moved, line.held_units, line.unexplained) == (0, 2, 0)


def test_too_much_that_is_billed_does_not_hide_behind_what_is_held():
    """12 billed of 13, and +3 held: one seat too little now, two of the held are unexplained."""
    changes = (log("a", "11-10", 3, stopped=True),)
    line = completed(quantity=Decimal(13), changes=changes, held=(held(3),))
    assert (line.class_, line.monthly) == (LedgerClass.UNDER_BILLED, Decimal("16.80"))
    assert (line.difference, line.unexplained) == (-2, -2)


def test_changes_that_were_all_decided_to_be_pushed_are_sent_and_the_difference_stays():
    logs = (log("a", "11-10", 2), log("b", "11-11", 1))
    result = compared(pushed=("a", "b"), changes=logs)
    assert (result.sendable, result.correction) == (True, 0)
    assert result.line.difference == -3
    assert result.line.text == "pushed anyway, as decided"
    assert not compared(pushed=("a",), changes=logs).sendable


def test_pushing_decides_nothing_where_nothing_is_pending():
    assert not compared(quantity=Decimal(14), pushed=("s1",)).sendable


@pytest.mark.parametrize(
    ("difference", "correct"),
    [(Difference.CORRECT, False), (Difference.HOLD, True), (Difference.REPORT, True)],
)
def test_a_difference_is_corrected_by_the_project_or_by_a_person(difference, correct):
    changes = (log("a", "11-10", 3),)
    result = compared(difference, correct=correct, quantity=Decimal(14), changes=changes)
    assert (result.sendable, result.correction) == (True, -1)
    assert result.line.text == "is corrected by this plan"


def test_a_decision_about_another_difference_is_named_and_does_not_correct():
    outdated = "the decision to correct it is about 8 of 10 units"
    result = compared(quantity=Decimal(14), outdated=outdated)
    assert (result.sendable, result.correction) == (False, 0)
    assert result.line.text == f"nothing pending explains it; {outdated}"


@pytest.mark.parametrize(
    ("gap", "changes", "now"),
    [
        (5, [], 5),
        (5, [log("a", "11-10", -2)], 5),  # it is not held
        (5, [log("a", "11-10", -2, stopped=True)], 3),
        (5, [log("a", "11-10", 2, stopped=True)], 5),  # it goes the same way
        (2, [log("a", "11-10", -2, stopped=True)], 0),
        (2, [log("a", "11-10", -9, stopped=True)], 0),
        (-5, [log("a", "11-10", 2, stopped=True)], -3),
    ],
)
def test_what_a_held_change_would_take_back_is_not_corrected_now(gap, changes, now):
    assert correctable(Decimal(gap), changes) == now


def test_a_correction_that_waits_names_the_change_that_it_waits_for():
    changes = (log("a", "11-10", -2, stopped=True),)
    result = compared(correct=True, quantity=Decimal(15), changes=changes)
    assert (result.sendable, result.correction) == (True, 3)
    text = "is corrected by +3 in this plan; +2 more wait for what is held: -2 would take them back"
    assert result.line.text == text
    way = "wait for it, or `trueup decide quantity a archive --reason …` if it is not to be sent"
    assert result.line.remedy == way
    result = compared(correct=True, quantity=Decimal(12), changes=changes)
    assert result.correction == 0
    assert result.line.text == ("a correction by +2 waits for what is held: -2 would take it back")


@pytest.mark.parametrize(
    ("more", "why", "remedy"),
    [
        (
            {"quantity": Decimal("12.5")},
            "Autotask counts whole units",
            "correct the quantity, or the changes of it, in Work 365",
        ),
        (
            {"quantity": Decimal(-1)},
            "its quantity is negative",
            "correct the quantity in Work 365",
        ),
        (
            {"later_steps": ((day("11-20"), -2), (day("11-25"), 1))},
            "Autotask's units change by -2 on 2026-11-20, later than any change, and not by trueup",
            (
                "`trueup plan --as-of 2026-11-25` compares both on that day, with it; "
                "or correct the units in Autotask"
            ),
        ),
        (
            {"unassigned": Advice("correct the change")},
            "a change that cannot be read may explain it",
            "correct the change",
        ),
        (
            {"is_inferred": True},
            "its service is not linked yet",
            "`trueup link subscription s1 7` adjusts Autotask to Work 365",
        ),
    ],
)
def test_what_speaks_against_a_correction_is_named_with_the_way_out(more, why, remedy):
    result = compared(Difference.CORRECT, correct=True, **{"quantity": Decimal(14), **more})
    assert (result.sendable, result.correction) == (False, 0)
    assert result.line.text == f"is not corrected: {why}"
    assert result.line.remedy == remedy


def test_a_row_that_is_kept_out_is_corrected_by_a_person_only():
    kept_out = {"kept_out": "blocked", "quantity": Decimal(14)}
    result = compared(Difference.CORRECT, **kept_out)
    assert (result.correction, result.line.text, result.line.remedy) == (
        0,
        "is not corrected: its row is blocked, see there",
        CORRECT,
    )
    assert compared(Difference.CORRECT, correct=True, **kept_out).correction == 2


def test_a_row_whose_service_only_fits_is_linked_and_corrected_by_two_decisions():
    result = compared(is_inferred=True, quantity=Decimal(14))
    assert result.line.text == "nothing pending explains it; its service is not linked yet"
    assert result.line.remedy == (
        "`trueup link subscription s1 7` and "
        "`trueup decide subscription s1 correct --reason …` adjust Autotask to Work 365"
    )


@pytest.mark.parametrize(
    ("difference", "correct"), [(Difference.CORRECT, False), (Difference.HOLD, True)]
)
def test_what_is_not_in_autotask_and_not_coming_has_nothing_to_correct(difference, correct):
    result = compared(difference, correct=correct, record=None, rows=(), quantity=Decimal(14))
    assert (result.sendable, result.correction) == (False, 0)
    line = complete(result.line, 0, ())
    assert (line.class_, line.text) == (LedgerClass.MISSING, "not in Autotask")


def test_a_difference_that_is_only_reported_holds_nothing():
    result = compared(Difference.REPORT, changes=(log("a", "11-10", 3),))
    assert (result.sendable, result.correction) == (True, 0)
    assert complete(result.line, 3, ()).unexplained == -3


@pytest.mark.parametrize(
    ("more", "class_", "text"),
    [
        ({}, LedgerClass.MISSING, "not in Autotask"),
        ({"quantity": Decimal(0)}, LedgerClass.MATCH, ""),
        ({"quantity": Decimal(-1)}, LedgerClass.OVER_BILLED, "not in Autotask"),
        (
            {"quantity": Decimal(0), "changes": (log("a", "11-10", 3),)},
            LedgerClass.MATCH,
            "not in Autotask",
        ),
        ({"coming": True}, LedgerClass.UNDER_BILLED, "the changes do not add up to the quantity"),
        (
            {"coming": True, "changes": (log("a", "11-10", 5),)},
            LedgerClass.UNDER_BILLED,
            "the changes do not add up to the quantity",
        ),
        ({"coming": True, "changes": (log("a", "11-10", 12),)}, LedgerClass.UNDER_BILLED, ""),
    ],
)
def test_what_is_not_in_autotask_yet_is_kept_apart_from_what_differs(more, class_, text):
    line = completed(**{"record": None, "rows": (), **more})
    assert (line.class_, line.text) == (class_, text)


# Services that no row stands behind


def orphaned(count, candidates=(), **more):
    row = RowRef("subscription", "", "Old Ltd, Exchange")
    terms = ServiceTerms(price=Decimal("3.20"), months=1, start=day("1-1"))
    ledger = replace(SERVICE, row=row, record=9, **{"terms": terms, **more})
    return orphan(ledger, count, AS_OF, dict(candidates))


def test_an_orphan_has_units_and_no_row_behind_them():
    line = orphaned(4)
    assert (line.key, line.quantity, line.units, line.difference) == ("", None, 4, -4)
    assert (line.class_, line.monthly, line.day) == (LedgerClass.ORPHAN, Decimal("-12.80"), AS_OF)
    assert line.unexplained == -4
    assert orphaned(4, terms=ServiceTerms()).monthly is None


def test_an_orphan_names_the_rows_that_it_may_belong_to():
    assert orphaned(4).remedy == (
        "`trueup link subscription KEY 9` with the row that it belongs to, "
        "or set its units to 0 in Autotask"
    )
    line = orphaned(4, {"s1": "Alpine", "s2": "Brightwater"})
    assert line.remedy == (
        "`trueup link subscription s1 9` if it is Alpine, "
        "or `trueup link subscription s2 9` if it is Brightwater, "
        "or set its units to 0 in Autotask"
    )
    assert [str(one) for one in line.commands] == [
        "trueup link subscription s1 9",
        "trueup link subscription s2 9",
    ]


# Totals


def test_each_seat_is_in_one_total():
    under = completed(
        quantity=Decimal(15),
        changes=(log("a", "11-10", 2), log("b", "11-10", 1)),
        moved=2,
        held=(held(1, "phone", "b"),),
    )
    over = completed(quantity=Decimal(10))
    free = completed(quantity=Decimal(13), terms=ServiceTerms())
    unknown = completed(quantity=None, unknown="why")
    price = Decimal("16.80")
    found = totals([under, over, free, unknown, orphaned(4)])
    assert found.under == Amount(2, Decimal(4), 3 * price, 1)
    assert found.over == Amount(2, Decimal(6), 2 * price + 4 * Decimal("3.20"), 0)
    assert found.moved == Amount(1, Decimal(2), 2 * price)
    assert found.held == Amount(1, Decimal(1), price)
    assert found.held_by_reason == (HeldTotal("phone", found.held),)
    assert found.unexplained == Amount(3, Decimal(-5), -2 * price - 4 * Decimal("3.20"), 1)
    assert found.unknown == 1


# Properties

LOGS = st.lists(st.tuples(st.integers(1, 30), st.integers(-5, 5)), max_size=5).map(
    lambda many: tuple(
        log(f"l{number}", f"11-{on}", count) for number, (on, count) in enumerate(many)
    )
)
PUSHED = st.sets(st.sampled_from(["l0", "l1", "l2", "s1"]))


@given(
    st.integers(0, 20),
    st.integers(0, 20),
    LOGS,
    st.sampled_from(Difference),
    PUSHED,
    st.booleans(),
)
def test_nothing_is_sent_against_the_law_without_a_decision(
    quantity, before, logs, difference, pushed, correct
):
    result = compared(
        difference,
        pushed,
        correct=correct,
        quantity=Decimal(quantity),
        rows=units(("11-1", "11-30", before)),
        changes=logs,
    )
    gap = quantity - before - sum(one.units for one in logs)
    assert result.line.difference == gap
    if difference is Difference.HOLD and gap and not pushed and not correct:
        assert (result.sendable, result.correction) == (False, 0)
    if gap == 0:
        assert (result.sendable, result.correction) == (True, 0)


@given(st.integers(0, 20), st.integers(0, 20), LOGS, st.integers(-9, 9), st.integers(-9, 9))
def test_moved_held_and_unexplained_add_up_to_what_differs_now(
    quantity, before, logs, moved, waiting
):
    line = completed(
        quantity=Decimal(quantity),
        rows=units(("11-1", "11-30", before)),
        changes=logs,
        moved=moved,
        held=(held(waiting),),
    )
    assert line.quantity - line.units == line.moved + line.held_units + line.unexplained
    assert (line.class_ is LedgerClass.MATCH) == (quantity == before)
    sums = totals([line])
    assert sums.under.units - sums.over.units == (
        sums.moved.units + sums.held.units + sums.unexplained.units
    )
    assert sums.under.monthly - sums.over.monthly == (
        sums.moved.monthly + sums.held.monthly + sums.unexplained.monthly
    )


@given(st.integers(0, 20), st.integers(0, 20), LOGS)
def test_once_all_that_is_pending_and_the_correction_are_applied_the_law_holds(
    quantity, before, logs
):
    rows = units(("11-1", "11-30", before))
    result = compared(Difference.CORRECT, quantity=Decimal(quantity), rows=rows, changes=logs)
    for one in logs:
        rows = adjust(rows, one.day, int(one.units))
    rows = adjust(rows, result.line.day, int(result.correction))
    after = compared(quantity=Decimal(quantity), rows=rows, last_day=result.line.day)
    line = complete(after.line, 0, ())
    assert (line.class_, after.sendable) == (LedgerClass.MATCH, True)
