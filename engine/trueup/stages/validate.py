"""Rows that something is wrong with in; what it is, rule by rule and field by field, out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.expressions import EVALUATION_ERRORS, Program, as_text, evaluate
from engine.expressions.compiled import Compiled, rule_raw
from engine.expressions.context import Context
from engine.expressions.unread import NEEDS_UNREAD, NotRead
from engine.model.finding import Finding, Place, Severity
from engine.model.project import Rule
from engine.model.work import Standing

STOPS = frozenset({Severity.ERROR, Severity.HOLD})


def validate(compiled: Compiled, suspects: Iterable[str], context: Context, standing: Standing) -> None:
    """Judges each suspect: out, left, blocked, or ready after all with warnings said."""
    for key in suspects:
        names = context.names(standing.rows[key])
        _judge(compiled, key, names, standing)


def _judge(compiled: Compiled, key: str, names: dict[str, Any], standing: Standing) -> None:
    scope = _in_scope(compiled, key, names)
    if scope is False:
        standing.out.add(key)
        return
    findings = [scope] if isinstance(scope, Finding) else rule_findings(compiled.rules, names, key)
    skips = [finding for finding in findings if finding.severity is Severity.SKIP]
    if skips:
        standing.leave(key, skips[0])
        return
    values: list[Any] = [True] * compiled.first
    if not any(finding.severity in STOPS for finding in findings):
        findings += _values(compiled, key, names, values)
    stops = _once(finding for finding in findings if finding.severity in STOPS)
    standing.findings += [finding for finding in findings if finding.severity not in STOPS]
    if stops:
        standing.blocked[key] = stops
    else:
        standing.ready[key] = tuple(values)


def _once(findings: Iterable[Finding]) -> list[Finding]:
    """Without those that say again that one and the same row cannot be read."""
    told: dict[tuple[str, str] | Finding, Finding] = {}
    for finding in findings:
        told.setdefault((finding.code, finding.text) if finding.code == NEEDS_UNREAD else finding, finding)
    return [*told.values()]


def _in_scope(compiled: Compiled, key: str, names: Mapping[str, Any]) -> bool | Finding:
    where = compiled.mapping.source.where
    try:
        return where is None or bool(evaluate(where.raw, names))
    except EVALUATION_ERRORS as fault:
        return broken(compiled.mapping.name, key, "where", where.place if where else None, fault)


def _values(compiled: Compiled, key: str, names: Mapping[str, Any], values: list[Any]) -> list[Finding]:
    findings = []
    for position, slot in enumerate(compiled.slots):
        try:
            values.append(compiled.program.one(compiled.first + position, names))
        except EVALUATION_ERRORS as fault:
            findings.append(broken(compiled.mapping.name, key, slot.name, slot.spec.place, fault))
    return findings


def rule_findings(rules: Sequence[Rule], names: Mapping[str, Any], key: str) -> list[Finding]:
    """What the rules say of these names; once one says skip, the others have no more to say."""
    findings: list[Finding] = []
    for rule in rules:
        try:
            holds = not (rule.when is None or evaluate(rule.when.raw, names)) or evaluate(rule.check.raw, names)
        except EVALUATION_ERRORS as fault:
            findings.append(broken(rule.for_, key, f"rule {rule.name}", rule.check.place, fault))
            continue
        if not holds:
            findings.append(_said(rule, names, key))
            if rule.severity is Severity.SKIP:
                return findings[-1:]
    return findings


def _said(rule: Rule, names: Mapping[str, Any], key: str) -> Finding:
    return Finding(
        code=rule.name,
        severity=rule.severity,
        text=_worded(rule.message.raw, names),
        remedy=_worded(rule.remedy.raw, names),
        place=rule.place,
        mapping=rule.for_,
        key=key,
    )


def _worded(raw: object, names: Mapping[str, Any]) -> str:
    try:
        return as_text(evaluate(raw, names)).strip()
    except EVALUATION_ERRORS as fault:
        return f"{raw} (this message cannot be worked out: {fault})"


def broken(mapping: str, key: str, what: str, place: Place | None, fault: Exception) -> Finding:
    """An expression that fails on this row."""
    if isinstance(fault, NotRead):
        return Finding(NEEDS_UNREAD, Severity.ERROR, str(fault), "correct that row in Work 365", place, mapping, key)
    text = f"{what} cannot be worked out: {fault}"
    remedy = "mend the row, or the expression at this place"
    return Finding("expression-failed", Severity.ERROR, text, remedy, place, mapping, key)


class RecordRules:
    """Rules that look at records: compiled into one call, traced only where one of them fails."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = list(rules)
        self._program = Program([rule_raw(rule) for rule in rules]) if rules else None

    def __call__(self, names: dict[str, Any], key: str) -> list[Finding]:
        """Findings for one row's names (with before, after, refs)."""
        if self._program is None:
            return []
        try:
            values = self._program(names)
            if values is not None and all(values):
                return []
        except EVALUATION_ERRORS:  # traced below, in words
            pass
        return rule_findings(self.rules, names, key)
