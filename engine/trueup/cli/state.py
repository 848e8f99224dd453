"""`trueup state`: inspect and repair what trueup remembers between runs."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common_with_tenant
from trueup.cli.output import out, out_done
from trueup.cli.output_files import write_whole
from trueup.cli.parameters import OUT_OR_STDOUT, WholeNumber, only_with
from trueup.cli.plan_files import read_text

if TYPE_CHECKING:
    from trueup.model.audit import LinkForgotten
    from trueup.model.project import Project


class Settled(StrEnum):
    """What `trueup state settle` records."""

    LANDED = "landed"
    ABSENT = "absent"
    CLOSED = "closed"


@click.group(
    short_help="Inspect and repair the state.",
    epilog=example("trueup state list", "trueup state show customer 749c6782"),
)
def state() -> None:
    """What trueup remembers between runs.

    Which row is which record, what was pushed, what is in doubt.
    """


@state.command("list", short_help="List the links.", epilog=example("trueup state list customer"))
@click.argument("mapping", required=False)
@common_with_tenant
def list_(context: CommandContext, mapping: str | None) -> int:
    """List the links of MAPPING, or all links.

    Below them: who holds the lock, open runs, changes in doubt, the latest manual edits.
    """
    from trueup.operations import state as operations
    from trueup.render.json_ import links_json
    from trueup.render.state import overview_text

    project = context.project()
    overview = operations.list_links(project, mapping)
    if context.json:
        out(links_json(overview.links, overview.names))
    else:
        out(overview_text(overview, project.zone, project.currency, context.style))
    return 0


@state.command(
    short_help="Show all that is known of a row.",
    epilog=example("trueup state show customer 749c6782"),
)
@click.argument("mapping")
@click.argument("key")
@common_with_tenant
def show(context: CommandContext, mapping: str, key: str) -> int:
    """Show all that is known of the row KEY of MAPPING.

    Its record, the values last applied, what was pushed. KEY may be a unique prefix.
    """
    from trueup.operations import state as operations
    from trueup.render.json_ import row_json
    from trueup.render.state import row_text

    project = context.project()
    row = operations.show_row(project, mapping, key)
    out(row_json(row, project.zone) if context.json else row_text(row, project.zone, context.style))
    return 0


@state.command(
    short_help="Forget which record a row is.",
    epilog=example("trueup state forget customer 749c6782 --reason 'linked to the wrong company'"),
)
@click.argument("mapping")
@click.argument("key")
@click.option("--reason", required=True, help="Why; it is recorded.")
@common_with_tenant
def forget(context: CommandContext, mapping: str, key: str, reason: str) -> int:
    """Forget which record the row KEY of MAPPING is. Nothing is written to Autotask.

    KEY may be a unique prefix. The next plan looks for the record again. What was pushed stays
    remembered: it is never pushed again.
    """
    from trueup.operations import state as operations
    from trueup.operations.user import current_user
    from trueup.render.formatting import known_as

    project = context.project()
    row = operations.forget_link(project, current_user(), mapping, key, reason)
    name = f" ({known_as(row.name)})" if row.name else ""
    done(context, f"{mapping} {known_as(row.key)}{name}: forgotten.{_next_match(project, row)}")
    return 0


def _next_match(project: "Project", row: "LinkForgotten") -> str:
    """Warns that the row finds the same record again while the record has its identity."""
    from trueup.model.finding import Command

    spec = project.mappings[row.mapping]
    if not spec.identity:
        return ""
    link = Command.link(row.mapping, row.key)
    return (
        f"\nThe next plan looks for its record again, first by {', '.join(spec.identity)}: "
        f"a record that still has its value there is linked again. `{link}` names another one."
    )


@state.command(
    short_help="Show what is in doubt, and what is known of it.",
    epilog=example("trueup state doubt", "trueup state doubt --json"),
)
@common_with_tenant
def doubt(context: CommandContext) -> int:
    """Show each change in doubt: what was sent, what the journal says, what reading finds now.

    Nothing is recorded: `trueup apply --resume` settles what reading can tell, and `trueup state
    settle` the rest.
    """
    from trueup.operations import state as operations
    from trueup.render.doubt import doubts_json, doubts_text

    project = context.project()
    report = operations.examine_doubts(project)
    if context.json:
        out(doubts_json(report, project.zone))
    else:
        out(doubts_text(report, project.catalogue.systems, project.zone, context.style))
    return 0


@state.command(
    short_help="Resolve a change in doubt.",
    epilog=example(
        "trueup state settle license_change:3f2a landed --reason 'seen in Autotask, 3 more'",
        "trueup state settle customer:C-7 landed --record 29683 --reason 'it is there'",
        "trueup state settle license_change:3f2a absent --reason 'units are as before'",
        "trueup state settle 7f3a2c91d004 closed --reason 'the rest is planned again'",
    ),
)
@click.argument("change")
@click.argument("what", type=click.Choice([*map(str, Settled)]))
@click.option(
    "--record", type=WholeNumber(min=1), metavar="ID", help="The record that a create made."
)
@click.option("--reason", required=True, help="What was seen, and where; it is recorded.")
@click.option("--preview", is_flag=True, help="Show what would be recorded; record nothing.")
@common_with_tenant
def settle(
    context: CommandContext,
    change: str,
    what: str,
    record: int | None,
    reason: str,
    preview: bool,  # noqa: FBT001 -- click's
) -> int:
    """Resolve CHANGE, whose outcome is unknown and could not be determined automatically.

    \b
    landed   it took effect
    absent   it did not take effect; of a create or an adjustment, not
             before settle_after has passed
    closed   (with a RUN in place of CHANGE) the run is not resumed;
             none of its changes may be in doubt

    The system that the change was sent to is read first. What it shows beyond doubt is not
    overruled.
    """
    from trueup.operations import state as operations
    from trueup.operations.user import current_user
    from trueup.render.formatting import known_as
    from trueup.render.sanitize import sanitize

    outcome = Settled(what)
    if outcome is not Settled.LANDED:
        only_with("landed", "record")
    project, holder, note = context.project(), current_user(), ""
    if preview:
        return _preview_settlement(context, project, change, outcome, record, reason)
    match outcome:
        case Settled.LANDED | Settled.ABSENT:
            landed = outcome is Settled.LANDED
            note = operations.settle_change(
                project, holder, change, landed=landed, record=record, reason=reason
            )
        case Settled.CLOSED:
            operations.close_run(project, holder, change, reason)
        case _:
            assert_never(outcome)
    done(
        context, f"{known_as(change)}: {outcome}." + (f"\nNote: {sanitize(note)}." if note else "")
    )
    return 0


def _preview_settlement(
    context: CommandContext,
    project: "Project",
    change: str,
    outcome: Settled,
    record: int | None,
    reason: str,
) -> int:
    from trueup.operations import state as operations
    from trueup.render.doubt import settlement_lines
    from trueup.render.json_ import as_json
    from trueup.render.sanitize import sanitize

    if outcome is Settled.CLOSED:
        raise click.UsageError("--preview is for a change: `trueup state list` shows the open run")
    ready, note = operations.preview_settlement(
        project, change, landed=outcome is Settled.LANDED, record=record, reason=reason
    )
    lines = settlement_lines(ready) + ([f"Note: {sanitize(note)}."] if note else [])
    out(as_json({"records": lines}) if context.json else "".join(f"{line}\n" for line in lines))
    return 0


@state.command(
    short_help="Accept another name or address of the same tenant.",
    epilog=example("trueup state adopt --reason 'the API user was renamed'"),
)
@click.option("--reason", required=True, help="Why it is the same; it is recorded.")
@common_with_tenant
def adopt(context: CommandContext, reason: str) -> int:
    """Confirm that the configured systems are those of this state, under another user or address.

    Nothing is written to Autotask. Do not adopt the state of another tenant: its links would be
    wrong.
    """
    from trueup.operations import state as operations
    from trueup.operations.user import current_user

    systems = operations.adopt_systems(context.project(), current_user(), reason)
    done(context, f"This state is about {', '.join(systems.values())} from now on.")
    return 0


@state.command(
    short_help="Write the state as JSON.", epilog=example("trueup state export --out state.json")
)
@OUT_OR_STDOUT
@common_with_tenant
def export(context: CommandContext, file: Path | None) -> int:
    """Write the whole state as JSON, one row a line."""
    from trueup.operations import state as operations

    text = operations.export_state(context.project())
    if file:
        write_whole(file, text)
        done(context, f"Saved to {file}.")
    else:
        out(text)
    return 0


@state.command(
    "import",
    short_help="Fill an empty state from an export.",
    epilog=example("trueup state import state.json"),
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@common_with_tenant
def import_(context: CommandContext, file: Path) -> int:
    """Fill an empty state from an export, whole or not at all."""
    from trueup.operations import state as operations

    operations.import_state(context.project(), read_text(file))
    done(context, f"Filled from {file}.")
    return 0


def done(context: CommandContext, text: str) -> None:
    """Writes the result of a command that has no other output."""
    from trueup.render.json_ import as_json

    out_done(as_json({"done": text}) if context.json else f"{text}\n")
