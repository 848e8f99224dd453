"""Changes in; waves out. Changes of one wave may run at the same time, waves run in order."""

from collections.abc import Iterable, Mapping, Sequence

import networkx as nx

from engine.model.finding import Finding, Severity
from engine.model.plan import Change


def order(changes: Sequence[Change]) -> tuple[tuple[tuple[str, ...], ...], list[Finding]]:
    """Waves of change ids, and a finding for each cycle, with its path; what is in one or behind it is in no wave."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(change.id for change in changes)
    known = {change.id: change for change in changes}
    for change in changes:
        graph.add_edges_from((need, change.id) for need in change.needs if need in known)
    findings = _cut_cycles(graph, known)
    place = {change.id: position for position, change in enumerate(changes)}
    waves = tuple(tuple(sorted(wave, key=place.__getitem__)) for wave in nx.topological_generations(graph))
    return waves, findings


def _cut_cycles(graph: "nx.DiGraph[str]", known: Mapping[str, Change]) -> list[Finding]:
    findings = []
    behind: set[str] = set()
    circles = [nodes for nodes in nx.strongly_connected_components(graph) if _is_circle(graph, nodes)]
    for nodes in sorted(circles, key=min):
        circle: nx.DiGraph[str] = nx.DiGraph(sorted(graph.subgraph(nodes).edges))
        path = [edge[0] for edge in nx.find_cycle(circle, source=min(nodes))]
        names = " → ".join(known[name].name for name in [*path, path[0]])
        first = known[min(nodes)]
        text = f"these wait for each other: {names}"
        remedy = "take one of the references away in Work 365"
        findings.append(
            Finding("cycle", Severity.ERROR, text, remedy, first.place, first.mapping, first.keys[0], first.name)
        )
        behind |= {*nodes, *nx.descendants(graph, min(nodes))}
    graph.remove_nodes_from(behind)
    return findings


def _is_circle(graph: "nx.DiGraph[str]", nodes: set[str]) -> bool:
    return len(nodes) > 1 or any(graph.has_edge(node, node) for node in nodes)


def needed(changes: Sequence[Change], wanted: Iterable[str]) -> set[str]:
    """The wanted change ids with all that they need, directly or through others."""
    known = {change.id: change for change in changes}
    needs: set[str] = set()
    stack = [name for name in wanted if name in known]
    while stack:
        name = stack.pop()
        if name not in needs:
            needs.add(name)
            stack.extend(need for need in known[name].needs if need in known)
    return needs
