"""`trueup validate`: checks the project's files."""

import click

from trueup import operations
from trueup.cli.common import CommandContext, common, example
from trueup.cli.error_handler import Exit
from trueup.cli.terminal import out
from trueup.model.finding import Severity
from trueup.render.formatting import count
from trueup.render.json_ import findings_json
from trueup.render.text import findings_text


@click.command(
    short_help="Check the project's files.",
    epilog=example("trueup validate", "trueup validate --json --project customers/north"),
)
@common
def validate(context: CommandContext) -> int:
    """Check the project's files, without reading Work 365 or Autotask.

    Every error is shown with file, line and column, and with the nearest correct name.
    """
    project, findings = operations.check_project(context.folder)
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    if context.json:
        out(findings_json(findings))
    else:
        out(findings_text(findings, context.style))
        if project is None or errors:
            out(f"{count(errors, 'error')} found.\n")
        else:
            mappings = count(len(project.mappings), "mapping")
            out(f"The project is sound: {mappings}, {count(len(project.rules), 'rule')}.\n")
    return Exit.ERROR if errors or project is None else Exit.DONE
