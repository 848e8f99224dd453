"""The order in which mappings depend on each other, and cycles among them.

`in_order` sorts mappings so that each comes after those that it needs. It must only be called when
`check_graph` has found no cycle.
"""

from collections.abc import Iterator, Mapping

import networkx as nx

from trueup.config.checks.context import specs
from trueup.model.finding import Finding, Place, Severity
from trueup.model.project import Linked, MappingSpec, Reference


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


def _graph(mappings: Mapping[str, MappingSpec]) -> "nx.DiGraph[str]":
    """Returns the graph of mappings. Edges go from a mapping to those that need it."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(sorted(mappings))
    for mapping in mappings.values():
        for other, place in dependencies(mapping):
            is_dependency = other in mappings and other != mapping.name
            if is_dependency and not graph.has_edge(other, mapping.name):
                graph.add_edge(other, mapping.name, place=place)
    return graph


def check_graph(mappings: Mapping[str, MappingSpec]) -> Iterator[Finding]:
    """Yields one finding for each group of mappings that need each other, with one cycle."""
    graph = _graph(mappings).reverse()
    groups = [
        sorted(component)
        for component in nx.strongly_connected_components(graph)
        if len(component) > 1
    ]
    for group in sorted(groups):
        steps = nx.find_cycle(graph.subgraph(group), group[0])
        path = " → ".join([steps[0][0], *(step[1] for step in steps)])
        place = graph.edges[steps[0][0], steps[0][1]]["place"]
        text = f"mappings depend on each other: {path}"
        remedy = (
            "remove one of these references: a record must exist before another can refer to it"
        )
        yield Finding("cycle", Severity.ERROR, text, remedy, place)


def in_order(mappings: Mapping[str, MappingSpec]) -> dict[str, MappingSpec]:
    """Returns the mappings, each after those that it needs; by name where the order is free."""
    return {name: mappings[name] for name in nx.lexicographical_topological_sort(_graph(mappings))}
