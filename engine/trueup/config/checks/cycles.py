"""Cycles among names that need each other."""

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter


def find_cycles(needs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Returns one cycle of each group of names that need each other, groups by the alphabet.

    `needs` are pairs of a name and another one that it needs. A cycle begins and ends with the same
    name.
    """
    needed = [*needs]
    try:
        sorter: TopologicalSorter[str] = TopologicalSorter()
        for name, other in needed:
            sorter.add(name, other)
        sorter.prepare()
    except CycleError:
        import networkx as nx  # noqa: PLC0415 -- takes time to load, and few projects have cycles

        graph: nx.DiGraph[str] = nx.DiGraph(needed)
        groups = sorted(sorted(group) for group in nx.strongly_connected_components(graph))
        cycles = [
            nx.find_cycle(graph.subgraph(group), group[0])
            for group in groups
            if len(group) > 1 or graph.has_edge(group[0], group[0])
        ]
        return [[steps[0][0], *(step[1] for step in steps)] for steps in cycles]
    return []
