"""Evaluates rules: names of expressions in, findings out.

`RuleBook` hands out the rules of each scope; `rule_findings` evaluates them one by one, and
`RecordRules` evaluates many rules in one call and looks closer only where one of them fails.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trueup.expressions import EVALUATION_ERRORS, Every, Program, as_text, evaluate
from trueup.expressions.compiled import rule_raw
from trueup.expressions.unreadable import NEEDS_UNREADABLE, NotRead
from trueup.model.finding import Command, Finding, Place, Severity
from trueup.model.project import Rule
from trueup.model.rule_scopes import RuleOn
from trueup.model.verdict import Verdict

STOPS = frozenset(severity for severity in Severity if severity.stops)
"""Severities that keep a row or a change back."""

LONGEST = 2_000
"""Characters of a rule's message: it may quote a value of millions, and a plan repeats it."""


class RuleBook:
    """The rules of a project by scope; it records which scopes of them were used."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules: dict[tuple[str, RuleOn], list[Rule]] = {}
        for rule in rules:
            self._rules.setdefault((rule.for_, rule.on), []).append(rule)
        self._evaluated: set[tuple[str, RuleOn]] = set()

    def of(self, mapping: str, on: RuleOn) -> list[Rule]:
        """Returns rules about the mapping in that scope, in the order of their files."""
        self._evaluated.add((mapping, on))
        return self._rules.get((mapping, on), [])

    def require_all_evaluated(self) -> None:
        """Raises AssertionError for rules that no part of planning evaluates."""
        never = [
            f"rule {rule.name} on: {rule.on} at {rule.place}"
            for key, rules in self._rules.items()
            if key not in self._evaluated
            for rule in rules
        ]
        if never:
            raise AssertionError(f"never evaluated: {', '.join(never)}")


def rule_findings(
    rules: Sequence[Rule], names: Mapping[str, Any], key: str, *, linked: bool = False
) -> list[Finding]:
    """Returns the findings of rules that fail for these names.

    A rule of severity skip ends the evaluation: only its finding counts. `linked`: the row's record
    is linked already, so that `when_linked` of a rule counts.
    """
    return [finding for _, finding in failing_rules(rules, names, key, linked=linked)]


def failing_rules(
    rules: Sequence[Rule], names: Mapping[str, Any], key: str, *, linked: bool = False
) -> list[tuple[Rule, Finding]]:
    """As `rule_findings`, each finding with its rule."""
    failing: list[tuple[Rule, Finding]] = []
    for rule in rules:
        try:
            applies = rule.when is None or evaluate(rule.when.raw, names)
            holds = not applies or evaluate(rule.check.raw, names)
        except EVALUATION_ERRORS as fault:
            what = f"rule {rule.name}"
            finding = expression_failed(rule.for_, key, what, rule.check.place, fault)
            failing.append((rule, finding))
            continue
        if not holds:
            failing.append((rule, _failed(rule, names, key, linked=linked)))
            if rule.severity is Severity.SKIP:
                return failing[-1:]
    return failing


class RecordRules:
    """Rules compiled into one call, evaluated one by one only if one of them fails."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = list(rules)
        raws = tuple(rule_raw(rule) for rule in rules)
        self._program = Program([Every(raws)]) if rules else None

    def hold(self, names: dict[str, Any]) -> bool:
        """Whether all rules hold for one row's names; false where one cannot be evaluated, too."""
        if self._program is None:
            return True
        try:
            values = self._program(names)
            return values is not None and bool(values[0])
        except EVALUATION_ERRORS:  # evaluated one by one then, so that the message names the rule
            return False

    def __call__(
        self, names: dict[str, Any], key: str, *, linked: bool = False
    ) -> list[tuple[Rule, Finding]]:
        """The findings for one row's names (with `before`, `after`, `refs`), with their rules."""
        return [] if self.hold(names) else failing_rules(self.rules, names, key, linked=linked)


def expression_failed(
    mapping: str, key: str, what: str, place: Place | None, fault: Exception
) -> Finding:
    """Returns the finding for an expression that fails on this row."""
    if isinstance(fault, NotRead):
        remedy = "correct that row in the source"
        return Finding(NEEDS_UNREADABLE, Severity.ERROR, str(fault), remedy, place, mapping, key)
    text = f"{what} cannot be evaluated: {fault}"
    remedy = "correct the row, or the expression at this place"
    return Finding("expression-failed", Severity.ERROR, text, remedy, place, mapping, key)


def _failed(rule: Rule, names: Mapping[str, Any], key: str, *, linked: bool) -> Finding:
    commands = decide_commands(rule.for_, key) if key else {}
    texts = {word: f"`{command}`" for word, command in commands.items()}
    remedy = _text(rule.remedy.raw, {**names, "decide": texts})
    text, severity = _text(rule.message.raw, names), rule.severity
    if linked and rule.when_linked:
        severity = rule.when_linked
        if rule.fields:
            verb = "is" if len(rule.fields) == 1 else "are"
            text += f" ({' and '.join(rule.fields)} {verb} left as before)"
    return Finding(
        code=rule.name,
        severity=severity,
        text=text,
        remedy=remedy,
        place=rule.place,
        mapping=rule.for_,
        key=key,
        commands=tuple(commands[word] for word, text in texts.items() if text in remedy),
    )


def decide_commands(mapping: str, key: str) -> dict[str, Command]:
    """Returns `decide.<verdict>`: the commands that a remedy may name for its row."""
    return {
        str(verdict): Command.decide(mapping, key, verdict)
        for verdict in Verdict
        if verdict is not Verdict.LINK
    }


def _text(raw: object, names: Mapping[str, Any]) -> str:
    try:
        text = as_text(evaluate(raw, names)).strip()
    except EVALUATION_ERRORS as fault:
        return f"{raw} (this message cannot be evaluated: {fault})"
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
