"""`trueup decide MAPPING KEY WHAT --reason …`: what a person says of a row."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import click

from engine.cli.common import Here, common, example
from engine.cli.terminal import out
from engine.config import decisions
from engine.errors import EngineError
from engine.model.project import Verdict
from engine.render.json_ import as_json
from engine.render.words import known_as

WORDS = tuple(str(verdict) for verdict in Verdict if verdict is not Verdict.LINK)


@click.command(
    short_help="Decide what becomes of a row.",
    epilog=example(
        "trueup decide customer C-1042 create --reason 'not the one that looks like it'",
        "trueup decide subscription S-7 ignore --reason 'billed by the distributor' --until 2027-01-31",
        "trueup decide license_change 3f2a archive --reason 'entered by hand in September'",
    ),
)
@click.argument("mapping")
@click.argument("key")
@click.argument("what", type=click.Choice(WORDS))
@click.option("--reason", required=True, help="Why, for those who read it later.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="The last day on which it holds.")
@common
def decide(here: Here, mapping: str, key: str, what: str, reason: str, until: datetime | None) -> int:
    """Decide what becomes of the row KEY of MAPPING.

    \b
    create   make a record, although one looks like it
    ignore   leave the row alone, for good or until a day
    archive  a pending change: Autotask has it already; mark it, send nothing
    push     a held change: send it all the same
    correct  a difference in the ledger: adjust Autotask to the quantity in Work 365

    The decision goes into mappings/decisions.yaml.
    """
    entry: dict[str, object] = {"mapping": mapping, "key": key, "do": what, "reason": reason}
    return decided(here, {**entry, **({"until": until.date()} if until else {})})


def decided(here: Here, entry: Mapping[str, object]) -> int:
    """Writes the entry and says where. Raises EngineError for a mapping that is not there."""
    project = here.project()
    if entry["mapping"] not in project.mappings:
        raise EngineError(f"there is no mapping {entry['mapping']!r}: the project has {', '.join(project.mappings)}")
    written = decisions.decide(Path(project.root), entry)
    if here.json:
        out(as_json({"place": str(written.place), "replaced": written.replaced}))
    else:
        instead = ", in the place of an older decision" if written.replaced else ""
        out(f"{entry['mapping']} {known_as(str(entry['key']))}: written to {written.place}{instead}.\n")
    return 0
