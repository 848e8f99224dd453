"""The values of a row for its record, and what stands against them."""

from dataclasses import replace
from typing import Any

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
        """All values of the row; None if it had to be blocked or left out.

        `exists`: the row has a record, so what is set on create only does not matter.
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
        """What stands against the row.

        A look-up that found nothing is explained by the rules about its field, where one fails. Of
        a row that is linked already, fields that only look bad are left as they are.
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
        """Whether a value that does not fit is the field's fault alone, and not the row's.

        So it is with optional texts: an e-mail address, a postal code. Amounts, dates, references
        and whatever identifies the row are not left out.
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
