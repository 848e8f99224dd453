"""Turns the end of a command into an exit code: the one place that handles errors.

It handles wrong usage and interruptions; `failures.py` has the texts of all other errors.
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

import click

from trueup.cli.exit_codes import Exit
from trueup.cli.output import report

COMMON = frozenset({"--project", "--tenant", "--json", "--no-color", "-v", "--verbose"})
"""Options that commands have in common; no group takes them."""


class Ending:
    """A context around a command; afterwards `code` is the exit code of the process."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.code: int = Exit.DONE
        self._arguments = arguments

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
                self.code = Exit.USAGE
                self._report_usage(error)
            case Exception():
                from trueup.cli.failures import report_failure

                self.code = report_failure(error, self._arguments)
            case _:
                return False
        return True

    def _report_usage(self, error: click.UsageError) -> None:
        context = error.ctx
        if isinstance(error, click.exceptions.NoArgsIsHelpError):
            report(error.format_message())
            return
        help_ = f"\nTry `{context.command_path} --help`." if context else ""
        text = _misplaced(error, context) or error.format_message()
        if "--json" in self._arguments:
            from trueup.cli.failures import report_as_json

            report_as_json(text, self._arguments)
        from trueup.render.sanitize import exact_lines

        shown = exact_lines(text)  # it may quote an argument with control characters
        report(f"{context.get_usage() if context else ''}\n{shown}{help_}".strip())


def _misplaced(error: click.UsageError, context: click.Context | None) -> str:
    """Returns the remedy for an option of commands that stands before the command's name."""
    if not (
        context
        and isinstance(context.command, click.Group)
        and isinstance(error, click.NoSuchOption)
    ):
        return ""
    if error.option_name not in COMMON:
        return ""
    return f"Options come after the command: {context.command_path} COMMAND {error.option_name}"
