"""Types of arguments and options, and what is wrong usage in every command."""

from datetime import date
from typing import TYPE_CHECKING

import click

from trueup.cli.output_files import OutputFile

if TYPE_CHECKING:
    _DayType = click.ParamType[date]
else:
    _DayType = click.ParamType  # the versions of click before 8.4 know no type of the value


class _Day(_DayType):
    """A day as ISO 8601 writes it."""

    name = "day"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        """Returns the day. Raises UsageError for what is none."""
        try:
            return value if isinstance(value, date) else date.fromisoformat(str(value))
        except ValueError:
            self.fail(
                f"{value!r} is not a day: write year-month-day, such as 2026-11-15.", param, ctx
            )


DAY = _Day()

OUT_OR_STDOUT = click.option(
    "--out",
    "file",
    type=OutputFile(),
    metavar="FILE",
    help="Where to; stdout if left out.",
)
"""The option of commands that write a document."""
