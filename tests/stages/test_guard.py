"""Limits: at a limit a plan passes, over it somebody has to say so."""

from decimal import Decimal

import pytest
from trueup.model.change import Action, FieldChange, Reason
from trueup.model.plan import GoneRows, GuardExceeded
from trueup.model.project import Guards
from trueup.stages.guard import guard, not_allowed, set_by_rules

from tests.stages.examples import change

GUARDS = Guards(
    creates={"*": 3, "Companies": 1},
    deactivations={"*": 0, "Contracts": 2},
    share_changed={"*": Decimal("0.3"), "Services": Decimal(1)},
    adjustments={"count": 9, "seats": 50},
    rows_gone={"*": Decimal("0.1"), "contract": Decimal(1)},
    monthly_effect=Decimal(1000),
    one_off_effect=Decimal(500),
    calls=2000,
)
QUIET = Guards({}, {}, {}, {}, {}, Decimal(0), Decimal(0), 0)


def many(count, action, entity="Contracts"):
    return [
        change(f"{entity}{action}{number}", action=action, entity=entity) for number in range(count)
    ]


def limits(*changes, linked=None, calls=0, guards=GUARDS):
    flat = [one for group in changes for one in group]
    return [one.limit for one in guard(guards, flat, linked or {}, calls)]


def first(count, before=None, entity="Companies"):
    """So many records that are linked for the first time, and get a value.

    It takes the place of `before`, or of none.
    """
    field = FieldChange("phone", before, "1", Reason.FIRST, "", "1")
    return [
        change(f"{before}{n}{action}", action=action, entity=entity, record=n, fields=(field,))
        for n in range(count)
        for action in (Action.LINK, Action.UPDATE)
    ]


def money(*effects):
    return [
        change(
            f"a{n}",
            action=Action.ADJUST,
            monthly=None if effect is None else Decimal(effect),
            price_unknown=effect is None,
        )
        for n, effect in enumerate(effects)
    ]


def texts(*changes):
    return [one.text for one in guard(GUARDS, [one for group in changes for one in group], {}, 0)]


@pytest.mark.parametrize(
    ("count", "entity", "exceeded"),
    [
        (3, "Contracts", []),
        (4, "Contracts", ["creates:Contracts"]),
        (1, "Companies", []),
        (2, "Companies", ["creates:Companies"]),
    ],
)
def test_creates_are_limited_for_each_entity(count, entity, exceeded):
    assert limits(many(count, Action.CREATE, entity)) == exceeded


@pytest.mark.parametrize(
    ("count", "entity", "exceeded"),
    [
        (0, "Companies", []),
        (1, "Companies", ["deactivations:Companies"]),
        (2, "Contracts", []),
        (3, "Contracts", ["deactivations:Contracts"]),
    ],
)
def test_deactivations_are_limited_for_each_entity(count, entity, exceeded):
    assert limits(many(count, Action.DEACTIVATE, entity)) == exceeded


@pytest.mark.parametrize(
    ("count", "linked", "exceeded"),
    [
        (3, 10, []),
        (4, 10, ["share_changed:Contracts"]),
        (9, 9, []),
        (10, 10, ["share_changed:Contracts"]),
        (30, 100, []),
        (31, 100, ["share_changed:Contracts"]),
        (5, 0, []),
    ],
)
def test_the_share_of_linked_records_changed_is_limited_from_ten_up(count, linked, exceeded):
    assert limits(many(count, Action.UPDATE), linked={"Contracts": linked}) == exceeded


def test_deactivations_count_as_changed_and_links_and_adjustments_do_not():
    linked = {"Contracts": 10}
    assert limits(many(2, Action.DEACTIVATE), many(2, Action.UPDATE), linked=linked) == [
        "share_changed:Contracts"
    ]
    assert (
        limits(many(9, Action.LINK), many(9, Action.ADJUST), many(3, Action.CREATE), linked=linked)
        == []
    )


def test_an_entity_may_have_a_share_of_its_own():
    assert limits(many(10, Action.UPDATE, "Services"), linked={"Services": 10}) == []


def test_records_that_the_plan_is_about_to_link_are_counted_among_the_linked_ones():
    links, others = many(300, Action.LINK), many(80, Action.UPDATE)
    assert limits(links, others, linked={"Contracts": 10}) == []
    (exceeded,) = guard(GUARDS, [*links, *others, *others[:20]], {"Contracts": 10}, 0)
    assert exceeded == GuardExceeded(
        "share_changed",
        "share_changed:Contracts",
        (
            "32% of the linked Contracts would change (100 of 310, 300 of them by this plan), "
            "over the limit of 30%"
        ),
    )


def test_on_day_one_a_change_is_what_overwrites_something_and_not_what_fills_in_our_key():
    assert limits(first(20)) == []
    assert limits(first(20), first(5, "2")) == []
    assert limits(first(9), first(11, "2")) == ["share_changed:Companies"]
    filled = [one for one in first(20) if one.action is Action.UPDATE]
    assert limits(filled, linked={"Companies": 20}) == ["share_changed:Companies"]


@pytest.mark.parametrize(
    ("effects", "exceeded"),
    [
        (["1000"], []),
        (["-1000"], []),
        (["1000", "0.01"], ["monthly_effect"]),
        (["-1000", "-0.01"], ["monthly_effect"]),
        (["1000", "-1000"], []),
        (["10000", "-10000"], ["monthly_effect"]),
        ([None, None], []),
    ],
)
def test_what_is_billed_more_and_what_is_billed_less_are_limited_each_by_itself(effects, exceeded):
    assert limits(money(*effects)) == exceeded


def test_which_of_the_two_is_over_is_shown_with_how_many_have_no_price():
    assert texts(money("1500", "-900")) == [
        "+1,500.00 a month is billed more, over the limit of 1,000.00"
    ]
    (one,) = texts(money("900", "-1500", None))
    assert one == (
        "-1,500.00 a month is billed less, over the limit of 1,000.00; "
        "1 of the changes has no known price and comes on top"
    )
    (both,) = texts(money("10000", "-10000", None, None))
    assert both == (
        "+10,000.00 a month is billed more and -10,000.00 a month is billed less, "
        "over the limit of 1,000.00; "
        "2 of the changes have no known price and come on top"
    )


def once(*amounts):
    return [
        change(f"o{n}", action=Action.CREATE, entity="Others", one_off=Decimal(amount))
        for n, amount in enumerate(amounts)
    ]


@pytest.mark.parametrize(
    ("amounts", "exceeded"),
    [
        (["500"], []),
        (["-500"], []),
        (["500", "0.01"], ["one_off_effect"]),
        (["-500", "-0.01"], ["one_off_effect"]),
        (["501", "-501"], ["one_off_effect"]),
    ],
)
def test_amounts_that_are_charged_once_have_a_limit_of_their_own(amounts, exceeded):
    assert limits(once(*amounts)) == exceeded


def of_earlier_days(*amounts):
    """Changes whose posted days stay as they are billed: lost, or below zero owed as a credit."""
    return [
        change(f"l{n}", action=Action.WRITE_BACK, lost=Decimal(amount))
        for n, amount in enumerate(amounts)
    ]


@pytest.mark.parametrize(
    ("amounts", "exceeded"),
    [
        (["-500"], []),
        (["-500.01"], ["one_off_effect"]),
        (["500"], []),
        (["500.01"], ["one_off_effect"]),
        (["-400", "101"], ["one_off_effect"]),  # neither makes the other one smaller
    ],
)
def test_what_is_owed_or_lost_for_earlier_days_counts_as_billed_less(amounts, exceeded):
    assert limits(of_earlier_days(*amounts)) == exceeded


def test_what_is_owed_or_lost_adds_up_with_what_is_credited_once():
    changes = [*once("-300"), *of_earlier_days("-201")]
    [text] = texts(changes)
    part = "201.00 of it lost, or owed as a credit, for earlier days"
    assert text == f"-501.00 once is billed less ({part}), over the limit of 500.00"
    assert limits(once("300"), of_earlier_days("-400")) == []


def test_the_amount_that_is_charged_once_is_shown():
    assert texts(once("3136")) == ["+3,136.00 once is billed more, over the limit of 500.00"]


def moves(*units):
    """Adjustments that move so many units each."""
    return [
        change(f"a{n}", action=Action.ADJUST, units=(10, 10 + count))
        for n, count in enumerate(units)
    ]


@pytest.mark.parametrize(
    ("units", "exceeded"),
    [
        ([1] * 9, []),
        ([1] * 10, ["adjustments:count"]),
        ([50], []),
        ([51], ["adjustments:seats"]),
        ([-51], ["adjustments:seats"]),
        ([26, -26], ["adjustments:seats"]),  # up and down are added up
        ([6] * 10, ["adjustments:count", "adjustments:seats"]),
    ],
)
def test_adjustments_are_limited_by_count_and_by_units(units, exceeded):
    assert limits(moves(*units)) == exceeded


def test_adjustments_over_the_limit_are_shown_with_their_figures():
    assert texts(moves(*[-6] * 10)) == [
        "10 adjustments are over the limit of 9",
        "60 adjusted units are over the limit of 50",
    ]


@pytest.mark.parametrize(
    ("table", "gone", "linked", "exceeded"),
    [
        ("subscription", 2, 20, []),
        ("subscription", 3, 20, ["rows_gone:subscription"]),
        ("subscription", 9, 9, []),  # of fewer than ten a share means nothing
        ("subscription", 10, 10, ["rows_gone:subscription"]),
        ("contract", 20, 20, []),  # it has a limit of its own
    ],
)
def test_the_share_of_a_table_s_linked_rows_that_are_gone_is_limited(table, gone, linked, exceeded):
    found = guard(GUARDS, [], {}, 0, [GoneRows(table, gone, linked)])
    assert [one.limit for one in found] == exceeded


def test_rows_that_are_gone_are_shown_with_their_share():
    (exceeded,) = guard(GUARDS, [], {}, 0, [GoneRows("subscription", 20, 180)])
    assert exceeded == GuardExceeded(
        "rows_gone",
        "rows_gone:subscription",
        "11% of the known rows of subscription are gone (20 of 180), over the limit of 10%",
    )


def test_without_a_limit_any_share_of_rows_may_be_gone():
    assert guard(QUIET, [], {}, 0, [GoneRows("subscription", 20, 20)]) == []


def test_limits_that_rules_set_are_known_by_their_kind():
    by_rule = GuardExceeded("rule", "rule:too-late", "…")
    assert set_by_rules([by_rule, GuardExceeded("calls", "calls", "…")]) == [by_rule]
    assert not_allowed([by_rule], frozenset(["rule"])) == []


@pytest.mark.parametrize(("calls", "exceeded"), [(2000, []), (2001, ["calls"])])
def test_calls_are_limited(calls, exceeded):
    assert limits(calls=calls) == exceeded


def test_what_has_no_limit_is_not_limited():
    changes = [*many(99, Action.CREATE), *many(99, Action.DEACTIVATE), *many(99, Action.UPDATE)]
    assert limits(changes, linked={"Contracts": 99}, guards=QUIET) == []


def test_every_limit_is_shown_with_its_figures_by_entity():
    changes = [
        *many(4, Action.CREATE, "Services"),
        *many(2, Action.CREATE, "Companies"),
        *many(4, Action.UPDATE),
    ]
    exceeded = guard(GUARDS, [*changes, *money("-1234.5")], {"Contracts": 12}, 2345)
    assert exceeded == [
        GuardExceeded(
            "creates",
            "creates:Companies",
            "2 new records of Companies are over the limit of 1",
        ),
        GuardExceeded(
            "creates",
            "creates:Services",
            "4 new records of Services are over the limit of 3",
        ),
        GuardExceeded(
            "share_changed",
            "share_changed:Contracts",
            "33% of the linked Contracts would change (4 of 12), over the limit of 30%",
        ),
        GuardExceeded(
            "monthly_effect",
            "monthly_effect",
            "-1,234.50 a month is billed less, over the limit of 1,000.00",
        ),
        GuardExceeded("calls", "calls", "applying costs 2,345 API calls, over the limit of 2,000"),
    ]


@pytest.mark.parametrize(
    ("allowed", "left"),
    [
        ([], ["creates:Companies", "creates:Services", "calls"]),
        (["creates:Companies"], ["creates:Services", "calls"]),
        (["creates"], ["calls"]),
        (["calls", "creates"], []),
        (["share_changed", "Companies"], ["creates:Companies", "creates:Services", "calls"]),
    ],
)
def test_a_limit_is_lifted_by_its_name_or_with_all_of_its_kind(allowed, left):
    exceeded = [
        GuardExceeded(name.partition(":")[0], name, "…")
        for name in ("creates:Companies", "creates:Services", "calls")
    ]
    assert [one.limit for one in not_allowed(exceeded, frozenset(allowed))] == left
