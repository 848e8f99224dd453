"""`trueup doctor`: checks connections and rights."""

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common_with_tenant
from trueup.cli.exit_codes import Exit
from trueup.cli.output import out


@click.command(
    short_help="Check connections and rights.",
    epilog=example("trueup doctor", "trueup doctor --json"),
)
@common_with_tenant
def doctor(context: CommandContext) -> int:
    """Check Autotask's zone, credentials, rights and calls left, and open each source table.

    Nothing is written. Of files and databases it shows how many rows there are, and which cannot
    be read. Runs that are not finished are named. After the first apply it also looks for signs
    that another state writes to the same Autotask. Prints the minimum permissions that the
    project's mappings need.
    """
    from trueup.operations.doctor import examine
    from trueup.render.finding_text import findings_text, found_text
    from trueup.render.json_ import as_json

    examination = examine(context.project())
    findings, permissions = examination.findings, examination.permissions
    if context.json:
        shown = [finding.as_json() for finding in findings]
        sections = {name: [*entities] for name, entities in examination.sections.items()}
        out(as_json({"findings": shown, "permissions": permissions, "sections": sections}))
    else:
        out(findings_text(findings, context.style))
        out("\nThe project needs, at least:\n" + "".join(f"  {line}\n" for line in permissions))
        sections = {
            name: [*entities] for name, entities in examination.sections.items() if entities
        }
        granted = "; ".join(f"{name}: {', '.join(one)}" for name, one in sections.items())
        out(f"\nSections of the API user's security level that grant it: {granted}.\n")
        out(f"\n{found_text(examination.errors, examination.warnings)}\n")
    return Exit.ERROR if examination.errors else Exit.DONE
