"""Orders changes into waves: changes of one wave may run at the same time; waves run in order."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from trueup.model.catalogue import UNNAMED, SystemNames
from trueup.model.change import Change
from trueup.model.finding import Finding, Severity

if TYPE_CHECKING:
    import networkx as nx


def order(
    changes: Sequence[Change], systems: SystemNames = UNNAMED
) -> tuple[tuple[tuple[str, ...], ...], list[Finding]]:
    """Returns waves of change ids, and one finding per cycle, with its path.

    Changes in a cycle, and all that depend on one, are in no wave.
    """
    by_id = {change.id: change for change in changes}
    if not any(need in by_id for change in changes for need in change.needs):
        return ((tuple(by_id),) if by_id else ()), []

    import networkx as nx  # noqa: PLC0415 -- takes time to load, and an unchanged tenant needs none

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(by_id)
    for change in changes:
        graph.add_edges_from((need, change.id) for need in change.needs if need in by_id)

    findings = _remove_cycles(graph, by_id, systems)
    position = {change.id: number for number, change in enumerate(changes)}
    waves = tuple(
        tuple(sorted(wave, key=position.__getitem__)) for wave in nx.topological_generations(graph)
    )
    return waves, findings


def _remove_cycles(
    graph: "nx.DiGraph[str]", by_id: Mapping[str, Change], systems: SystemNames
) -> list[Finding]:
    import networkx as nx  # noqa: PLC0415 -- as above

    findings = []
    removed: set[str] = set()
    components = [
        nodes for nodes in nx.strongly_connected_components(graph) if _is_cycle(graph, nodes)
    ]
    for nodes in sorted(components, key=min):
        cycle: nx.DiGraph[str] = nx.DiGraph(sorted(graph.subgraph(nodes).edges))
        path = [edge[0] for edge in nx.find_cycle(cycle, source=min(nodes))]
        names = " → ".join(by_id[id_].name for id_ in [*path, path[0]])
        first = by_id[min(nodes)]
        findings.append(
            Finding(
                "cycle",
                Severity.ERROR,
                f"these wait for each other: {names}",
                f"remove one of the references in {systems.source}",
                first.place,
                first.mapping,
                first.keys[0],
                first.name,
            )
        )
        removed |= {*nodes, *nx.descendants(graph, min(nodes))}
    graph.remove_nodes_from(removed)
    return findings


def _is_cycle(graph: "nx.DiGraph[str]", nodes: set[str]) -> bool:
    return len(nodes) > 1 or any(graph.has_edge(node, node) for node in nodes)


def with_needs(changes: Sequence[Change], wanted: Iterable[str]) -> set[str]:
    """Returns the ids of the wanted changes and of all that they need, also indirectly.

    A change also needs those that are sent with it or not at all.
    """
    by_id = {change.id: change for change in changes}
    found: set[str] = set()
    stack = [id_ for id_ in wanted if id_ in by_id]
    while stack:
        id_ = stack.pop()
        if id_ not in found:
            found.add(id_)
            change = by_id[id_]
            stack.extend(need for need in (*change.needs, *change.together) if need in by_id)
    return found
