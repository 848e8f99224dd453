"""Lines made of cells; cells of lines of one kind stand below each other."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from engine.render.harmless import width
from engine.render.style import Paint, plain

GAP = 3
WIDEST = 82
"""A cell that is wider pushes the rest of its own line, not everybody's column."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One piece of a line. The text is final: harmless, and cut where it must be."""

    text: str
    paint: Paint = plain
    right: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """Cells after so many spaces; lines of one `kind` share their columns, kind "" shares none."""

    cells: tuple[Cell, ...]
    kind: str = ""
    indent: int = 0
    gap: int = GAP


BLANK = Line(())


def free(text: str, paint: Paint = plain, indent: int = 0) -> Line:
    """A line that stands by itself."""
    return Line((Cell(text, paint),), indent=indent)


def lay_out(lines: Sequence[Line]) -> list[str]:
    """Each line as text; no line ends in spaces."""
    columns: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for line in lines:
        for position, cell in enumerate(line.cells):
            wide = width(cell.text)
            if line.kind and (cell.right or position < len(line.cells) - 1) and wide <= WIDEST:
                columns[line.kind][position] = max(columns[line.kind][position], wide)
    return [_text(line, columns[line.kind]) for line in lines]


def _text(line: Line, columns: dict[int, int]) -> str:
    parts: list[str] = []
    for position, cell in enumerate(line.cells):
        space = " " * max(0, columns.get(position, 0) - width(cell.text))
        painted = cell.paint(cell.text) if cell.text else ""
        parts.append(space + painted if cell.right else painted + space)
    return (" " * line.indent + (" " * line.gap).join(parts)).rstrip(" ")
