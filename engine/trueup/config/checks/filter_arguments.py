"""The check of the arguments of a filter.

What a filter takes is read from the signature of its function, so there is no second list.
"""

from collections.abc import Iterator, Mapping, Sequence
from inspect import Parameter, signature
from typing import get_args

from trueup.config.checks.shapes import Constant, Shape
from trueup.config.schema_errors import shown
from trueup.expressions import FILTERS
from trueup.expressions.patterns import compile_pattern, replacement_parts
from trueup.model.suggestions import hint

Fault = tuple[str, str]
"""What is wrong, and a remedy."""

_TYPE_NAMES = {int: "a whole number", str: "text", bool: "true or false"}


def check_arguments(
    name: str, positional: Sequence[Shape], named: Mapping[str, Shape]
) -> Iterator[Fault]:
    """Yields what is wrong with the arguments of filter `name`.

    Reports too few, too many and unknown arguments, and constants of another type. Yields nothing
    for a filter that does not exist, or that takes any arguments.
    """
    parameters = _parameters(name)
    if parameters is None:
        return

    count = len(positional) + len(named)
    if count > len(parameters):
        yield _too_many(name, len(parameters), count), ""
        return

    arguments = {**dict(zip(parameters, positional, strict=False)), **named}
    for unknown in arguments.keys() - parameters.keys():
        yield f"{name} has no argument `{unknown}`", hint(unknown, parameters)

    # An unknown argument is likely a misspelt one, which would be reported as missing as well.
    if arguments.keys() <= parameters.keys():
        for parameter in parameters.values():
            is_only = len(parameters) == 1
            yield from _check_argument(name, parameter, arguments, is_only=is_only)
        if "pattern" in arguments:
            yield from check_pattern(name, arguments["pattern"], arguments.get("new"))


def check_pattern(name: str, pattern: Shape, new: Shape | None = None) -> Iterator[Fault]:
    """Yields what is wrong with the constant pattern of filter or test `name`.

    `new` is what `regex_replace` writes instead.
    """
    text = pattern.value if isinstance(pattern, Constant) else None
    if not isinstance(text, str):
        return
    try:
        compile_pattern(text)
        if isinstance(new, Constant) and isinstance(new.value, str):
            replacement_parts(text, new.value)
    except ValueError as fault:
        yield f"{name}: {fault}", "patterns have the syntax of RE2"


def _too_many(name: str, takes: int, count: int) -> str:
    if takes == 0:
        return f"{name} takes no arguments"
    return f"{name} takes {takes} argument{'' if takes == 1 else 's'}, not {count}"


def _parameters(name: str) -> dict[str, Parameter] | None:
    """Returns the parameters of a filter after its value, or None if it takes any arguments."""
    if name not in FILTERS:
        return None
    value, *others = signature(FILTERS[name]).parameters.values()
    if value.kind is Parameter.VAR_POSITIONAL:
        return None
    return {parameter.name: parameter for parameter in others}


def _check_argument(
    name: str, parameter: Parameter, arguments: Mapping[str, Shape], *, is_only: bool
) -> Iterator[Fault]:
    shape = arguments.get(parameter.name)
    if shape is None:
        if parameter.default is Parameter.empty:
            yield f"{name} needs `{parameter.name}`", ""
        return

    types = get_args(parameter.annotation) or (parameter.annotation,)
    expected = [_TYPE_NAMES[type_] for type_ in types if type_ in _TYPE_NAMES]
    if not isinstance(shape, Constant) or not expected or type(shape.value) in types:
        return

    actual = f"{shape.named} ({shown(shape.value)})" if shape.named else shown(shape.value)
    which = "" if is_only else f" for `{parameter.name}`"
    yield f"{name} expects {expected[0]}{which}, not {actual}", ""
