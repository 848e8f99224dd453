"""Types of arguments and options."""

import re
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

import click
from click.core import ParameterSource

from trueup.cli.output_files import OutputFile
from trueup.config.days import parse_day
from trueup.model.days import LAST_YEAR

if TYPE_CHECKING:
    _DayType = click.ParamType[date]
    _SecondsType = click.ParamType[float]
    _AmountType = click.ParamType[Decimal]
else:
    _DayType = _SecondsType = _AmountType = (
        click.ParamType
    )  # the versions of click before 8.4 know no type of the value

F = TypeVar("F", bound=Callable[..., object])


_PLAIN_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,4})?")
"""Python takes more for a number, such as `1_000` and digits of other scripts; settings do not."""


class _Day(_DayType):
    """A day as year-month-day."""

    name = "day"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        """Returns the day. Raises UsageError for other text."""
        day = parse_day(value)
        if day is None:
            self.fail(
                f"{value!r} is not a day: write year-month-day, such as 2026-11-15.", param, ctx
            )
        return day


class _PlanDay(_Day):
    """A day for which a plan can be made."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        """Returns the day. Raises UsageError for other text, and for a day that is too late."""
        day = super().convert(value, param, ctx)
        if day.year > LAST_YEAR:
            self.fail(f"{day} is after the year {LAST_YEAR}.", param, ctx)
        return day


DAY, PLAN_DAY = _Day(), _PlanDay()


class _Seconds(_SecondsType):
    """A number of seconds, zero or more."""

    name = "seconds"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Returns the number. Raises UsageError for other text."""
        if not _PLAIN_NUMBER.fullmatch(str(value)):
            self.fail(f"{value!r} is no number of seconds, such as 60.", param, ctx)
        return float(str(value))


class _Amount(_AmountType):
    """An amount of money that is zero or more."""

    name = "amount"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        """Returns the amount. Raises UsageError for other text, and for a negative amount."""
        if isinstance(value, Decimal):
            return value
        if not _PLAIN_NUMBER.fullmatch(str(value)):
            self.fail(f"{value!r} is no amount: give a number such as 50 or 12.50.", param, ctx)
        return Decimal(str(value))


SECONDS, AMOUNT = _Seconds(), _Amount()


class WholeNumber(click.IntRange):
    """A whole number in a range."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Returns the number. Raises UsageError for other text, and out of the range."""
        if not re.fullmatch(r"-?[0-9]{1,15}", str(value)):
            self.fail(f"{value!r} is no whole number: write its digits.", param, ctx)
        return int(super().convert(int(str(value)), param, ctx))


class NumberInRange(click.FloatRange):
    """A number in a range."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Returns the number. Raises UsageError for other text, and out of the range."""
        if not _PLAIN_NUMBER.fullmatch(str(value)):
            self.fail(f"{value!r} is no number, such as 60.", param, ctx)
        return float(super().convert(float(str(value)), param, ctx))


def refuse_with(option: str, *names: str) -> None:
    """Raises UsageError if one of these parameters was given: `option` gives it no effect."""
    if given := _given(names):
        raise click.UsageError(f"{option} takes no {given}.")


def only_with(option: str, *names: str) -> None:
    """Raises UsageError if one of these parameters was given: only `option` gives it an effect."""
    if given := _given(names):
        raise click.UsageError(f"{given} goes with {option}.")


def _given(names: Iterable[str]) -> str:
    """Returns the first of these parameters that is on the command line, as users write it."""
    context = click.get_current_context()
    written = {one.name: max(one.opts, key=len) for one in context.command.params}
    return next(
        (
            written[name] if written[name].startswith("-") else written[name].upper()
            for name in names
            if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        ),
        "",
    )


def port_option(default: int = 0) -> Callable[[F], F]:
    """Returns the option `--port` of a command that serves; by default it takes a free port."""
    return click.option(
        "--port",
        type=WholeNumber(0, 65535),
        default=default,
        show_default=True,
        help="0 takes a free port.",
    )


OUT_OR_STDOUT = click.option(
    "--out",
    "file",
    type=OutputFile(),
    metavar="FILE",
    help="Where to; stdout if left out.",
)
"""The option of commands that write a document."""
