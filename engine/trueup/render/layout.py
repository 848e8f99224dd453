"""Lays out lines of cells; cells of lines of one kind form columns, within a width."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct

from trueup.render.sanitize import width
from trueup.render.style import Paint, plain
from trueup.render.wrapping import wrap

GAP = 3
WIDEST = 82
"""A cell that is wider pushes the rest of its own line, not the column of all lines."""

ENDLESS = 1_000_000
"""Columns of a line that may be as wide as it is."""

NARROWEST = 18
"""A column is not wrapped into fewer columns than that; its cells follow each other instead."""

HANGING = 4
"""The indent of continued text, in columns."""


class Cell(Struct, frozen=True):
    """One piece of a line. Its text is final: without control characters, and shortened."""

    text: str
    paint: Paint = plain
    right: bool = False
    label: str = ""  # stands before the text where cells follow each other
    wraps: bool = False  # a long text is wrapped inside its column


class Line(Struct, frozen=True):
    """Cells after an indent; lines of one `kind` share their columns, kind "" shares none."""

    cells: tuple[Cell, ...]
    kind: str = ""
    indent: int = 0
    gap: int = GAP
    heading: bool = False  # of the columns below: its first cell alone where they do not fit


def free(text: str, paint: Paint = plain, indent: int = 0) -> Line:
    """Returns a line that shares no columns."""
    return Line((Cell(text, paint),), indent=indent)


def lay_out(lines: Sequence[Line], columns: int | None = None) -> list[str]:
    """Returns each line as text, wrapped if it is wider than `columns`, without trailing spaces."""
    columns = ENDLESS if columns is None else columns
    kinds: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if line.kind:
            kinds[line.kind].append(line)
    columns_of = {kind: _columns(alike, columns) for kind, alike in kinds.items()}
    found: list[str] = []
    for line in lines:
        wide = columns_of.get(line.kind, {})
        if wide is None:
            found += _one_after_another(_title(line) if line.heading else line, columns)
        elif _pushes(line):
            found += _pushed(line, wide, columns)
        else:
            found += _in_columns(line, wide, columns)
    return found


def _pushes(line: Line) -> bool:
    """Returns whether a cell of it is too wide for any column."""
    cells = line.cells[:-1] if line.kind else ()
    return any(width(cell.text) > WIDEST and not cell.wraps for cell in cells)


def _pushed(line: Line, wide: Mapping[int, int], columns: int) -> list[str]:
    """Returns the line with its rest pushed to the right, or below if there is no room."""
    text = _row(line, wide, [cell.text for cell in line.cells])
    parts = [max(width(cell.text), wide.get(n, 0)) for n, cell in enumerate(line.cells[:-1])]
    parts.append(width(line.cells[-1].text))
    if line.indent + sum(parts) + line.gap * (len(parts) - 1) <= columns:
        return [text]
    return _one_after_another(line, columns)


def _title(line: Line) -> Line:
    """The heading without the names of columns: the cells below have them as labels."""
    return Line(line.cells[:1], line.kind, line.indent, line.gap)


def _columns(lines: Sequence[Line], columns: int) -> dict[int, int] | None:
    """The width of each column; None if they do not fit, even if wrapped."""
    widest: dict[int, int] = defaultdict(int)
    fixed: set[int] = set()
    for line in lines:
        for position, cell in enumerate(line.cells):
            wide = width(cell.text)
            if cell.right:
                fixed.add(position)
            if cell.right or cell.wraps or wide <= WIDEST:
                wide = wide if cell.right else min(wide, WIDEST)
                widest[position] = max(widest[position], wide)
            elif position == len(line.cells) - 1:  # it is wrapped in what the others leave of it
                widest[position] = max(widest[position], NARROWEST)
    room = columns - max(line.indent for line in lines) - _gaps(lines)
    if sum(widest.values()) <= room:
        return dict(widest)
    left = room - sum(wide for position, wide in widest.items() if position in fixed)
    return _narrowed(widest, fixed, left)


def _gaps(lines: Sequence[Line]) -> int:
    return max(line.gap * (len(line.cells) - 1) for line in lines)


def _narrowed(widest: Mapping[int, int], fixed: set[int], room: int) -> dict[int, int] | None:
    """The columns, the widest of them cut down to one width so that all fit."""
    free_columns = [wide for position, wide in widest.items() if position not in fixed]
    most = max(free_columns, default=0)
    while most >= NARROWEST and sum(min(wide, most) for wide in free_columns) > room:
        most -= 1
    if most < NARROWEST:
        return None
    return {
        position: wide if position in fixed else min(wide, most)
        for position, wide in widest.items()
    }


def _in_columns(line: Line, wide: Mapping[int, int], columns: int) -> list[str]:
    """The line with each cell wrapped inside its column; the last cell has the rest of the line."""
    last = len(line.cells) - 1
    at, pieces = line.indent, []
    for position, cell in enumerate(line.cells):
        is_open = not line.kind or (position == last and not cell.right)
        room = columns - at if is_open else wide.get(position, 0)
        pieces.append(_wrapped(cell, room, position, line))
        at += wide.get(position, width(cell.text)) + line.gap
    rows = max((len(piece) for piece in pieces), default=1)
    return [
        _row(line, wide, [piece[row] if row < len(piece) else "" for piece in pieces])
        for row in range(rows)
    ]


def _wrapped(cell: Cell, room: int, position: int, line: Line) -> list[str]:
    if cell.right or width(cell.text) <= room:
        return [cell.text]
    is_alone = len(line.cells) == 1
    return wrap(
        cell.text, room, HANGING if is_alone else _hanging(cell.text) if not position else 0
    )


def _hanging(text: str) -> int:
    """Returns the indent of a first cell's further lines: two more than that of the first."""
    return len(text) - len(text.lstrip(" ")) + 2


def _row(line: Line, wide: Mapping[int, int], texts: Sequence[str]) -> str:
    parts: list[str] = []
    for position, (cell, text) in enumerate(zip(line.cells, texts, strict=True)):
        space = " " * max(0, wide.get(position, 0) - width(text))
        painted = _painted(cell, text)
        parts.append(space + painted if cell.right else painted + space)
    return (" " * line.indent + (" " * line.gap).join(parts)).rstrip(" ")


def _painted(cell: Cell, text: str) -> str:
    """Returns the text with its colour; spaces before it have none."""
    bare = text.lstrip(" ")
    return " " * (len(text) - len(bare)) + cell.paint(bare) if bare else text


def _one_after_another(line: Line, columns: int) -> list[str]:
    """Returns the first cell on a line of its own; the others below, filling lines."""
    first, *others = line.cells
    texts = wrap(first.text, columns - line.indent, _hanging(first.text)) if first.text else []
    found = [" " * line.indent + _painted(first, text) for text in texts]
    indent = line.indent + HANGING
    row, used = "", 0
    for cell in others:
        if not cell.text:
            continue
        text = f"{cell.label} {cell.text}" if cell.label else cell.text
        for piece in wrap(text, columns - indent, 2):
            wide = width(piece)
            if row and indent + used + 2 + wide <= columns:
                row, used = f"{row}  {_painted(cell, piece)}", used + 2 + wide
            else:
                found += [" " * indent + row] if row else []
                row, used = _painted(cell, piece), wide
    return [*found, *([" " * indent + row] if row else [])]
