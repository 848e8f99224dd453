"""Finds the fields, rules, branches and policies that the tests of a project reach.

A field is reached if a plan gives it a value, a rule if it finds something, a branch if it is
evaluated, a part of a policy if it decides the units, the day or the hold of a change, an override
if it holds for a row.
"""

from collections.abc import Iterable, Iterator, Mapping

from trueup.expressions.branches import branches
from trueup.expressions.compiled import mapping_values, rule_values
from trueup.model.change import Action
from trueup.model.finding import Place
from trueup.model.mapping import PolicyPart, Value
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.model.testing import Coverage, ProjectTestResult, Reached, Unreached
from trueup.planning.ledger.policies import WITHOUT_ROW

_NO_DIFFERENCE: Mapping[PolicyPart, str] = {
    PolicyPart.INCREASE: "no plan has an increase",
    PolicyPart.DECREASE: "no plan has a decrease",
    PolicyPart.INCLUDED: "included changes the units of no row",
    PolicyPart.MINIMUM: "minimum changes the units of no row",
    PolicyPart.ROUNDING: "rounding changes the units of no row",
    PolicyPart.CEILING: "ceiling holds no change",
    PolicyPart.REFUND: "refund: no credit is owed",
}
"""What is missing where no test reaches a part of a policy."""


def reached_by(
    project: Project,
    plan: Plan,
    expressions: frozenset[tuple[str, int]],
    policies: frozenset[Place],
) -> Reached:
    """Returns what a plan reached.

    `expressions` are those that were evaluated for it, `policies` the parts of policies that made a
    difference.
    """
    fields = {
        (change.mapping, name)
        for change in plan.changes
        if change.action in {Action.CREATE, Action.UPDATE, Action.ADJUST}
        for name, value in change.values.items()
        if value is not None
    }
    codes = {finding.code for finding in plan.findings}
    codes |= {finding.code for blocked in plan.blocked for finding in blocked.findings}
    codes |= {one.code for one in plan.left_out} | {
        one.code for line in plan.ledger for one in line.held
    }
    unused = {finding.place for finding in plan.findings if finding.code == WITHOUT_ROW}
    overrides = {*_overrides(project)} - unused
    rules = {rule.name for rule in project.rules} & codes
    return Reached(
        expressions, frozenset(fields), frozenset(rules), frozenset({*policies, *overrides})
    )


def _overrides(project: Project) -> Iterator[Place]:
    for mapping in project.mappings.values():
        for override in mapping.policy.overrides if mapping.policy else ():
            yield override.place


def covered(project: Project, results: Iterable[ProjectTestResult]) -> Coverage:
    """Returns what none of the recorded results reached."""
    all_reached = [result.reached for result in results if result.reached]
    union = Reached(
        frozenset[tuple[str, int]]().union(*(one.expressions for one in all_reached)),
        frozenset[tuple[str, str]]().union(*(one.fields for one in all_reached)),
        frozenset[str]().union(*(one.rules for one in all_reached)),
        frozenset[Place]().union(*(one.policies for one in all_reached)),
    )
    parts = [
        *_fields(project, union),
        *_rules(project, union),
        *_branches(project, union),
        *_policies(project, union),
    ]
    totals = dict.fromkeys(("field", "rule", "branch", "policy"), 0)
    for part, _ in parts:
        totals[part.kind] += 1
    unreached = {part for part, is_reached in parts if not is_reached}
    return Coverage(totals, tuple(sorted(unreached, key=lambda one: (one.place, one.text))))


Part = tuple[Unreached, bool]
"""A part of the project, and whether it was reached."""


def _fields(project: Project, reached: Reached) -> Iterator[Part]:
    for mapping in project.mappings.values():
        for name, spec in {**mapping.fields, **mapping.identity}.items():
            text = f"{mapping.name}: no plan gives {name} a value"
            yield Unreached("field", spec.place, text), (mapping.name, name) in reached.fields


def _rules(project: Project, reached: Reached) -> Iterator[Part]:
    for rule in project.rules:
        text = f"rule {rule.name} finds nothing"
        yield Unreached("rule", rule.place, text), rule.name in reached.rules


def _branches(project: Project, reached: Reached) -> Iterator[Part]:
    for value in _values(project, reached):
        text = str(value.raw)
        for number, name in enumerate(branches(text)):
            if number or (text, number) not in reached.expressions:
                part = Unreached("branch", value.place, f"{name}: {' '.join(text.split())}")
                is_whole = (text, 0) in reached.expressions
                if not number or is_whole:
                    yield part, (text, number) in reached.expressions


def _values(project: Project, reached: Reached) -> Iterator[Value]:
    """Values with something to evaluate; of rules that find nothing, only the conditions."""
    for mapping in project.mappings.values():
        yield from (value for value in mapping_values(mapping) if value.is_code)
    for rule in project.rules:
        texts = (rule.message, rule.remedy) if rule.name not in reached.rules else ()
        yield from (one for one in rule_values(rule) if one.is_code and one not in texts)


def _policies(project: Project, reached: Reached) -> Iterator[Part]:
    for mapping in project.mappings.values():
        if mapping.policy is None:
            continue
        for part, value in mapping.policy.parts.items():
            text = f"{mapping.name}: {_NO_DIFFERENCE[part]}"
            yield Unreached("policy", value.place, text), value.place in reached.policies
        for override in mapping.policy.overrides:
            named = ", ".join(f"{name} {text}" for name, text in override.rows.items())
            text = f"{mapping.name}: the override for {named} holds for no row"
            yield Unreached("policy", override.place, text), override.place in reached.policies
