"""`trueup show FILE`: shows a saved plan as text, JSON, or in a format for other people."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, assert_never

import click
from msgspec.structs import replace

from trueup.cli.arrangement import ARRANGING, arranged, arrangement
from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common_with_tenant
from trueup.cli.output import out
from trueup.cli.output_files import write_whole
from trueup.cli.parameters import OUT_OR_STDOUT, refuse_with
from trueup.cli.plan_files import load_plan, read_text
from trueup.errors import EngineError
from trueup.render.plan_tables import TableKind
from trueup.render.style import PLAIN

if TYPE_CHECKING:
    from trueup.model.plan import Plan
    from trueup.render.view import Arrangement


class PlanFormat(StrEnum):
    """The formats in which a plan is shown."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"
    CSV = "csv"
    XLSX = "xlsx"


@click.command(
    short_help="Show a saved plan.",
    epilog=example(
        "trueup show plan.json",
        "trueup show plan.json --format markdown > plan.md",
        "trueup show plan.json --format html --out plan.html",
        "trueup show plan.json --format xlsx --out plan.xlsx",
        "trueup show plan.json --format csv > changes.csv",
        "trueup show plan.json --format csv --table waiting > waiting.csv",
    ),
)
@click.argument("plan_file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--format",
    "format_",
    type=click.Choice([*map(str, PlanFormat)]),
    default=str(PlanFormat.TEXT),
    help="How to show it.",
)
@click.option(
    "--table",
    type=click.Choice([*map(str, TableKind)]),
    help="Which table CSV holds: a row for each change, for each row that waits or differs, "
    "for each field of each change, for each line of the ledger, or for each finding. "
    "Default: changes.",
)
@OUT_OR_STDOUT
@arranged
@common_with_tenant
def show(
    context: CommandContext,
    plan_file: Path,
    format_: str,
    table: str | None,
    file: Path | None,
    **order: Any,  # noqa: ANN401 -- click's
) -> int:
    """Show a plan that `trueup plan --out FILE` saved.

    HTML, CSV and workbooks have the notes, tags and assignees of the project's rows, too.
    """
    wanted = PlanFormat.JSON if context.json else PlanFormat(format_)
    if table and wanted is not PlanFormat.CSV:
        raise click.UsageError("--table is a table of CSV: it needs --format csv.")
    if context.json and format_ != "json":
        refuse_with("--json", "format_")
    if context.json or format_ in {"json", "csv", "xlsx"}:
        refuse_with("--json" if context.json else f"--format {format_}", *ARRANGING)
    if file and file.exists() and plan_file.exists() and file.samefile(plan_file):
        raise click.UsageError(f"{file} is the file that is read; name another one.")

    plan = load_plan(plan_file)
    if file:
        context.require_outputs()
        context = replace(context, style=PLAIN)
    is_text_here = wanted is PlanFormat.TEXT and not file
    approval = _approval(context, plan_file) if is_text_here else ""
    content = _formatted(context, plan, wanted, arrangement(**order), table)
    if file:
        write_whole(file, content)
    else:
        out(content)
        out(approval)
    return 0


def _formatted(
    context: CommandContext,
    plan: "Plan",
    format_: PlanFormat,
    arrangement_: "Arrangement",
    table: str | None,
) -> str | bytes:
    """Returns the plan in a format. Each format imports what it alone needs."""
    match format_:
        case PlanFormat.TEXT:
            from trueup.render.text import plan_text

            return plan_text(plan, context.style, verbose=context.verbose, arrangement=arrangement_)
        case PlanFormat.JSON:
            from trueup.model import document

            return document.dumps(plan)
        case PlanFormat.MARKDOWN:
            from trueup.render.markdown import plan_markdown

            return plan_markdown(plan, verbose=context.verbose, arrangement=arrangement_)
        case PlanFormat.HTML | PlanFormat.CSV | PlanFormat.XLSX:
            return _with_notes(context, plan, format_, arrangement_, table)
        case _:
            assert_never(format_)


def _with_notes(
    context: CommandContext,
    plan: "Plan",
    format_: Literal[PlanFormat.HTML, PlanFormat.CSV, PlanFormat.XLSX],
    arrangement_: "Arrangement",
    table: str | None,
) -> str | bytes:
    """Returns the plan as HTML, CSV or a workbook, which show notes. They may load the project."""
    from trueup.operations.notes import notes_in
    from trueup.render.noted import Noted

    noted = Noted(context.project().notes if context.tenant else notes_in(context.folder))
    match format_:
        case PlanFormat.HTML:
            from trueup.render.plan_html import plan_html

            return plan_html(plan, verbose=context.verbose, arrangement=arrangement_, noted=noted)
        case PlanFormat.CSV:
            from trueup.render.plan_csv import plan_csv

            return plan_csv(plan, TableKind(table or TableKind.CHANGES), noted)
        case PlanFormat.XLSX:
            from trueup.render.plan_xlsx import plan_xlsx

            return plan_xlsx(plan, noted)
        case _:
            assert_never(format_)


def _approval(context: CommandContext, plan_file: Path) -> str:
    """Returns whether the plan has its approval; "" if this project requires none."""
    from trueup.cli.plan import approval_line
    from trueup.config.file_names import PROJECT
    from trueup.operations.sound_files import is_known_without_approvals

    if not (context.tenant or (context.folder / PROJECT).exists()):
        return ""
    try:
        if not context.tenant and is_known_without_approvals(context.folder):
            return ""  # without loading the project
        return approval_line(context.project(), read_text(plan_file))
    except EngineError:  # a plan can be shown without a project and a state that can be used
        return ""
