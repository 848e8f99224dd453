"""Findings as lines, for tests that compare all of them."""

from collections.abc import Iterable

from trueup.model.finding import Finding, Severity


def messages_of(findings: Iterable[Finding]) -> list[str]:
    """A line for each finding: errors without their severity, and what to do in parentheses."""
    lines = []
    for finding in findings:
        mark = "" if finding.severity is Severity.ERROR else f"{finding.severity}: "
        remedy = f" ({finding.remedy})" if finding.remedy else ""
        lines.append(f"{mark}{finding.place}: {finding.text}{remedy}")
    return lines
