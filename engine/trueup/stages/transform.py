"""Evaluates each row's expressions in one call; lists the rows that need a closer look."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from trueup.expressions import EVALUATION_ERRORS
from trueup.expressions.compiled import Compiled
from trueup.expressions.namespace import Namespace
from trueup.model.mapping_state import MappingState, Row

KeyedRow = tuple[str, Row]


def transform(
    compiled: Compiled,
    rows: Iterable[Row],
    namespace: Namespace,
    key: str,
    counted: Callable[[Iterable[KeyedRow]], Iterable[KeyedRow]] = iter,
) -> tuple[MappingState, Sequence[str]]:
    """Returns the state of the mapping after that call, and the keys of rows that failed.

    `key` is the column that identifies a row. `counted` yields the rows one by one.
    """
    by_key = {row[key]: row for row in rows}
    state = MappingState(compiled.mapping, by_key)
    suspects = _evaluate(compiled, counted(by_key.items()), namespace, state)
    return state, suspects


def _evaluate(
    compiled: Compiled, rows: Iterable[KeyedRow], namespace: Namespace, state: MappingState
) -> list[str]:
    # Runs once a row, a million times: attributes are read once, before the loop.
    program, first, names_of = compiled.program, compiled.first, namespace.reader(compiled.joins)
    ready, out_of_scope = state.ready, state.out_of_scope
    suspects: list[str] = []
    for key, row in rows:
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
    return suspects
