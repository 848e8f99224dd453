"""`trueup doctor`: may we do all that the project needs?"""

import click

from engine import wiring
from engine.cli.common import Here, common, example
from engine.cli.terminal import out
from engine.model.finding import Severity
from engine.render.json_ import as_json
from engine.render.text import findings_text
from engine.render.words import count


@click.command(short_help="Check connections and rights.", epilog=example("trueup doctor", "trueup doctor --json"))
@common
def doctor(here: Here) -> int:
    """Check the connections: zone, credentials, rights on each entity, calls left this hour. Writes nothing.

    Prints the minimum permissions that the project's mappings need.
    """
    findings, permissions = wiring.examine(here.project())
    faults = sum(finding.severity is Severity.ERROR for finding in findings)
    if here.json:
        out(as_json({"findings": [one.as_json() for one in findings], "permissions": permissions}))
    else:
        out(findings_text(findings, here.style))
        out("\nThe project needs, at least:\n" + "".join(f"  {line}\n" for line in permissions))
        out(f"\n{count(faults, 'problem')} found.\n" if faults else "\nAll is well.\n")
    return 1 if faults else 0
