"""`trueup fmt`: one layout for the YAML files of a project."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common
from trueup.cli.exit_codes import Exit
from trueup.cli.output import out_done, report

if TYPE_CHECKING:
    from trueup.operations.fmt import FormatResult, Reformatted

_SPACES = re.compile("( +)")


@click.command(
    short_help="Give the YAML files one layout.",
    epilog=example("trueup fmt", "trueup fmt --check", "trueup fmt mappings/customer.yaml"),
)
@click.argument("files", nargs=-1, metavar="[FILE]…", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where a file would change.")
@common
def fmt(context: CommandContext, files: tuple[Path, ...], check: bool) -> int:  # noqa: FBT001 -- click's
    """Format mappings, rules and tests of the project, or FILEs: indentation, spaces, empty lines.

    Comments, values, quotes and the order of keys stay. A file with errors is left as it is. With
    -v, the differences are shown. Exit codes: 0 done; 1 a file has errors, or with --check, a file
    would change.
    """
    from trueup.operations.fmt import fmt as format_files
    from trueup.render.finding_text import findings_text

    result = format_files(context.folder, files, check=check)
    out_done(_json(result) if context.json else _text(result, context, check=check))
    if result.findings and not context.json:
        report(findings_text(result.findings).rstrip("\n"))
    stops = bool(result.findings) or (check and bool(result.changed))
    return Exit.ERROR if stops else Exit.DONE


def _text(result: "FormatResult", context: CommandContext, *, check: bool) -> str:
    from trueup.render.formatting import count
    from trueup.render.sanitize import sanitize

    lines = []
    for file in result.changed:
        lines.append(f"{'would format' if check else 'formatted'} {sanitize(file.name)}\n")
        if context.verbose:
            lines += _difference(file)
    if not result.changed and not result.findings:
        return f"{count(result.files, 'file')}, all formatted.\n"
    verb = "would change" if check else "changed"
    lines.append(f"{len(result.changed):,} of {count(result.files, 'file')} {verb}.\n")
    return "".join(lines)


def _difference(file: "Reformatted") -> list[str]:
    """Returns the lines that differ, as `diff -u` writes them."""
    from difflib import unified_diff

    difference = unified_diff(
        file.before.splitlines(), file.after.splitlines(), file.name, file.name, lineterm=""
    )
    return [f"  {_with_spaces(line)}\n" for line in difference]


def _with_spaces(line: str) -> str:
    """Returns a line of a file with all its spaces, and without control characters."""
    from trueup.render.sanitize import sanitize

    return "".join(part if part.isspace() else sanitize(part) for part in _SPACES.split(line))


def _json(result: "FormatResult") -> str:
    from trueup.render.json_ import as_json

    return as_json(
        {
            "files": result.files,
            "changed": [file.name for file in result.changed],
            "findings": [finding.as_json() for finding in result.findings],
        }
    )
