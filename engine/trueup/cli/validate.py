"""`trueup validate`: all that is wrong with the project's files, in one go."""

import click

from engine import wiring
from engine.cli.common import Here, common, example
from engine.cli.terminal import out
from engine.model.finding import Severity
from engine.render.json_ import findings_json
from engine.render.text import findings_text
from engine.render.words import count


@click.command(
    short_help="Check the project's files.",
    epilog=example("trueup validate", "trueup validate --json --project customers/north"),
)
@common
def validate(here: Here) -> int:
    """Check the project's files, without reading Work 365 or Autotask.

    Every fault is named with file, line and column, and with the nearest right name.
    """
    project, findings = wiring.check_project(here.folder)
    faults = sum(finding.severity is Severity.ERROR for finding in findings)
    if here.json:
        out(findings_json(findings))
    else:
        out(findings_text(findings, here.style))
        rules = f"{count(len(project.mappings), 'mapping')}, {count(len(project.rules), 'rule')}" if project else ""
        out(f"{count(faults, 'error')} found.\n" if faults else f"The project is sound: {rules}.\n")
    return 1 if faults or project is None else 0
