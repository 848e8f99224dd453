"""Checks the connections, and the rights that the project needs. Writes nothing."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from trueup import wiring
from trueup.errors import ConfigError, EngineError
from trueup.model.finding import Finding, Severity
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.operations.fixed_day import stale_day
from trueup.operations.plan import plan
from trueup.planning.in_doubt import open_run_findings
from trueup.planning.needs import operations
from trueup.planning.other_states import ANOTHER_STATE
from trueup.planning.records.duplicates import IDENTITY_TWICE
from trueup.planning.tenant_checks import check_tenant
from trueup.ports.target import CachePolicy

SIGNS = frozenset({ANOTHER_STATE, IDENTITY_TWICE})
"""Codes of findings that show a second state, in plans."""


class Examination(Struct, frozen=True):
    """The findings, and the minimum permissions that the project needs."""

    findings: Sequence[Finding]
    permissions: Sequence[str]
    sections: Mapping[str, Sequence[str]]  # of the target's rights: the entities that each grants

    @property
    def errors(self) -> int:
        """The number of errors."""
        return self._number(Severity.ERROR)

    @property
    def warnings(self) -> int:
        """The number of warnings, such as an open run."""
        return self._number(Severity.WARNING)

    def _number(self, severity: Severity) -> int:
        return sum(finding.severity is severity for finding in self.findings)


def examine(project: Project) -> Examination:
    """Checks both systems, open runs, and signs of another state on the same target.

    The last check reads as much as a plan does, and only if the state has links. If one system
    cannot be opened, that is a finding, and the other one is still examined. Raises EngineError for
    the state.
    """
    needs = operations(project)
    with wiring.connections(project, metadata=CachePolicy.RENEWED) as opened:
        findings = [*stale_day(project, wiring.SystemClock())]
        findings += _findings_of(lambda: _examine_target(project, opened, needs), "connection")
        findings += _findings_of(opened.sources.examine, "source-open")
        permissions = opened.target_connector.minimum_permissions(needs)
        sections = opened.target_connector.permission_sections(needs)
        snapshot = opened.state().load()
        findings += open_run_findings(opened.state(), snapshot, project.zone)
    examination = Examination(findings, permissions, sections)
    if snapshot.links and not examination.errors:
        signs = _signs(plan(project, keep=False))
        examination = Examination([*findings, *signs], permissions, sections)
    return examination


def _findings_of(examine_system: Callable[[], list[Finding]], code: str) -> list[Finding]:
    """Returns the result of a check; a system that cannot be opened gives a finding `code`."""
    try:
        return examine_system()
    except ConfigError as fault:
        return [finding for finding in fault.findings if isinstance(finding, Finding)]
    except EngineError as fault:
        return [Finding(code, Severity.ERROR, str(fault))]


def _examine_target(
    project: Project, opened: wiring.Connections, needs: Mapping[str, frozenset[str]]
) -> list[Finding]:
    """Returns findings about the target: access, and the names in mappings and settings."""
    findings = opened.target_connector.examine(needs)
    if not any(finding.severity is Severity.ERROR for finding in findings):
        findings += check_tenant(project, opened.target())
    return findings


def _signs(made: Plan) -> list[Finding]:
    """Returns the findings of a plan that show a second state."""
    of_rows = (finding for row in made.blocked for finding in row.findings)
    return [one for one in (*made.findings, *of_rows) if one.code in SIGNS]
