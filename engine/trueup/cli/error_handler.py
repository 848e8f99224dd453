"""How a command ends: the one place where errors become words and exit codes.

0 done; 1 an error that the user can mend; 2 there are changes (`--detailed-exitcode`); 3 applied in
part; 64 wrong usage; 70 a fault of ours, with a report to paste; 130 interrupted.
"""

import platform
import traceback
from collections.abc import Sequence
from enum import IntEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Self

import click

from trueup.cli.redaction import scrubbed
from trueup.cli.terminal import out_error, report
from trueup.errors import ConfigError, EngineError, PlanRefused
from trueup.model.finding import Finding
from trueup.render.json_ import as_json
from trueup.render.text import findings_text

COMMON = frozenset({"--project", "--json", "--no-color", "-v", "--verbose"})
"""Options that every command takes."""


class Exit(IntEnum):
    """What the process says to the one that started it."""

    DONE = 0
    ERROR = 1
    CHANGES = 2
    PARTIAL = 3
    USAGE = 64
    FAULT = 70
    INTERRUPTED = 130


class Ending:
    """Around a command: afterwards `code` is how the process ends, whatever happened inside."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.code: int = Exit.DONE
        self._arguments = arguments
        self._folder = folder_in(arguments)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        match error:
            case None:
                return True
            case KeyboardInterrupt() | click.Abort():
                self.code = Exit.INTERRUPTED
                report("\ninterrupted")
            case click.UsageError():
                self._usage(error)
            case Exception():
                self._failed(error)
            case _:
                return False
        return True

    def _failed(self, error: Exception) -> None:
        match error:
            case click.ClickException():
                self._mendable(error.format_message())
            case ConfigError() | PlanRefused():
                self._found(
                    [found for found in error.findings if isinstance(found, Finding)], str(error)
                )
            case EngineError():
                self._mendable(str(error))
            case OSError(filename=str() | Path() as file):
                self._mendable(f"{file}: {error.strerror}")
            case _:
                self.code = Exit.FAULT
                report(self._scrubbed(fault_report(error, self._arguments)))

    def _usage(self, error: click.UsageError) -> None:
        self.code = Exit.USAGE
        context = error.ctx
        if isinstance(error, click.exceptions.NoArgsIsHelpError):
            report(error.format_message())
            return
        help_ = f"\nTry `{context.command_path} --help`." if context else ""
        text = _misplaced(error, context) or error.format_message()
        if self._json:
            out_error(as_json({"error": self._scrubbed(text)}))
        report(f"{context.get_usage() if context else ''}\n{text}{help_}".strip())

    def _mendable(self, text: str) -> None:
        self.code = Exit.ERROR
        if self._json:
            out_error(as_json({"error": self._scrubbed(text)}))
        report(f"error: {self._scrubbed(text)}")

    def _found(self, findings: Sequence[Finding], text: str) -> None:
        self.code = Exit.ERROR
        if self._json:
            out_error(
                as_json(
                    {"error": self._scrubbed(text), "findings": [one.as_json() for one in findings]}
                )
            )
        report(self._scrubbed(findings_text(findings) or text).rstrip("\n"))

    def _scrubbed(self, text: str) -> str:
        return scrubbed(text, self._folder)

    @property
    def _json(self) -> bool:
        return "--json" in self._arguments


def _misplaced(error: click.UsageError, context: click.Context | None) -> str:
    """An option that every command takes, before the command's name or without one."""
    if not (
        context
        and isinstance(context.command, click.Group)
        and isinstance(error, click.NoSuchOption)
    ):
        return ""
    if error.option_name not in COMMON:
        return ""
    return f"options come after the command: {context.command_path} COMMAND {error.option_name}"


def fault_report(error: Exception, arguments: Sequence[str]) -> str:
    """What to paste when the fault is ours."""
    trace = "".join(traceback.format_exception(error)).rstrip()
    lines = (
        "This is a fault in trueup, not in your project. Nothing is lost: the journal holds every",
        "write that was begun, and `trueup apply --resume` continues from there.",
        "Please report it with all that follows.",
        "",
        f"trueup {program_version()}, Python {platform.python_version()}, {platform.platform()}",
        f"command: trueup {' '.join(arguments)}",
        trace,
    )
    return "\n".join(lines)


def folder_in(arguments: Sequence[str]) -> Path:
    """The project's folder as the command line names it, whatever else is wrong with that line."""
    for position, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name == "--project":
            return Path(value or next(iter(arguments[position + 1 :]), "."))
    return Path()


def program_version() -> str:
    """The version of the installed distribution."""
    try:
        return version("trueup")
    except PackageNotFoundError:
        return "(not installed)"
