"""Builds `approval:` of trueup.yaml."""

from decimal import Decimal

from trueup.config.node import Node
from trueup.model.approval import ApprovalPolicy, Role


def parse_approval(node: Node | None) -> ApprovalPolicy | None:
    """Returns who may do what; None for a project in which no plan needs an approval."""
    if node is None:
        return None
    second, limits = node.get("second_above"), node.get("limits")
    return ApprovalPolicy(
        above=Decimal(node["above"].data),
        second_above=Decimal(second.data) if second else None,
        roles={Role(name): people.texts() for name, people in node["roles"].items()},
        limits={Role(name): Decimal(part.data) for name, part in limits.items()} if limits else {},
    )
