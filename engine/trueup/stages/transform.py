"""Evaluates each row's expressions in one call; lists the rows that need a closer look."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from trueup.expressions import EVALUATION_ERRORS
from trueup.expressions.compiled import Compiled
from trueup.expressions.namespace import Namespace
from trueup.model.mapping_state import MappingState, Row


def transform(
    compiled: Compiled,
    rows: Iterable[Row],
    namespace: Namespace,
    key_column: str,
    counted: Callable[[Iterable[Row]], Iterable[Row]] = iter,
) -> tuple[MappingState, Sequence[str]]:
    """Returns the state of the mapping after that call, and the keys of rows that failed.

    `key_column` identifies a row. `counted` yields the rows one by one.
    """
    # Runs once a row, a million times: attributes are read once, before the loop.
    program, first, names_of = compiled.program, compiled.first, namespace.reader(compiled.joins)
    by_key: dict[str, Row] = {}
    state, suspects = MappingState(compiled.mapping, by_key), list[str]()
    ready, out_of_scope = state.ready, state.out_of_scope
    for row in counted(rows):
        key = row[key_column]
        by_key[key] = row
        values: tuple[Any, ...] | None
        try:
            values = program(names_of(row))
            if values is None:
                out_of_scope.add(key)
            elif first == 0 or values[0]:
                ready[key] = values
            else:
                suspects.append(key)
        except EVALUATION_ERRORS:  # `validate` finds out which expression fails, and why
            suspects.append(key)
    return state, suspects
