"""Determines from changes and history whether a plan needs an approval, and has it.

The amount that counts is the larger of two sums, in each of which increases and decreases add up
instead of cancelling out: what the plan does to the next invoices (with what is lost, or owed as a
credit, for earlier days), and what it does to the run rate of a month. Both are on every plan, so
an approver can check the amount by eye; their sum would count the same units twice.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import assert_never

from msgspec.structs import replace

from trueup.model.approval import (
    PREPARES,
    ApprovalPolicy,
    ApprovalStanding,
    ApprovalStated,
    Lack,
    MovedMoney,
    Signature,
    Statement,
    same_person,
)
from trueup.model.audit import AuditEntry
from trueup.model.change import Change
from trueup.model.money import money_text

NOTHING = Decimal(0)
TWO = 2


def moved_money(changes: Iterable[Change]) -> MovedMoney:
    """Returns the money that the changes move, exact."""
    once, month, unknown = NOTHING, NOTHING, 0
    for change in changes:
        once += abs(change.invoice_amount or NOTHING) + abs(change.lost or NOTHING)
        month += abs(change.monthly or NOTHING)
        unknown += change.price_unknown
    return MovedMoney(max(once, month), once, month, unknown)


def is_over(moved: MovedMoney, limit: Decimal) -> bool:
    """Returns whether the plan moves more. Unknown money may be any amount."""
    return bool(moved.unknown) or moved.amount > limit


def standing(
    policy: ApprovalPolicy, plan: str, moved: MovedMoney, audit: Iterable[AuditEntry]
) -> ApprovalStanding:
    """Returns where the approval of a plan stands.

    `plan` is its digest, `audit` the history's, in order. A statement counts for the same digest
    and amount only, and only while its person has the role and the limit for it in the policy as it
    is now.
    """
    if not is_over(moved, policy.above):
        return ApprovalStanding(plan, moved, policy, is_needed=False)
    needs_two = policy.second_above is not None and is_over(moved, policy.second_above)
    found = ApprovalStanding(plan, moved, policy, is_needed=True, needs_two=needs_two)
    for entry in audit:
        if isinstance(entry.event, ApprovalStated) and entry.event.plan == plan:
            found = _with(found, entry, entry.event)
    return replace(found, lacks=_lack(found))


def _with(found: ApprovalStanding, entry: AuditEntry, event: ApprovalStated) -> ApprovalStanding:
    """Returns the standing after one more statement: only a person's last one counts."""
    signature = Signature(entry.who, entry.at, entry.reason)
    if event.statement is Statement.ASK:
        return replace(found, prepared=found.prepared or signature)
    yes = tuple(one for one in found.yes if not same_person(one.who, signature.who))
    no = tuple(one for one in found.no if not same_person(one.who, signature.who))
    match event.statement:
        case Statement.YES:
            yes = (*yes, replace(signature, why_not=_why_not(found, signature.who, event)))
        case Statement.NO if found.policy.may_approve(signature.who):
            no = (*no, signature)
        case Statement.NO | Statement.WITHDRAW:
            pass
        case _:
            assert_never(event.statement)
    return replace(found, yes=yes, no=no)


def _why_not(found: ApprovalStanding, who: str, event: ApprovalStated) -> str:
    """Why an approval does not count; empty if it does."""
    if (event.amount, event.unknown) != (found.moved.amount, found.moved.unknown):
        return "it was given for another amount"
    if not found.policy.limit_of(who).allows(found.moved):
        return "role and limit in `approval:` do not allow it any more"
    return ""


def _lack(found: ApprovalStanding) -> Lack | None:
    if found.no:
        return Lack.REFUSED
    many = len(answerable(found))
    if found.needs_two and many < TWO:
        return Lack.SECOND_PERSON if many else Lack.TWO_PEOPLE
    return None if found.counting else Lack.APPROVAL


def answerable(found: ApprovalStanding) -> list[str]:
    """The different people who answer for the plan: who prepared it, and each who approved it.

    Who prepared it counts with a role by name: a job that runs by itself is no person.
    """
    named = [one.who for one in found.counting]
    if found.prepared and found.policy.listed(found.prepared.who) & PREPARES:
        named = [found.prepared.who, *named]
    different: list[str] = []
    for name in named:
        if not any(same_person(name, known) for known in different):
            different.append(name)
    return different


def lack_text(found: ApprovalStanding, currency: str = "") -> str:
    """Returns what is missing, as a sentence; "" if nothing is."""
    over = found.policy.second_above if found.needs_two else found.policy.above
    moves = (
        f"the plan moves {_moved(found, currency)}, above {money_text(over or NOTHING, currency)}"
    )
    match found.lacks:
        case None:
            return ""
        case Lack.REFUSED:
            no = found.no[-1]
            because = f": {no.reason}" if no.reason else ""
            return f"the plan was refused by {no.who}{because}"
        case Lack.APPROVAL:
            return f"{moves}, and it is not approved"
        case Lack.TWO_PEOPLE:
            return f"{moves}, and it is not approved; two people must answer for it"
        case Lack.SECOND_PERSON:
            (one,) = answerable(found)
            return f"{moves}: two people must answer for it, and {one} is the only one yet"
        case _:
            assert_never(found.lacks)


def _moved(found: ApprovalStanding, currency: str) -> str:
    return moved_text(found.moved.amount, found.moved.unknown, currency)


def moved_text(amount: Decimal, unknown: int, currency: str) -> str:
    """Returns the amount, and how many changes have an unknown price in addition."""
    text = money_text(amount, currency)
    changes = f"{unknown:,} change{'s' if unknown != 1 else ''}"
    return f"{text} and the unknown price of {changes}" if unknown else text
