"""Computes the values of a row for its record, and the findings about them."""

from typing import Any

from msgspec.structs import replace

from trueup.expressions import inspect
from trueup.expressions.rules import STOPS, RecordRules
from trueup.model.catalogue import Type
from trueup.model.finding import Finding, Severity
from trueup.model.mapping import MappingSpec
from trueup.model.rule_scopes import RuleOn
from trueup.planning.context import PlanContext
from trueup.planning.records.rules import record_rule_names
from trueup.stages.resolve import Resolved


class RowValues:
    """Resolves the rows of one mapping in full; a row that cannot be written is blocked."""

    def __init__(self, context: PlanContext, mapping: MappingSpec) -> None:
        self._context, self._mapping = context, mapping
        self._state = context.states[mapping.name]
        self._compiled = context.compiled[mapping.name]
        self._resolver = context.resolvers[mapping.name]
        self._links = context.links(mapping.name)

    def of(self, key: str, *, exists: bool = False) -> dict[str, Any] | None:
        """Returns all values of the row; None if it had to be blocked or left out.

        `exists`: the row has a record, so fields that are set on create only do not matter.
        """
        resolved = self._resolver.row(key, self._state.ready[key], exists=exists)
        if resolved.skip:
            skip = resolved.skip
            about = replace(skip, remedy="", mapping=self._mapping.name, key=key)
            self._state.skip(key, about, resolved.because)
            return None
        for finding in self._explained(key, resolved):
            if finding.severity in STOPS:
                self._state.block(key, finding, resolved.because)
            else:
                self._state.findings.append(finding)
        return None if key in self._state.blocked else resolved.values

    def _explained(self, key: str, resolved: Resolved) -> list[Finding]:
        """Returns the findings of the row, more precise if possible.

        A failed look-up is explained by the failing rules about its field. Of a row that is linked
        already, fields with a minor fault are left as they are.
        """
        linked = key in self._links
        explained = [
            self._as_warning(key, name, finding) if self._is_minor(name) else finding
            for name, finding in resolved.by_field.items()
            if name not in resolved.unfound
        ]
        others = {*resolved.by_field.values()}
        findings = [finding for finding in resolved.findings if finding not in others]
        rules = self._context.rules.of(self._mapping.name, RuleOn.RECORD)
        for name, finding in resolved.unfound.items():
            about = [
                rule for rule in rules if ("after", name) in inspect(str(rule.check.raw)).paths
            ]
            names = record_rule_names(self._context, self._mapping, key, resolved.values)
            failing = [one for _, one in RecordRules(about)(names, key, linked=linked)]
            if failing and not any(one.severity in STOPS for one in failing):
                self._leave_alone(key, name)
            findings += failing or [finding]
        return [*explained, *findings]

    def _is_minor(self, name: str) -> bool:
        """Whether a value that does not fit is only the field's fault, and not the row's.

        That holds for optional texts, such as an e-mail address or a postal code, and not for
        amounts, dates, references and fields of the identity.
        """
        slot = self._compiled.slot(name)
        return (
            slot is not None
            and slot.field.type is Type.TEXT
            and slot.field.picklist is None
            and not (slot.field.required or slot.identity or slot.reference or slot.find)
        )

    def _as_warning(self, key: str, name: str, finding: Finding) -> Finding:
        self._leave_alone(key, name)
        text = f"{finding.text}; {name} is left as it is"
        return replace(finding, severity=Severity.WARNING, text=text)

    def _leave_alone(self, key: str, name: str) -> None:
        left = self._state.left_alone.get(key, frozenset())
        self._state.left_alone[key] = left | {name}
