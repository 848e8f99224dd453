"""Finds signs that another state writes to the same tenant, which has exactly one state."""

from collections import Counter
from collections.abc import Iterator

from trueup.expressions import inspect
from trueup.expressions.compiled import slot_raw
from trueup.model.audit import LinkForgotten
from trueup.model.change import Action
from trueup.model.finding import Finding, Severity
from trueup.model.mapping import MappingSpec, is_code
from trueup.model.mapping_state import RowKey
from trueup.planning.context import PlanContext
from trueup.ports.state import History
from trueup.stages.match.result import BY_IDENTITY

ANOTHER_STATE = "another-state"
"""Code of the finding that records carry identities that this state never gave them."""


def other_state_findings(context: PlanContext, history: History) -> Iterator[Finding]:
    """Returns a warning if records carry identities that this state does not know.

    Only trueup writes identities. `history` knows links that were removed on purpose: their records
    keep the identity. It is read only if there is something to explain. A state without links has
    lost them, which is no sign of another one; an open run may have written identities that the
    state does not have yet.
    """
    if not context.snapshot.links or context.snapshot.open_runs:
        return
    found = [*_found_by_identity(context)]
    events = [entry.event for entry in history.audit()] if found else []
    forgotten = {(one.mapping, one.key) for one in events if isinstance(one, LinkForgotten)}
    found = [row for row in found if row not in forgotten]
    if not found:
        return
    counts = Counter(mapping for mapping, _ in found)
    rows = ", ".join(f"{number:,} of {mapping}" for mapping, number in counts.items())
    yield Finding(
        ANOTHER_STATE,
        Severity.WARNING,
        f"{context.systems.target} holds identities that this state never wrote: {rows}, such as "
        f"{context.label(*found[0])}. Another state, or a newer copy of this one, wrote them",
        "look for a second state on another machine or in another folder, and keep one: two "
        "states do not see each other's writes. If this state was restored from a backup, the "
        "links are right",
        context.project.state.place,
    )


def _found_by_identity(context: PlanContext) -> Iterator[RowKey]:
    """Returns rows that this plan links because a record carries their key.

    Users enter contract numbers and the like, but not the keys of rows in the source: only
    identities that are made from the key count. A row that this state has linked before takes a
    former record of its own again.
    """
    for mapping, state in context.states.items():
        if not _is_made_from_key(context, state.mapping):
            continue
        links = context.links(mapping)
        for key, changes in state.changes.items():
            if key in links:
                continue
            if any(one.action is Action.LINK and one.how == BY_IDENTITY for one in changes):
                yield mapping, key


def _is_made_from_key(context: PlanContext, mapping: MappingSpec) -> bool:
    """Returns whether the expressions of a mapping's identity use the key of the row."""
    key = context.project.catalogue.tables[mapping.source.table].key
    raws = [slot_raw(spec) for spec in mapping.identity.values()]
    return any(("source", key) in inspect(str(raw)).paths for raw in raws if is_code(raw))
