"""The check of guards: what they name exists, and each limit can apply."""

from collections.abc import Iterable, Iterator

from trueup.config.checks.catalogue_names import unknown_entity, unknown_table
from trueup.config.checks.context import CheckContext
from trueup.config.checks.fields import error
from trueup.config.project import NamedLimit
from trueup.model.finding import Finding
from trueup.model.mapping import MappingSpec, WhenMissing

_ADJUSTMENTS = "`adjustments: {count: …, seats: …}` limits these"


def check_guards(limits: Iterable[NamedLimit], context: CheckContext) -> Iterator[Finding]:
    """Reports limits of unknown entities and tables, and limits that can never apply."""
    for limit in limits:
        if limit.guard == "rows_gone":
            yield from _check_table(limit, context)
        elif context.entity(limit.name) is None:
            yield unknown_entity(limit.name, context.catalogue, limit.place)
        else:
            yield from _check_entity(limit, context)


def _is_complete(context: CheckContext) -> bool:
    """Whether all mappings could be read, and name entities and tables that exist.

    A limit may be about the entity or table that a misspelt name means.
    """
    return context.mapping_names == frozenset(context.mappings) and all(
        context.entity(mapping.target.entity) and context.table(mapping.source.table)
        for mapping in context.mappings.values()
    )


def _check_table(limit: NamedLimit, context: CheckContext) -> Iterator[Finding]:
    tables = {mapping.source.table for mapping in context.mappings.values()}
    if context.table(limit.name) is None:
        yield unknown_table(limit.name, context.catalogue, limit.place)
    elif limit.name not in tables and _is_complete(context):
        text = f"rows_gone: {limit.name} can never apply: no mapping is about that table"
        yield error("limit", text, limit.place, "remove the limit")


def _check_entity(limit: NamedLimit, context: CheckContext) -> Iterator[Finding]:
    """Reports a limit that no change of any mapping counts for."""
    if not _is_complete(context):
        return
    of_entity = [one for one in context.mappings.values() if one.target.entity == limit.name]
    if any(_can_apply(limit.guard, mapping, context) for mapping in of_entity):
        return
    why, remedy = "no mapping is about that entity", "remove the limit"
    if any(context.appends(mapping) for mapping in of_entity):
        why, remedy = f"{limit.name} are appended as adjustments", _ADJUSTMENTS
    elif of_entity:
        why = f"no mapping of it makes such changes ({limit.guard})"
    text = f"{limit.guard}: {limit.name} can never apply: {why}"
    yield error("limit", text, limit.place, remedy)


def _can_apply(guard: str, mapping: MappingSpec, context: CheckContext) -> bool:
    """Whether plans can have changes that count for the limit."""
    if context.appends(mapping):
        return False
    match guard:
        case "creates":
            return mapping.create.raw != "never"
        case "deactivations":  # also the undo of a create
            return bool(mapping.deactivate) or mapping.when_missing is WhenMissing.DEACTIVATE
        case _:
            return True
