"""`trueup validate`: checks the files of a project or a fleet."""

from typing import TYPE_CHECKING

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common
from trueup.cli.exit_codes import Exit
from trueup.cli.output import out
from trueup.model.finding import Finding, Severity

if TYPE_CHECKING:
    from trueup.model.project import Project

Checked = tuple[list[Finding], str, int]
"""Findings, what is sound (empty if it is not), and how many tests were read."""


@click.command(
    short_help="Check the files of a project or a fleet.",
    epilog=example("trueup validate", "trueup validate --json --project customers/north"),
)
@click.option(
    "--secrets",
    is_flag=True,
    help="Of a fleet: also read each secret where fleet.yaml says it is kept; none is shown.",
)
@common
def validate(context: CommandContext, *, secrets: bool) -> int:
    """Check the project's files, without reading Work 365 or Autotask.

    Every error is shown with file, line and column, and with the nearest correct name. Tests in
    tests/*.yaml are read, not run: `trueup test` runs them. In a folder with fleet.yaml, that file
    and the project of every tenant are checked. Secrets are read only with --secrets.
    """
    from trueup.config.file_names import FLEET
    from trueup.render.finding_text import findings_text
    from trueup.render.formatting import count

    is_fleet = (context.folder / FLEET).exists()
    if secrets and not is_fleet:
        raise click.UsageError(f"--secrets goes with a folder that has {FLEET}.")
    findings, sound, tests = _fleet(context, secrets=secrets) if is_fleet else _project(context)
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    if context.json:
        from trueup.render.json_ import findings_json

        out(findings_json(findings))
    else:
        out(findings_text(findings, context.style))
        if errors or not sound:
            out(f"{count(errors, 'error')} found.\n")
        else:
            out(f"{sound}\n")
            if tests:
                out(f"{count(tests, 'test')} read; `trueup test` runs them.\n")
    return Exit.ERROR if errors or not sound else Exit.DONE


def _project(context: CommandContext) -> Checked:
    from trueup.operations.sound_files import sound_tests
    from trueup.operations.sound_project import known_project

    known = known_project(context.folder)
    if known is None or known.connector != "files":  # others may have a profile
        return _whole_project(context)
    sound = _sound(known.mappings, known.rules)
    if any(finding.severity is Severity.ERROR for finding in known.findings):
        return known.findings, "", 0
    tests = sound_tests(context.folder, None)
    if tests is None:
        return known.findings, sound, 0
    if tests.counts is None:
        return _whole_project(context)
    return known.findings, sound, tests.counts["tests"]


def _whole_project(context: CommandContext) -> Checked:
    from trueup.operations.project import check_project
    from trueup.operations.testing.files import check_tests

    project, findings = check_project(context.folder)
    if project is None:
        return findings, "", 0
    tests, found = check_tests(project)
    sound = _sound(len(project.mappings), len(project.rules))
    return [*findings, *found, *_profile(project)], sound, tests


def _sound(mappings: int, rules: int) -> str:
    from trueup.render.formatting import count

    return f"The project is sound: {count(mappings, 'mapping')}, {count(rules, 'rule')}."


def _fleet(context: CommandContext, *, secrets: bool) -> Checked:
    from trueup.fleet.fleet_file import check_fleet, check_fleet_tests
    from trueup.render.formatting import count

    checked, findings = check_fleet(context.folder, read_secrets=secrets, check_project=_profile)
    if checked is None:
        return findings, "", 0
    tests, found = check_fleet_tests(checked)
    tenants = count(len(checked.fleet.tenants), "tenant")
    sound = f"The fleet is sound: {tenants}, {count(len(checked.projects), 'project')}."
    return [*findings, *found], sound, tests


def _profile(project: "Project") -> list[Finding]:
    """Returns what is wrong with the profile of a project. Files have none."""
    if project.source.connector == "files":
        return []
    from trueup.operations.discover import profile_findings

    return profile_findings(project)
