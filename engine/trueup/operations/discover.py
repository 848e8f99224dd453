"""Finds the names of tables and columns in the source system."""

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from trueup import wiring
from trueup.errors import ConfigError
from trueup.local_files import is_absent
from trueup.model.finding import Finding, Severity
from trueup.model.project import Project
from trueup.planning.needs import columns
from trueup.source.dataverse.discovery_report import ReportLine, as_yaml, report_lines


class Discovered(Struct, frozen=True):
    """The names that were found in the environment."""

    environment: str
    profile: str  # the text of a profile file
    report: Sequence[ReportLine]  # how each name was found
    unresolved: Sequence[str]  # what the project reads that was not found for sure


def profile_file(project: Project) -> Path:
    """Returns the file from which the project reads its profile, if there is one."""
    return wiring.profile_file(project)


def profile_findings(project: Project) -> list[Finding]:
    """Returns what is wrong with the profile of the project, of a source that reads one.

    That `discover` has not written it yet is no error.
    """
    try:
        wiring.read_profile(project)
    except ConfigError as error:
        found = [finding for finding in error.findings if isinstance(finding, Finding)]
        if project.source.connector == "dataverse" and is_absent(profile_file(project)):
            return [replace(finding, severity=Severity.INFO) for finding in found]
        return found
    return []


def discover(project: Project) -> Discovered:
    """Reads the metadata of the environment and matches it with the catalogue.

    Raises EngineError if the source has no such metadata, SourceError if it cannot be read.
    """
    needed = {name: sorted(names) for name, names in columns(project).items()}
    with wiring.connections(project) as opened:
        found = opened.sources.discover()
        return Discovered(
            environment=found.environment,
            profile=as_yaml(found),
            report=report_lines(found),
            unresolved=found.unresolved(needed),
        )
