"""Rows in; each row's values out, in one call a row. Rows that need a closer look come back as such."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.expressions import EVALUATION_ERRORS
from engine.expressions.compiled import Compiled
from engine.expressions.context import Context
from engine.model.work import Standing


def transform(
    compiled: Compiled, rows: Iterable[dict[str, Any]], context: Context, key: str
) -> tuple[Standing, Sequence[str]]:
    """Where every row stands after the one fused call, and the keys of those that something is wrong with."""
    by_key = {row[key]: row for row in rows}
    standing = Standing(compiled.mapping, by_key)
    suspects = _sweep(compiled, by_key, context, standing)
    return standing, suspects


def _sweep(compiled: Compiled, rows: Mapping[str, dict[str, Any]], context: Context, standing: Standing) -> list[str]:
    program, joins, first = compiled.program, compiled.joins, compiled.first
    ready, out = standing.ready, standing.out
    suspects: list[str] = []
    for key, row in rows.items():
        try:
            values = program(context.names(row, joins))
            if values is None:
                out.add(key)
            elif first == 0 or all(values[:first]):
                ready[key] = values
            else:
                suspects.append(key)
        except EVALUATION_ERRORS:  # which of the expressions, and why, is traced for this row alone
            suspects.append(key)
    return suspects
