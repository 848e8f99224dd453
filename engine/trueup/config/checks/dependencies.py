"""Mappings in; cycles among them, and the order in which they depend on each other, out."""

from collections.abc import Iterator, Mapping

import networkx as nx

from engine.config.checks.ground import specs
from engine.model.finding import Finding, Place, Severity
from engine.model.project import Linked, MappingSpec, Reference


def dependencies(mapping: MappingSpec) -> Iterator[tuple[str, Place]]:
    """Mappings that must be worked out before this one, and where it says so. Its own rows may refer to each other."""
    for spec in specs(mapping):
        if isinstance(spec.value, Reference):
            yield spec.value.mapping, spec.value.place
    for value in mapping.target.where.values():
        if isinstance(value, Linked):
            yield value.mapping, value.place


def _graph(mappings: Mapping[str, MappingSpec]) -> "nx.DiGraph[str]":
    """Edges go from what is needed to what needs it."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(sorted(mappings))
    for mapping in mappings.values():
        for other, place in dependencies(mapping):
            if other in mappings and other != mapping.name and not graph.has_edge(other, mapping.name):
                graph.add_edge(other, mapping.name, place=place)
    return graph


def check_graph(mappings: Mapping[str, MappingSpec]) -> Iterator[Finding]:
    """One finding for each group of mappings that need each other, with one way round."""
    graph = _graph(mappings).reverse()
    for circle in sorted(sorted(part) for part in nx.strongly_connected_components(graph) if len(part) > 1):
        steps = nx.find_cycle(graph.subgraph(circle), circle[0])
        path = " → ".join([steps[0][0], *(step[1] for step in steps)])
        place = graph.edges[steps[0][0], steps[0][1]]["place"]
        text = f"mappings need each other: {path}"
        remedy = "take one of these references out: a record must exist before another can refer to it"
        yield Finding("cycle", Severity.ERROR, text, remedy, place)


def in_order(mappings: Mapping[str, MappingSpec]) -> dict[str, MappingSpec]:
    """What is needed comes first; where nothing decides, by name. There must be no cycle."""
    return {name: mappings[name] for name in nx.lexicographical_topological_sort(_graph(mappings))}
