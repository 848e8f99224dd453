"""The check of settings: plain values, each used by a mapping or a rule."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from trueup.config.node import Node
from trueup.errors import ExpressionFault
from trueup.expressions import inspect
from trueup.expressions.compiled import mapping_values, rule_values
from trueup.model.finding import Finding, Severity
from trueup.model.mapping import MappingSpec, Value
from trueup.model.project import Rule
from trueup.model.suggestions import closest

Path = tuple[str, ...]

_MISSPELT = 0.8
"""How similar an unused setting is to the one that was meant: `default_product_type` is a
setting of its own beside `default_company_type`."""


def check_settings(node: Node) -> Iterator[Finding]:
    """Reports settings that hold an expression, which is never evaluated there."""
    for _, part in _leaves(node, ()):
        if isinstance(part.data, str) and ("{{" in part.data or "{%" in part.data):
            text = "a setting is a plain value; expressions in it are not evaluated"
            yield Finding("settings", Severity.ERROR, text, "write the value itself", part.place)


def check_unused(
    node: Node,
    settings: Mapping[str, object],
    mappings: Iterable[MappingSpec],
    rules: Iterable[Rule],
) -> Iterator[Finding]:
    """Warns of settings that no expression of a mapping or rule uses.

    `settings` are those of the node, and none for each of the Work 365 screen that is not set. One
    of these that is used, and that is nearly the name of an unused setting, was likely meant: this
    is an error, because without it whole mappings may have no rows.
    """
    values = chain(*map(mapping_values, mappings), *map(rule_values, rules))
    used = {path[1:] for value in values for path in paths(value) if path[0] == "settings"}
    unset = {path[0] for path in used if path} & (settings.keys() - node.data.keys())

    misspelt: set[str] = set()
    for steps, part in _leaves(node, ()):
        # A setting is used if an expression names it, a map around it, or a part of it.
        if any(steps[: len(path)] == path or path[: len(steps)] == steps for path in used):
            continue
        name = steps[0]
        is_used = any(path[0] == name for path in used)
        meant = "" if is_used else closest(name, unset, _MISSPELT)
        if not meant:
            text = f"no mapping or rule uses {'settings.' + '.'.join(steps)!r}"
            yield Finding("unused-setting", Severity.WARNING, text, "", part.key_place)
        elif name not in misspelt:
            misspelt.add(name)
            text = f"no mapping or rule uses {'settings.' + name!r}; settings.{meant} is not set"
            remedy = f"did you mean {meant!r}?"
            yield Finding("unused-setting", Severity.ERROR, text, remedy, node[name].key_place)


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
