"""Reads what a test has instead of parts of the project: policies of mappings, and guards.

Both are checked as `validate` checks those of the project.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from trueup.config.checks.context import CheckContext
from trueup.config.checks.guards import check_guards
from trueup.config.checks.ledger import check_policy
from trueup.config.mapping import parse_policy
from trueup.config.node import Node
from trueup.config.project import named_limits, parse_guards
from trueup.model.finding import Finding
from trueup.model.mapping import PolicySpec
from trueup.model.project import Guards, Project
from trueup.model.suggestions import unknown


def parse_policies(
    node: Node | None, project: Project, findings: list[Finding]
) -> dict[str, PolicySpec]:
    """Returns the whole policies by mapping: the mapping's own, with the parts of the test."""
    policies = {}
    for name, part in node.items() if node else ():
        mapping = project.mappings.get(name)
        if mapping is None:
            text = f"there is no mapping {name}"
            findings.append(unknown(text, name, project.mappings, part.key_place))
            continue
        given = parse_policy(part)
        findings += check_policy(given, mapping, _context(project))
        own = mapping.policy
        policies[name] = replace(
            given,
            parts={**(own.parts if own else {}), **given.parts},
            overrides=given.overrides or (own.overrides if own else ()),
        )
    return policies


def parse_test_guards(node: Node | None, project: Project, findings: list[Finding]) -> Guards:
    """Returns the guards of the project, with the limits of the test."""
    if node is None:
        return project.guards
    findings += check_guards(named_limits(node), _context(project))
    given = parse_guards(node)
    return replace(project.guards, **dict(_limits(node, project.guards, given)))


def _limits(
    node: Node, own: Guards, given: Guards
) -> Iterator[tuple[str, Any]]:  # the fields of Guards differ in type
    """The guards that the node names; of limits by name, those that it does not name stay."""
    for guard, part in node.items():
        limit = getattr(given, guard)
        if isinstance(limit, Mapping):
            named = {name: limit[name] for name in part.data}
            yield guard, {**getattr(own, guard), **named}
        else:
            yield guard, limit


def _context(project: Project) -> CheckContext:
    return CheckContext(
        catalogue=project.catalogue,
        mappings=project.mappings,
        mapping_names=frozenset(project.mappings),
        settings=project.settings,
    )
