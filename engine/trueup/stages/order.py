"""Orders changes into waves: changes of one wave may run at the same time, waves run in order."""

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from trueup.model.catalogue import UNNAMED, SystemNames
from trueup.model.finding import Finding, Severity
from trueup.model.plan import Change

Needs = Mapping[str, Sequence[str]]
"""The ids of changes, each with the ids of the changes that it needs."""


def order(
    changes: Sequence[Change], systems: SystemNames = UNNAMED
) -> tuple[tuple[tuple[str, ...], ...], list[Finding]]:
    """Waves of change ids, and one finding per cycle, with its path.

    Changes in a cycle, and all that depend on one, are in no wave.
    """
    by_id = {change.id: change for change in changes}
    needs = {
        change.id: [need for need in change.needs if need in by_id] for change in by_id.values()
    }
    try:
        return _waves(needs), []
    except CycleError:
        findings, removed = _cycles(needs, by_id, systems)
        left = {id_: needed for id_, needed in needs.items() if id_ not in removed}
        return _waves(left), findings


def _waves(needs: Needs) -> tuple[tuple[str, ...], ...]:
    """Raises `CycleError` if changes wait for each other."""
    position = {id_: number for number, id_ in enumerate(needs)}
    sorter = TopologicalSorter(needs)
    sorter.prepare()
    waves = []
    while wave := sorter.get_ready():
        waves.append(tuple(sorted(wave, key=position.__getitem__)))
        sorter.done(*wave)
    return tuple(waves)


def _cycles(
    needs: Needs, by_id: Mapping[str, Change], systems: SystemNames
) -> tuple[list[Finding], set[str]]:
    """One finding per cycle, and the changes that are in a cycle or depend on one."""
    import networkx as nx  # noqa: PLC0415 -- takes time to load, and few plans have cycles

    graph: nx.DiGraph[str] = nx.DiGraph(
        (need, id_) for id_, needed in needs.items() for need in needed
    )
    findings = []
    removed: set[str] = set()
    components = [
        nodes
        for nodes in nx.strongly_connected_components(graph)
        if len(nodes) > 1 or any(graph.has_edge(node, node) for node in nodes)
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
    return findings, removed


def with_needs(changes: Sequence[Change], wanted: Iterable[str]) -> set[str]:
    """The ids of the wanted changes and of all that they need, directly or through others.

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
