"""Warns about decisions on rows that do not exist."""

from collections.abc import Iterator, Mapping

from trueup.model.decision import Decision
from trueup.model.finding import Finding, Severity
from trueup.model.suggestions import closest
from trueup.planning.context import PlanContext
from trueup.planning.selection.row_names import matching_keys

WITHOUT_ROW = "decision-without-row"
"""Code of the finding of a decision whose row does not exist."""

MOST = 5
"""Rows that are named where several may be meant."""

SIMILARITY = 0.8
"""How similar two keys must be: keys made by a machine are similar by chance as well."""


def unused_decisions(context: PlanContext) -> Iterator[Finding]:
    """Returns a warning for each decision in force whose key no row has or had, as far as known."""
    for decision in context.project.decisions:
        if context.is_in_force(decision) and not _is_known(context, decision):
            yield _finding(context, decision)


def _is_known(context: PlanContext, decision: Decision) -> bool:
    row, snapshot = (decision.mapping, decision.key), context.snapshot
    exists = context.states[decision.mapping].has(decision.key)
    return exists or row in snapshot.links or row in snapshot.applied or row in snapshot.pushed


def _finding(context: PlanContext, decision: Decision) -> Finding:
    mapping, key = decision.mapping, decision.key
    unreadable = context.unreadable.get(context.project.mappings[mapping].source.table)
    has_key = (
        "no row that can be read has" if unreadable and unreadable.without_key else "no row has"
    )
    text = (
        f"{decision.verdict} is decided for {mapping} {key}, "
        f"and {has_key} that key: it has no effect"
    )
    suggestion = _suggestion(context, decision)
    hint = (
        f"did you mean {suggestion}? Correct the key there"
        if suggestion
        else "correct the key there"
    )
    remedy = f"{hint}, or remove the entry"
    return Finding(WITHOUT_ROW, Severity.WARNING, text, remedy, decision.place, mapping, key)


def _suggestion(context: PlanContext, decision: Decision) -> str:
    """Returns rows whose key begins so or whose name it is, else the one with the nearest name."""
    state = context.states[decision.mapping]
    title = context.project.catalogue.tables[state.mapping.source.table].title
    names = {key: str(row.get(title) or "") for key, row in state.rows.items()}
    found = matching_keys(decision.key, names)[:MOST] or _nearest(decision.key, names)
    return " or ".join(f"{key} ({names[key]})" if names[key] else key for key in sorted(found))


def _nearest(text: str, names: Mapping[str, str]) -> list[str]:
    """Returns keys of the rows whose key or name is most similar."""
    near = closest(text, {*names, *names.values()}, SIMILARITY)
    if not near:
        return []
    return [
        key for key, name in names.items() if near.casefold() in (key.casefold(), name.casefold())
    ][:MOST]
