"""What a plan moves, and whether the statements about it are enough."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from trueup.model.approval import (
    ApprovalPolicy,
    ApprovalStated,
    Lack,
    MovedMoney,
    Role,
    Statement,
)
from trueup.model.audit import AuditEntry
from trueup.model.change import Action, Change, InvoiceEffect
from trueup.model.finding import Place
from trueup.stages.approval import answerable, lack_text, moved_money, standing

NOON = datetime(2026, 11, 15, 12, tzinfo=UTC)
ASK, YES, NO, WITHDRAW = Statement
POLICY = ApprovalPolicy(
    above=Decimal(1000),
    second_above=Decimal(5000),
    roles={
        Role.DECIDE: ("anna", "ben@msp.example"),
        Role.APPROVE: ("ben@msp.example", "Carla@msp.example"),
        Role.ADMINISTER: ("dora",),
    },
)
SMALL, MIDDLE, LARGE = (
    MovedMoney(Decimal(amount), Decimal(amount), Decimal(0)) for amount in (1000, 1001, 5001)
)


def stated(*statements: tuple[str, Statement], plan: str = "d1", moved: MovedMoney = MIDDLE):
    """The history in which these people stated this, one after another."""
    return [
        AuditEntry(
            number,
            NOON + timedelta(minutes=number),
            who,
            "host",
            "",
            ApprovalStated(statement, plan, moved.amount, moved.unknown),
        )
        for number, (who, statement) in enumerate(statements, 1)
    ]


def lack(moved: MovedMoney, *statements: tuple[str, Statement], policy=POLICY) -> Lack | None:
    return standing(policy, "d1", moved, stated(*statements, moved=moved)).lacks


def change(number: int, **money: Any) -> Change:
    return Change(f"c{number}", Action.UPDATE, "m", (), "n", "t", "e", Place("f"), **money)


def invoice(amount: int) -> InvoiceEffect:
    return InvoiceEffect(NOON.date(), NOON.date(), Decimal(amount))


# The amount


def test_increases_and_decreases_add_up_and_the_larger_sum_counts():
    changes = [
        change(1, monthly=Decimal(100), invoice=invoice(50)),
        change(2, monthly=Decimal(-100), invoice=invoice(-120), lost=Decimal(70)),
        change(3, one_off=Decimal(30)),
        change(4),
    ]

    assert moved_money(changes) == MovedMoney(Decimal(270), once=Decimal(270), month=Decimal(200))


def test_a_change_without_a_known_price_is_counted_as_unknown():
    changes = [change(1, price_unknown=True), change(2, monthly=Decimal(5))]

    assert moved_money(changes) == MovedMoney(Decimal(5), Decimal(0), Decimal(5), unknown=1)


@given(st.lists(st.decimals(-1000, 1000, places=2), max_size=6))
def test_no_split_of_the_changes_moves_less_together(amounts):
    changes = [change(number, monthly=amount) for number, amount in enumerate(amounts)]
    half = len(changes) // 2
    parts = moved_money(changes[:half]), moved_money(changes[half:])

    assert moved_money(changes).amount == sum(part.amount for part in parts)


# Whether one is needed


@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        (SMALL, None),
        (MIDDLE, Lack.APPROVAL),
        (replace(SMALL, unknown=1), Lack.TWO_PEOPLE),  # any amount
        (LARGE, Lack.TWO_PEOPLE),
    ],
)
def test_a_plan_needs_an_approval_above_the_amount_and_two_people_above_the_second(moved, expected):
    assert lack(moved) is expected


# Who may say yes


@pytest.mark.parametrize("person", ["ben@msp.example", "carla@MSP.example"])
def test_the_yes_of_an_approver_is_enough(person):
    assert lack(MIDDLE, (person, YES)) is None


@pytest.mark.parametrize("person", ["anna", "dora", "stranger", ""])
def test_the_yes_of_anybody_else_counts_for_nothing(person):
    assert lack(MIDDLE, (person, YES)) is Lack.APPROVAL


def test_a_role_with_a_limit_approves_up_to_it():
    limits = {
        Role.ADMINISTER: Decimal(2000),
        Role.APPROVE: Decimal(1500),
        Role.DECIDE: Decimal(1100),
    }
    policy = replace(POLICY, limits=limits)

    def allowed(person: str, amount: int) -> bool:
        moved = MovedMoney(Decimal(amount), Decimal(amount), Decimal(0))
        return lack(moved, (person, YES), policy=policy) is None

    assert [allowed("carla@msp.example", amount) for amount in (1500, 1501)] == [True, False]
    assert [allowed("dora", amount) for amount in (2000, 2001)] == [True, False]
    assert [allowed("anna", amount) for amount in (1100, 1101)] == [True, False]
    assert allowed("ben@msp.example", 1500)  # of two roles, the one that allows more


def test_money_that_is_not_known_is_above_every_limit():
    policy = replace(POLICY, second_above=None, limits={Role.APPROVE: Decimal(9000)})
    moved = MovedMoney(Decimal(5), Decimal(5), Decimal(0), unknown=1)

    assert lack(moved, ("carla@msp.example", YES), policy=policy) is Lack.APPROVAL
    assert lack(moved, ("carla@msp.example", YES), policy=replace(policy, limits={})) is None


def test_a_yes_ends_with_the_role_of_the_person():
    removed = replace(POLICY, roles={Role.APPROVE: ("ben@msp.example",)})
    found = standing(removed, "d1", MIDDLE, stated(("carla@msp.example", YES)))

    assert found.lacks is Lack.APPROVAL
    assert [one.why_not for one in found.yes] == [
        "role and limit in `approval:` do not allow it any more"
    ]


def test_a_role_without_a_list_is_everybodys_but_that_of_approving():
    only_approve = ApprovalPolicy(Decimal(1), roles={Role.APPROVE: ("ben",)})
    everything = replace(only_approve, roles={role: (str(role),) for role in Role})

    assert only_approve.roles_of("eve") == {Role.SEE, Role.DECIDE, Role.ADMINISTER}
    assert only_approve.roles_of("Ben") == set(Role)
    assert everything.roles_of("eve") == set()
    assert everything.roles_of("SEE") == {Role.SEE}
    assert everything.roles_of("decide") == {Role.SEE, Role.DECIDE}


# What it is bound to


def test_a_yes_to_another_plan_does_not_count():
    history = stated(("carla@msp.example", YES), plan="d2")

    assert standing(POLICY, "d1", MIDDLE, history).lacks is Lack.APPROVAL
    assert standing(POLICY, "d2", MIDDLE, history).lacks is None


@pytest.mark.parametrize(
    "other", [replace(MIDDLE, amount=Decimal("1001.01")), replace(MIDDLE, unknown=1)]
)
def test_a_yes_to_another_amount_does_not_count(other):
    history = stated(("carla@msp.example", YES), moved=other)
    policy = replace(POLICY, second_above=None)

    assert standing(policy, "d1", MIDDLE, history).lacks is Lack.APPROVAL
    assert standing(policy, "d1", other, history).lacks is None


def test_a_yes_that_is_taken_back_does_not_count_and_can_be_given_again():
    once = (("carla@msp.example", YES), ("Carla@msp.example", WITHDRAW))

    assert lack(MIDDLE, *once) is Lack.APPROVAL
    assert lack(MIDDLE, *once, ("carla@msp.example", YES)) is None


def test_nobody_takes_back_the_yes_of_another():
    assert lack(MIDDLE, ("carla@msp.example", YES), ("ben@msp.example", WITHDRAW)) is None


def test_one_no_of_an_approver_stops_the_plan_until_it_is_taken_back():
    refused = (("carla@msp.example", YES), ("ben@msp.example", NO))

    assert lack(MIDDLE, *refused) is Lack.REFUSED
    assert lack(MIDDLE, *refused, ("ben@msp.example", WITHDRAW)) is None
    assert lack(MIDDLE, *refused, ("ben@msp.example", YES)) is None
    assert lack(MIDDLE, ("carla@msp.example", YES), ("anna", NO)) is None


# Two people


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([("anna", ASK), ("carla@msp.example", YES)], None),
        ([("ben@msp.example", YES), ("carla@msp.example", YES)], None),
        ([("ben@msp.example", ASK), ("ben@msp.example", YES)], Lack.SECOND_PERSON),
        ([("ben@msp.example", YES), ("BEN@msp.example", YES)], Lack.SECOND_PERSON),
        ([("carla@msp.example", YES)], Lack.SECOND_PERSON),
        ([("nightly", ASK), ("carla@msp.example", YES)], Lack.SECOND_PERSON),  # no person
        ([("anna", ASK)], Lack.SECOND_PERSON),
        ([("anna", ASK), ("dora", YES)], Lack.SECOND_PERSON),
        (
            [("anna", ASK), ("carla@msp.example", ASK), ("carla@msp.example", YES)],
            None,  # anna stays the one who prepared it
        ),
    ],
)
def test_above_the_second_amount_two_different_people_answer_for_the_plan(statements, expected):
    assert lack(LARGE, *statements) is expected


def test_one_person_may_prepare_and_approve_what_needs_no_second_one():
    assert lack(MIDDLE, ("ben@msp.example", ASK), ("ben@msp.example", YES)) is None


def test_a_request_without_an_approval_is_not_enough():
    policy = replace(POLICY, roles={**POLICY.roles, Role.APPROVE: ("ben@msp.example",)})

    assert lack(LARGE, ("anna", ASK), ("carla@msp.example", YES), policy=policy) is not None


PEOPLE = ("anna", "ben@msp.example", "carla@msp.example", "dora", "stranger")


@given(st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(Statement)), max_size=8))
def test_a_plan_is_never_let_through_without_a_standing_yes_and_two_people(statements):
    found = standing(POLICY, "d1", LARGE, stated(*statements, moved=LARGE))
    last = {who: one for who, one in statements if one is not ASK}
    yes = {who for who, one in last.items() if one is YES and POLICY.may_approve(who)}
    no = {who for who, one in last.items() if one is NO and POLICY.may_approve(who)}

    if found.lacks is None:
        assert yes
        assert not no
        assert len(answerable(found)) >= 2
    elif not no:
        assert len(yes) < 2


# In words

MOVES_MUCH = "the plan moves £5,001.00, above £5,000.00"
ONE_OF_TWO = "two people must answer for it, and anna is the only one yet"


@pytest.mark.parametrize(
    ("moved", "statements", "text"),
    [
        (
            MIDDLE,
            [],
            "the plan moves £1,001.00, above £1,000.00, and it is not approved",
        ),
        (LARGE, [("anna", ASK)], f"{MOVES_MUCH}: {ONE_OF_TWO}"),
        (MIDDLE, [("ben@msp.example", NO)], "the plan was refused by ben@msp.example"),
        (SMALL, [], ""),
    ],
)
def test_what_is_missing_is_a_sentence(moved, statements, text):
    found = standing(POLICY, "d1", moved, stated(*statements, moved=moved))

    assert lack_text(found, "GBP") == text
