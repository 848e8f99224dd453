"""The check of `approval:`: each limit can apply, and each plan can be approved."""

from collections.abc import Iterator
from decimal import Decimal

from trueup.config.checks.fields import error
from trueup.config.node import Node
from trueup.model.approval import PREPARES, ApprovalPolicy, Role
from trueup.model.finding import Finding

CODE = "approval"


def check_approval(node: Node, policy: ApprovalPolicy) -> Iterator[Finding]:
    """Reports people listed twice, limits that never apply, and plans that no one can approve.

    `node` is `approval:`, from which `policy` was built.
    """
    for role in policy.roles:
        yield from _repeated(node["roles"][role])
    limits = node.get("limits")
    for name, part in limits.items() if limits else ():
        yield from _idle_limit(Role(name), part, policy)
    second = node.get("second_above")
    if second and policy.second_above is not None:
        yield from _unmet_second(second, policy, policy.second_above)


def _repeated(people: Node) -> Iterator[Finding]:
    seen: set[str] = set()
    for part in people.parts():
        person = str(part.data).casefold()
        if person in seen:
            text = f"{part.data} is in this list twice"
            yield error(CODE, text, part.place, "remove one of them")
        seen.add(person)


def _idle_limit(role: Role, part: Node, policy: ApprovalPolicy) -> Iterator[Finding]:
    """A limit of a role without people, or below what needs an approval at all."""
    if role not in policy.roles:
        text = f"limits: {role} can never apply: roles has no list of people for {role}"
        remedy = "add the list, or remove the limit"
        yield error(CODE, text, part.key_place, remedy)
    elif policy.limits[role] <= policy.above:
        text = f"limits: {role} can never apply: a plan of up to {policy.above:,} needs no approval"
        remedy = "set it above that, or remove it"
        yield error(CODE, text, part.place, remedy)


def _unmet_second(node: Node, policy: ApprovalPolicy, second: Decimal) -> Iterator[Finding]:
    """A second person below the first one, or with fewer than two people to choose from."""
    if second < policy.above:
        text = f"second_above: a plan of up to {policy.above:,} needs no approval at all"
        yield error(CODE, text, node.place, "set it to at least that amount")
    named = {person.casefold() for role in PREPARES for person in policy.roles.get(role, ())}
    if len(named) == 1:
        text = "second_above asks for two people, and decide, approve and administer name one"
        yield error(CODE, text, node.key_place, "name another person, or remove it")
