"""Reads `--target`, `--exclude` and `--customer`: a mapping, or one row of it by key or name."""

from collections.abc import Iterable, Sequence
from itertools import chain

from msgspec import Struct

from trueup.errors import EngineError
from trueup.model.change import Change
from trueup.model.mapping_state import RowKey
from trueup.model.suggestions import closest
from trueup.planning.context import PlanContext
from trueup.planning.references import ReferenceGraph
from trueup.planning.selection.row_names import LEAST, matching_keys

MOST = 5
"""Rows that are named where several fit."""


class Selector(Struct, frozen=True):
    """One `MAPPING` or `MAPPING:KEY`."""

    mapping: str
    key: str = ""  # empty: the whole mapping

    def selects_row(self, row: RowKey) -> bool:
        """Returns whether it selects the row."""
        return row[0] == self.mapping and self.key in ("", row[1])

    def selects(self, change: Change, rows: Sequence[RowKey]) -> bool:
        """Returns whether it selects the change, which is about these rows."""
        if self.key:
            return (self.mapping, self.key) in rows
        return self.mapping in (change.mapping, change.makes.mapping if change.makes else "")


def parse_selector(context: PlanContext, text: str) -> Selector:
    """Parses `MAPPING[:KEY]`.

    Raises EngineError for an unknown mapping or row, and if more than one row fits.
    """
    mapping, colon, key = text.partition(":")
    if mapping not in context.states:
        raise no_mapping(mapping, context.states)
    if not colon:
        return Selector(mapping)
    return Selector(*only_row(context, key, fitting_rows(context, key, mapping), [mapping]))


def parse_customer(context: PlanContext, text: str) -> RowKey:
    """Returns the row of any mapping with this key or name; of several, their common ancestor.

    Raises EngineError if no row fits, or several.
    """
    every = [*context.states]
    found = [(name, text) for name in every if text in context.states[name].rows]
    found = found or [row for name in every for row in fitting_rows(context, text, name)]
    mapping, colon, key = text.partition(":")
    if not found and colon and mapping in context.states:
        return only_row(context, key, fitting_rows(context, key, mapping), [mapping])
    graph = ReferenceGraph(context)
    tops = [row for row in found if not graph.ancestors([row]).intersection(found) - {row}]
    return only_row(context, text, tops or found, every)


def fitting_rows(context: PlanContext, text: str, mapping: str, least: int = LEAST) -> list[RowKey]:
    """The rows of a mapping that may be meant, those in its scope first.

    `least`: characters that the start of a key must have.
    """
    state = context.states[mapping]
    if text in state.rows or text in state.record_ids:
        return [(mapping, text)]
    in_scope = dict.fromkeys(chain(state.ready, state.blocked, state.skipped, state.record_ids))
    found = matching_keys(text, _labels(context, mapping, in_scope), least)
    if not found:
        others = state.rows.keys() - in_scope.keys()
        found = matching_keys(text, _labels(context, mapping, others), least)
    return [(mapping, key) for key in found]


def _labels(context: PlanContext, mapping: str, keys: Iterable[str]) -> dict[str, str]:
    return {key: context.label(mapping, key) for key in keys}


def only_row(
    context: PlanContext, text: str, found: Sequence[RowKey], mappings: Sequence[str]
) -> RowKey:
    """Returns the one row that was found. Raises EngineError for none, and for several."""
    if len(found) == 1:
        return found[0]
    of = f" of {mappings[0]}" if len(mappings) == 1 else ""
    if found:
        shown = "; ".join(
            f"{name}:{key} ({context.label(name, key)})" for name, key in sorted(found)[:MOST]
        )
        more = f" and {len(found) - MOST:,} more" if len(found) > MOST else ""
        start = text.strip().casefold()
        is_start = all(key.casefold().startswith(start) for _, key in found)
        remedy = "give more of the key" if is_start else "give the key"
        raise EngineError(
            f"{text!r} may be any of {len(found):,} rows{of}: {shown}{more}; {remedy}"
        )
    names = {
        word
        for name in mappings
        for row in _labels(context, name, context.states[name].rows).items()
        for word in row
    }
    raise no_row(text, mappings, names)


def no_mapping(name: str, mappings: Iterable[str]) -> EngineError:
    """The error for a mapping that is none of these."""
    mappings = [*mappings]
    text = f"there is no mapping {name!r}: the project has {', '.join(mappings)}"
    return EngineError(text + _suggestion(name, mappings))


def no_row(text: str, mappings: Sequence[str], names: Iterable[str]) -> EngineError:
    """The error for a row that no row of these mappings is; `names` are keys and names of rows."""
    of = f" of {mappings[0]}" if len(mappings) == 1 else ""
    message = f"there is no row {text!r}{of}: give its key, or its name as the plan shows it"
    return EngineError(message + _suggestion(text, names))


def _suggestion(text: str, names: Iterable[str]) -> str:
    near = closest(text, names)
    return f"; did you mean {near!r}?" if near else ""
