"""`trueup decide MAPPING KEY WHAT --reason …`: what a person says of a row."""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import click

from engine import wiring
from engine.cli.common import Here, common, example
from engine.cli.keys import named, whole
from engine.cli.terminal import out
from engine.config import decisions
from engine.config.checks.said import unfit
from engine.errors import EngineError
from engine.model.project import Project, Verdict
from engine.planning.pending import AFTER
from engine.render.json_ import as_json

WORDS = tuple(str(verdict) for verdict in Verdict if verdict is not Verdict.LINK)


@click.command(
    short_help="Decide what becomes of a row.",
    epilog=example(
        "trueup decide customer 'Alpine Dental AG' create --reason 'not the one that looks like it'",
        "trueup decide subscription f7059e8a ignore --reason 'billed elsewhere' --until 2027-01-31",
        "trueup decide license_change 9a44f7a3 archive --reason 'entered by hand in September'",
    ),
)
@click.argument("mapping")
@click.argument("key")
@click.argument("what", type=click.Choice(WORDS))
@click.option("--reason", required=True, help="Why, for those who read it later.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="The last day on which it holds.")
@common
def decide(here: Here, mapping: str, key: str, what: str, reason: str, until: datetime | None) -> int:
    """Decide what becomes of the row KEY of MAPPING. The start of a key, or a name, will do where only one row fits.

    \b
    create   make a record, although one looks like it
    activate switch its record on again, with the values of its mapping
    ignore   leave the row alone, for good or until a day
    archive  a pending change: Autotask has it already; mark it, send nothing
    push     a held change: send it all the same
    correct  a difference in the ledger: adjust Autotask to the quantity in Work 365

    The decision goes into mappings/decisions.yaml.
    """
    entry: dict[str, object] = {"mapping": mapping, "key": key, "do": what, "reason": reason}
    return decided(here, {**entry, **({"until": until.date()} if until else {})})


def decided(here: Here, entry: Mapping[str, object]) -> int:
    """Writes the entry and says where. Raises EngineError for what cannot be decided, or of a row that is not there."""
    project, mapping = here.project(), str(entry["mapping"])
    if mapping not in project.mappings:
        raise EngineError(f"there is no mapping {mapping!r}: the project has {', '.join(project.mappings)}")
    if fault := unfit(Verdict(str(entry.get("do", Verdict.LINK))), project.mappings[mapping]):
        raise EngineError(fault)
    _not_past(entry.get("until"), project)
    rows = wiring.known_rows(project, mapping)
    key = whole(str(entry["key"]), rows, mapping)
    written = decisions.decide(Path(project.root), {**entry, "key": key, **_after(project, mapping, key, entry)})
    if here.json:
        out(as_json({"key": key, "place": str(written.place), "replaced": written.replaced}))
    else:
        instead = ", in the place of an older decision" if written.replaced else ""
        out(f"{mapping} {named(key, rows[key])}: written to {written.place}{instead}.\n")
    return 0


def _after(project: Project, mapping: str, key: str, entry: Mapping[str, object]) -> Mapping[str, object]:
    """The run that took the change back, where one did: a decision about it counts only with that."""
    with wiring.open_state(project) as state:
        known = state.load().pushed.get((mapping, key))
    return (
        {"after": known.run} if known and known.undone and Verdict(str(entry.get("do", Verdict.LINK))) in AFTER else {}
    )


def _not_past(until: object, project: Project) -> None:
    """Raises EngineError for a last day that is over on the day that plans are made for."""
    today = project.as_of or wiring.SystemClock().now().astimezone(project.zone).date()
    if isinstance(until, date) and until < today:
        raise EngineError(f"--until {until} is past: plans are for {today}, and it would hold for none")
