"""Decisions that are about no row: said, with the row that was most likely meant."""

from collections.abc import Iterator, Mapping

from engine.model.finding import Finding, Severity
from engine.model.near import closest
from engine.model.project import Decision
from engine.planning.draft import Draft
from engine.planning.naming import fits

MOST = 5
"""Rows that are named where several may be meant."""

NEAR = 0.8
"""How alike two keys must be for one to be meant by the other; keys made by a machine are alike by chance as well."""


def idle_decisions(draft: Draft) -> Iterator[Finding]:
    """A warning for each decision that holds, and whose key no row has or ever had as far as we know."""
    for decision in draft.project.decisions:
        if draft.holds(decision) and not _is_known(draft, decision):
            yield _finding(draft, decision)


def _is_known(draft: Draft, decision: Decision) -> bool:
    row, memory = (decision.mapping, decision.key), draft.memory
    known = draft.standings[decision.mapping].has(decision.key)
    return known or row in memory.links or row in memory.applied or row in memory.pushed


def _finding(draft: Draft, decision: Decision) -> Finding:
    mapping, key = decision.mapping, decision.key
    gaps = draft.gaps.get(draft.project.mappings[mapping].source.table)
    which = "no row that can be read has" if gaps and gaps.nameless else "no row has"
    text = f"{decision.verdict} is decided of {mapping} {key}, and {which} that key: nothing comes of it"
    meant = _meant(draft, decision)
    hint = f"did you mean {meant}? Correct the key there" if meant else "correct the key there"
    remedy = f"{hint}, or take the entry out"
    return Finding("decision-without-row", Severity.WARNING, text, remedy, decision.place, mapping, key)


def _meant(draft: Draft, decision: Decision) -> str:
    """The rows whose key begins so or that are called so, else the one with the nearest key or name."""
    standing = draft.standings[decision.mapping]
    title = draft.project.catalogue.tables[standing.mapping.source.table].title
    names = {key: str(row.get(title) or "") for key, row in standing.rows.items()}
    found = fits(decision.key, names)[:MOST] or _near(decision.key, names)
    return " or ".join(f"{key} ({names[key]})" if names[key] else key for key in sorted(found))


def _near(said: str, names: Mapping[str, str]) -> list[str]:
    """Rows whose key or name is nearly that."""
    near = closest(said, {*names, *names.values()}, NEAR)
    return [key for key, name in names.items() if near and near.casefold() in (key.casefold(), name.casefold())][:MOST]
