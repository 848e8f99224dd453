"""The order in which mappings depend on each other, and cycles among them.

`in_order` sorts mappings so that each comes after those that it needs. It must only be called when
`check_graph` has found no cycle. `misspelt` finds mappings whose own names are misspelt.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
from heapq import heappop, heappush
from pathlib import PurePath

from trueup.config.checks.context import CheckContext, specs
from trueup.config.checks.cycles import find_cycles
from trueup.model.finding import Finding, Place, Severity
from trueup.model.mapping import Linked, MappingSpec, Reference
from trueup.model.project import Rule
from trueup.model.rule_scopes import scope
from trueup.model.suggestions import closest, counterpart


def dependencies(mapping: MappingSpec) -> Iterator[tuple[str, Place]]:
    """Yields the mappings that must be planned before this one, each with the place that names it.

    A mapping that refers to itself is yielded too; its own rows may refer to each other.
    """
    for spec in specs(mapping):
        if isinstance(spec.value, Reference):
            yield spec.value.mapping, spec.value.place
    for value in mapping.target.where.values():
        if isinstance(value, Linked):
            yield value.mapping, value.place


def misspelt(
    mappings: Mapping[str, MappingSpec], rules: Collection[Rule], context: CheckContext
) -> dict[str, Finding]:
    """Returns findings about misspelt names of mappings, by the name that was meant.

    Several places name it, none names the mapping, nor does the name of its file: the name of the
    mapping is at fault. The rules of one file alone may be left from a mapping that was removed,
    but not where the file of the mapping has the name that they state.
    """
    if context.mapping_names != frozenset(mappings):
        return {}  # what cannot be read may name it

    of_rules = {rule.place for rule in rules}
    named: dict[str, list[Place]] = {}
    for name, place in _named(mappings, rules, context):
        named.setdefault(name, []).append(place)

    unnamed = {
        mapping.name: context.place(mapping, "mapping")
        for mapping in mappings.values()
        if mapping.name not in named
    }
    stems = {name: PurePath(place.file).stem for name, place in unnamed.items()}
    found: dict[str, Finding] = {}
    for name in sorted(named.keys() - mappings.keys()):
        places = sorted(named[name])
        near = closest(name, (one for one, stem in stems.items() if stem == name))
        is_left = len({place.file for place in places}) == 1 and places[0] in of_rules
        if not near and not is_left:
            near = counterpart(name, mappings.keys() | named.keys())
        if near and stems.get(near, near) != near and len(places) > 1:
            text = (
                f"nothing names mapping {near!r}; {len(places)} places name {name!r}, "
                f"the first is {places[0]}"
            )
            remedy = f"did you mean {name!r}?"
            found[name] = Finding("unknown-name", Severity.ERROR, text, remedy, unnamed[near])
    return found


def _named(
    mappings: Mapping[str, MappingSpec], rules: Iterable[Rule], context: CheckContext
) -> Iterator[tuple[str, Place]]:
    """Yields the names of mappings that mappings and rules state, each with its place."""
    for mapping in mappings.values():
        yield from dependencies(mapping)
        if mapping.ledger:
            yield mapping.ledger.pending, context.place(mapping, "ledger", "pending")
    for rule in rules:
        if scope(rule.on).row:
            yield rule.for_, rule.place


def _needs(mappings: Mapping[str, MappingSpec]) -> dict[tuple[str, str], Place]:
    """Returns pairs of a mapping and another one that it needs, with the first place of each."""
    needs: dict[tuple[str, str], Place] = {}
    for mapping in mappings.values():
        for other, place in dependencies(mapping):
            if other in mappings and other != mapping.name:
                needs.setdefault((mapping.name, other), place)
    return needs


def check_graph(mappings: Mapping[str, MappingSpec]) -> Iterator[Finding]:
    """Yields one finding for each group of mappings that need each other, with one cycle."""
    needs = _needs(mappings)
    for cycle in find_cycles(needs):
        text = f"mappings depend on each other: {' → '.join(cycle)}"
        remedy = (
            "remove one of these references: a record must exist before another can refer to it"
        )
        yield Finding("cycle", Severity.ERROR, text, remedy, needs[cycle[0], cycle[1]])


def in_order(mappings: Mapping[str, MappingSpec]) -> dict[str, MappingSpec]:
    """Returns the mappings, each after those that it needs; by name where the order is free."""
    sorter = TopologicalSorter(dict.fromkeys(mappings, ()))
    for name, other in _needs(mappings):
        sorter.add(name, other)
    sorter.prepare()
    ordered: dict[str, MappingSpec] = {}
    ready: list[str] = []
    while sorter.is_active():
        for name in sorter.get_ready():
            heappush(ready, name)
        name = heappop(ready)
        ordered[name] = mappings[name]
        sorter.done(name)
    return ordered
