"""Checks, rule by rule and field by field, the rows that `transform` lists."""

from collections.abc import Container, Iterable, Mapping
from typing import Any

from msgspec import Struct

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.expressions.compiled import Compiled
from trueup.expressions.namespace import Namespace
from trueup.expressions.rules import STOPS, expression_failed, failing_rules
from trueup.expressions.unreadable import NEEDS_UNREADABLE
from trueup.model.finding import Finding, Severity
from trueup.model.mapping_state import MappingState, Row


class Validated(Struct, frozen=True):
    """Where each judged row belongs; every key is in exactly one of the first four."""

    ready: dict[str, tuple[Any, ...]] = {}  # values of its expressions
    blocked: dict[str, list[Finding]] = {}
    skipped: dict[str, Finding] = {}
    out_of_scope: set[str] = set()
    findings: list[Finding] = []  # warnings and infos
    left_alone: dict[str, frozenset[str]] = {}  # fields not to be written

    def apply_to(self, state: MappingState) -> None:
        """Puts the rows into the state of their mapping."""
        state.ready.update(self.ready)
        state.out_of_scope.update(self.out_of_scope)
        state.findings += self.findings
        state.left_alone.update(self.left_alone)
        for key, finding in self.skipped.items():
            state.skip(key, finding)
        state.blocked.update(self.blocked)


def validate(
    compiled: Compiled,
    suspects: Iterable[str],
    rows: Mapping[str, Row],
    namespace: Namespace,
    linked: Container[str] = (),
) -> Validated:
    """Returns where each suspect belongs: out of scope, skipped, blocked, or ready after all.

    `linked` are keys of rows whose record is linked already.
    """
    result = Validated()
    for key in suspects:
        _judge(compiled, key, namespace.names(rows[key]), result, linked=key in linked)
    return result


def _judge(
    compiled: Compiled, key: str, names: dict[str, Any], result: Validated, *, linked: bool
) -> None:
    """Puts a row into one group of the result: out of scope, left out, blocked or ready.

    Values are evaluated last, as only a row that passes the rules needs them. A row that is linked
    may break a rule that names fields: these are left alone, and the row is ready.
    """
    in_scope = _in_scope(compiled, key, names)
    if in_scope is False:
        result.out_of_scope.add(key)
        return

    left: frozenset[str] = frozenset()
    if isinstance(in_scope, Finding):
        findings = [in_scope]
    else:
        failing = failing_rules(compiled.rules, names, key, linked=linked)
        findings = [finding for _, finding in failing]
        if linked:
            left = frozenset(name for rule, _ in failing for name in rule.fields)
    skip = next((one for one in findings if one.severity is Severity.SKIP), None)
    if skip:
        result.skipped[key] = skip
        return

    values: list[Any] = [True] * compiled.first
    if not any(finding.severity in STOPS for finding in findings):
        findings += _evaluate_slots(compiled, key, names, values, left)
    stops = _without_repeats(finding for finding in findings if finding.severity in STOPS)
    result.findings.extend(finding for finding in findings if finding.severity not in STOPS)
    if stops:
        result.blocked[key] = stops
    else:
        result.ready[key] = tuple(values)
        if left:
            result.left_alone[key] = left


def _without_repeats(findings: Iterable[Finding]) -> list[Finding]:
    """Returns findings without repeats about the same unreadable row."""
    kept: dict[tuple[str, str] | Finding, Finding] = {}
    for finding in findings:
        same = (finding.code, finding.text) if finding.code == NEEDS_UNREADABLE else finding
        kept.setdefault(same, finding)
    return [*kept.values()]


def _in_scope(compiled: Compiled, key: str, names: Mapping[str, Any]) -> bool | Finding:
    where = compiled.mapping.source.where
    if where is None:
        return True
    try:
        return bool(evaluate(where.raw, names))
    except EVALUATION_ERRORS as fault:
        return expression_failed(compiled.mapping.name, key, "where", where.place, fault)


def _evaluate_slots(
    compiled: Compiled,
    key: str,
    names: Mapping[str, Any],
    values: list[Any],
    left: Container[str],
) -> list[Finding]:
    """Appends the value of each field to `values`, None for one that is left alone.

    Returns findings about fields that could not be evaluated.
    """
    findings = []
    for position, slot in enumerate(compiled.slots):
        if slot.name in left:
            values.append(None)
            continue
        try:
            values.append(compiled.program.one(compiled.first + position, names))
        except EVALUATION_ERRORS as fault:
            mapping = compiled.mapping.name
            findings.append(expression_failed(mapping, key, slot.name, slot.spec.place, fault))
    return findings
