"""`trueup validate`: checks the project's files."""

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common
from trueup.cli.exit_codes import Exit
from trueup.cli.output import out
from trueup.model.finding import Severity


@click.command(
    short_help="Check the project's files.",
    epilog=example("trueup validate", "trueup validate --json --project customers/north"),
)
@common
def validate(context: CommandContext) -> int:
    """Check the project's files, without reading Work 365 or Autotask.

    Every error is shown with file, line and column, and with the nearest correct name. Tests in
    tests/*.yaml are read, not run: `trueup test` runs them.
    """
    from trueup.operations.project import check_project
    from trueup.render.finding_text import findings_text
    from trueup.render.formatting import count

    project, findings = check_project(context.folder)
    tests = 0
    if project:
        from trueup.operations.testing.files import check_tests

        tests, found = check_tests(project)
        findings = [*findings, *found]
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    if context.json:
        from trueup.render.json_ import findings_json

        out(findings_json(findings))
    else:
        out(findings_text(findings, context.style))
        if project is None or errors:
            out(f"{count(errors, 'error')} found.\n")
        else:
            mappings = count(len(project.mappings), "mapping")
            out(f"The project is sound: {mappings}, {count(len(project.rules), 'rule')}.\n")
            if tests:
                out(f"{count(tests, 'test')} read; `trueup test` runs them.\n")
    return Exit.ERROR if errors or project is None else Exit.DONE
