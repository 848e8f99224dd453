"""A filter and what stands in its brackets in; what of that it cannot take out.

What a filter takes is what its function's signature says: there is no second list of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from inspect import Parameter, signature
from typing import get_args

from engine.config.checks.shapes import Known, Shape
from engine.config.complaints import shown
from engine.config.near import hint
from engine.expressions import FILTERS

Wrong = tuple[str, str]
"""What is wrong, and a remedy."""

_WANTS = {int: "a whole number", str: "text", bool: "true or false"}


def check_arguments(name: str, placed: Sequence[Shape], named: Mapping[str, Shape]) -> Iterator[Wrong]:
    """Too few, too many, unknown ones, and those of which the files say that they are of another type."""
    takes = _takes(name)
    if takes is None:
        return
    if len(placed) + len(named) > len(takes):
        many = f"takes {len(takes)} argument{'s'[: len(takes) != 1]}, here are {len(placed) + len(named)}"
        yield f"{name} {many if takes else 'takes no arguments'}", ""
        return
    given = {**dict(zip(takes, placed, strict=False)), **named}
    for unknown in given.keys() - takes.keys():
        yield f"{name} takes no `{unknown}`", hint(unknown, takes)
    if given.keys() <= takes.keys():
        for one in takes.values():
            yield from _one(name, one, given, alone=len(takes) == 1)


def _takes(name: str) -> dict[str, Parameter] | None:
    """What it takes besides the value before it; None where only a call tells, or there is no such filter."""
    if name not in FILTERS:
        return None
    value, *more = signature(FILTERS[name]).parameters.values()
    return None if value.kind is Parameter.VAR_POSITIONAL else {one.name: one for one in more}


def _one(name: str, takes: Parameter, given: Mapping[str, Shape], *, alone: bool) -> Iterator[Wrong]:
    shape = given.get(takes.name)
    if shape is None:
        if takes.default is Parameter.empty:
            yield f"{name} lacks `{takes.name}`", ""
        return
    types = get_args(takes.annotation) or (takes.annotation,)
    wanted = [_WANTS[one] for one in types if one in _WANTS]
    if not isinstance(shape, Known) or not wanted or type(shape.value) in types:
        return
    what = f"{shape.named} ({shown(shape.value)})" if shape.named else shown(shape.value)
    which = "" if alone else f" for `{takes.name}`"
    yield f"{name} wants {wanted[0]}{which}, not {what}", ""
