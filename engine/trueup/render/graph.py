"""Draws dependencies as Mermaid or DOT: a plan's changes by wave, or a project's mappings."""

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

from trueup.model.mapping import FieldSpec, Linked, MappingSpec, Reference
from trueup.model.plan import Plan
from trueup.render.changes import symbol
from trueup.render.formatting import count, known_as
from trueup.render.sanitize import sanitize


class Graph(Struct, frozen=True):
    """Nodes with their labels, in clusters (name "" is none), and edges from what comes first."""

    clusters: Mapping[str, Mapping[str, str]]
    edges: tuple[tuple[str, str], ...]


def of_plan(plan: Plan, *, verbose: bool = False) -> Graph:
    """Returns changes of one kind and wave as a node with their count; with `verbose` each one."""
    changes = {change.id: change for change in plan.changes}
    node: dict[str, str] = {}
    clusters: dict[str, dict[str, str]] = {}
    for number, wave in enumerate(plan.waves, 1):
        kinds = Counter((changes[id_].action, changes[id_].mapping) for id_ in wave)
        names = {kind: f"w{number}n{position}" for position, kind in enumerate(kinds, 1)}
        labels = {
            name: f"{symbol(kind[0])} {count(kinds[kind], kind[1])}" for kind, name in names.items()
        }
        for position, id_ in enumerate(wave, 1):
            change = changes[id_]
            node[id_] = f"w{number}c{position}" if verbose else names[change.action, change.mapping]
        if verbose:
            labels = {
                node[id_]: f"{symbol(changes[id_].action)} {known_as(changes[id_].name)}"
                for id_ in wave
            }
        clusters[f"wave {number}"] = labels
    edges = (
        (node[need], node[change.id])
        for change in plan.changes
        for need in change.needs
        if need in node
    )
    return Graph(clusters, tuple(dict.fromkeys(edges)))


def of_mappings(mappings: Mapping[str, MappingSpec]) -> Graph:
    """Returns each mapping, by tab, and the mappings that its references need first."""
    names = {name: f"m{position}" for position, name in enumerate(mappings, 1)}
    clusters: dict[str, dict[str, str]] = {}
    for name, mapping in mappings.items():
        clusters.setdefault(sanitize(mapping.tab), {})[names[name]] = (
            f"{sanitize(name)}: {sanitize(mapping.source.table)} → "
            f"{sanitize(mapping.target.entity)}"
        )
    edges = (
        (names[need], names[name])
        for name, spec in mappings.items()
        for need in needs(spec)
        if need in names
    )
    return Graph(clusters, tuple(dict.fromkeys(edges)))


def needs(mapping: MappingSpec) -> list[str]:
    """Returns the mappings that this one refers to."""
    specs: list[FieldSpec] = [*mapping.fields.values(), *mapping.identity.values()]
    specs += [spec for key in mapping.match for spec in key.fields.values()]
    found = [spec.value.mapping for spec in specs if isinstance(spec.value, Reference)]
    found += [value.mapping for value in mapping.target.where.values() if isinstance(value, Linked)]
    return list(dict.fromkeys(found))


def mermaid(graph: Graph) -> str:
    """Returns the graph for GitHub, GitLab and most wikis, between ```mermaid fences."""
    lines = ["flowchart LR"]
    for number, (cluster, nodes) in enumerate(graph.clusters.items(), 1):
        lines.append(f'  subgraph s{number} ["{_in_mermaid(cluster)}"]')
        lines += [f'    {name}["{_in_mermaid(label)}"]' for name, label in nodes.items()]
        lines.append("  end")
    lines += [f"  {first} --> {then}" for first, then in graph.edges]
    return _text(lines)


def dot(graph: Graph) -> str:
    """Returns the graph for Graphviz."""
    lines = ["digraph trueup {", "  rankdir=LR;", "  node [shape=box];"]
    for number, (cluster, nodes) in enumerate(graph.clusters.items(), 1):
        lines += [f"  subgraph cluster_{number} {{", f'    label="{_in_dot(cluster)}";']
        lines += [f'    {name} [label="{_in_dot(label)}"];' for name, label in nodes.items()]
        lines.append("  }")
    lines += [f"  {first} -> {then};" for first, then in graph.edges]
    return _text([*lines, "}"])


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _in_mermaid(text: str) -> str:
    return "".join(f"#{ord(letter)};" if letter in '"#<>&`;' else letter for letter in text)


def _in_dot(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
