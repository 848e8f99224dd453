"""A small chart of units over time, as SVG: two step lines, one dashed, with a legend."""

from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct

from trueup.render.formatting import number
from trueup.render.unit_steps import ServiceUnits, UnitLevel

WIDTH, HEIGHT = 480, 140
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 70, 12, 24
_MARGIN = timedelta(days=30)
"""Days that are shown before the first step and after the last one."""

_APART = 12
"""Pixels that two names at the ends of the lines must be apart."""


class Tick(Struct, frozen=True):
    """A mark on an axis."""

    at: int  # pixels
    text: str


class Chart(Struct, frozen=True):
    """The coordinates that the template draws, in pixels."""

    title: str
    description: str  # the same in words, for screen readers
    before: str  # path of the line
    after: str
    days: tuple[Tick, ...]
    units: tuple[Tick, ...]
    before_end: int  # position of the name of each line
    after_end: int
    width: int = WIDTH
    height: int = HEIGHT


def chart(name: str, service: ServiceUnits) -> Chart:
    """Returns the chart of a service."""
    steps = service.steps
    first, last = steps[0].day - _MARGIN, steps[-1].day + _MARGIN
    top = max(max(step.before, step.after) for step in steps) or 1
    span = (last - first).days

    def x(days: int) -> int:
        return _LEFT + round((WIDTH - _LEFT - _RIGHT) * days / span)

    def y(units: int) -> int:
        return HEIGHT - _BOTTOM - round((HEIGHT - _TOP - _BOTTOM) * units / top)

    # The first step began before the chart, unless the service begins with it.
    opening = steps[0].before if steps[0].before == steps[0].after else 0

    def line(values: Sequence[int]) -> str:
        at = [x((step.day - first).days) for step in steps]
        path = f"M{x(0)} {y(opening)}"
        for position, value in zip(at, values, strict=True):
            path += f"H{position}V{y(value)}"
        return f"{path}H{x(span)}"

    before, after = [step.before for step in steps], [step.after for step in steps]
    end, other = y(before[-1]), y(after[-1])
    if abs(end - other) < _APART:
        end = other + (_APART if end >= other else -_APART)
    shown = steps[1:] or steps
    return Chart(
        title=f"Units of {name} over time",
        description="; ".join(map(step_text, steps)),
        before=line(before),
        after=line(after),
        days=tuple(Tick(x((one.day - first).days), one.day.isoformat()) for one in _few(shown)),
        units=tuple(Tick(y(value), number(value)) for value in dict.fromkeys((0, top))),
        before_end=end,
        after_end=other,
    )


def step_text(step: UnitLevel) -> str:
    """`from 2026-11-10 10 before, 13 after`."""
    return f"from {step.day.isoformat()} {step.before} before, {step.after} after"


def _few(steps: Sequence[UnitLevel]) -> Sequence[UnitLevel]:
    """Returns the first and the last step: more days do not fit below the chart."""
    return steps if len(steps) <= 1 else (steps[0], steps[-1])
