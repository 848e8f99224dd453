"""Renders findings without a plan."""

from collections.abc import Sequence

from trueup.model.finding import Finding, Severity
from trueup.render.formatting import count
from trueup.render.sanitize import sanitize
from trueup.render.style import PLAIN, Paint, Style


def findings_text(found: Sequence[Finding], style: Style = PLAIN) -> str:
    """Returns findings, each as `place: text` with its remedy below: editors jump to it."""
    lines = []
    for finding in found:
        place = f"{sanitize(finding.place)}: " if finding.place else ""
        severity = paint_of(finding.severity, style)(str(finding.severity))
        lines.append(f"{place}{severity}: {sanitize(finding.text)}")
        if finding.remedy:
            lines.append(f"    → {sanitize(finding.remedy)}")
    return "".join(f"{line}\n" for line in lines)


def paint_of(severity: Severity, style: Style) -> Paint:
    """The colour of a finding."""
    match severity:
        case Severity.ERROR:
            return style.error
        case Severity.HOLD | Severity.WARNING:
            return style.warn
        case Severity.SKIP | Severity.INFO:
            return style.dim


def found_text(errors: int, warnings: int) -> str:
    """Returns how many problems and warnings an examination found, as a sentence."""
    found = {"problem": errors, "warning": warnings}
    counts = " and ".join(count(number, what) for what, number in found.items() if number)
    return f"{counts} found." if counts else "All is well."
