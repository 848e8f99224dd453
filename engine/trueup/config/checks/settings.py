"""The check of settings: plain values, each used by a mapping or a rule."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from itertools import chain

from trueup.config.file_names import FLEET
from trueup.config.node import Node
from trueup.errors import ExpressionFault
from trueup.expressions import inspect
from trueup.expressions.compiled import mapping_values, rule_values
from trueup.model.finding import Finding, Severity
from trueup.model.mapping import MappingSpec, Value
from trueup.model.project import Rule
from trueup.model.suggestions import counterpart

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


def misspelt_settings(
    node: Node,
    shared: Node | None,
    settings: Collection[str],
    mappings: Iterable[MappingSpec],
    rules: Iterable[Rule],
) -> dict[Path, Path]:
    """Returns the settings whose names are misspelt, each with the one that was meant.

    Nothing uses such a setting, and its name is nearly that of one that is used and not set, and of
    no other. That one is of the Work 365 screen, or it is named more than once: of two names that
    occur once each, either may be wrong. A tenant's setting may also mean one that the shared
    project sets: without the tenant's value, whole mappings may have other rows.

    `shared` are the settings of the shared project: a name that it has itself means itself.
    `settings` are the names of those of the node, and of those of the Work 365 screen.
    """
    used = _used(mappings, rules)

    @cache
    def named(above: Path) -> frozenset[str]:
        """Returns the names below these steps that expressions name."""
        return frozenset(path[len(above)] for path in used if _is_below(path, above))

    @cache
    def likely(above: Path, of_tenant: bool) -> frozenset[str]:  # noqa: FBT001 -- a key
        """Returns the names below these steps that a setting which nothing uses may mean."""
        found = set()
        for name in named(above):
            other, count = _at(node, (*above, name)), _begins((*above, name), used)
            is_unset = other is None and (count > 1 or (not above and name in settings))
            if is_unset or (other and of_tenant and other.place.file != FLEET):
                found.add(name)
        return frozenset(found)

    found: dict[Path, Path] = {}
    for wrong, part in _unused(node, used).items():
        above = wrong[:-1]
        is_own = part.key_place.file == FLEET and not (shared and _at(shared, wrong))
        if not (names := likely(above, is_own)):
            continue
        around = _at(node, above)
        others = {*named(above), *(around.data if around else ()), *(() if above else settings)}
        meant = counterpart(wrong[-1], others, _MISSPELT)
        if meant in names:
            found[wrong] = (*above, meant)
    return found


def _unused(node: Node, used: Mapping[Path, int]) -> dict[Path, Node]:
    """Returns the steps to names that no expression uses, each with the first value below it."""
    found: dict[Path, Node] = {}
    for steps, part in _leaves(node, ()):
        if not _is_used(steps, used):
            level = next(at for at in range(len(steps)) if not _begins(steps[: at + 1], used))
            found.setdefault(steps[: level + 1], part)
    return found


def check_misspelt(node: Node, misspelt: Mapping[Path, Path]) -> Iterator[Finding]:
    """Reports misspelt settings."""
    for wrong, meant in misspelt.items():
        part, other = _at(node, wrong), _at(node, meant)
        name = "settings." + ".".join(meant)
        there = f"{other.place.file} sets {name}" if other else f"{name} is not set"
        text = f"no mapping or rule uses {'settings.' + '.'.join(wrong)!r}; {there}"
        place = part.key_place if part else None
        remedy = f"did you mean {meant[-1]!r}?"
        yield Finding("unused-setting", Severity.ERROR, text, remedy, place)


def check_unused(
    node: Node,
    misspelt: Collection[Path],
    mappings: Iterable[MappingSpec],
    rules: Iterable[Rule],
) -> Iterator[Finding]:
    """Warns of settings that no expression of a mapping or rule uses, but for misspelt ones."""
    used = _used(mappings, rules)
    for steps, part in _leaves(node, ()):
        if not _is_used(steps, used) and not any(
            steps[:length] in misspelt for length in range(1, len(steps) + 1)
        ):
            text = f"no mapping or rule uses {'settings.' + '.'.join(steps)!r}"
            yield Finding("unused-setting", Severity.WARNING, text, "", part.key_place)


def _used(mappings: Iterable[MappingSpec], rules: Iterable[Rule]) -> Counter[Path]:
    """Returns the settings that expressions name, each with the number of expressions."""
    values = chain(*map(mapping_values, mappings), *map(rule_values, rules))
    return Counter(path[1:] for value in values for path in paths(value) if path[0] == "settings")


def _is_used(steps: Path, used: Iterable[Path]) -> bool:
    """Returns whether an expression names a setting, a map around it, or a part of it."""
    return any(steps[: len(path)] == path or path[: len(steps)] == steps for path in used)


def _is_below(path: Path, above: Path) -> bool:
    return len(path) > len(above) and path[: len(above)] == above


def _begins(steps: Path, used: Mapping[Path, int]) -> int:
    """Returns the number of expressions that name a setting or a part of it."""
    return sum(count for path, count in used.items() if path[: len(steps)] == steps)


def _at(node: Node, steps: Path) -> Node | None:
    part: Node | None = node
    for name in steps:
        part = part.get(name) if part else None
    return part


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
