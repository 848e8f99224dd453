"""The check of settings: plain values, each used by a mapping or a rule."""

from collections.abc import Iterable, Iterator
from itertools import chain

from trueup.config.node import Node
from trueup.errors import ExpressionFault
from trueup.expressions import inspect
from trueup.expressions.compiled import mapping_values, rule_values
from trueup.model.finding import Finding, Severity
from trueup.model.mapping import MappingSpec, Value
from trueup.model.project import Rule

Path = tuple[str, ...]


def check_settings(node: Node) -> Iterator[Finding]:
    """Reports settings that hold an expression, which is never evaluated there."""
    for _, part in _leaves(node, ()):
        if isinstance(part.data, str) and ("{{" in part.data or "{%" in part.data):
            text = "a setting is a plain value; expressions in it are not evaluated"
            yield Finding("settings", Severity.ERROR, text, "write the value itself", part.place)


def check_unused(
    node: Node, mappings: Iterable[MappingSpec], rules: Iterable[Rule]
) -> Iterator[Finding]:
    """Warns of settings that no expression of a mapping or rule uses."""
    values = chain(*map(mapping_values, mappings), *map(rule_values, rules))
    used = {path[1:] for value in values for path in paths(value) if path[0] == "settings"}

    for steps, part in _leaves(node, ()):
        # A setting is used if an expression names it, a map around it, or a part of it.
        if not any(steps[: len(path)] == path or path[: len(steps)] == steps for path in used):
            text = f"no mapping or rule uses settings.{'.'.join(steps)}"
            yield Finding("unused-setting", Severity.WARNING, text, "", part.key_place)


def _leaves(node: Node, steps: Path) -> Iterator[tuple[Path, Node]]:
    for key, part in node.items():
        if isinstance(part.data, dict) and part.data:
            yield from _leaves(part, (*steps, key))
        else:
            yield (*steps, key), part


def paths(value: Value) -> frozenset[Path]:
    """Returns the paths that a value refers to, such as `("settings", "default_company_type")`.

    Returns nothing for an expression that cannot be parsed; `check_expression` reports it.
    """
    if not (isinstance(value.raw, str) and value.is_code):
        return frozenset()
    try:
        return inspect(value.raw).paths
    except ExpressionFault:
        return frozenset()
