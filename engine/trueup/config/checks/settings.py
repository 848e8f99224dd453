"""Settings and all that uses them in; settings that nothing uses, and those that are no plain values, out."""

from collections.abc import Iterable, Iterator
from itertools import chain

from engine.config.node import Node
from engine.errors import ExpressionFault
from engine.expressions import inspect
from engine.expressions.compiled import mapping_values, rule_values
from engine.model.finding import Finding, Severity
from engine.model.project import MappingSpec, Rule, Value

Path = tuple[str, ...]


def check_settings(node: Node) -> Iterator[Finding]:
    """Settings are plain values: nothing is evaluated in them."""
    for _, part in _leaves(node, ()):
        if isinstance(part.data, str) and ("{{" in part.data or "{%" in part.data):
            text = "a setting is a plain value, nothing is evaluated in it"
            yield Finding("settings", Severity.ERROR, text, "write the value itself", part.place)


def check_unused(node: Node, mappings: Iterable[MappingSpec], rules: Iterable[Rule]) -> Iterator[Finding]:
    """Warnings for settings at which no expression of a mapping or rule looks."""
    values = chain(*map(mapping_values, mappings), *map(rule_values, rules))
    used = {path[1:] for value in values for path in paths(value) if path[0] == "settings"}
    for steps, part in _leaves(node, ()):
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
    """What an expression or template refers to; nothing where it cannot be read."""
    if not (isinstance(value.raw, str) and value.is_code):
        return frozenset()
    try:
        return inspect(value.raw).paths
    except ExpressionFault:  # said where the expression is checked
        return frozenset()
