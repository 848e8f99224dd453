"""The texts and exit codes of errors that end a command. Imported only if there is an error."""

import platform
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from trueup.cli.exit_codes import Exit
from trueup.cli.open_fleets import find_fleet
from trueup.cli.output import out_error, report
from trueup.errors import ConfigError, EngineError, PlanRefused, RunLeftOpen, shortened
from trueup.model.finding import Finding
from trueup.operations.project_folder import find_project
from trueup.operations.redaction import scrubbed, scrubber
from trueup.render.finding_text import findings_text
from trueup.render.json_ import as_json
from trueup.render.sanitize import exact_lines
from trueup.version import VERSION


def report_failure(error: Exception, arguments: Sequence[str]) -> Exit:
    """Writes to stderr why a command failed, and to stdout with `--json`.

    `arguments` is the command line. Returns the exit code.
    """
    match error:
        case click.ClickException():
            return _user_error(error.format_message(), arguments)
        case ConfigError() | PlanRefused():
            return _found(
                [found for found in error.findings if isinstance(found, Finding)],
                str(error),
                arguments,
            )
        case RunLeftOpen():
            _user_error(str(error), arguments)
            return Exit.PARTIAL
        case EngineError():
            return _user_error(str(error), arguments)
        case OSError(filename=str() | Path() as file):
            return _user_error(f"{file}: {error.strerror}", arguments)
        case _:
            text = scrubbed(fault_report(error, arguments), folder_in(arguments))
            report(exact_lines(shortened(text)))
            return Exit.FAULT


def report_as_json(
    text: str, arguments: Sequence[str], findings: Sequence[Finding] | None = None
) -> None:
    """Writes an error to stdout if the command line has `--json`."""
    if "--json" in arguments:
        scrub = scrubber(folder_in(arguments))
        fields: dict[str, object] = {"error": scrub(text)}
        if findings is not None:
            fields["findings"] = [
                {name: scrub(str(value)) for name, value in finding.as_json().items()}
                for finding in findings
            ]
        out_error(as_json(fields))


def _user_error(text: str, arguments: Sequence[str]) -> Exit:
    # What a library says may hold a value of megabytes, and a secret where it is cut.
    text = shortened(scrubbed(text, folder_in(arguments)))
    report_as_json(text, arguments)
    report(exact_lines(f"error: {text}"))
    return Exit.ERROR


def _found(findings: Sequence[Finding], text: str, arguments: Sequence[str]) -> Exit:
    report_as_json(text, arguments, findings)
    shown = findings_text(findings) or text
    report(exact_lines(scrubbed(shown, folder_in(arguments)).rstrip("\n")))
    return Exit.ERROR


def fault_report(error: Exception, arguments: Sequence[str]) -> str:
    """Returns the report of a defect of trueup, to be pasted into an issue."""
    trace = "".join(traceback.format_exception(error)).rstrip()
    lines = (
        "This is a fault in trueup, not in your project. Nothing is lost: the journal holds every",
        "write that was begun, and `trueup apply --resume` continues from there.",
        "Please report it with all that follows.",
        "",
        f"trueup {VERSION}, Python {platform.python_version()}, {platform.platform()}",
        f"command: trueup {' '.join(arguments)}",
        trace,
    )
    return "\n".join(lines)


def folder_in(arguments: Sequence[str]) -> Path:
    """Returns the folder that the command line works on, even if its other parts are invalid.

    It is found as the command finds it, so that the files that name its secrets are known.
    """
    folder = _project_in(arguments) or find_project()
    is_fleet = [*arguments[:1]] == ["fleet"] or any(
        argument.partition("=")[0] == "--tenant" for argument in arguments
    )
    return (find_fleet(folder) or folder) if is_fleet else folder


def _project_in(arguments: Sequence[str]) -> Path | None:
    for position, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name == "--project":
            return Path(value or next(iter(arguments[position + 1 :]), "."))
    return None
