"""Refuses a selection that names nothing, before any request to the target."""

from trueup.expressions.namespace import Namespace
from trueup.model.mapping_state import MappingState
from trueup.model.project import Project
from trueup.planning.context import PlanContext
from trueup.planning.labels import RowLabels
from trueup.planning.selection.arguments import no_mapping, no_row
from trueup.planning.selection.row_names import matching_keys
from trueup.planning.selection.select import SelectionRequest


def require_known_mappings(project: Project, request: SelectionRequest) -> None:
    """Raises EngineError for a mapping in the request that the project does not have."""
    for text in (*request.targets, *request.exclude):
        mapping = text.partition(":")[0]
        if mapping not in project.mappings:
            raise no_mapping(mapping, project.mappings)


def require_known_rows(context: PlanContext, request: SelectionRequest) -> None:
    """Raises EngineError for a row in the request that no row in the source can be.

    A row may also be named as its record is. So nothing is refused here if a row has no name of its
    own, or is gone: the selection itself decides then, after the target was read.
    """
    wanted = [text.partition(":") for text in (*request.targets, *request.exclude)]
    rows = [(key, [mapping]) for mapping, _, key in wanted if key]
    if request.customer:
        rows.append((request.customer, [*context.project.mappings]))
    if not rows:
        return
    names = _SourceNames(context)
    for text, mappings in rows:
        keys = [text, text.partition(":")[2]] if len(mappings) > 1 else [text]
        known = {name: names.of(name) for name in mappings}
        if names.are_complete and not any(
            matching_keys(key, known[name]) for name in mappings for key in keys if key
        ):
            words = {word for named in known.values() for row in named.items() for word in row}
            raise no_row(text, mappings, words)


class _SourceNames:
    """The names that rows have by the source alone."""

    def __init__(self, context: PlanContext) -> None:
        self._context = context
        self.are_complete = True  # so far
        self._states, self._namespaces = dict[str, MappingState](), dict[str, Namespace]()
        self._labels = RowLabels(context.project, self._states, self._namespaces, {})

    def of(self, mapping: str) -> dict[str, str]:
        """Keys of the mapping's rows with their names."""
        context, spec = self._context, self._context.project.mappings[mapping]
        column = context.key_column(spec)
        rows = {str(row[column]): row for row in context.tables[spec.source.table]}
        self._states[mapping] = MappingState(spec, rows)
        self._namespaces[mapping] = context.namespace_of(spec)
        names = {key: self._labels.row(mapping, key) for key in rows}
        is_gone = not context.snapshot.keys_of(mapping) <= rows.keys()
        has_all_names = all(name != key for key, name in names.items())
        self.are_complete &= has_all_names and not is_gone and not context.unreadable
        return names
