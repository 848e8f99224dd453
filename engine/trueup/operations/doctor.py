"""A check of the connections, and of the rights that the project needs. Writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from trueup import wiring
from trueup.model.finding import Finding, Severity
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.operations.fixed_day import stale_day
from trueup.operations.plan import plan
from trueup.planning.needs import operations
from trueup.planning.other_states import ANOTHER_STATE
from trueup.planning.records.duplicates import IDENTITY_TWICE
from trueup.planning.tenant_checks import check_tenant

SIGNS = frozenset({ANOTHER_STATE, IDENTITY_TWICE})
"""Codes of findings that show a second state, in plans."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found, and the least permissions that the project needs."""

    findings: Sequence[Finding]
    permissions: Sequence[str]

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(finding.severity is Severity.ERROR for finding in self.findings)


def examine(project: Project) -> Examination:
    """Checks both systems, and looks for signs that another state writes to the same target.

    The latter reads as much as a plan does, and only where the state has links. Raises EngineError
    where a connector cannot be opened at all.
    """
    needs = operations(project)
    with wiring.connections(project) as opened:
        findings = [*stale_day(project, wiring.SystemClock()), *opened.examine_target(needs)]
        if not any(finding.severity is Severity.ERROR for finding in findings):
            findings += check_tenant(project, opened.target())
        findings += opened.examine_source()
        permissions = opened.minimum_permissions(needs)
        has_links = bool(opened.state().load().links)
    examination = Examination(findings, permissions)
    if has_links and not examination.errors:
        examination = Examination([*findings, *_signs(plan(project))], permissions)
    return examination


def _signs(made: Plan) -> list[Finding]:
    """Findings of a plan that show a second state."""
    of_rows = (finding for row in made.blocked for finding in row.findings)
    return [one for one in (*made.findings, *of_rows) if one.code in SIGNS]
