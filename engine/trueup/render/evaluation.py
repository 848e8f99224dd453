"""Renders results of expressions on one row, and the names that expressions may use."""

from collections.abc import Sequence

from trueup.model.evaluation import Evaluation, NamedValue, RowView, SourceRow
from trueup.model.filter_help import FilterHelp
from trueup.render.formatting import known_as
from trueup.render.json_ import as_json
from trueup.render.layout import Cell, Line, free, lay_out
from trueup.render.plain_json import plain_json
from trueup.render.sanitize import sanitize
from trueup.render.style import Style
from trueup.render.values import literal


def evaluation_text(evaluation: Evaluation, style: Style) -> str:
    """Returns the result, then what the expression uses: name, value, type and place per line."""
    lines = [
        Line(
            (
                Cell(literal(evaluation.value, whole=style.columns is None), style.heading),
                Cell(f"({evaluation.kind})", style.dim),
            )
        )
    ]
    lines += value_lines(evaluation.uses, style)
    return _page(lines, style)


def row_text(view: RowView, style: Style) -> str:
    """Returns a row with its columns, its joins, and the other names of its expressions."""
    heading = f"{view.mapping} {sanitize(view.key)}"
    if view.name != view.key:
        heading += f" ({known_as(view.name)})"
    lines = [Line((Cell(heading, style.heading), Cell(row_place(view.row), style.dim)))]
    for kind, values in (("column", view.columns), ("join", view.joins), ("other", view.others)):
        lines += [free(""), *value_lines(values, style, kind=kind)]
    return _page(lines, style)


def filters_text(filters: Sequence[FilterHelp], style: Style) -> str:
    """Every filter: its arguments, what it does, and an example with its result."""
    lines: list[Line] = []
    for one in filters:
        lines.append(Line((Cell(f"{one.name}{one.arguments}", style.heading),)))
        lines.append(free(one.text, indent=4))
        lines.append(free(f"{{{{ {one.example} }}}}  →  {one.result}", style.dim, indent=4))
    return _page(lines, style)


def value_lines(
    values: Sequence[NamedValue],
    style: Style,
    *,
    kind: str = "value",
    indent: int = 2,
    types: bool = True,
) -> list[Line]:
    """One line for each name: its value, its type if asked for, and the row that has it, once."""
    lines: list[Line] = []
    before: SourceRow | None = None
    for value in values:
        place = row_place(value.row) if value.row and value.row != before else ""
        cells = (
            Cell(value.name),
            Cell(named_literal(value, whole=style.columns is None), wraps=True),
            *([Cell(value.type, style.dim)] if types else []),
            Cell(place, style.dim),
        )
        lines.append(Line(cells, kind, indent))
        before = value.row or before
    return lines


def named_literal(value: NamedValue, *, whole: bool) -> str:
    """The value of a name, or why it cannot be read."""
    if value.unreadable:
        return f"unreadable: {sanitize(value.unreadable)}"
    return literal(value.value, whole=whole)


def row_place(row: SourceRow) -> str:
    """File and line of a row; its table and key where it is in no file."""
    return sanitize(
        row.place.file + f":{row.place.line}" if row.place else f"{row.table} {row.key}"
    )


def evaluation_json(evaluation: Evaluation) -> str:
    """The result and what it is made of."""
    return as_json(plain_json(evaluation))


def row_json(view: RowView) -> str:
    """A row with all that its expressions may use."""
    return as_json(plain_json(view))


def filters_json(filters: Sequence[FilterHelp]) -> str:
    """`{"filters": […]}`."""
    return as_json({"filters": plain_json(filters)})


def _page(lines: Sequence[Line], style: Style) -> str:
    return "".join(f"{line}\n" for line in lay_out(lines, style.columns))
