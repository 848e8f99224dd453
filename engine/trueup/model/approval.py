"""Roles and limits of people, which plans need an approval, and the statements about plans."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct


class Role(StrEnum):
    """The permissions of a person. No role includes another one, but each may see everything."""

    SEE = "see"  # look at the desk's pages
    DECIDE = "decide"  # decide about rows, prepare plans, apply those that may be applied
    APPROVE = "approve"  # say yes or no to a plan, and apply it
    ADMINISTER = "administer"  # change the project's setup


PREPARES = frozenset({Role.DECIDE, Role.APPROVE, Role.ADMINISTER})
"""Roles whose people may ask for an approval, and so answer for a plan."""


def same_person(one: str, other: str) -> bool:
    """Returns whether two names mean one person; case is ignored."""
    return one.strip().casefold() == other.strip().casefold()


class ApprovalPolicy(Struct, frozen=True):
    """`approval:` of trueup.yaml. Amounts are in the project's currency."""

    above: Decimal  # a plan that moves more needs an approval
    second_above: Decimal | None = None  # a plan that moves more needs two people
    roles: Mapping[Role, tuple[str, ...]] = {}  # e-mails or user names
    limits: Mapping[Role, Decimal] = {}  # what a role may approve

    def listed(self, person: str) -> frozenset[Role]:
        """Returns the roles whose lists name the person."""
        return frozenset(
            role
            for role, people in self.roles.items()
            if any(same_person(person, one) for one in people)
        )

    def roles_of(self, person: str) -> frozenset[Role]:
        """Returns the roles that the person has.

        Every person has a role without a list, except `approve`. A person with any listed role may
        see.
        """
        listed = self.listed(person)
        open_to_all = {role for role in Role if role not in self.roles and role is not Role.APPROVE}
        return listed | open_to_all | ({Role.SEE} if listed else frozenset())

    def may_approve(self, person: str) -> bool:
        """Returns whether the person may approve some amount."""
        return self.limit_of(person).amount != NONE

    def limit_of(self, person: str) -> "MoneyLimit":
        """Returns up to which amount the person may approve.

        The role `approve` has no limit unless one is set; other roles approve nothing unless one is
        set.
        """
        listed = self.listed(person)
        if Role.APPROVE in listed and Role.APPROVE not in self.limits:
            return UNLIMITED
        return MoneyLimit(max((self.limits.get(role, NONE) for role in listed), default=NONE))


NONE = Decimal(0)


class MoneyLimit(Struct, frozen=True):
    """Up to which amount a person may approve; None if there is no limit."""

    amount: Decimal | None

    def allows(self, moved: "MovedMoney") -> bool:
        """Returns whether the person may approve. An unknown amount is over every limit."""
        if self.amount is None:
            return True
        return self.amount > 0 and not moved.unknown and moved.amount <= self.amount


UNLIMITED = MoneyLimit(None)


class MovedMoney(Struct, frozen=True):
    """How much money a plan moves, for its approval."""

    amount: Decimal  # the larger of `once` and `month`
    once: Decimal  # the next invoices: increases plus decreases, and what is lost or owed
    month: Decimal  # the run rate of a month: increases plus decreases
    unknown: int = 0  # changes without a known price; they come on top


class Statement(StrEnum):
    """A statement of a person about a plan."""

    ASK = "ask"  # prepared it, and asks for an approval
    YES = "yes"
    NO = "no"
    WITHDRAW = "withdraw"  # withdraws the own yes, or no


class ApprovalStated(Struct, frozen=True):
    """A line of the history: a statement of a person about a plan.

    It counts for the plan with this digest that moves this amount, and for no other.
    """

    statement: Statement
    plan: str  # digest
    amount: Decimal
    unknown: int = 0


class Signature(Struct, frozen=True):
    """The statement of one person that is in force."""

    who: str
    at: datetime
    reason: str = ""
    why_not: str = ""  # why a yes does not count

    @property
    def counts(self) -> bool:
        """Whether an approval counts."""
        return not self.why_not


class ApprovalStanding(Struct, frozen=True):
    """Where the approval of a plan stands."""

    plan: str  # digest
    moved: MovedMoney
    policy: ApprovalPolicy
    is_needed: bool
    needs_two: bool = False
    prepared: Signature | None = None  # who asked for the approval
    yes: tuple[Signature, ...] = ()
    no: tuple[Signature, ...] = ()
    lacks: "Lack | None" = None  # what keeps it from being applied; None if nothing does

    @property
    def counting(self) -> tuple[Signature, ...]:
        """The approvals that count."""
        return tuple(one for one in self.yes if one.counts)


class Lack(StrEnum):
    """What is missing for a plan to be applied."""

    REFUSED = "refused"  # a person refused the plan
    APPROVAL = "approval"  # one yes
    TWO_PEOPLE = "two people"  # no person answers for it yet, and two must
    SECOND_PERSON = "second person"  # one person answers for it, and two must
